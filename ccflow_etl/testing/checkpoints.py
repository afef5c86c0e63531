"""A conformance suite that any checkpoint store can run."""

import datetime as dt
import pickle
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, get_args

import pytest

from ..stores.records import CheckpointStatus

KEYS = [
    "prices",
    "prices/2024-01-03",
    "prices:2024-01-03T00:00:00+00:00",
    "Prices/2024-01-03",
    "../prices",
    "a key with spaces ",
    'it\'s "quoted"; DROP TABLE checkpoints --',
    "50%_done*?",
    "märz/日本/🚀",
    "x" * 150,
]
"""Keys that a store must keep apart."""


class CheckpointStoreTests:
    """Derive from this, override the ``store`` fixture with an empty store of yours, and pytest runs the suite.

    Tests of methods that the store does not have, or that are a ``NotImplementedError``, are skipped; so is pickling
    where it is a ``TypeError``.

    >>> class TestMyStore(CheckpointStoreTests):
    ...     @pytest.fixture
    ...     def store(self, tmp_path):
    ...         return MyStore(tmp_path)
    """

    @pytest.fixture
    def store(self) -> Any:
        """The store under test, empty."""
        raise NotImplementedError("override the 'store' fixture to return an empty store")

    def test_an_unknown_key_is_not_skipped(self, store: Any) -> None:
        """Work that was never marked runs."""
        assert store.should_skip("unknown") is False

    def test_an_unknown_key_has_no_record(self, store: Any) -> None:
        """``get`` says so with None."""
        assert _method(store, "get")("unknown") is None

    def test_a_succeeded_key_is_skipped(self, store: Any) -> None:
        """This is what a store is for."""
        _method(store, "mark_succeeded")("done")
        assert store.should_skip("done") is True
        assert store.should_skip("other") is False

    @pytest.mark.parametrize("status", get_args(CheckpointStatus))
    def test_only_succeeded_is_skipped(self, store: Any, status: CheckpointStatus) -> None:
        """Every status is kept, and one of them means done."""
        _method(store, "mark")("unit", status)
        assert store.should_skip("unit") is (status == "succeeded")
        assert _method(store, "get")("unit").status == status

    def test_the_last_mark_wins(self, store: Any) -> None:
        """A unit that fails later runs again, and old metadata does not linger."""
        mark = _method(store, "mark")
        mark("unit", "succeeded", {"rows": 1})
        mark("unit", "failed", {"error": "gone"})
        assert store.should_skip("unit") is False
        assert _method(store, "get")("unit").metadata == {"error": "gone"}

    def test_a_record_comes_back_as_it_was_marked(self, store: Any) -> None:
        """Key, status, JSON metadata, and an aware ISO 8601 time that is now."""
        metadata = {"rows": 3, "ratio": 0.5, "none": None, "nested": {"list": [1, "zwölf", True]}}
        before = dt.datetime.now(dt.UTC)
        _method(store, "mark")("unit", "succeeded", metadata)
        after = dt.datetime.now(dt.UTC)
        record = _method(store, "get")("unit")
        assert (record.key, record.status, record.metadata) == ("unit", "succeeded", metadata)
        assert before <= dt.datetime.fromisoformat(record.updated_at) <= after

    def test_keys_are_kept_apart(self, store: Any) -> None:
        """Separators, quotes, wildcards, case and Unicode mean nothing to a store."""
        mark = _method(store, "mark_succeeded")
        for number, key in enumerate(KEYS):
            assert store.should_skip(key) is False
            mark(key, {"number": number})
            assert store.should_skip(key) is True
        records = [_method(store, "get")(key) for key in KEYS]
        assert [record.key for record in records] == KEYS
        assert [record.metadata["number"] for record in records] == list(range(len(KEYS)))

    def test_the_bulk_questions_agree_with_the_single_ones(self, store: Any) -> None:
        """In order, with repeats, as plain booleans; nothing asked is nothing answered."""
        should_skip_many = _method(store, "should_skip_many")
        for key in KEYS[::2]:
            _method(store, "mark_succeeded")(key)
        _method(store, "mark")(KEYS[1], "failed")
        asked = [*KEYS, *reversed(KEYS), "unknown"]
        assert should_skip_many(asked) == [store.should_skip(key) for key in asked]
        assert should_skip_many([]) == []

    def test_many_records_are_as_many_single_ones(self, store: Any) -> None:
        """In order, with repeats, and None for keys without a mark."""
        get_many = _method(store, "get_many")
        for number, key in enumerate(KEYS[::2]):
            _method(store, "mark")(key, "failed", {"number": number})
        asked = [*KEYS, *reversed(KEYS), "unknown"]
        assert get_many(iter(asked)) == [store.get(key) for key in asked]
        assert get_many([]) == []

    def test_many_marks_are_as_many_single_ones(self, store: Any) -> None:
        """One status and metadata for all keys."""
        _method(store, "mark_many")(KEYS, "succeeded", {"batch": 7})
        assert all(store.should_skip(key) for key in KEYS)
        get = _method(store, "get")
        assert {get(key).metadata["batch"] for key in KEYS} == {7}
        _method(store, "mark_many")([], "failed")

    def test_list_selects_by_prefix_and_status(self, store: Any) -> None:
        """Sorted by key; a prefix is text and not a pattern."""
        records = _method(store, "list")
        mark = _method(store, "mark")
        for key in KEYS:
            mark(key, "failed" if key.startswith("p") else "succeeded")
        assert [record.key for record in records()] == sorted(KEYS)
        assert [record.key for record in records(prefix="prices/")] == ["prices/2024-01-03"]
        assert [record.key for record in records(prefix="50%_")] == ["50%_done*?"]
        assert [record.key for record in records(prefix="5_%")] == []
        assert [record.key for record in records(status="failed")] == sorted(k for k in KEYS if k.startswith("p"))
        assert records(prefix="prices", status="succeeded") == []

    def test_what_is_listed_is_what_was_marked(self, store: Any) -> None:
        """Whole records, the last of each key; nothing marked is nothing listed."""
        assert _method(store, "list")() == []
        for status in ("running", "succeeded"):
            for number, key in enumerate(KEYS):
                _method(store, "mark")(key, status, {"number": number})
        assert store.list() == [_method(store, "get")(key) for key in sorted(KEYS)]

    def test_a_deleted_mark_is_gone(self, store: Any) -> None:
        """And deleting says whether there was one."""
        delete = _method(store, "delete")
        _method(store, "mark_succeeded")("unit")
        assert delete("unit") is True
        assert store.should_skip("unit") is False
        assert delete("unit") is False

    def test_deleting_a_mark_leaves_the_others(self, store: Any) -> None:
        """A key is no pattern and no folder."""
        delete, mark = _method(store, "delete"), _method(store, "mark_succeeded")
        for number, gone in enumerate(KEYS):
            for key in KEYS:
                mark(key, {"number": number})
            assert delete(gone) is True
            assert [key for key in KEYS if not store.should_skip(key)] == [gone]

    def test_a_reader_sees_whole_records(self, store: Any) -> None:
        """While two threads mark the same key again and again, status and metadata always belong together."""
        mark, get = _method(store, "mark"), _method(store, "get")
        mark("unit", "failed", {"text": "failed" * 500})

        def write(status: str) -> None:
            for _ in range(100):
                mark("unit", status, {"text": status * 500})

        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)  # so that threads take turns in the middle of a mark
        try:
            with ThreadPoolExecutor(2) as pool:
                writers = [pool.submit(write, status) for status in ("succeeded", "failed")]
                while not all(writer.done() for writer in writers):
                    record = get("unit")
                    assert record.metadata == {"text": record.status * 500}
                for writer in writers:
                    writer.result()
        finally:
            sys.setswitchinterval(interval)

    def test_threads_lose_no_marks(self, store: Any) -> None:
        """Eight threads mark their own keys at once."""
        mark = _method(store, "mark_succeeded")
        keys = [f"{thread}/{number}" for number in range(25) for thread in range(8)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(mark, keys))
        assert all(store.should_skip(key) for key in keys)

    def test_a_pickled_store_sees_the_same_marks(self, store: Any) -> None:
        """As in a worker process."""
        _method(store, "mark_succeeded")("before")
        try:
            worker = pickle.loads(pickle.dumps(store))
        except TypeError as error:
            pytest.skip(str(error))
        worker.mark_succeeded("after")
        assert worker.should_skip("before") is True
        assert store.should_skip("after") is True


def _method(store: Any, name: str) -> Callable[..., Any]:
    method: Callable[..., Any] | None = getattr(store, name, None)
    if method is None:
        pytest.skip(f"{type(store).__name__} has no {name}")

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except NotImplementedError as error:
            pytest.skip(str(error))

    return call

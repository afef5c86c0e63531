"""A conformance suite that any byte store can run."""

import multiprocessing
import pickle
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from ..models.cache import CacheGetContext, CacheGetModel, CachePutContext, CachePutModel

_WRITERS = 8

_PAYLOADS = {
    "nothing": b"",
    "text": b'{"close":103.6}',
    "every byte": bytes(range(256)),
    "zeros": bytes(1_000),
    "one MiB": bytes(range(256)) * 4096,
}

_KEYS = ["AAA.json", "daily/AAA.json", "daily/2024/01/AAA.json.gz", "no suffix", "daily/A+A=ä&%20#1.json", "x" * 120]


class CacheStoreTests:
    """What every byte store has to do; see ``ccflow_etl.stores.protocols`` for the methods.

    Subclass it in a test module under a name that pytest collects, and override ``make_store`` to return a new,
    empty store; ``folder`` is a temporary folder for stores that need one. Tests of optional methods are skipped for
    a store without them.

    >>> from ccflow_etl import LocalCacheStore
    >>> class TestMyStore(CacheStoreTests):
    ...     def make_store(self, folder):
    ...         return LocalCacheStore(root=folder)
    >>> TestMyStore().make_store("cache").uri("AAA").startswith("file:///")
    True
    """

    def make_store(self, folder: Path) -> Any:
        """Return a new, empty store."""
        raise NotImplementedError(f"{type(self).__name__} needs a make_store(folder) that returns an empty store")

    @pytest.fixture
    def store(self, tmp_path: Path) -> Any:
        """Give each test an empty store."""
        return self.make_store(tmp_path)

    def test_a_missing_key_does_not_exist(self, store: Any) -> None:
        """It is a FileNotFoundError to get it."""
        assert store.exists("AAA.json") is False
        with pytest.raises(FileNotFoundError):
            store.get_bytes("AAA.json")

    @pytest.mark.parametrize("payload", _PAYLOADS.values(), ids=_PAYLOADS)
    def test_a_payload_comes_back(self, store: Any, payload: bytes) -> None:
        """As the same bytes."""
        store.put_bytes("daily/AAA.json", payload, content_type="application/json")
        assert store.exists("daily/AAA.json") is True
        found = store.get_bytes("daily/AAA.json")
        assert type(found) is bytes
        assert found == payload

    def test_a_content_type_may_be_unknown(self, store: Any) -> None:
        """Binary has none."""
        store.put_bytes("AAA", b"one", content_type=None)
        store.put_bytes("BBB", b"two")
        assert (store.get_bytes("AAA"), store.get_bytes("BBB")) == (b"one", b"two")

    def test_keys_are_kept_apart(self, store: Any) -> None:
        """Whatever characters they have."""
        for number, key in enumerate(_KEYS):
            store.put_bytes(key, b"%d" % number)
        assert [store.get_bytes(key) for key in _KEYS] == [b"%d" % number for number in range(len(_KEYS))]
        assert len({store.uri(key) for key in _KEYS}) == len(_KEYS)
        assert store.exists("daily/BBB.json") is False

    def test_a_folder_of_keys_is_no_key(self, store: Any) -> None:
        """Only what was put exists."""
        store.put_bytes("daily/AAA.json", b"one")
        assert store.exists("daily") is False
        with pytest.raises(FileNotFoundError):
            store.get_bytes("daily")

    def test_the_uri_is_known_beforehand(self, store: Any) -> None:
        """And does not change."""
        before = store.uri("daily/AAA.json")
        store.put_bytes("daily/AAA.json", b"one")
        assert isinstance(before, str)
        assert before
        assert store.uri("daily/AAA.json") == before

    def test_a_put_replaces(self, store: Any) -> None:
        """Longer content by shorter, too."""
        for payload in (b"first", b"a much longer second payload", b"3rd"):
            store.put_bytes("AAA.json", payload)
            assert store.get_bytes("AAA.json") == payload

    def test_readers_never_see_a_part(self, store: Any) -> None:
        """While a writer replaces the payload over and over."""
        versions = [bytes([number]) * 300_000 for number in range(4)]
        store.put_bytes("AAA", versions[0])
        done = threading.Event()

        def read() -> set[bytes]:
            seen = {store.get_bytes("AAA")}
            while not done.is_set():
                seen.add(store.get_bytes("AAA"))
            return seen

        with ThreadPoolExecutor(2) as pool:
            readers = [pool.submit(read) for _ in range(2)]
            try:
                for payload in versions * 5:
                    store.put_bytes("AAA", payload)
            finally:
                done.set()
            assert set.union(*(reader.result() for reader in readers)) <= set(versions)

    def test_one_of_many_creates(self, store: Any) -> None:
        """And what it wrote stays."""
        _require(store, "put_bytes_new")
        start = threading.Barrier(_WRITERS)

        def create(number: int) -> bool:
            start.wait()
            created: bool = store.put_bytes_new("daily/AAA", b"%d" % number, content_type=None)
            return created

        with ThreadPoolExecutor(_WRITERS) as pool:
            created = list(pool.map(create, range(_WRITERS)))
        assert sorted(created) == [False] * (_WRITERS - 1) + [True]
        assert store.get_bytes("daily/AAA") == b"%d" % created.index(True)

    def test_one_of_many_processes_creates(self, store: Any) -> None:
        """Unless the store lives in one process and refuses to be pickled."""
        _require(store, "put_bytes_new")
        try:
            pickle.dumps(store)
        except TypeError as error:
            pytest.skip(str(error))
        keys = [f"daily/{number}" for number in range(20)]
        context = multiprocessing.get_context("spawn")
        barrier = context.Barrier(_WRITERS, timeout=120)
        with ProcessPoolExecutor(_WRITERS, context, initializer=_meet, initargs=(barrier,)) as pool:
            futures = [pool.submit(_create_all, store, keys, b"%d" % writer) for writer in range(_WRITERS)]
            created = [future.result() for future in futures]
        for key, won in zip(keys, zip(*created, strict=True), strict=True):
            assert sorted(won) == [False] * (_WRITERS - 1) + [True]
            assert store.get_bytes(key) == b"%d" % won.index(True)

    def test_delete_removes(self, store: Any) -> None:
        """Only that key, and it may be missing."""
        _require(store, "delete")
        store.put_bytes("AAA", b"one")
        store.put_bytes("BBB", b"two")
        store.delete("AAA")
        store.delete("AAA")
        assert (store.exists("AAA"), store.exists("BBB")) == (False, True)

    def test_list_finds_keys_by_prefix(self, store: Any) -> None:
        """In sorted order, with any text for a prefix."""
        _require(store, "list")
        assert list(store.list()) == []
        for key in ("weekly/A", "daily/B", "daily/AB", "daily/2024/A", "daily.json"):
            store.put_bytes(key, b"")
        assert list(store.list()) == ["daily.json", "daily/2024/A", "daily/AB", "daily/B", "weekly/A"]
        assert list(store.list("daily/")) == ["daily/2024/A", "daily/AB", "daily/B"]
        assert list(store.list("daily/A")) == ["daily/AB"]
        assert list(store.list("monthly/")) == []

    def test_resolve_key_adds_a_suffix_once(self, store: Any) -> None:
        """And what it returns is a key of the store."""
        _require(store, "resolve_key")
        resolved = store.resolve_key(key="daily/AAA", path=None, suffix=".json")
        assert resolved == store.resolve_key(key="daily/AAA.json", path=None, suffix=".json")
        store.put_bytes(resolved, b"{}")
        assert store.get_bytes(resolved) == b"{}"

    @pytest.mark.parametrize("format", ["json", ["json", "gzip"], "csv", "parquet", "arrow"], ids=str)
    def test_the_cache_models_work(self, store: Any, format: Any) -> None:  # noqa: A002 - the models' name for it
        """A miss, a put, a second put and a hit."""
        put, get = CachePutModel(store=store, format=format), CacheGetModel(store=store, format=format)
        key = "/daily/AAA"
        assert get(CacheGetContext(key=key)).status == "miss"
        written = put(CachePutContext(key=key, payload=[{"close": "103.6"}], stage="extract"))
        again = put(CachePutContext(key=key, payload=[{"close": "0.0"}], stage="extract"))
        assert (written.status, again.status) == ("written", "exists")
        assert written.uri == again.uri == written.artifact.uri
        hit = get(CacheGetContext(key=key))
        assert hit.status == "hit"
        rows = hit.payload if isinstance(hit.payload, list) else hit.payload.to_pylist()
        assert rows == [{"close": "103.6"}]
        assert hit.artifact.sha256 == written.artifact.sha256 is not None


def _meet(barrier: Barrier) -> None:
    barrier.wait()


def _create_all(store: Any, keys: list[str], payload: bytes) -> list[bool]:
    return [store.put_bytes_new(key, payload, content_type=None) for key in keys]


def _require(store: Any, method: str) -> None:
    if not callable(getattr(store, method, None)):
        pytest.skip(f"{type(store).__name__} has no {method}")

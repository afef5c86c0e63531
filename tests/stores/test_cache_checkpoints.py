"""Checkpoint marks in byte stores, and in memory: the shipped suite, and what is true of these stores only."""

import json
import pickle
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote

import pytest
from ccflow import BaseModel, ModelRegistry
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ccflow_etl import (
    CacheCheckpointStore,
    CheckpointRecord,
    LocalCacheStore,
    MemoryCacheStore,
    MemoryCheckpointStore,
    ObjectCacheStore,
)
from ccflow_etl.testing import CheckpointStoreTests


class Shelf:
    """The least that a byte store can be; it counts what it is asked."""

    def __init__(self) -> None:
        self.items: dict[str, bytes] = {}
        self.asked: list[str] = []

    def exists(self, key: str) -> bool:
        self.asked.append(f"exists {key}")
        return key in self.items

    def put_bytes(self, key: str, payload: bytes, content_type: str | None = None) -> None:
        self.items[key] = payload

    def get_bytes(self, key: str) -> bytes:
        self.asked.append(f"get {key}")
        return self.items[key]

    def uri(self, key: str) -> str:
        return f"shelf:{key}"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a shelf stays where it is")


class ListingShelf(Shelf):
    def list(self, prefix: str = "") -> list[str]:
        self.asked.append(f"list {prefix}")
        return sorted(key for key in self.items if key.startswith(prefix))


class TestMemoryCheckpointStore(CheckpointStoreTests):
    @pytest.fixture
    def store(self) -> MemoryCheckpointStore:
        return MemoryCheckpointStore()


class TestMarksInMemory(CheckpointStoreTests):
    @pytest.fixture
    def store(self) -> CacheCheckpointStore:
        return CacheCheckpointStore(store=MemoryCacheStore())


class TestMarksInAFolder(CheckpointStoreTests):
    @pytest.fixture
    def store(self, tmp_path: Path) -> CacheCheckpointStore:
        return CacheCheckpointStore(store=LocalCacheStore(root=tmp_path, durable=False), prefix="run/marks")


class TestMarksInAnObjectStore(CheckpointStoreTests):
    @pytest.fixture
    def store(self, tmp_path: Path) -> CacheCheckpointStore:
        return CacheCheckpointStore(store=ObjectCacheStore(url=f"file://{tmp_path}/bucket"))


class TestMarksInTheLeastByteStore(CheckpointStoreTests):
    @pytest.fixture
    def store(self) -> CacheCheckpointStore:
        return CacheCheckpointStore(store=Shelf())


# --- names and content -----------------------------------------------------------------------------------------------


def test_a_mark_is_the_object_that_the_s3_connector_reads():
    shelf = Shelf()
    record = CacheCheckpointStore(store=shelf).mark("prices/2024-01-03 x", "failed", {"b": 1, "a": 2})
    assert list(shelf.items) == ["checkpoints/prices%2F2024-01-03%20x.json"]
    (body,) = shelf.items.values()
    assert body.decode() == (
        '{"key":"prices/2024-01-03 x","metadata":{"a":2,"b":1},"status":"failed",'
        f'"updated_at":"{record.updated_at}"}}'
    )


def test_a_record_that_the_s3_connector_wrote_is_read():
    shelf = Shelf()
    record = CheckpointRecord(key="a/b", status="succeeded", updated_at="2024-01-03T00:00:00+00:00", metadata={"n": 1})
    body = json.dumps(record.model_dump(), separators=(",", ":"), sort_keys=True)
    shelf.items["checkpoints/a%2Fb.json"] = body.encode()
    assert CacheCheckpointStore(store=shelf).get("a/b") == record


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=300), min_size=2, max_size=2, unique=True))
def test_names_are_apart_short_and_in_one_folder(keys: list[str]):
    store = CacheCheckpointStore(store=Shelf())
    one, other = (store._name(key) for key in keys)
    assert one != other
    for key, name in zip(keys, (one, other), strict=True):
        folder, file = name.split("/")
        assert folder == "checkpoints"
        assert len(file.encode()) <= 255
        assert "~" in file or unquote(file) == f"{key}.json"


def test_keys_that_are_too_long_for_a_file_are_kept_apart_and_listed(tmp_path: Path):
    store = CacheCheckpointStore(store=LocalCacheStore(root=tmp_path, durable=False))
    keys = sorted(["ä" * 300 + end for end in ("", "x", "y", "xy")])
    for number, key in enumerate(keys):
        assert store.should_skip(key) is False
        store.mark_succeeded(key, {"number": number})
    assert [(record.key, record.metadata["number"]) for record in store.list()] == [*zip(keys, range(4), strict=True)]
    assert [record.key for record in store.list(prefix="ä" * 300 + "x")] == [keys[1], keys[2]]
    assert store.should_skip_many([*keys, "ä" * 301]) == [True] * 4 + [False]
    assert store.delete(keys[0]) is True
    assert [record.key for record in store.list(prefix="ä" * 10)] == keys[1:]


def test_other_objects_in_the_store_are_left_alone():
    shelf = ListingShelf()
    others = ["checkpoints.json", "checkpoints/notes.txt", "checkpoints/old/a.json", "payloads/a.json"]
    for name in others:
        shelf.put_bytes(name, b"not a mark")
    store = CacheCheckpointStore(store=shelf)
    store.mark_succeeded("a")
    assert [record.key for record in store.list()] == ["a"]
    assert store.should_skip_many(["a", "b", ""]) == [True, False, False]
    assert [shelf.items[name] for name in others] == [b"not a mark"] * 4


# --- bulk questions --------------------------------------------------------------------------------------------------


def test_many_keys_are_one_listing_and_a_read_for_each_that_is_marked():
    shelf = ListingShelf()
    store = CacheCheckpointStore(store=shelf)
    store.mark_many(["prices/1", "prices/2"], "failed")
    keys = [f"prices/{number}" for number in range(1000)]
    assert store.should_skip_many(keys) == [False] * 1000
    assert sorted(shelf.asked) == [
        "get checkpoints/prices%2F1.json",
        "get checkpoints/prices%2F2.json",
        "list checkpoints/prices%2F",
    ]


def test_nothing_asked_is_no_listing():
    shelf = ListingShelf()
    assert CacheCheckpointStore(store=shelf).should_skip_many([]) == []
    assert shelf.asked == []


def test_without_listings_each_key_is_asked_for():
    shelf = Shelf()
    store = CacheCheckpointStore(store=shelf)
    store.mark_succeeded("b")
    assert store.should_skip_many(["a", "b", "c"]) == [False, True, False]
    assert sorted(shelf.asked) == [
        "exists checkpoints/a.json",
        "exists checkpoints/b.json",
        "exists checkpoints/c.json",
        "get checkpoints/b.json",
    ]


def test_a_mark_that_vanishes_after_the_listing_is_no_mark():
    class Vanishing(ListingShelf):
        def get_bytes(self, key: str) -> bytes:
            raise FileNotFoundError(key)

    store = CacheCheckpointStore(store=Vanishing())
    store.mark_succeeded("a")
    assert store.get("a") is None
    assert store.should_skip_many(["a"]) == [False]
    assert store.list() == []


def test_one_key_in_place_of_several_is_refused():
    for store in (MemoryCheckpointStore(), CacheCheckpointStore(store=Shelf())):
        for ask in (store.should_skip_many, store.get_many, lambda keys, store=store: store.mark_many(keys, "failed")):
            with pytest.raises(TypeError, match=r"got the string 'abc'; pass \['abc'\]"):
                ask("abc")


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b'{"key": "a", "sta', b"[1]", b"\xff", b'{"key": "a", "status": "done"}'])
def test_an_object_that_is_no_record_is_named_and_can_be_removed(body: bytes):
    cache = MemoryCacheStore(name="bucket")
    store = CacheCheckpointStore(store=cache)
    cache.put_bytes("checkpoints/a.json", body)
    for ask in (lambda: store.get("a"), lambda: store.should_skip_many(["a", "b"]), store.list):
        with pytest.raises(
            ValueError, match=r"(?s)^memory://bucket/checkpoints/a\.json is no checkpoint record: .*Remove"
        ):
            ask()
    assert store.delete("a") is True
    assert store.should_skip("a") is False


def test_a_record_under_the_name_of_another_key_is_not_its_mark():
    # as on a file system that takes upper and lower case for the same
    shelf = ListingShelf()
    store = CacheCheckpointStore(store=shelf)
    store.mark_succeeded("prices")
    shelf.items["checkpoints/Prices.json"] = shelf.items["checkpoints/prices.json"]
    assert store.should_skip("Prices") is False
    assert store.should_skip_many(["Prices", "prices"]) == [False, True]


def test_a_store_that_cannot_list_or_delete_says_so():
    store = CacheCheckpointStore(store=Shelf())
    with pytest.raises(NotImplementedError, match="Shelf has no method list, so its checkpoints cannot list"):
        store.list()
    with pytest.raises(NotImplementedError, match="Shelf has no method delete"):
        store.delete("a")


def test_what_is_no_byte_store_is_refused():
    with pytest.raises(ValidationError, match="of type MemoryCheckpointStore has no method exists, put_bytes"):
        CacheCheckpointStore(store=MemoryCheckpointStore())
    with pytest.raises(ValidationError, match=r"needs LocalCacheStore\(root=...\)"):
        CacheCheckpointStore(store=LocalCacheStore())


@pytest.mark.parametrize("prefix", ["", "/marks", "a//b", "../marks", "marks/"])
def test_a_prefix_that_is_no_folder_is_refused(prefix: str):
    with pytest.raises(ValidationError, match="prefix"):
        CacheCheckpointStore(store=Shelf(), prefix=prefix)


def test_a_bad_mark_changes_nothing():
    shelf, memory = Shelf(), MemoryCheckpointStore()
    for store in (CacheCheckpointStore(store=shelf), memory):
        for mark in (
            lambda status, store=store: store.mark("k", status),
            lambda s, store=store: store.mark_many(["k"], s),
        ):
            with pytest.raises(ValidationError, match="done"):
                mark("done")
        with pytest.raises(TypeError, match=r"metadata of checkpoint 'k' must be JSON values: .*set"):
            store.mark("k", "failed", {"tags": {1}})
    assert shelf.items == {}
    assert memory.list() == []


# --- what is configured, copied and sent -----------------------------------------------------------------------------


def test_a_store_is_configured_by_its_target(tmp_path: Path):
    config: dict[str, Any] = {
        "cache": {"_target_": "ccflow_etl.LocalCacheStore", "root": str(tmp_path)},
        "marks": {"_target_": "ccflow_etl.CacheCheckpointStore", "store": "/cache"},
        "inline": {
            "_target_": "ccflow_etl.CacheCheckpointStore",
            "store": {"_target_": "ccflow_etl.LocalCacheStore", "root": str(tmp_path)},
        },
        "memory": {"_target_": "ccflow_etl.MemoryCheckpointStore", "name": "run"},
    }
    registry = ModelRegistry.root()
    try:
        registry.load_config(config)
        registry["/marks"].mark_succeeded("a")
        assert registry["/marks"].store is registry["/cache"]
        assert registry["/inline"].should_skip("a") is True
        assert registry["/memory"] == MemoryCheckpointStore(name="run")
    finally:
        registry.clear()


def test_a_dumped_store_is_configuration(tmp_path: Path):
    store = CacheCheckpointStore(store=LocalCacheStore(root=tmp_path), requests=4)
    store.mark_succeeded("k")
    again = BaseModel.model_validate(json.loads(store.model_dump_json(by_alias=True)))
    assert again == store
    assert again.should_skip("k") is True


def test_marks_in_memory_are_shared_by_copies_and_stay_in_their_process():
    store = MemoryCheckpointStore()
    store.mark_succeeded("k")
    for copied in (store.model_copy(), store.model_copy(deep=True)):
        copied.mark_succeeded("l")
        assert copied.should_skip("k") is True
    assert store.should_skip("l") is True
    with pytest.raises(TypeError, match="use LocalCheckpointStore or CacheCheckpointStore"):
        pickle.dumps(store)


def test_what_a_caller_does_to_its_metadata_later_is_not_marked():
    store = MemoryCheckpointStore()
    metadata = {"rows": [1]}
    record = store.mark("k", "failed", metadata)
    metadata["rows"].append(2)
    record.metadata["rows"].append(3)
    found = store.get("k")
    assert found is not None
    found.metadata["rows"].append(4)
    assert [record.metadata for record in store.list()] == [{"rows": [1]}]

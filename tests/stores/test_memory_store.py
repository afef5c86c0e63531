"""MemoryCacheStore: the shipped suite, and what is its own."""

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
from ccflow import BaseModel

from ccflow_etl import MemoryCacheStore
from ccflow_etl.testing import CacheStoreTests


class TestMemoryCacheStore(CacheStoreTests):
    def make_store(self, folder: Path) -> MemoryCacheStore:
        return MemoryCacheStore()


@pytest.mark.parametrize("key", ["", "/a", "../a", "a/../b", "a//b", "a/", "./a", "\\a", "a\x00b"])
def test_a_key_that_no_file_could_have_is_refused(key: str) -> None:
    store = MemoryCacheStore(name="handoffs")
    for method in (store.exists, store.get_bytes, store.uri, store.delete):
        with pytest.raises(ValueError, match="a key names a payload under the root 'memory://handoffs'"):
            method(key)
    for put in (store.put_bytes, store.put_bytes_new):
        with pytest.raises(ValueError, match="a key names a payload"):
            put(key, b"")
    assert store.list() == []


def test_equal_payloads_are_created_once() -> None:
    store, payload = MemoryCacheStore(), b"one"
    assert [store.put_bytes_new("AAA", payload) for _ in range(3)] == [True, False, False]


def test_a_payload_is_not_changed_from_outside() -> None:
    store, payload = MemoryCacheStore(), bytearray(b"one")
    store.put_bytes("AAA", payload)
    payload[0] = 0
    assert store.get_bytes("AAA") == b"one"


def test_stores_are_apart_and_copies_are_not() -> None:
    store = MemoryCacheStore()
    store.put_bytes("AAA", b"one")
    assert not MemoryCacheStore().exists("AAA")
    assert store.uri("AAA") != MemoryCacheStore().uri("AAA")
    for other in (copy.copy(store), copy.deepcopy(store), store.model_copy()):
        other.put_bytes("BBB", b"two")
        assert store.list() == other.list() == ["AAA", "BBB"]
        store.delete("BBB")


def test_it_stays_in_its_process() -> None:
    with pytest.raises(TypeError, match="lives in this process and cannot be pickled; to share payloads"):
        pickle.dumps(MemoryCacheStore())


def test_a_missing_payload_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="there is no payload at memory://handoffs/AAA"):
        MemoryCacheStore(name="handoffs").get_bytes("AAA")


def test_it_comes_from_a_config() -> None:
    store = BaseModel.model_validate({"_target_": "ccflow_etl.MemoryCacheStore", "name": "handoffs"})
    assert store.uri("AAA") == "memory://handoffs/AAA"


@pytest.mark.parametrize("payload", [5, "text", None])
def test_what_is_not_bytes_is_refused(payload: Any) -> None:
    store = MemoryCacheStore()
    for put in (store.put_bytes, store.put_bytes_new):
        with pytest.raises(TypeError, match="bytes-like object is required"):
            put("AAA", payload)
    assert store.list() == []

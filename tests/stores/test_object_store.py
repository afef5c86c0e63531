"""ObjectCacheStore over a folder and over memory: the shipped suite, and what is its own."""

import array
import copy
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ccflow import BaseModel

from ccflow_etl import LocalCacheStore, ObjectCacheStore
from ccflow_etl.testing import CacheStoreTests


class TestFolder(CacheStoreTests):
    def make_store(self, folder: Path) -> ObjectCacheStore:
        return ObjectCacheStore(url=(folder / "a b").as_uri())


class TestMemory(CacheStoreTests):
    def make_store(self, folder: Path) -> ObjectCacheStore:
        return ObjectCacheStore(url="memory://")


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectCacheStore:
    return ObjectCacheStore(url=tmp_path.as_uri() if request.param == "file" else "memory://handoffs")


@pytest.mark.parametrize("key", ["", "/a", "../a", "a/../b", "a//b", "a/", "./a", "\\a", "a\x00b"])
def test_a_key_that_no_file_could_have_is_refused(store: ObjectCacheStore, key: str) -> None:
    for method in (store.exists, store.get_bytes, store.uri, store.delete):
        with pytest.raises(ValueError, match="a key names a payload under the root"):
            method(key)
    for put in (store.put_bytes, store.put_bytes_new):
        with pytest.raises(ValueError, match="a key names a payload under the root"):
            put(key, b"")
    assert store.list() == []
    assert store.list("../") == store.list("a//b") == []


def test_a_payload_of_many_parts_comes_back(store: ObjectCacheStore) -> None:
    payload = bytes(range(256)) * 80_000
    assert len(payload) > 2 * store.part_size
    store.put_bytes("daily/AAA", payload)
    assert store.get_bytes("daily/AAA") == payload
    assert store.put_bytes_new("daily/BBB", payload) is True
    assert store.get_bytes("daily/BBB") == payload


def test_a_folder_is_the_one_that_a_local_store_sees(tmp_path: Path) -> None:
    objects, files = ObjectCacheStore(url=tmp_path.as_uri()), LocalCacheStore(root=tmp_path)
    for key in ("daily/AAA.json", "a b/ü#.json"):
        objects.put_bytes(key, b"{}", content_type="application/json")
        assert files.get_bytes(key) == b"{}"
        assert objects.uri(key) == files.uri(key)
    assert objects.list() == files.list()


def test_stores_in_memory_are_apart_and_copies_are_not() -> None:
    store = ObjectCacheStore(url="memory://")
    store.put_bytes("AAA", b"one")
    assert store.uri("AAA") != ObjectCacheStore(url="memory:///").uri("AAA")
    for other in (copy.copy(store), copy.deepcopy(store), store.model_copy()):
        assert other.get_bytes("AAA") == b"one"
    with pytest.raises(TypeError, match="lives in this process and cannot be pickled"):
        pickle.dumps(store)


def test_it_pickles_as_its_settings(tmp_path: Path) -> None:
    store = ObjectCacheStore(url=tmp_path.as_uri(), part_size=2**23)
    store.put_bytes("AAA", b"one")
    found = pickle.loads(pickle.dumps(store))
    assert (found.url, found.part_size, found.get_bytes("AAA")) == (store.url, 2**23, b"one")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"url": "ftp://host/folder"}, "Unable to recognise URL"),
        ({"url": "folder"}, "relative URL without a base"),
        ({"url": "s3://bucket", "options": {"colour": "red"}}, "'colour' is not valid for store 'S3'"),
        ({"url": "memory://", "part_size": 1}, "greater than or equal to 5242880"),
    ],
)
def test_what_it_is_not(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        ObjectCacheStore(**settings)


def test_a_missing_payload_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="there is no payload at memory://handoffs/AAA"):
        ObjectCacheStore(url="memory://handoffs").get_bytes("AAA")


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("s3://bucket/prefix", {"region": "us-east-1", "access_key_id": "someone", "secret_access_key": "hush"}),
        ("gs://bucket/prefix", {}),
        ("az://container/prefix", {"account_name": "someone"}),
    ],
)
def test_a_store_in_the_cloud_is_made_without_asking_it(url: str, options: dict[str, str]) -> None:
    store = BaseModel.model_validate({"_target_": "ccflow_etl.ObjectCacheStore", "url": url + "/", "options": options})
    assert store.uri("daily/AAA.json") == f"{url}/daily/AAA.json"
    assert "hush" not in repr(store)
    assert pickle.loads(pickle.dumps(store)).uri("AAA") == f"{url}/AAA"


def test_without_obstore_the_extra_is_named() -> None:
    script = """
import sys
sys.modules["obstore"] = None
from ccflow_etl import ObjectCacheStore
try:
    ObjectCacheStore(url="memory://")
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    expected = "ObjectCacheStore needs obstore, which is not installed: pip install 'ccflow-etl[object-store]'"
    assert done.stdout.strip() == expected


def test_text_is_no_payload_and_no_path_of_one(tmp_path: Path) -> None:
    """obstore would put the file of that name."""
    (tmp_path / "secret").write_bytes(b"secret")
    store = ObjectCacheStore(url="memory://handoffs")
    for put in (store.put_bytes, store.put_bytes_new):
        with pytest.raises(TypeError, match="bytes-like object is required"):
            put("AAA", str(tmp_path / "secret"))
    assert store.list() == []


def test_bytes_like_payloads_are_kept_as_their_bytes() -> None:
    store = ObjectCacheStore(url="memory://handoffs")
    for number, payload in enumerate((bytearray(b"abc"), memoryview(b"abc"), memoryview(array.array("i", [1, 2])))):
        store.put_bytes(f"{number}", payload)
        assert store.get_bytes(f"{number}") == bytes(payload)

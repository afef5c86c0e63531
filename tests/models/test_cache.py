"""The cache models over stores of every kind."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ccflow import BaseModel, FlowOptionsOverride, ModelRegistry, ObjectConfig
from ccflow.evaluators import GraphEvaluator, MemoryCacheEvaluator, MultiEvaluator
from pydantic import PrivateAttr, ValidationError

from ccflow_etl import (
    CacheFormat,
    CacheGetContext,
    CacheGetModel,
    CachePutContext,
    CachePutModel,
    ETLArtifact,
    LocalCacheStore,
)
from ccflow_etl.codecs.errors import PayloadDecodeError, PayloadEncodeError
from ccflow_etl.models.cache_entry import CacheEntry


class MinimalStore(BaseModel):
    """As connector packages write them: no more than four methods, and ``value`` for the payload."""

    prefix: str = "memory://"
    _items: dict[str, tuple[bytes, str | None]] = PrivateAttr(default_factory=dict)

    def exists(self, key: str) -> bool:
        return key in self._items

    def put_bytes(self, key: str, value: bytes, content_type: str | None = None) -> dict[str, Any]:
        self._items[key] = (value, content_type)
        return {"key": key}

    def get_bytes(self, key: str) -> bytes:
        if key not in self._items:
            raise FileNotFoundError(key)
        return self._items[key][0]

    def uri(self, key: str) -> str:
        return self.prefix + key


@pytest.fixture
def local(tmp_path: Path) -> LocalCacheStore:
    return LocalCacheStore(root=tmp_path / "cache")


@pytest.fixture
def registry() -> Any:
    root = ModelRegistry.root().clear()
    yield root.add("cache", ModelRegistry(name="cache"))
    root.clear()


def test_a_put_and_a_get_tell_everything() -> None:
    store = MinimalStore()
    data = b'{"ticker":"AAA"}'
    context = {"key": "/daily/AAA", "dataset": "stocks", "stage": "extract"}
    written = CachePutModel(store=store)(CachePutContext(**context, payload={"ticker": "AAA"}))
    artifact = ETLArtifact(
        key="daily/AAA",
        dataset="stocks",
        stage="extract",
        uri="memory://daily/AAA.json",
        media_type="application/json",
        status="written",
    )
    assert (written.key, written.cache_key, written.uri) == ("daily/AAA", "daily/AAA.json", "memory://daily/AAA.json")
    assert (written.format, written.media_type, written.status) == ("json", "application/json", "written")
    assert written.artifact == artifact
    assert (written.artifact.size, written.artifact.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert store._items == {"daily/AAA.json": (data, "application/json")}

    hit = CacheGetModel(store=store)(CacheGetContext(**context))
    assert (hit.status, hit.payload) == ("hit", {"ticker": "AAA"})
    assert (hit.key, hit.cache_key, hit.uri) == (written.key, written.cache_key, written.uri)
    assert (hit.format, hit.media_type) == ("json", "application/json")
    assert hit.artifact == artifact.model_copy(update={"status": "hit"})
    assert (hit.artifact.size, hit.artifact.sha256) == (written.artifact.size, written.artifact.sha256)


def test_a_second_put_changes_nothing_unless_asked() -> None:
    store = MinimalStore()
    put, get = CachePutModel(store=store), CacheGetModel(store=store)
    put(key="AAA", payload=1)
    again = put(key="AAA", payload=2)
    assert (again.status, again.artifact.status, again.artifact.sha256) == ("exists", "exists", None)
    assert get(key="AAA").payload == 1
    assert put(key="AAA", payload=3, overwrite=True).status == "written"
    assert get(key="AAA").payload == 3


def test_a_miss_is_a_result_or_an_error() -> None:
    get = CacheGetModel(store=MinimalStore())
    miss = get(key="AAA", dataset="stocks")
    assert (miss.status, miss.payload, miss.artifact.status, miss.artifact.dataset) == ("miss", None, "miss", "stocks")
    assert (miss.cache_key, miss.uri) == ("AAA.json", "memory://AAA.json")
    with pytest.raises(FileNotFoundError, match=r"nothing is cached for 'AAA' at memory://AAA\.json"):
        get(key="AAA", missing_ok=False)


def test_a_payload_that_vanishes_after_the_question_is_a_miss() -> None:
    class Hasty(MinimalStore):
        def exists(self, key: str) -> bool:
            return True

    assert CacheGetModel(store=Hasty())(key="AAA").status == "miss"


@pytest.mark.parametrize(
    ("format_", "suffix", "media_type"),
    [
        ("json", ".json", "application/json"),
        (["json", "gzip"], ".json.gz", "application/json"),
        ("binary", "", None),
        ("gzip", ".gz", None),
        ("parquet", ".parquet", "application/vnd.apache.parquet"),
    ],
)
def test_the_format_makes_the_suffix_and_the_media_type(
    format_: CacheFormat, suffix: str, media_type: str | None
) -> None:
    store = MinimalStore()
    payload = b"bytes" if suffix in ("", ".gz") else [{"a": 1}]
    for key in ("daily/AAA", f"/daily/BBB{suffix}"):
        result = CachePutModel(store=store, format=format_)(key=key, payload=payload)
        assert (result.format, result.media_type) == (format_, media_type)
    assert list(store._items) == [f"daily/AAA{suffix}", f"daily/BBB{suffix}"]
    assert {content_type for _, content_type in store._items.values()} == {media_type}


FRAME = pd.DataFrame(
    {"close": [103.6, np.nan], "kind": pd.Categorical(["a", None], categories=["b", "a"])},
    index=pd.date_range("2024-01-03", periods=2, tz="Europe/Paris", freq="D", name="at"),
)


@pytest.mark.parametrize("format_", ["parquet", "arrow", "csv", ["csv", "gzip"]])
def test_a_frame_goes_from_stage_to_stage(local: LocalCacheStore, format_: CacheFormat) -> None:
    CachePutModel(store=local, format=format_)(key="daily/frame", payload=FRAME)
    found = CacheGetModel(store=local, format=format_)(key="daily/frame").payload
    pd.testing.assert_frame_equal(found, FRAME, check_exact=True, check_freq=True)


def test_a_local_store_keeps_keys_under_its_root(local: LocalCacheStore) -> None:
    written = CachePutModel(store=local)(key="/daily/AAA", payload=1)
    assert (written.key, written.cache_key) == ("daily/AAA", "daily/AAA.json")
    assert written.uri == (local.root / "daily" / "AAA.json").as_uri()
    assert local.list() == ["daily/AAA.json"]
    assert CacheGetModel(store=local)(key="daily/AAA.json").payload == 1
    with pytest.raises(ValueError, match=r"has a '\.\.' in it"):
        CachePutModel(store=local)(key="../AAA", payload=1)


@pytest.mark.parametrize("rooted", [True, False])
def test_a_path_is_used_as_it_is(tmp_path: Path, rooted: bool) -> None:
    store = LocalCacheStore(root=tmp_path / "cache" if rooted else None)
    path = tmp_path / "elsewhere" / "AAA"
    written = CachePutModel(store=store)(path=str(path), payload=1)
    assert path.read_bytes() == b"1"
    assert (written.key, written.cache_key, written.uri) == (str(path), str(path), path.as_uri())
    assert written.artifact.key == str(path)
    named = CacheGetModel(store=store)(path=path, key="/daily/AAA")
    assert (named.payload, named.key, named.cache_key) == (1, "daily/AAA", str(path))


def test_a_path_needs_a_store_that_knows_paths() -> None:
    for call in (
        lambda: CachePutModel(store=MinimalStore())(path="a.json", payload=1),
        lambda: CacheGetModel(store=MinimalStore())(path="a.json"),
    ):
        with pytest.raises(ValueError, match="MinimalStore has no resolve_key and so no paths; give a key"):
            call()


def test_a_key_needs_a_root() -> None:
    with pytest.raises(ValueError, match="'AAA' needs LocalCacheStore"):
        CacheGetModel(store=LocalCacheStore())(key="AAA")


@pytest.mark.parametrize("settings", [{}, {"key": None}, {"key": ""}, {"key": "//"}])
def test_a_context_needs_a_key_or_a_path(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="give a key or a path"):
        CacheGetContext(**settings)
    with pytest.raises(ValidationError, match="give a key or a path"):
        CachePutContext(**settings, payload=1)


def test_what_does_not_fit_is_not_stored() -> None:
    store = MinimalStore()
    with pytest.raises(PayloadEncodeError, match="format 'text' cannot take a payload of type dict"):
        CachePutModel(store=store, format="text")(key="AAA", payload={})
    assert store._items == {}
    store.put_bytes("AAA.json", b"{")
    with pytest.raises(PayloadDecodeError, match=r"the payload of 'AAA' at memory://AAA\.json \(1 bytes\)"):
        CacheGetModel(store=store)(key="AAA")


def test_of_many_puts_one_writes(local: LocalCacheStore) -> None:
    start = threading.Barrier(8)

    def put(number: int) -> str:
        context = CachePutContext(key="AAA", payload=number)
        start.wait()
        return CachePutModel(store=local)(context).status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(put, range(8)))
    assert sorted(statuses) == ["exists"] * 7 + ["written"]
    assert CacheGetModel(store=local)(key="AAA").payload == statuses.index("written")


def test_a_store_that_loses_the_race_says_exists(local: LocalCacheStore) -> None:
    """Another writer comes between the question and the put."""

    class Late(LocalCacheStore):
        def exists(self, key: str | Path) -> bool:
            return False

    local.put_bytes("AAA.json", b"1")
    result = CachePutModel(store=Late(root=local.root))(key="AAA", payload=2)
    assert (result.status, result.artifact.sha256) == ("exists", None)
    assert local.get_bytes("AAA.json") == b"1"


def test_a_store_comes_from_the_registry(registry: ModelRegistry) -> None:
    store = MinimalStore()
    registry.add("store", store)
    model = CachePutModel.model_validate({"store": "/cache/store", "format": "text"})
    assert model.store is store
    assert model.get_registry_dependencies() == [["/cache/store"]]
    with pytest.raises(ValidationError, match="no store '/cache/other' in the registry: Could not resolve model"):
        CacheGetModel(store="/cache/other")


def test_an_object_of_any_class_comes_from_the_registry(registry: ModelRegistry) -> None:
    registry.add("store", ObjectConfig(object_type=f"{__name__}.Plain"))
    assert isinstance(CacheGetModel(store="/cache/store").store, Plain)


class Plain:
    """Not a pydantic model."""

    def __init__(self, name: str = "plain") -> None:
        self.name = name
        self.items: dict[str, bytes] = {}

    def exists(self, key: str) -> bool:
        return key in self.items

    def put_bytes(self, key: str, payload: bytes, content_type: str | None = None) -> None:
        self.items[key] = payload

    def get_bytes(self, key: str) -> bytes:
        return self.items[key]

    def uri(self, key: str) -> str:
        return f"{self.name}:{key}"


def test_a_config_loads_models_and_store_in_any_order() -> None:
    root = ModelRegistry.root().clear()
    try:
        root.load_config(
            {
                "cache": {
                    "put": {"_target_": "ccflow_etl.CachePutModel", "store": "/cache/store"},
                    "get": {"_target_": "ccflow_etl.CacheGetModel", "store": "/cache/store"},
                    "store": {"_target_": "ccflow_etl.LocalCacheStore", "root": "cache"},
                }
            }
        )
        assert root["/cache/put"].store is root["/cache/get"].store is root["/cache/store"]
    finally:
        root.clear()


def test_a_store_comes_from_a_config() -> None:
    local = CachePutModel(store={"_target_": "ccflow_etl.LocalCacheStore", "root": "cache"})
    assert local.store == LocalCacheStore(root="cache")
    assert CachePutModel.model_validate(local.model_dump(mode="json")) == local
    plain = CachePutModel(store={"_target_": f"{__name__}.Plain", "name": "other"})
    assert plain.store.uri("AAA") == "other:AAA"
    with pytest.raises(ValidationError, match="a store config needs '_target_'"):
        CachePutModel(store={"root": "cache"})


def test_a_store_that_lacks_a_method_is_named() -> None:
    class ReadOnly:
        exists = get_bytes = uri = print

    assert CacheGetModel(store=ReadOnly()).format == "json"
    with pytest.raises(
        ValidationError, match="of type ReadOnly has no method put_bytes; a store here needs exists, put_bytes, uri"
    ):
        CachePutModel(store=ReadOnly())
    with pytest.raises(ValidationError, match="of type int has no method exists, get_bytes, uri"):
        CacheGetModel(store=5)


@pytest.mark.parametrize(("first", "second"), [(1, 2), ([1, 2], [2, 1]), ({"a": 1}, {"a": 2}), ("1", 1), (None, False)])
def test_an_evaluator_that_caches_mistakes_no_payload_for_another(first: Any, second: Any) -> None:
    """The last put has the context of the first, and has to be made all the same."""
    store = MinimalStore()
    put, get = CachePutModel(store=store), CacheGetModel(store=store)
    evaluator = MultiEvaluator(evaluators=[GraphEvaluator(), MemoryCacheEvaluator()])
    with FlowOptionsOverride(options={"evaluator": evaluator, "cacheable": True}):
        assert get(key="AAA").status == "miss"
        for payload in (first, second, first):
            assert put(key="AAA", payload=payload, overwrite=True).status == "written"
            found = get(key="AAA")
            assert (found.status, found.payload) == ("hit", payload)
        assert put(key="AAA", payload=first).status == "exists"


def test_an_evaluator_that_caches_mistakes_no_frame_for_another(local: LocalCacheStore) -> None:
    """Even when a user lets writes be cached, because the payload is a part of the key."""
    options = {"evaluator": MemoryCacheEvaluator(), "cacheable": True, "volatile": False}
    put = CachePutModel(store=local, format="parquet", meta={"options": options})
    get = CacheGetModel(store=local, format="parquet")
    for frame in (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 3]}), pd.DataFrame({"b": [1, 2]})):
        put(key="frame", payload=frame, overwrite=True)
        pd.testing.assert_frame_equal(get(key="frame").payload, frame)


def test_an_entry_is_somewhere() -> None:
    with pytest.raises(ValueError, match="give a key or a path"):
        CacheEntry.at(MinimalStore(), "json", "/", None)

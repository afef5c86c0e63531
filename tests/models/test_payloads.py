"""Contexts with payloads of every kind: shared, not copied; comparable, hashable, picklable; keyed by content."""

import copy
import pickle
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from ccflow import FlowOptionsOverride
from ccflow.evaluators import GraphEvaluator, MemoryCacheEvaluator, MultiEvaluator
from ccflow.evaluators.common import cache_key

from ccflow_etl import (
    CacheGetContext,
    CacheGetModel,
    CachePutContext,
    CachePutModel,
    LocalWriteContext,
    LocalWriteModel,
    MemoryCacheStore,
    ObjectCacheStore,
)

FRAME = pd.DataFrame({"a": [1, 2]})

# Each pair differs in one thing only.
PAIRS: dict[str, tuple[Any, Any]] = {
    "frames": (FRAME, FRAME.assign(a=[1, 3])),
    "types": (FRAME, FRAME.astype("int32")),
    "labels": (FRAME, FRAME.rename(columns={"a": "b"})),
    "indexes": (FRAME, FRAME.set_axis([0, 2])),
    "series": (pd.Series([1, 2]), pd.Series([1, 2], name="a")),
    "tables": (pa.table({"a": [1, 2]}), pa.table({"a": [1, 3]})),
    "batches": (pa.record_batch({"a": [1, 2]}), pa.record_batch({"b": [1, 2]})),
    "views": (memoryview(b"one"), memoryview(b"two")),
    "byte arrays": (bytearray(b"one"), bytearray(b"two")),
    "arrays": (np.arange(3), np.arange(4)),
    "rows": ([{"a": 1}], [{"a": True}]),
    "scalars": (1, "1"),
}


def contexts(payload: Any) -> list[Any]:
    return [CachePutContext(key="AAA", payload=payload), LocalWriteContext(path="AAA", payload=payload)]


def another(payload: Any) -> Any:
    """The same content in another object."""
    return memoryview(bytes(payload)) if isinstance(payload, memoryview) else copy.deepcopy(payload)


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_a_context_knows_its_payload_from_others(pair: tuple[Any, Any]) -> None:
    first, second = pair
    for one, same, other in zip(contexts(first), contexts(another(first)), contexts(second), strict=True):
        assert one == same
        assert hash(one) == hash(same)
        assert one != other
        assert cache_key(one) == cache_key(same)
        assert cache_key(one) != cache_key(other)


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_a_context_pickles(pair: tuple[Any, Any]) -> None:
    for context in contexts(pair[0]):
        found = pickle.loads(pickle.dumps(context))
        expected = bytes(pair[0]) if isinstance(pair[0], memoryview) else pair[0]
        assert type(found.payload) is type(expected)
        assert cache_key(found) == cache_key(context)


def test_a_payload_is_shared() -> None:
    for context in contexts(FRAME):
        assert context.payload is FRAME
        assert copy.deepcopy(context).payload is copy.copy(context).payload is FRAME
        assert type(context).model_validate(context).payload is FRAME
    rows = [{"a": 1}]
    assert LocalWriteContext.model_validate(["AAA", rows, True]).payload is rows
    assert LocalWriteContext.model_validate({"path": "AAA", "payload": rows}).payload is rows


def test_what_cannot_be_copied_or_looked_into_is_a_payload_too() -> None:
    stream, other = (number for number in range(3)), (number for number in range(3))
    one, same, different = (CachePutContext(key="AAA", payload=payload) for payload in (stream, stream, other))
    assert one == same
    assert one != different
    assert hash(one) == hash(same)


def test_contexts_differ_in_more_than_payloads() -> None:
    put, write = contexts(1)
    assert put != write
    assert put != 1
    assert put != CachePutContext(key="BBB", payload=1)
    assert CacheGetContext(key="AAA") == CacheGetContext(key="AAA")


def test_a_view_of_memory_is_written(tmp_path: Path) -> None:
    LocalWriteModel(format="binary")(path=tmp_path / "AAA", payload=memoryview(b"one"))
    assert (tmp_path / "AAA").read_bytes() == b"one"


class Live:
    """A store that cannot be pickled, copied or hashed: it holds a lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.items: dict[str, bytes] = {}

    def exists(self, key: str) -> bool:
        with self.lock:
            return key in self.items

    def put_bytes(self, key: str, payload: bytes, content_type: str | None = None) -> None:
        with self.lock:
            self.items[key] = payload

    def get_bytes(self, key: str) -> bytes:
        with self.lock:
            return self.items[key]

    def uri(self, key: str) -> str:
        return f"live:{key}"


EVALUATORS = {
    "graph": GraphEvaluator,
    "cache": MemoryCacheEvaluator,
    "both": lambda: MultiEvaluator(evaluators=[GraphEvaluator(), MemoryCacheEvaluator()]),
}


@pytest.mark.parametrize("evaluator", EVALUATORS.values(), ids=EVALUATORS)
@pytest.mark.parametrize("make_store", [Live, MemoryCacheStore, lambda: ObjectCacheStore(url="memory://")])
@pytest.mark.parametrize("volatile", [None, False])
def test_live_stores_work_under_evaluators(evaluator: Any, make_store: Any, volatile: bool | None) -> None:
    """Even when a user lets effects be cached: no store and no payload is taken for another."""
    options = {"evaluator": evaluator(), "cacheable": True} | ({} if volatile is None else {"volatile": volatile})
    first, second = make_store(), make_store()
    with FlowOptionsOverride(options=options):
        for store, payload in ((first, b"one"), (second, memoryview(b"two"))):
            written = CachePutModel(store=store, format="binary")(key="AAA", payload=payload)
            assert written.status == "written"
            assert CacheGetModel(store=store, format="binary")(key="AAA").payload == bytes(payload)


def test_models_are_keyed_by_their_store() -> None:
    for make in (Live, MemoryCacheStore, lambda: ObjectCacheStore(url="memory://")):
        one, other = make(), make()
        assert cache_key(CacheGetModel(store=one)) == cache_key(CacheGetModel(store=one))
        assert cache_key(CacheGetModel(store=one)) != cache_key(CacheGetModel(store=other))

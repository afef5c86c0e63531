"""Gets of some columns and rows: from Python, YAML and the command line, verified, and no more than was asked for."""

import datetime as dt
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ccflow import FlowOptionsOverride
from ccflow.evaluators import MemoryCacheEvaluator
from pandas.testing import assert_frame_equal
from pydantic import ValidationError

from ccflow_etl import (
    CacheGetContext,
    CacheGetModel,
    CachePutModel,
    LocalCacheStore,
    MemoryCacheStore,
    PayloadIntegrityError,
    PayloadTooLargeError,
)

ROWS = 300_000
FRAME = pd.DataFrame(
    {"number": np.arange(ROWS), "half": np.arange(ROWS) / 2, "kind": np.array(["x", "y"])[np.arange(ROWS) % 2]},
    index=pd.date_range("2024", periods=ROWS, freq="min", name="at"),
)
LAST = [["number", ">=", ROWS - 3], ["at", "<", str(FRAME.index[-1])]]


@pytest.fixture
def store() -> MemoryCacheStore:
    return MemoryCacheStore(name="handoffs")


@pytest.fixture
def artifact(store: MemoryCacheStore) -> Any:
    return CachePutModel(store=store, format="parquet")(key="frame", payload=FRAME).artifact


def test_a_get_gives_the_part_that_was_asked_for(store: MemoryCacheStore, artifact: Any) -> None:
    get = CacheGetModel(store=store, format="parquet")
    columns = get(artifact=artifact, columns=["kind", "number"])
    assert_frame_equal(columns.payload, FRAME[["kind", "number"]])
    assert (columns.artifact.sha256, columns.artifact.rows) == (artifact.sha256, ROWS)
    rows = get(artifact=artifact, filters=LAST)
    assert_frame_equal(rows.payload, FRAME.iloc[-3:-1], check_freq=False)
    assert (rows.artifact.sha256, rows.artifact.size, rows.artifact.rows) == (artifact.sha256, artifact.size, None)
    both = get(key="frame", columns=["half"], filters=LAST).payload
    assert_frame_equal(both, FRAME[["half"]].iloc[-3:-1], check_freq=False)


def test_no_more_is_decoded_than_was_asked_for(store: MemoryCacheStore, artifact: Any) -> None:
    small = CacheGetModel(store=store, format="parquet", max_decoded_bytes=5_000_000)
    assert len(small(artifact=artifact, columns=["number"]).payload) == ROWS
    assert len(small(artifact=artifact, filters=LAST).payload) == 2
    with pytest.raises(PayloadTooLargeError):
        small(artifact=artifact)


def test_the_whole_payload_is_verified_first(store: MemoryCacheStore, artifact: Any) -> None:
    """Also what is not read: the damage is in a column that nobody asked for."""
    data = bytearray(store.get_bytes("frame.parquet"))
    data[len(data) // 2] ^= 1
    store.put_bytes("frame.parquet", bytes(data))
    with pytest.raises(PayloadIntegrityError, match=r"'frame' at memory://handoffs/frame\.parquet"):
        CacheGetModel(store=store, format="parquet")(artifact=artifact, columns=["number"], filters=LAST)


@pytest.mark.parametrize("format_", ["json", "arrow", ["csv", "gzip"]], ids=str)
@pytest.mark.parametrize("part", [{"columns": ["a"]}, {"filters": [["a", ">", 1]]}], ids=str)
def test_a_format_without_parts_is_named_even_on_a_miss(store: MemoryCacheStore, format_: Any, part: Any) -> None:
    name = format_ if isinstance(format_, str) else format_[0]
    with pytest.raises(ValueError, match=f"format '{name}' cannot read some columns or rows only; use 'parquet'"):
        CacheGetModel(store=store, format=format_)(key="nothing", **part)


def test_gzipped_parquet_has_parts(store: MemoryCacheStore) -> None:
    CachePutModel(store=store, format=["parquet", "gzip"])(key="frame", payload=FRAME[:5])
    get = CacheGetModel(store=store, format=["parquet", "gzip"])
    assert get(key="frame", columns=["number"], filters=[["half", ">", 1]]).payload["number"].to_list() == [3, 4]


def test_a_part_is_never_mistaken_for_another(store: MemoryCacheStore, artifact: Any) -> None:
    """Even when a user lets gets be cached, because the part is a part of the key."""
    get = CacheGetModel(store=store, format="parquet")
    options = {"evaluator": MemoryCacheEvaluator(), "cacheable": True, "volatile": False}
    with FlowOptionsOverride(options=options):
        for columns in (["number"], ["half"], None):
            assert list(get(key="frame", columns=columns).payload) == (columns or list(FRAME))
        for least in (ROWS - 1, ROWS - 2):
            assert len(get(key="frame", filters=[["number", ">=", least]]).payload) == ROWS - least


def test_a_context_with_parts_is_a_context() -> None:
    """It compares, hashes and comes back from its dump, as JSON too."""
    given = {"key": "frame", "columns": [["close", "a"], 1], "filters": [["at", ">", "2024"], ["n", "in", [1, 2]]]}
    context = CacheGetContext(**given)
    assert context.columns == (("close", "a"), 1)
    for other in (context.model_dump(), context.model_dump(mode="json"), context.model_dump_json()):
        again = CacheGetContext.model_validate_json(other) if isinstance(other, str) else CacheGetContext(**other)
        assert (again, hash(again)) == (context, hash(context))
    assert CacheGetContext(key="frame", columns=[1]) != CacheGetContext(key="frame", columns=[2])


def test_a_context_with_an_artifact_hashes(artifact: Any) -> None:
    assert len({CacheGetContext(artifact=artifact), CacheGetContext(artifact=artifact)}) == 1


def test_hashes_and_days_of_a_zone_are_found_by_a_context_and_by_its_json(store: MemoryCacheStore) -> None:
    hashes = np.array([1, 2**63, 2**64 - 1], dtype="u8")
    frame = pd.DataFrame({"hash": hashes, "day": pd.date_range("2024-05-01", periods=3, tz="Europe/Paris")})
    CachePutModel(store=store, format="parquet")(key="frame", payload=frame)
    get = CacheGetModel(store=store, format="parquet")
    for filters, rows in (
        ([["hash", "==", 2**63]], [1]),
        ([["hash", "in", [1, 2**64 - 1, 2**64]]], [0, 2]),
        ([["hash", ">", 1.5], ["day", ">=", dt.date(2024, 5, 3)]], [2]),
        ([["day", "<", dt.date(2024, 5, 2)]], [0]),
    ):
        context = CacheGetContext(key="frame", filters=filters)
        again = CacheGetContext.model_validate_json(context.model_dump_json())
        assert [get(one).payload.index.to_list() for one in (context, again)] == [rows, rows]


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"columns": "number"}, "should be a valid tuple"),
        ({"filters": "number > 1"}, r"'number > 1' is not a condition; filters are a list of conditions such as"),
        ({"filters": [["number", "~", 1]]}, "the operators are == = != < <= > >= in not in"),
    ],
    ids=str,
)
def test_a_part_that_cannot_be_understood_is_told_at_once(part: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        CacheGetContext(key="frame", **part)


CONFIG = """
store:
  _target_: ccflow_etl.LocalCacheStore
  root: cache
model:
  _target_: ccflow_etl.CacheGetModel
  store: /store
  format: parquet
callable: /model
context:
  key: frame
  columns: [number]
  filters:
    - [at, ">=", 2024-01-01T00:03:00]
    - [kind, in, [x]]
"""


def test_the_command_line_gives_a_part(tmp_path: Path) -> None:
    CachePutModel(store=LocalCacheStore(root=tmp_path / "cache"), format="parquet")(key="frame", payload=FRAME[:8])
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "part.yaml").write_text(CONFIG)
    command = [str(Path(sys.executable).with_name("cc-etl")), "--config-path", "config", "--config-name", "part"]

    def run(*more: str) -> str:
        done = subprocess.run([*command, *more], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
        return done.stdout + done.stderr

    assert "payload: DataFrame of shape (2, 1)" in run(), "rows 4 and 6"
    assert "payload: DataFrame of shape (1, 2)" in run(
        "context.columns=[half,kind]", "context.filters=[[number,'>',6]]"
    )
    shown = run("context.columns=[price]")
    assert "there is no column 'price'; there are ['number', 'half', 'kind']" in shown
    assert "Traceback" not in shown
    shown = run("context.filters=[[number,'>',abc]]")
    assert "'abc' does not compare with values of type int64, as column 'number' holds: " in shown
    assert "Traceback" not in shown
    shown = run("model.format=json", "model._target_=ccflow_etl.CacheGetModel")
    assert "format 'json' cannot read some columns or rows only; use 'parquet'" in shown
    assert "Traceback" not in shown

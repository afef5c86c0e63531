"""Some columns and rows of a Parquet payload."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pandas.testing import assert_frame_equal

from ccflow_etl import PayloadCodec, PayloadTooLargeError
from ccflow_etl.codecs.errors import PayloadDecodeError

CODEC = PayloadCodec(format="parquet")
ROWS = 300_000
FRAME = pd.DataFrame(
    {
        "number": np.arange(ROWS),
        "kind": pd.Categorical(np.array(["x", "y"])[np.arange(ROWS) % 2], categories=["z", "y", "x"]),
        7: pd.period_range("2024-01-01", periods=ROWS, freq="h"),
        "a.b": np.arange(ROWS) * 0.5,
    },
    index=pd.date_range("2000", periods=ROWS, freq="min", name="at"),
)
DATA = CODEC.encode(FRAME)


@pytest.mark.no_cover
@pytest.mark.parametrize("columns", [["number"], ["a.b", "kind"], [7], []], ids=str)
def test_columns_in_the_order_asked_for(columns: list[Any]) -> None:
    assert_frame_equal(CODEC.decode(DATA, columns=columns), FRAME[columns], check_freq=True)


@pytest.mark.parametrize(
    ("filters", "rows"),
    [
        ([("number", ">", 299_990)], FRAME["number"] > 299_990),
        ([("number", "<", 5), ("kind", "==", "x")], (FRAME["number"] < 5) & (FRAME["kind"] == "x")),
        ([[("number", "<", 5)], [("a.b", "==", 100_000.0)]], (FRAME["number"] < 5) | (FRAME["a.b"] == 100_000.0)),
        ([("at", ">=", pd.Timestamp("2000-07-27"))], FRAME.index >= "2000-07-27"),
        ([("number", "in", [1, 200_000])], FRAME["number"].isin([1, 200_000])),
        ([("number", "<", 0)], FRAME["number"] < 0),
        (pc.field("number") % 2 == 0 if hasattr(pc.Expression, "__mod__") else pc.field("number") < 9, None),
    ],
    ids=str,
)
def test_rows_that_match(filters: Any, rows: Any) -> None:
    rows = FRAME["number"] < 9 if rows is None else rows
    assert_frame_equal(CODEC.decode(DATA, filters=filters), FRAME[rows], check_freq=False)
    found = CODEC.decode(DATA, filters=filters, columns=["kind"])
    assert_frame_equal(found, FRAME.loc[rows, ["kind"]], check_freq=False)


def test_a_range_index_keeps_the_places_of_the_rows() -> None:
    frame = FRAME[["number"]].set_axis(pd.RangeIndex(10, 10 + 3 * ROWS, 3, name="row"))
    found = CODEC.decode(CODEC.encode(frame), filters=[("number", "in", [2, 5, 150_000, 299_999])])
    assert found.index.to_list() == [16, 25, 450_010, 900_007]
    assert found.index.name == "row"


def test_only_the_row_groups_that_can_match_are_decoded() -> None:
    small = PayloadCodec(format="parquet", max_decoded_bytes=10_000_000)
    assert small.decode(DATA, filters=[("number", ">", 299_990)])["number"].to_list()[-1] == 299_999
    assert len(small.decode(DATA, columns=["number"])) == ROWS


def test_the_limit_is_on_the_part_and_not_on_the_file() -> None:
    small = PayloadCodec(format="parquet", max_decoded_bytes=100_000)
    frame = pd.DataFrame({"noise": np.random.default_rng(7).normal(size=50_000), "flag": True})
    data = CODEC.encode(frame)
    assert len(data) > 100_000
    assert small.decode(data, columns=["flag"])["flag"].all()
    with pytest.raises(PayloadTooLargeError):
        small.decode(data)


def test_tables_and_series_and_duplicate_labels() -> None:
    table = pa.table({"a": [1, 2], "b": ["x", None], "a.c": [1.5, 2.5]})
    data = CODEC.encode(table)
    assert CODEC.decode(data, columns=["b", "a"]).equals(table.select(["b", "a"]))
    assert CODEC.decode(data, columns=["a"], filters=[("b", "==", "x")]).equals(table.select(["a"]).slice(0, 1))
    frame = pd.DataFrame([[1, 2, 3]], columns=["a", "b", "a"])
    assert_frame_equal(CODEC.decode(CODEC.encode(frame), columns=["a"]), frame[["a"]])
    series = pd.Series([1, 2, 3], index=list("abc"), name="s")
    found = CODEC.decode(CODEC.encode(series), filters=[("s", ">", 1)])
    pd.testing.assert_series_equal(found, series[1:])


@pytest.mark.parametrize(("name", "label"), [("s", "s"), (None, "value")])
def test_a_series_has_its_one_column(name: str | None, label: str) -> None:
    series = pd.Series([1, 2, 3], name=name)
    data = CODEC.encode(series)
    pd.testing.assert_series_equal(CODEC.decode(data, columns=[label]), series)
    with pytest.raises(PayloadDecodeError, match=rf"one column and not none; ask for \['{label}'\], or leave columns"):
        CODEC.decode(data, columns=[])


@pytest.mark.parametrize("payload", [FRAME[:3], pa.table({"number": [1]})], ids=["frame", "table"])
def test_a_column_that_is_not_there_is_an_error(payload: Any) -> None:
    data = CODEC.encode(payload)
    with pytest.raises(PayloadDecodeError, match="there is no column 'other'; there are"):
        CODEC.decode(data, columns=["number", "other"])
    with pytest.raises(PayloadDecodeError, match="other"):
        CODEC.decode(data, filters=[("other", "==", 1)])


@pytest.mark.parametrize("kind", ["arrow", "csv", "json", "text"])
def test_other_formats_have_no_parts(kind: str) -> None:
    with pytest.raises(ValueError, match=f"format '{kind}' cannot read some columns or rows only; use 'parquet'"):
        PayloadCodec(format=kind).decode(b"", columns=["a"])

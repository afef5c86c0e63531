"""Filters say what pandas would select, whatever the statistics of a file are, or are refused."""

import datetime as dt
import decimal
import io
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccflow_etl import PayloadCodec
from ccflow_etl.codecs.errors import PayloadDecodeError
from tests.codecs.comparisons import COMPARE

CODEC = PayloadCodec(format="parquet")
DAYS = pd.DatetimeIndex(["2024-01-01", "2024-01-02", "2024-01-03"])
FRAME = pd.DataFrame(
    {
        "same": [1.0, np.nan, 1.0],
        "number": [1, 2, 3],
        "instant": DAYS,
        "paris": DAYS.tz_localize("Europe/Paris"),
        "day": list(DAYS.date),
        "time": pd.array([dt.time(1), dt.time(2), dt.time(3)], dtype=pd.ArrowDtype(pa.time64("us"))),
        "lag": pd.to_timedelta([1, 2, 3], unit="h"),
        "month": pd.period_range("2024-01", periods=3, freq="M"),
        "size": pd.Categorical(["small", "mid", "big"], categories=["small", "mid", "big"], ordered=True),
        "money": [decimal.Decimal(9), decimal.Decimal(10), None],
        "wave": [1j, 2j, 3j],
        "span": pd.interval_range(0, 3),
        "kind": pd.Categorical([decimal.Decimal(9), decimal.Decimal(10), None]),
        "flag": ["x", "y", ""],
        "one": [10, 20, 30],
        ("close", "a"): [0.1, 0.2, 0.3],
    },
    index=pd.MultiIndex.from_arrays([DAYS, ["a", "b", "c"]], names=["at", ("level", 2)]),
)
FRAME.columns = pd.Index([{"flag": True, "one": 1}.get(label, label) for label in FRAME], tupleize_cols=False)
DATA = CODEC.encode(FRAME)


def selected(filters: Any) -> list[int]:
    """Return which rows of FRAME a read with these filters gives."""
    numbers: list[int] = CODEC.decode(DATA, filters=filters)["number"].to_list()
    return [number - 1 for number in numbers]


@pytest.mark.parametrize(
    ("filters", "rows"),
    [
        ([["number", ">", 1]], [1, 2]),
        ((("number", ">", 1), ("number", "<", 3)), [1]),
        ([[["number", "==", 1]], [["number", "=", 3]]], [0, 2]),
        ([["number", "in", (1, 3)]], [0, 2]),
        ([["number", "in", []]], []),
        ([["size", "not in", []]], [0, 1, 2]),
        ([["month", "not in", []]], [0, 1, 2]),
        ([["number", "not in", {1, 3}]], [1]),
        ([["instant", ">=", "2024-01-02"]], [1, 2]),
        ([["instant", "in", ["2024-01-02", "2024-01-03T00:00:00"]]], [1, 2]),
        ([["instant", "<", dt.date(2024, 1, 2)]], [0]),
        ([["paris", ">=", "2024-01-02"]], [1, 2]),
        ([["paris", ">", "2024-01-01T23:00:00+00:00"]], [2]),
        ([["paris", ">", pd.Timestamp("2024-01-01T23:00:00", tz="UTC")]], [2]),
        ([["paris", ">", dt.datetime(2024, 1, 1, 20, tzinfo=dt.timezone(dt.timedelta(hours=-3)))]], [2]),
        ([["paris", "==", pd.Timestamp("2024-01-02", tz="Europe/Paris")]], [1]),
        ([["day", ">", "2024-01-02"]], [2]),
        ([["day", ">", dt.date(2024, 1, 2)]], [2]),
        ([["time", "<=", "02:00"]], [0, 1]),
        ([["lag", ">", "90min"]], [1, 2]),
        ([["lag", "<", dt.timedelta(hours=2)]], [0]),
        ([["month", ">=", "2024-02"]], [1, 2]),
        ([["month", "in", [pd.Period("2024-01", "M")]]], [0]),
        ([["size", "==", "mid"]], [1]),
        ([["size", "in", ["big"]]], [2]),
        ([[True, "==", "x"]], [0]),
        ([[1, ">", 10]], [1, 2]),
        ([[np.int64(1), ">", 10]], [1, 2]),
        ([[["close", "a"], "<", 0.3]], [0, 1]),
        ([["at", "==", "2024-01-03"]], [2]),
        ([[["level", 2], "!=", "b"]], [0, 2]),
    ],
    ids=str,
)
def test_rows_are_those_that_pandas_would_select(filters: Any, rows: list[int]) -> None:
    assert selected(filters) == rows


@pytest.mark.parametrize(
    "filters",
    [
        [("same", "!=", 1.0)],
        [("same", "not in", [1.0])],
        [("same", "in", [np.nan])],
        [("same", "in", [7.0, np.nan])],
        [("same", "!=", 1.0), ("number", ">", 0)],
        [[("same", "!=", 1.0)], [("number", "<", 0)]],
        pc.field("same") != 1.0,
        ~(pc.field("same") == 1.0),
    ],
    ids=str,
)
def test_statistics_do_not_hide_nan(filters: Any) -> None:
    """Of the group's values the least and the greatest are 1, and NaN is no value to them."""
    assert selected(filters) == [1]


def test_statistics_are_used_where_they_can_be() -> None:
    rows = 300_000
    frame = pd.DataFrame({"x": np.arange(rows) * 1.0, "n": np.arange(rows)})
    small = PayloadCodec(format="parquet", max_decoded_bytes=2_500_000)
    found = small.decode(CODEC.encode(frame), filters=[("x", "!=", 5.0), ("x", ">", 299_000.0)])
    assert found["n"].to_list() == list(range(299_001, rows))


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ([("size", ">", "small")], "column 'size' is categorical; filter it by ==, !=, in or not in, not by >"),
        ([("money", "==", "9")], r"column 'money' holds objects \(decimal\), which are kept as text"),
        ([("kind", "==", "9")], r"column 'kind' holds objects \(decimal\), which are kept as text"),
        ([("wave", "==", "1j")], "column 'wave' holds values of kind complex, which are kept as text"),
        ([("span", "==", "[0,1]")], "column 'span' holds values of kind interval, which are kept as text"),
        ([("month", ">", "soon")], "'soon' is not a period of freq 'M'"),
        ([("month", ">", 5)], "5 is not a period of freq 'M', as the column holds"),
        ([("month", ">", pd.Period("2024", "Y"))], "is not a period of freq 'M', as the column holds"),
        ([("instant", ">", "soon")], "'soon' does not compare with values of type timestamp"),
        ([("day", ">", "soon")], "'soon' does not compare with values of type date32"),
        ([("lag", ">", "soon")], "'soon' does not compare with values of type duration"),
        ([("number", ">", "2")], "'2' does not compare with values of type int64, as column 'number' holds"),
        ([("close", ">", 1)], "there is no column 'close' to filter by; there are"),
        ([(1.5, ">", 1)], "there is no column 1.5 to filter by"),
        ([("number", "~", 1)], r"\('number', '~', 1\) is not a condition; .* the operators are == = !="),
        ([("number", "in", 1)], "needs a list of values after 'in'"),
        ([("number", "in", "12")], "needs a list of values after 'in'"),
        (("number", ">", 1), "'number' is not a condition"),
        ("number > 1", "'number > 1' is not a condition"),
        ([], r"\[\] is not a condition"),
        ([[]], r"\[\] is not a condition"),
        ([("number", ">")], "'number' is not a condition"),
        ([[("number", ">", 1)], ("number", ">", 1)], "is not a condition"),
    ],
    ids=str,
)
def test_what_cannot_be_compared_is_named(filters: Any, message: str) -> None:
    with pytest.raises(PayloadDecodeError, match=message):
        selected(filters)


def test_a_table_is_filtered_by_text_too() -> None:
    table = pa.table({"at": pa.array(DAYS), "number": [1, 2, 3]})
    data = CODEC.encode(table)
    assert CODEC.decode(data, filters=[["at", ">", "2024-01-01"]], columns=["number"]).to_pydict() == {"number": [2, 3]}
    with pytest.raises(PayloadDecodeError, match=r"there is no column 'other'; there are \['at', 'number'\]"):
        CODEC.decode(data, filters=[["other", ">", 1]])


@pytest.mark.parametrize(("label", "rows"), [(True, ["x", "y", ""]), (1, [10, 20, 30]), (np.int64(1), [10, 20, 30])])
def test_a_label_is_what_pandas_takes_for_it(label: Any, rows: list[Any]) -> None:
    found = CODEC.decode(DATA, columns=[label])
    assert found.iloc[:, 0].to_list() == rows


CELLS = {
    "float": st.sampled_from([1.0, 2.0, 0.0, -0.0, np.nan]),
    "int": st.sampled_from([1, 2, None]),
    "text": st.sampled_from(["a", "b", None]),
    "instant": st.sampled_from([pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-02"), pd.NaT]),
}
VALUES = {"float": [1.0, 0.0, 0], "int": [1, 2, 1.5], "text": ["a", ""], "instant": [pd.Timestamp("2024-01-01")]}


def matches(cell: Any, comparison: str, value: Any) -> bool:
    """What is missing compares with nothing and is in no list, so ``not in`` keeps it. NaN of floats is a value."""
    missing = cell is None or cell is pd.NaT
    if comparison in ("in", "not in"):
        return (not missing and any(cell == one for one in value)) == (comparison == "in")
    return not missing and bool(COMPARE[comparison](cell, value))


@st.composite
def conditions(draw: st.DrawFn) -> tuple[str, str, Any]:
    name = draw(st.sampled_from(list(CELLS)))
    comparison = draw(st.sampled_from([*COMPARE, "in", "not in"]))
    one = st.sampled_from(VALUES[name])
    return name, comparison, draw(st.lists(one, max_size=2) if comparison in ("in", "not in") else one)


@given(
    rows=st.lists(st.tuples(*CELLS.values()), min_size=1, max_size=9),
    filters=st.lists(st.lists(conditions(), min_size=1, max_size=2), min_size=1, max_size=2),
)
def test_row_groups_and_their_statistics_change_nothing(rows: list[Any], filters: Any) -> None:
    frame = pd.DataFrame(rows, columns=list(CELLS), dtype=object)
    frame = frame.astype({"float": "float64", "int": "Int64", "instant": "datetime64[us]"}).assign(row=range(len(rows)))
    file = io.BytesIO()
    CODEC.encode_batches((frame[start : start + 2] for start in range(0, len(rows), 2)), file)
    expected = [
        number
        for number, row in enumerate(rows)
        if any(
            all(matches(row[list(CELLS).index(name)], *rest) for name, *rest in alternative) for alternative in filters
        )
    ]
    assert CODEC.decode(file.getvalue(), filters=filters, columns=["row"])["row"].to_list() == expected


def test_a_label_that_is_not_a_number() -> None:
    frame = pd.DataFrame([[1, 2]], columns=[np.nan, "a"])
    assert CODEC.decode(CODEC.encode(frame), columns=[float("nan")]).shape == (1, 1)


ZEROS = pd.DataFrame({"x": [1.5, 0.0, -0.0, 2.0, np.nan]})


@pytest.mark.parametrize("among", [[1.5], [0], [0.0, 2.0], [-0.0], [7.5], []])
def test_both_zeros_are_in_a_set_that_has_one_and_in_no_other(among: list[float]) -> None:
    data = CODEC.encode(ZEROS)
    found = CODEC.decode(data, filters=[["x", "in", among]])
    assert found.index.to_list() == ZEROS.index[ZEROS["x"].isin(among)].to_list()

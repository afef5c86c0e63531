"""Values of filters compare exactly with what a column holds, or are refused by the column's name."""

import datetime as dt
import decimal
import io
import math
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccflow_etl import PayloadCodec
from ccflow_etl.codecs.errors import PayloadDecodeError
from tests.codecs.comparisons import COMPARE

CODEC = PayloadCodec(format="parquet")
EDGES = [0, 1, 127, 128, 2**31, 2**53, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**30]
AROUND = sorted({sign * edge + step for edge in EDGES for sign in (1, -1) for step in (-1, 0, 1)})
NUMBERS: list[Any] = [*AROUND, *map(float, AROUND), 1.5, -0.5, 1e300, math.inf, -math.inf, math.nan]
NUMBERS += [
    decimal.Decimal("127.5"),
    decimal.Decimal(2**63),
    decimal.Decimal("1e9999"),
    np.uint64(2**63),
    np.float32(1),
]
RANGES = {"int8": (-128, 127), "uint8": (0, 255)}
RANGES |= dict.fromkeys(["int64", "Int64", "int64[pyarrow]"], (-(2**63), 2**63 - 1))
RANGES |= dict.fromkeys(["uint64", "UInt64", "uint64[pyarrow]"], (0, 2**64 - 1))


def positions(payload: Any, *conditions: Any) -> list[int]:
    """Return which rows a read with these conditions gives, when a row group has no more than four."""
    file = io.BytesIO()
    CODEC.encode_batches([payload[start : start + 4] for start in range(0, len(payload), 4)], file)
    found = CODEC.decode(file.getvalue(), filters=list(conditions))
    rows: list[int] = found["row"].to_pylist() if isinstance(found, pa.Table) else found.index.to_list()
    return rows


@given(
    dtype=st.sampled_from(list(RANGES)),
    comparison=st.sampled_from([*COMPARE, "in", "not in"]),
    values=st.tuples(st.sampled_from(NUMBERS), st.sampled_from(NUMBERS)),
)
def test_integers_compare_with_numbers_as_in_python(dtype: str, comparison: str, values: tuple[Any, Any]) -> None:
    least, greatest = RANGES[dtype]
    cells = [number for number in AROUND if least <= number <= greatest]
    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    if comparison in COMPARE:
        expected = [row for row, cell in enumerate(cells) if COMPARE[comparison](cell, plain[0])]
    else:
        expected = [row for row, cell in enumerate(cells) if (cell in plain) == (comparison == "in")]
    condition = ["x", comparison, values[0] if comparison in COMPARE else values]
    assert positions(pd.DataFrame({"x": pd.Series(cells, dtype=dtype)}), condition) == expected


FLOATS = [-0.3, 0.1, 0.2, 0.3, 0.5, 0.0, 1e30, np.inf, -np.inf, np.nan]


@pytest.mark.parametrize("dtype", ["float32", "float64", "Float32"])
@pytest.mark.parametrize("comparison", COMPARE)
@pytest.mark.parametrize("value", [0.1, 0.3, 0.5, 0, 1, decimal.Decimal("0.5"), np.float32(0.1), math.inf, math.nan])
def test_floats_compare_as_in_pandas(dtype: str, comparison: str, value: Any) -> None:
    column = pd.Series(FLOATS).astype(dtype)
    number = float(value) if isinstance(value, decimal.Decimal) else value
    expected = COMPARE[comparison](column, number).fillna(False)  # type: ignore[attr-defined] # a Series
    assert positions(pd.DataFrame({"x": column}), ["x", comparison, value]) == column.index[expected].to_list()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("among", [[0.1], [0.1, 0.2], [0.5], [0.1, 0], [7.5, 10**400], []], ids=repr)
def test_what_is_in_a_list_equals_one_of_it(dtype: str, among: list[Any]) -> None:
    frame = pd.DataFrame({"x": pd.Series(FLOATS, dtype=dtype)})
    equal = {row for value in among for row in positions(frame, ["x", "==", value])}
    assert positions(frame, ["x", "in", among]) == sorted(equal)
    assert positions(frame, ["x", "not in", among]) == sorted(set(range(len(FLOATS))) - equal)


@pytest.mark.parametrize("value", [10**400, -(10**400), decimal.Decimal("1e400"), 1e300])
@pytest.mark.parametrize("comparison", COMPARE)
def test_beyond_the_largest_float_there_is_infinity_alone(comparison: str, value: Any) -> None:
    cells = [-math.inf, -1e38, 0.0, 1e38, math.inf]
    expected = [row for row, cell in enumerate(cells) if COMPARE[comparison](cell, value)]
    assert positions(pd.DataFrame({"x": np.array(cells, "f4")}), ["x", comparison, value]) == expected


HOURS = pd.DatetimeIndex(["2024-05-01T02", "2024-05-01T03", "2024-05-01T03:00:01", "2024-05-02"])


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "Europe/Paris"])
@pytest.mark.parametrize("comparison", COMPARE)
@pytest.mark.parametrize("time", ["03:00", "03:00:00.000000001", "03:00:00.9999999", "02:59:59.999999999", "04"])
def test_instants_finer_than_the_column_are_not_cut_off(unit: Any, zone: Any, comparison: str, time: str) -> None:
    column = pd.Series(HOURS.as_unit(unit).tz_localize(zone))
    stamp = pd.Timestamp(f"2024-05-01T{time}", tz=zone)
    expected = column.index[COMPARE[comparison](column, stamp)].to_list()
    frame = pd.DataFrame({"at": column})
    assert positions(frame, ["at", comparison, stamp]) == expected
    assert positions(frame, ["at", comparison, f"2024-05-01T{time}"]) == expected


@pytest.mark.parametrize("comparison", COMPARE)
@pytest.mark.parametrize(
    "value",
    [
        pd.Timedelta("3h"),
        pd.Timedelta("3h1ns"),
        dt.timedelta(hours=3),
        np.timedelta64(3, "h"),
        np.timedelta64(200, "m"),
        pd.Timedelta("-1ns"),
    ],
)
def test_durations_compare_as_in_pandas(comparison: str, value: Any) -> None:
    column = pd.Series(pd.to_timedelta([0, 2, 3, 4], unit="h").as_unit("s"))
    expected = column.index[COMPARE[comparison](column, value)].to_list()
    assert positions(pd.DataFrame({"lag": column}), ["lag", comparison, value]) == expected


DAYS = pd.date_range("2024-05-01", periods=4, tz="Europe/Paris")


@pytest.mark.parametrize("value", [dt.date(2024, 5, 2), "2024-05-02", dt.datetime(2024, 5, 1, 22, tzinfo=dt.UTC)])
@pytest.mark.parametrize(
    ("comparison", "rows"), [("==", [1]), ("<", [0]), ("<=", [0, 1]), (">", [2, 3]), (">=", [1, 2, 3])]
)
def test_a_day_begins_at_midnight_of_the_zone_of_the_column(value: Any, comparison: str, rows: list[int]) -> None:
    assert positions(pd.DataFrame({"day": DAYS}), ["day", comparison, value]) == rows
    if comparison == "==":
        assert positions(pd.DataFrame({"day": DAYS}), ["day", "in", [value, dt.date(1990, 1, 1)]]) == rows


TABLE = pa.table(
    {
        "row": range(4),
        "price": pa.array([decimal.Decimal("-1.50"), decimal.Decimal("0.10"), decimal.Decimal("1.50"), None]),
        "wide": pa.array([-(10**60), 0, 10**60, None], pa.decimal256(76, 2)),
        "day": pa.array([dt.date(2024, 5, day) for day in (1, 2, 3)] + [None]),
        "stamp": pa.array([pd.Timestamp(2024, 5, day) for day in (1, 2, 3)] + [None], pa.timestamp("ns", "+05:30")),
        "open": pa.array([dt.time(9, 30), dt.time(12), dt.time(17), None], pa.time32("ms")),
        "raw": pa.array([b"a", b"b", b"", None]),
        "sure": [True, False, True, None],
        "kind": pa.array(["x", "y", "x", None]).dictionary_encode(),
        "none": pa.nulls(4),
    }
)


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        (["price", ">", 0.1], [2]),
        (["price", ">", 0], [1, 2]),
        (["price", ">=", 0.1], [2]),
        (["price", "==", decimal.Decimal("0.1")], [1]),
        (["price", "<", decimal.Decimal("1.501")], [0, 1, 2]),
        (["price", "in", [decimal.Decimal("1.5"), 10**9]], [2]),
        (["price", "!=", 0.1], [0, 1, 2]),
        (["price", "<", decimal.Decimal("Infinity")], [0, 1, 2]),
        (["price", "==", decimal.Decimal("NaN")], []),
        (["wide", "==", 10**60], [2]),
        (["wide", ">", -1e60], [1, 2]),
        (["day", ">", dt.datetime(2024, 5, 2)], [2]),
        (["day", ">=", dt.datetime(2024, 5, 2, 1)], [2]),
        (["day", "<", np.datetime64("2024-05-02")], [0]),
        (["stamp", "==", pd.Timestamp("2024-05-02", tz="UTC")], [1]),
        (["stamp", ">", "2024-05-02T05:29:59.999999999"], [1, 2]),
        (["open", ">", "09:30"], [1, 2]),
        (["open", ">=", dt.time(9, 30, 0, 1)], [1, 2]),
        (["raw", "==", b"b"], [1]),
        (["sure", "==", False], [1]),
        (["sure", "in", [np.True_]], [0, 2]),
        (["kind", "!=", "x"], [1]),
        (["kind", "in", ["x", None]], [0, 2, 3]),
        (["none", "==", 5], []),
        (["none", "!=", None], []),
        (["none", "in", [None, 5]], [0, 1, 2, 3]),
        (["price", "==", None], []),
        (["price", "not in", [None]], [0, 1, 2]),
        (["stamp", "in", [pd.NaT]], [3]),
        (["stamp", "<", pd.NaT], []),
    ],
    ids=str,
)
def test_tables_are_filtered_by_values_of_any_type(condition: Any, rows: list[int]) -> None:
    assert positions(TABLE, condition) == rows


REFUSED = pd.DataFrame(
    {
        "i": [1],
        "f": [0.5],
        "s": ["a"],
        "b": [True],
        "utc": pd.DatetimeIndex(["2024-01-01"], tz="UTC"),
        "paris": pd.DatetimeIndex(["2024-01-01"], tz="Europe/Paris"),
        "t": pd.DatetimeIndex(["2024-01-01"]),
        "lag": pd.to_timedelta([1], unit="h"),
        "list": pd.array([[1]], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
    }
)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (["i", ">", "abc"], "'abc' does not compare with values of type int64, as column 'i' holds: .* give a number"),
        (["i", "==", True], "True does not compare .* column 'i' holds: it is of type bool; give a number"),
        (["i", "in", [1, "2"]], "'2' does not compare with values of type int64, as column 'i' holds"),
        (["i", "==", ...], "does not compare .* column 'i' holds: it is of type ellipsis; give a number"),
        (["f", "<", "1"], "'1' does not compare with values of type double, as column 'f' holds: .* give a number"),
        (["f", "==", np.True_], "column 'f' holds: it is of type numpy.bool_?; give a number"),
        (
            ["s", "in", ["a", "\ud800"]],
            "does not compare .* column 's' holds: .*surrogates",
        ),
        (["s", ">", 5], "5 does not compare .* column 's' holds: it is of type int; give text"),
        (["b", "==", 1], "1 does not compare .* column 'b' holds: it is of type int; give true or false"),
        (["utc", ">", dt.datetime(2024, 1, 1)], "column 'utc' holds: it has no time zone; give an instant with one"),
        (["utc", ">", np.datetime64("2024-01-01T00", "h")], "column 'utc' holds: it has no time zone"),
        (["t", ">", "2024-01-01T00Z"], "column 't' holds: it has a time zone; give an instant without one"),
        (["t", ">", 5], "5 does not compare .* column 't' holds: it is of type int; give an instant"),
        (["t", ">", ""], "'' does not compare .* column 't' holds: it is none"),
        (["paris", ">", "2024-10-27T02:30"], "it is not one instant in Europe/Paris; give it with its offset"),
        (["paris", ">", "2024-03-31T02:30"], "it is not one instant in Europe/Paris; give it with its offset"),
        (["lag", ">", 5], "column 'lag' holds: it is of type int; give a duration, as '90min'"),
        (["lag", ">", np.timedelta64(1, "M")], "does not compare .* column 'lag' holds: "),
        (["list", "==", [1]], "column 'list' holds: such columns cannot be filtered by"),
    ],
    ids=str,
)
def test_what_does_not_compare_is_refused_by_name(condition: Any, message: str) -> None:
    with pytest.raises(PayloadDecodeError, match=message):
        positions(REFUSED, condition)

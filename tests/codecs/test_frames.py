"""DataFrames and Series come back equal or are refused, never changed.

Judged by pandas' own comparison and by ``facts``, which takes an object apart into plain Python values and shares no
code with the codec.
"""

import contextlib
import datetime as dt
import decimal
import itertools
import uuid
import zoneinfo
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from pandas.testing import assert_frame_equal, assert_series_equal

from ccflow_etl import CacheFormat, PayloadCodec
from ccflow_etl.codecs.errors import PayloadEncodeError
from ccflow_etl.testing import data_frames, data_series

FORMATS: list[CacheFormat] = ["parquet", "arrow", "csv", ["csv", "gzip"]]


def facts(value: Any) -> Any:
    """Everything that can be told about a pandas object, as plain values that compare exactly."""
    if isinstance(value, pd.DataFrame):
        columns = [column_facts(value.iloc[:, position]) for position in range(value.shape[1])]
        flags = value.flags.allows_duplicate_labels
        return ("DataFrame", columns, facts(value.columns), facts(value.index), repr(value.attrs), flags)
    if isinstance(value, pd.Series):
        flags = value.flags.allows_duplicate_labels
        return ("Series", column_facts(value), facts(value.index), repr(value.name), repr(value.attrs), flags)
    if isinstance(value, pd.MultiIndex):
        bare = value.set_names([None] * value.nlevels)
        values = [facts(bare.get_level_values(level)) for level in range(value.nlevels)]
        codes = [list(map(int, level)) for level in value.codes]
        return ("MultiIndex", repr(value.names), values, [facts(level) for level in bare.levels], codes)
    if isinstance(value, pd.RangeIndex):
        return ("RangeIndex", value.start, value.stop, value.step, repr(value.name))
    freq = getattr(value, "freq", None)
    return (type(value).__name__, column_facts(value), repr(value.name), repr(freq))


def column_facts(values: Any) -> Any:
    return (dtype_facts(values.dtype), [(type(item).__name__, cell_facts(item)) for item in values])


def cell_facts(item: Any) -> Any:
    # two equal sets are written in different orders where their hashes collide
    return sorted(map(repr, item)) if isinstance(item, set | frozenset) else repr(item)


def dtype_facts(dtype: Any) -> Any:
    if isinstance(dtype, pd.CategoricalDtype):
        return ("category", facts(dtype.categories), dtype.ordered)
    if isinstance(dtype, pd.DatetimeTZDtype):
        return (str(dtype), type(dtype.tz).__name__, repr(dtype.tz))
    if isinstance(dtype, pd.StringDtype):
        return (str(dtype), dtype.storage, repr(dtype.na_value))
    return str(dtype)


def check(kind: CacheFormat, given_value: Any) -> Any:
    codec = PayloadCodec(format=kind)
    before = facts(given_value)
    data = codec.encode(given_value)
    assert facts(given_value) == before, "encoding leaves its input alone"
    assert codec.encode(given_value) == data, "encoding is deterministic"
    found = codec.decode(data)
    assert facts(found) == before
    if isinstance(found, pd.DataFrame):
        assert_frame_equal(found, given_value, check_exact=True, check_freq=True, check_flags=True)
    else:
        assert_series_equal(found, given_value, check_exact=True, check_freq=True, check_flags=True)
    return found


PANDAS = tuple(int(part) for part in pd.__version__.split(".")[:2])
TEXT_WITH_NAN = pd.StringDtype("pyarrow", na_value=np.nan) if PANDAS >= (2, 3) else pd.StringDtype("pyarrow_numpy")
PARIS = zoneinfo.ZoneInfo("Europe/Paris")
NAN_IN_FLOAT64 = pd.arrays.FloatingArray(np.array([1.5, np.nan, 0.0]), np.array([False, False, True]))

COLUMNS: dict[str, Any] = {
    **{f"numpy {kind}": np.array([0, 1, 2], kind) for kind in "bBhHiIqQefd"},
    "numpy extremes": np.array([-(2**63), 2**63 - 1, 0]),
    "numpy uint64": np.array([2**64 - 1, 2**53 + 1, 0], "u8"),
    "float special": np.array([np.nan, -0.0, np.inf]),
    "float tiny": np.array([5e-324, 1.7976931348623157e308, -np.inf]),
    "float32 odd": np.array([0.1, 16777217, np.nan], "f4"),
    "bool": np.array([True, False, True]),
    **{
        f"datetime {unit} {zone}": pd.DatetimeIndex(["2024-03-31 01:30:07", "NaT", "1890-01-01"], tz="UTC")
        .as_unit(unit)
        .tz_convert(zone)
        for unit, zone in itertools.product(
            ["s", "ms", "us", "ns"],
            [
                None,
                "UTC",
                PARIS,
                dt.UTC,
                dt.timezone(dt.timedelta(hours=-3, minutes=-30)),
                dt.timezone(dt.timedelta(seconds=61)),
            ],
        )
    },
    "datetime named zone": pd.DatetimeIndex(["2024-03-31"] * 3, tz=dt.timezone(dt.timedelta(0), "GMT")),
    "datetime long ago": np.array(["0001-01-01", "9999-12-31T23:59:59", "NaT"], "M8[s]"),
    **{f"timedelta {unit}": np.array([1, "NaT", -(2**40)], f"m8[{unit}]") for unit in ["s", "ms", "us", "ns"]},
    "object": np.array(["a", "", "NA"], dtype=object),
    "object None": np.array(["a", None, "null"], dtype=object),
    "object NaN": np.array(["a", np.nan, 'quo"te,\r\n'], dtype=object),
    "object only None": np.array([None] * 3, dtype=object),
    "object only NaN": np.array([np.nan] * 3, dtype=object),
    "str": pd.array(["007", None, "é😀\x00"], dtype=TEXT_WITH_NAN),
    "string": pd.array(["a", None, "#"], dtype="string"),
    "string python": pd.array(["a", None, " x "], dtype=pd.StringDtype("python")),
    "string pyarrow": pd.array(["a", None, ""], dtype=pd.StringDtype("pyarrow")),
    **{
        f"masked {name}": pd.array([1, None, 0], dtype=name)
        for name in ["Int8", "UInt16", "Int32", "Int64", "Float32", "Float64"]
    },
    "masked big": pd.array([2**63 - 1, None, -(2**63)], dtype="Int64"),
    "masked UInt64": pd.array([2**64 - 1, None, 0], dtype="UInt64"),
    "masked NaN": NAN_IN_FLOAT64,
    "boolean": pd.array([True, None, False], dtype="boolean"),
    "category": pd.Categorical(["b", None, "a"], categories=["c", "b", "a"]),
    "category ordered": pd.Categorical(["b", "a", "b"], categories=["b", "a"], ordered=True),
    "category object": pd.Categorical(["b", "a", None], categories=pd.Index(["b", "a"], dtype=object)),
    "category int": pd.Categorical([7, None, 5], categories=[7, 5, 6]),
    "category float": pd.Categorical([0.1, np.inf, None]),
    "category bool": pd.Categorical([True, False, True]),
    "category range": pd.Categorical.from_codes([2, -1, 0], categories=pd.RangeIndex(3)),
    "category date": pd.Categorical(pd.DatetimeIndex(["2024-01-03", "NaT", "2020-01-01"], tz=PARIS)),
    "category timedelta": pd.Categorical(pd.TimedeltaIndex(["1h", "NaT", "2h"])),
    "category masked": pd.Categorical(pd.array([5, None, 7], dtype="Int64")),
    "category named": pd.Categorical(["x", "y", None], categories=pd.Index(["y", "x"], name="letters")),
    "category empty": pd.Categorical([None] * 3),
}

if PANDAS >= (2, 3):
    COLUMNS["string python NaN"] = pd.array(["a", None, ""], dtype=pd.StringDtype("python", na_value=np.nan))

with contextlib.suppress(ImportError):  # the zones of pandas 2
    import pytz

    instants = pd.DatetimeIndex(["2024-03-31 01:30:07", "NaT", "1890-01-01"], tz="UTC")
    for zone in (pytz.UTC, pytz.timezone("Europe/Paris"), pytz.FixedOffset(-90)):
        COLUMNS[f"pytz {zone}"] = instants.tz_convert(zone)


def cells(*values: Any) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        array[place] = value
    return array


D = decimal.Decimal
DAY = dt.date(2024, 1, 3)
COLUMNS |= {
    "period": pd.period_range("2024-01", periods=3, freq="M"),
    "period weeks": pd.array(["2024-01-03", None, "1890-02-01"], dtype="period[W-FRI]"),
    "interval": pd.arrays.IntervalArray.from_breaks([0, 1, 2, 3]),
    "interval floats": pd.arrays.IntervalArray.from_tuples([(0.5, 1), None, (2, np.inf)], closed="left"),
    "interval instants": pd.arrays.IntervalArray.from_breaks(pd.date_range("2024", periods=4, tz=PARIS)),
    "interval lags": pd.arrays.IntervalArray.from_breaks(pd.timedelta_range(0, periods=4), closed="both"),
    "sparse": pd.arrays.SparseArray([0, 0, 1]),
    "sparse NaN": pd.arrays.SparseArray([np.nan, 1.5, np.nan]),
    "sparse fill": pd.arrays.SparseArray([7, 7, 1], fill_value=7, kind="block"),
    "sparse bool": pd.arrays.SparseArray([True, False, False]),
    "complex": np.array([1j, complex(np.nan, -0.0), complex(-0.0, -np.inf)]),
    "complex64": np.array([1j, 0.1, -2], "c8"),
    "decimals": cells(D("1.20"), None, D("NaN")),
    "decimals many digits": cells(D("1e-400"), D("-0"), D("123456789012345678901234567890.5")),
    "dates": cells(DAY, None, dt.date(1, 1, 1)),
    "times": cells(dt.time(1, 2, 3, 4), None, dt.time(0, tzinfo=dt.UTC)),
    "datetimes": cells(dt.datetime(2024, 10, 27, 2, 30, tzinfo=PARIS, fold=1), dt.datetime(1, 1, 1), None),
    "timedeltas": cells(dt.timedelta(microseconds=1), dt.timedelta.max, None),
    "bytes": cells(b"\x00\xff", b"", None),
    "uuids": cells(uuid.UUID(int=1), None, uuid.UUID(int=2)),
    "mixed": cells(1, "a", None),
    "mixed ints": cells(1, 2**100, None),
    "mixed missing": cells(None, np.nan, "a"),
    "mixed NA": cells(pd.NA, pd.NaT, -0.0),
    "mixed bools": cells(True, 1, 1.0),
    "mixed numpy": cells(np.float32(0.1), np.int8(3), np.datetime64("2024-01-03", "D")),
    "mixed pandas": cells(pd.Timestamp("2024-01-03", tz=PARIS), pd.Timedelta(1, "ns"), pd.Period("2024-01", "M")),
    "lists": cells([1, None], [], [[b"a"]]),
    "dicts": cells({"b": 1, "a": [DAY]}, {}, {1: {"x": None}}),
    "tuples and sets": cells((1, (2,)), {3, "a"}, frozenset([1.5])),
    "arrays": cells(np.arange(3, dtype="i2"), np.zeros((2, 2)), np.array(["a", "bc"])),
    "pandas interval": cells(pd.Interval(0, 1), pd.Interval(0.5, 1.5, "both"), bytearray(b"a")),
    "numpy text": cells(np.str_("a"), "a", np.bool_(True)),
    "looks like a tag": cells({"decimal": "1"}, '{"decimal":"1"}', ["decimal"]),
    "category mixed": pd.Categorical(cells(1, "a", None)),
    "category dates": pd.Categorical(cells(DAY, None, DAY), categories=cells(dt.date(2025, 1, 1), DAY)),
    "category tuples": pd.Categorical(cells((1, 2), (1, 3), None)),
    "category interval": pd.Categorical(pd.cut([1, 5, 9], 2)),
    "category period": pd.Categorical(pd.period_range("2024-01", periods=3, freq="M")),
    "category decimals": pd.Categorical(cells(D("1.20"), D("1.3"), None)),
    "category unused": pd.Categorical([None] * 3, categories=pd.interval_range(0, 4)),
    "category ordered interval": pd.Categorical(pd.interval_range(0, 3), ordered=True),
    **{
        f"arrow {kind}": pd.array(values, dtype=pd.ArrowDtype(kind))
        for kind, values in [
            (pa.int64(), [1, None, 2**63 - 1]),
            (pa.float32(), [0.5, None, float("inf")]),
            (pa.string(), ["a", None, ""]),
            (pa.large_string(), ["a", None, ""]),
            (pa.bool_(), [True, None, False]),
            (pa.timestamp("s"), [dt.datetime(2024, 1, 3), None, dt.datetime(1, 1, 1)]),
            (pa.timestamp("us", "Europe/Paris"), [dt.datetime(2024, 1, 3), None, None]),
            (pa.duration("s"), [dt.timedelta(1), None, dt.timedelta(0)]),
            (pa.date32(), [DAY, None, DAY]),
            (pa.date64(), [DAY, None, DAY]),
            (pa.time32("s"), [dt.time(1), None, dt.time(0)]),
            (pa.time64("us"), [dt.time(1, 2, 3, 4), None, dt.time(0)]),
            (pa.decimal128(10, 2), [D("1.20"), None, D("-2.00")]),
        ]
    },
}

INDEXES: dict[str, pd.Index] = {
    "period": pd.period_range("2024-01", periods=3, freq="2M", name="p"),
    "interval": pd.interval_range(0, 3, name=("a", 1)),
    "interval overlapping": pd.IntervalIndex.from_tuples([(0, 2), (1, 3), (0, 2)], closed="both"),
    "mixed": pd.Index(cells(1, "a", None), name=1.5),
    "dates": pd.Index(cells(DAY, DAY, dt.date(2024, 1, 1)), name=DAY),
    "arrow": pd.Index([1, None, 3], dtype="int64[pyarrow]", name=True),
    "complex": pd.Index([1j, 2, 3]),
    "tuples": pd.Index(cells((1, 2), (3,), ()), tupleize_cols=False),
    "decimals": pd.Index(cells(D("1.20"), D("1.2"), D("3"))),
    "multi other kinds": pd.MultiIndex.from_arrays(
        [pd.interval_range(0, 3), cells(1, "a", 2.5), pd.period_range("2024", periods=3, freq="Y")],
        names=[("a", 1), None, DAY],
    ),
    "multi dates": pd.MultiIndex.from_tuples([(1, DAY), (2, DAY), (2, dt.date(2024, 1, 1))]),
    "multi overlapping": pd.MultiIndex.from_arrays([pd.IntervalIndex.from_tuples([(0, 2), (1, 3), (0, 2)]), [1, 2, 3]]),
    "range": pd.RangeIndex(3),
    "range odd": pd.RangeIndex(10, 1, -3, name="row"),
    "int": pd.Index([3, 1, 3], name=0),
    "str": pd.Index(["a", "b", "c"], name="value"),
    "object": pd.Index(["a", None, "c"], dtype=object),
    "float": pd.Index([1.5, np.nan, -0.0]),
    "bool": pd.Index([True, False, True]),
    "days": pd.date_range("2024-01-03", periods=3, name="day"),
    "days without freq": pd.DatetimeIndex(["2024-01-03", "NaT", "2024-01-01"]),
    "months": pd.date_range("2024-01-31", periods=3, freq="2ME", unit="ns"),
    "weeks": pd.date_range("2024-01-03", periods=3, freq="W-FRI"),
    "business": pd.date_range("2024-01-03", periods=3, freq="BQS-FEB"),
    "last Thursdays": pd.DatetimeIndex(["2018-11-22", "2018-12-27", "2019-01-24"], freq="infer"),
    "weeks of days": pd.TimedeltaIndex(["0D", "7D", "14D"], freq="infer"),
    "hours with zone": pd.date_range("2024-03-31", periods=3, freq="h", tz=PARIS),
    "days with zone": pd.date_range("2024-03-30", periods=3, freq="D", tz=PARIS),
    "timedeltas": pd.timedelta_range("1h", periods=3, freq="90min", name="lag"),
    "category": pd.CategoricalIndex(["b", None, "a"], categories=["c", "b", "a"], ordered=True, name="k"),
    "masked": pd.Index([1, None, 2], dtype="Int64"),
    "multi": pd.MultiIndex.from_arrays([["b", "a", "b"], [1, 2, 1]], names=["x", None]),
    "multi kinds": pd.MultiIndex.from_arrays(
        [
            pd.date_range("2024", periods=3, tz=PARIS),
            pd.Categorical(["b", "a", None]),
            pd.Index([1, 2, 3], dtype="int8"),
        ],
        names=["value", "value_2", 7],
    ),
    "multi missing": pd.MultiIndex.from_arrays(
        [["a", None, "b"], [1.5, np.nan, 2], pd.Index(["x", None, "y"], dtype=object)]
    ),
    "multi numbered names": pd.MultiIndex.from_arrays([["a", "b", "c"], [1, 2, 3]], names=[1, 0]),
    "multi unsorted": pd.MultiIndex.from_arrays([["a", "b", "c", "d"], [1, 2, 3, 4]]).set_levels(
        ["d", "b", "c", "a"], level=0
    )[1:],
    "multi ranges": pd.MultiIndex.from_product([range(1), pd.RangeIndex(5, 2, -1)]),
    "multi empty level": pd.MultiIndex.from_arrays([[None, None, None], [1, 2, 3]]),
}

LABELS: dict[str, Any] = {
    "range": pd.RangeIndex(3),
    "ints": pd.Index([2, 0, 1]),
    "floats": pd.Index([0.1, np.inf, np.nan]),
    "named": pd.Index(["a", "b", "c"], name="field"),
    "object": pd.Index(["a", None, "c"], dtype=object),
    "duplicates": ["a", "a", "a_2"],
    "like an index": ["__index_level_0__", "", "day"],
    "dates": pd.date_range("2024-01-31", periods=3, freq="ME", tz=PARIS),
    "category": pd.CategoricalIndex(["x", "y", "z"]),
    "multi": pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["letter", None]),
    "mixed": [1, "a", None],
    "mixed dates": [DAY, "a", True],
    "tuples and text": pd.Index(cells((1, 2), "a", 3), tupleize_cols=False),
    "periods": pd.period_range("2024-01", periods=3, freq="M", name=("x", 1)),
    "intervals": pd.interval_range(0, 3),
    "multi mixed": pd.MultiIndex.from_tuples([("a", DAY), ("a", None), (1, DAY)], names=[None, 0.5]),
    "multi duplicates": pd.MultiIndex.from_tuples([("a", 1), ("a", 1), ("b", 1)]),
    "quotes": ['"', "a,b", "line\nbreak"],
}


def test_the_matrix_has_at_least_150_cases() -> None:
    assert len(COLUMNS) + len(INDEXES) + len(LABELS) >= 150


@pytest.mark.parametrize("kind", FORMATS, ids=str)
@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_of_every_kind(kind: CacheFormat, name: str) -> None:
    frame = pd.DataFrame({"first": [1, 2, 3], "value": COLUMNS[name]})
    check(kind, frame)
    check(kind, frame.iloc[:0])
    check(kind, frame["value"])
    check(kind, pd.Series(COLUMNS[name], index=INDEXES["days"]))


@pytest.mark.parametrize("kind", FORMATS, ids=str)
@pytest.mark.parametrize("name", INDEXES)
def test_an_index_of_every_kind(kind: CacheFormat, name: str) -> None:
    frame = pd.DataFrame({"value": [1.5, None, 2.5], "day": ["a", "b", None]}, index=INDEXES[name])
    check(kind, frame)
    check(kind, frame.iloc[:0])
    check(kind, frame[[]])
    check(kind, frame["value"])


@pytest.mark.parametrize("kind", FORMATS, ids=str)
@pytest.mark.parametrize("name", LABELS)
def test_labels_of_every_kind(kind: CacheFormat, name: str) -> None:
    frame = pd.DataFrame([[1, "a", 2.5], [2, "b", 3.5]], index=pd.Index(["x", "y"], name="day"))
    frame.columns = LABELS[name]
    check(kind, frame)
    check(kind, frame.reset_index(drop=True))


@pytest.mark.parametrize("kind", FORMATS, ids=str)
@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(),
        pd.DataFrame(index=range(5)),
        pd.DataFrame(index=["a", "b"]),
        pd.DataFrame(columns=["a", "b"]),
        pd.DataFrame({"a": [1]}).set_flags(allows_duplicate_labels=False),
        pd.Series(dtype="float64"),
        pd.Series([1], name=5),
        pd.Series([1], name="").set_flags(allows_duplicate_labels=False),
    ],
    ids=["nothing", "rows only", "index only", "columns only", "flags", "empty series", "int name", "series flags"],
)
def test_odd_shapes(kind: CacheFormat, frame: Any) -> None:
    check(kind, frame)


@pytest.mark.parametrize("kind", FORMATS, ids=str)
def test_attrs_come_back(kind: CacheFormat) -> None:
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = {"source": "feed", "rows": [1, 2.5, None, True, {"deep": "ü"}], 1: (DAY, np.nan, np.float64(1))}
    assert repr(check(kind, frame).attrs) == repr(frame.attrs)
    series = frame["a"]
    series.attrs = {"unit": "USD"}
    check(kind, series)


@pytest.mark.parametrize("kind", FORMATS, ids=str)
def test_what_comes_back_can_be_changed(kind: CacheFormat) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5], "c": [True, False], "d": ["x", "y"], "t": INDEXES["days"][:2]})
    found = check(kind, frame)
    found.loc[0] = [9, 9.5, False, "z", pd.Timestamp(0)]
    assert found.iloc[0].to_list() == [9, 9.5, False, "z", pd.Timestamp(0)]
    series = check(kind, frame["a"])
    series.iloc[0] = 9
    assert series.to_list() == [9, 2]


@pytest.mark.parametrize("kind", FORMATS, ids=str)
@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_of_every_kind_can_be_changed(kind: CacheFormat, name: str) -> None:
    codec, frame = PayloadCodec(format=kind), pd.DataFrame({"first": [1, 2, 3], "value": COLUMNS[name]})
    if isinstance(frame["value"].dtype, pd.SparseDtype):
        return  # which pandas itself cannot change
    data = codec.encode(frame)
    for found in (codec.decode(data)["value"], codec.decode(codec.encode(frame["value"]))):
        cells = found.array
        cells[:2] = cells[1:]
        assert column_facts(found) == column_facts(frame["value"].iloc[[1, 2, 2]])
    assert facts(codec.decode(data)) == facts(frame), "of the bytes nothing was changed"


@pytest.mark.parametrize("kind", FORMATS, ids=str)
def test_columns_of_all_kinds_keep_their_places_and_few_blocks(kind: CacheFormat) -> None:
    columns = [
        np.arange(3),
        np.array(["a", "b", "c"], dtype=object),
        np.array([0.5, np.nan, -0.0]),
        pd.array([1, 2, None]),
    ]
    columns += [
        np.array([1, "NaT", 3], dtype="M8[us]"),
        np.array([True, False, True]),
        np.array(["NaT", 1, 2], dtype="m8[ns]"),
    ]
    frame = pd.concat([pd.Series(column) for column in columns * 40], axis=1)
    found = check(kind, frame)
    found["another"] = 1  # pandas warns of a frame with more than a hundred blocks, and warnings are errors here
    check(kind, frame[frame.columns[::-1]])


@pytest.mark.parametrize("kind", FORMATS, ids=str)
def test_more_rows_than_a_block_or_a_row_group(kind: CacheFormat) -> None:
    rows = 1_100_000
    frame = pd.DataFrame(
        {
            "number": np.arange(rows),
            "letter": pd.Categorical(np.array(["a", "b", "c"])[np.arange(rows) % 3], categories=["c", "b", "a", "z"]),
            "text": pd.array(np.array(["one", "", "three"])[np.arange(rows) % 3], dtype=TEXT_WITH_NAN),
        }
    )
    found = PayloadCodec(format=kind).decode(PayloadCodec(format=kind).encode(frame))
    assert_frame_equal(found, frame, check_exact=True)


@pytest.mark.parametrize("kind", FORMATS, ids=str)
def test_a_view_of_every_other_row_and_column(kind: CacheFormat) -> None:
    check(kind, pd.DataFrame(np.arange(24.0).reshape(4, 6)).iloc[::2, ::-2])
    check(kind, pd.DataFrame(np.arange(24).reshape(4, 6).T))


@pytest.mark.parametrize("kind", FORMATS, ids=str)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(frame=data_frames() | data_series())
def test_any_frame_comes_back_or_is_refused(kind: CacheFormat, frame: pd.DataFrame | pd.Series) -> None:
    codec = PayloadCodec(format=kind)
    try:
        data = codec.encode(frame)
    except PayloadEncodeError:
        return
    assert facts(codec.decode(data)) == facts(frame)

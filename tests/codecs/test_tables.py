"""Rows, columns, Arrow tables and what others offer as one: tables that come back, or a refusal."""

import datetime as dt
import decimal
import io
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccflow_etl import CacheFormat, CacheFormatName, PayloadCodec
from ccflow_etl.codecs.errors import PayloadEncodeError

FORMATS: list[CacheFormat] = ["parquet", "arrow", "csv", ["parquet", "gzip"], ["arrow", "gzip"], ["csv", "gzip"]]
TABULAR: list[CacheFormatName] = ["parquet", "arrow"]


def round_trip(kind: CacheFormat, payload: Any) -> pa.Table:
    codec = PayloadCodec(format=kind)
    data = codec.encode(payload)
    assert codec.encode(payload) == data, "encoding is deterministic"
    table = codec.decode(data)
    assert type(table) is pa.Table
    return table


SIMPLE = pa.table(
    {"ticker": ["AAA", None, ""], "close": [103.6, None, -0.0], "volume": pa.array([1, 2, None], pa.uint8())}
)


class Exporter:
    """What polars has."""

    def __init__(self, table: Any) -> None:
        self.table = table

    def to_arrow(self) -> Any:
        return self.table


class Stream:
    """What every library that knows Arrow has."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize("kind", FORMATS, ids=str)
@pytest.mark.parametrize(
    "payload",
    [
        SIMPLE,
        SIMPLE.to_batches()[0],
        Exporter(SIMPLE),
        Exporter(SIMPLE.to_batches()[0]),
        Stream(SIMPLE),
        SIMPLE.slice(0, 0),
        SIMPLE.slice(1, 1),
        pa.concat_tables([SIMPLE, SIMPLE]),
        pa.table({}),
        SIMPLE.replace_schema_metadata({"source": "feed"}),
    ],
    ids=["table", "batch", "to_arrow", "to_arrow batch", "stream", "empty", "slice", "chunks", "nothing", "metadata"],
)
def test_a_table_comes_back(kind: CacheFormat, payload: Any) -> None:
    expected = payload if isinstance(payload, pa.Table) else SIMPLE
    found = round_trip(kind, payload)
    assert found.equals(expected)
    assert (found.schema.metadata or None) == (expected.schema.metadata or None)


TYPES = {
    "bool": pa.array([True, None]),
    "int8": pa.array([-128, None], pa.int8()),
    "uint64": pa.array([2**64 - 1, None], pa.uint64()),
    "float32": pa.array([0.1, None], pa.float32()),
    "float16": pa.array(np.array([0.5, 65504], np.float16)),
    "large_string": pa.array(["a,\n\"'", None], pa.large_string()),
    "date": pa.array([dt.date(2024, 1, 3), None]),
    "time": pa.array([dt.time(1, 2, 3, 4), None]),
    "timestamp ns": pa.array([1, None], pa.timestamp("ns")),
    "timestamp us with zone": pa.array([-(10**15), None], pa.timestamp("us", "Europe/Paris")),
    "duration": pa.array([5, None], pa.duration("ms")),
    "decimal": pa.array([decimal.Decimal("1.20"), None]),
    "dictionary": pa.array(["a", None]).dictionary_encode(),
}
NESTED_TYPES = {
    "binary": pa.array([b"\x00\xff", None]),
    "list": pa.array([[1, None], None]),
    "large_list": pa.array([["a"], []], pa.large_list(pa.string())),
    "struct": pa.array([{"a": 1, "b": [dt.date(2024, 1, 3)]}, None]),
    "map": pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())),
    "null": pa.nulls(2),
    "fixed size": pa.array([[1, 2], [3, 4]], pa.list_(pa.int8(), 2)),
}


@pytest.mark.parametrize("kind", FORMATS, ids=str)
@pytest.mark.parametrize("name", TYPES)
def test_a_column_of_this_type_comes_back(kind: CacheFormat, name: str) -> None:
    table = pa.table({name: TYPES[name]})
    assert round_trip(kind, table).equals(table)


@pytest.mark.parametrize("kind", TABULAR)
@pytest.mark.parametrize("name", NESTED_TYPES)
def test_a_column_of_a_nested_type_comes_back(kind: CacheFormatName, name: str) -> None:
    table = pa.table({name: NESTED_TYPES[name]})
    assert round_trip(kind, table).equals(table)


@pytest.mark.parametrize("name", NESTED_TYPES)
def test_csv_refuses_what_has_no_text_form(name: str) -> None:
    with pytest.raises(PayloadEncodeError, match=f"column '{name}' of type .* has no CSV form"):
        PayloadCodec(format="csv").encode(pa.table({name: NESTED_TYPES[name]}))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pa.array([0], pa.timestamp("s")), r"timestamp\[s\] would come back as timestamp\[ms\]"),
        (pa.array([0], pa.date64()), "would come back as date32"),
        (pa.array([1]).dictionary_encode(), "would come back as int64"),
    ],
)
def test_parquet_refuses_what_it_would_change(values: pa.Array, message: str) -> None:
    table = pa.table({"t": values})
    with pytest.raises(PayloadEncodeError, match=message):
        PayloadCodec(format="parquet").encode(table)
    assert round_trip("arrow", table).equals(table)


@pytest.mark.parametrize("instant", [-(2**63), 2**63 - 1, -62_167_219_200_000_001, 253_402_300_800_000_000])
def test_csv_refuses_instants_without_a_four_digit_year(instant: int) -> None:
    table = pa.table({"t": pa.array([0, instant], pa.timestamp("us"))})
    with pytest.raises(PayloadEncodeError, match="outside of the years 0 to 9999"):
        PayloadCodec(format="csv").encode(table)


@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
@pytest.mark.parametrize(
    ("unit", "first", "last"),
    [
        ("s", -62_167_219_200, 253_402_300_799),
        ("us", -62_167_219_200_000_000, 253_402_300_799_999_999),
        ("ns", -(2**63) + 10**9, 2**63 - 1),
    ],
)
def test_csv_keeps_the_first_and_the_last_instant(unit: str, first: int, last: int, zone: str | None) -> None:
    table = pa.table({"t": pa.array([first, last, None], pa.timestamp(unit, zone))})
    assert round_trip("csv", table).equals(table)


@pytest.mark.parametrize("kind", TABULAR)
def test_rows_are_a_table_with_nulls_for_missing_keys(kind: CacheFormatName) -> None:
    rows = [{"b": 1}, {"a": "x", "b": None}, MappingProxyType({"c": dt.date(2024, 1, 3)})]
    table = round_trip(kind, rows)
    assert table.column_names == ["b", "a", "c"]
    assert table.to_pylist() == [
        {"b": 1, "a": None, "c": None},
        {"b": None, "a": "x", "c": None},
        {"b": None, "a": None, "c": dt.date(2024, 1, 3)},
    ]
    assert round_trip(kind, []).num_columns == 0


@pytest.mark.parametrize("kind", TABULAR)
def test_nested_values_come_back(kind: CacheFormatName) -> None:
    rows = [
        {"a": {"x": [1.5, float("nan")]}, "b": (1, 2)},
        {"a": {"z": {"deep": dt.date(2024, 1, 3)}}, "b": []},
    ]
    found = round_trip(kind, rows).to_pylist()
    assert repr(found[0]["a"]) == "{'x': [1.5, nan], 'z': None}"
    assert found[1]["a"]["z"] == {"deep": dt.date(2024, 1, 3)}
    assert [row["b"] for row in found] == [[1, 2], []]


@pytest.mark.parametrize("kind", TABULAR)
def test_a_dict_is_columns_or_one_row(kind: CacheFormatName) -> None:
    columns = {
        "list": [1, 2],
        "tuple": ("a", None),
        "array": np.array([0.5, np.nan]),
        "days": np.array(["2024-01-03", "NaT"], "M8[D]"),
        "objects": np.array(["a", None], dtype=object),
        "series": pd.Series([1.5, np.nan]),
        "arrow": pa.array([b"a", b"b"]),
        "range": range(2),
    }
    table = round_trip(kind, columns)
    assert table.column_names == list(columns)
    assert (table["array"].null_count, table["series"].null_count, table["days"].null_count) == (0, 0, 1)
    assert table.select(["list", "tuple", "objects", "arrow", "range"]).to_pydict() == {
        "list": [1, 2],
        "tuple": ["a", None],
        "objects": ["a", None],
        "arrow": [b"a", b"b"],
        "range": [0, 1],
    }
    assert round_trip(kind, {"ticker": "AAA", "close": np.float64(1.5)}).to_pylist() == [
        {"ticker": "AAA", "close": 1.5}
    ]
    assert round_trip(kind, {}).num_columns == 0


scalars = (
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(st.characters(codec="utf-8")),
    st.binary(),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=2))])),
    st.times(),
    st.timedeltas(dt.timedelta(days=-9_999), dt.timedelta(days=9_999)),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=3),
    st.uuids(),
)
cells = st.one_of(scalars)
nested = (
    cells
    | st.lists(cells, max_size=3)
    | st.dictionaries(st.sampled_from("xyz"), cells, max_size=3)
    | st.sets(st.integers())
)


@pytest.mark.parametrize("kind", TABULAR)
@given(data=st.data())
def test_rows_of_anything_come_back_or_are_refused(kind: CacheFormatName, data: st.DataObject) -> None:
    column = st.one_of(*(st.lists(kind | st.none(), max_size=4) for kind in scalars), st.lists(nested, max_size=4))
    rows = [{"a": value} for value in data.draw(column)]
    codec = PayloadCodec(format=kind)
    try:
        encoded = codec.encode(rows)
    except PayloadEncodeError:
        return
    found = codec.decode(encoded).to_pylist()
    assert [plain(row["a"]) for row in found] == [plain(row["a"]) for row in rows]


def plain(value: Any) -> Any:
    """A form in which values are equal only if they are the same; a key that is null is no key."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dt.datetime):
        return ("datetime", value.astimezone(dt.UTC) if value.tzinfo else value)
    if isinstance(value, int | float | decimal.Decimal) and not isinstance(value, bool):
        return "nan" if value != value else decimal.Decimal(value)
    return (type(value).__name__, value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([dt.date(2024, 1, 3), dt.datetime(2024, 1, 3, 5)], "in row 1, which would become"),
        ([dt.datetime(2024, 1, 3), dt.datetime(2024, 1, 3, tzinfo=dt.UTC)], "in row 1, which would become"),
        ([b"a", "a"], "in row 1, which would become b'a'"),
        ([0.0, False], "in row 1, which would become 0.0"),
        ([dt.date(2000, 1, 1), decimal.Decimal("-719163.000")], "do not go into one column"),
        ([{"x": 1.5}, {"x": True}], "in row 1, which would become"),
        ([[0.0], [False]], "in row 1, which would become"),
        ([{1, 2}], "in row 0, which would become"),
        ([{"x": dt.date(2024, 1, 3)}, {"x": dt.datetime(2024, 1, 3, 5)}], "in row 1, which would become"),
        ([np.array([1, 2])], "in row 0, which would become"),
        ([pd.Timestamp("2024-01-03T00:00:00.000000001")], "in row 0, which would become"),
        ([pd.Timedelta(1, "ns"), dt.timedelta(1)], "in row 0, which would become"),
        ([1, "a"], "do not go into one column"),
        ([True, 1], "do not go into one column"),
        ([2**60 + 1, 0.5], "do not go into one column"),
        ([2**64], "do not go into one column"),
        ([pd.NaT], "do not go into one column"),
        (["\ud800"], "do not go into one column"),
        ([object()], "do not go into one column"),
    ],
)
@pytest.mark.parametrize("as_rows", [True, False])
def test_values_that_arrow_would_change_are_refused(values: list[Any], message: str, as_rows: bool) -> None:
    payload = [{"a": value} for value in values] if as_rows else {"a": values}
    with pytest.raises(PayloadEncodeError, match=f"column 'a' has .*{message}"):
        PayloadCodec(format="parquet").encode(payload)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({"a": [1], "b": [1, 2]}, "columns of different lengths"),
        ({"a": [1], "b": 2}, r"give \[row\] for a row that holds lists"),
        ({1: [1]}, "the key 1; a row's keys"),
        ([{}], "rows without any key"),
        (pa.table({"a": [1, 2]}).select([]), "2 rows but no columns"),
        (pa.chunked_array([[1]]), "it takes a pandas DataFrame or Series"),
        (iter([{"a": 1}]), "it takes a pandas DataFrame or Series"),
        ([1], "it takes a pandas DataFrame or Series"),
        (np.zeros(2), "it takes a pandas DataFrame or Series"),
        (Exporter(5), "it takes a pandas DataFrame or Series"),
        (Stream(pa.chunked_array([[1]])), "it has an Arrow stream that is not a table"),
        ({"a": np.zeros((2, 2))}, "do not go into one column"),
    ],
)
@pytest.mark.parametrize("kind", TABULAR)
def test_what_is_no_table_is_refused(kind: CacheFormatName, payload: Any, message: str) -> None:
    with pytest.raises(PayloadEncodeError, match=message):
        PayloadCodec(format=kind).encode(payload)


def test_csv_refuses_columns_of_the_same_name() -> None:
    table = pa.table([[1], [2]], names=["a", "a"])
    assert round_trip("arrow", table).equals(table)
    with pytest.raises(PayloadEncodeError, match="several columns of the same name"):
        PayloadCodec(format="csv").encode(table)


def test_parquet_refuses_what_it_has_no_form_for() -> None:
    table = pa.table({"a": pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])])})
    with pytest.raises(PayloadEncodeError, match="it has no Parquet form"):
        PayloadCodec(format="parquet").encode(table)


def test_decimals_of_whole_hundreds_have_no_parquet_form() -> None:
    table = pa.table({"x": pa.array([decimal.Decimal("12E+2")], pa.decimal128(5, -2))})
    assert PayloadCodec(format="arrow").decode(PayloadCodec(format="arrow").encode(table)).equals(table)
    with pytest.raises(PayloadEncodeError, match="it has no Parquet form: Scale must be a non-negative integer"):
        PayloadCodec(format="parquet").encode(table)


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
@pytest.mark.parametrize("wrap", [pd.Series, pd.Index, pd.array], ids=["series", "index", "array"])
@pytest.mark.parametrize(
    ("values", "dtype"),
    [(["x", None], "category"), (["x", None], "string"), (["x", None], "string[pyarrow]"), ([7, None], "category")],
    ids=str,
)
def test_a_missing_value_of_a_dtype_of_pandas_is_a_null_in_a_dict_of_columns(
    kind: CacheFormatName, wrap: Any, values: list[Any], dtype: str
) -> None:
    column = wrap(pd.array(values, dtype=dtype))
    assert PayloadCodec(format=kind).decode(PayloadCodec(format=kind).encode({"a": column})).to_pydict() == {
        "a": values
    }


def test_files_of_others_are_tables() -> None:
    sink = io.BytesIO()
    pq.write_table(SIMPLE, sink)
    assert PayloadCodec(format="parquet").decode(sink.getvalue()).equals(SIMPLE)
    frame = io.BytesIO()
    pd.DataFrame({"a": [1]}, index=["x"]).to_parquet(frame)
    assert PayloadCodec(format="parquet").decode(frame.getvalue()).column_names == ["a", "__index_level_0__"]


def test_a_table_read_elsewhere_stays_a_table() -> None:
    """Its schema still describes the DataFrame that it was made from."""
    data = PayloadCodec(format="parquet").encode(pd.DataFrame({"a": [1]}))
    table = pq.read_table(io.BytesIO(data))
    assert round_trip("parquet", table).equals(table)


def test_parquet_is_written_as_promised() -> None:
    column = pq.ParquetFile(io.BytesIO(PayloadCodec(format="parquet").encode(SIMPLE))).metadata.row_group(0).column(0)
    assert column.compression == "ZSTD"


def test_the_payload_is_left_alone() -> None:
    rows = [{"a": 1}, {"b": [1, 2]}]
    columns: dict[str, Any] = {"a": [1, 2], "b": np.array([1, 2])}
    for kind in TABULAR:
        PayloadCodec(format=kind).encode(rows)
        PayloadCodec(format=kind).encode(columns)
    assert rows == [{"a": 1}, {"b": [1, 2]}]
    assert columns["a"] == [1, 2]


def test_a_stream_is_read_to_its_end() -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield from SIMPLE.to_batches() * 3

    reader = pa.RecordBatchReader.from_batches(SIMPLE.schema, batches())
    assert PayloadCodec(format="parquet").decode(PayloadCodec(format="parquet").encode(reader)).num_rows == 9

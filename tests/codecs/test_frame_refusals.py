"""What a frame format cannot keep exactly it refuses, naming the part and the reason."""

import base64
import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from dateutil.tz import tzoffset

from ccflow_etl import CacheFormatName, PayloadCodec
from ccflow_etl.codecs.errors import PayloadDecodeError, PayloadEncodeError

FORMATS: list[CacheFormatName] = ["parquet", "arrow", "csv"]


class Frame(pd.DataFrame):
    """Who knows what else it holds."""


class OddOffset(pd.offsets.Day):
    """A freq of the user's own."""


def objects(*values: Any) -> pd.Series:
    return pd.Series([*values, None], dtype=object).iloc[:-1]


def with_index(index: pd.Index) -> pd.DataFrame:
    return pd.DataFrame({"a": range(len(index))}, index=index)


def with_columns(columns: Any) -> pd.DataFrame:
    return pd.DataFrame([range(len(columns))]).set_axis(columns, axis=1)


def with_attrs(attrs: dict[Any, Any]) -> pd.DataFrame:
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = attrs
    return frame


HOLIDAY = pd.offsets.CustomBusinessDay(holidays=["2024-01-04"])
HOLDS_ITSELF: list[Any] = []
HOLDS_ITSELF.append(HOLDS_ITSELF)


def one_object(value: Any) -> pd.DataFrame:
    cells = np.empty(2, dtype=object)
    cells[1] = value
    return pd.DataFrame({"x": pd.Series(cells, dtype=object)})


REFUSED: dict[str, tuple[Any, str]] = {
    "long double": (pd.DataFrame({"x": np.array([1], np.longdouble)}), "column 'x' has the dtype"),
    "byte order": (pd.DataFrame({"x": np.array([1], ">i4")}), "column 'x' has the dtype >i4"),
    "object of a class": (one_object(object()), "column 'x' has the dtype object and in row 1 it holds <object"),
    "subclass in a cell": (one_object(type("Text", (str,), {})("a")), "in row 1 it holds 'a' of type .*Text"),
    "cell in a list": (one_object([1, {"a": range(3)}]), "in row 1 it holds range.0, 3. of type range"),
    "cell that holds itself": (one_object(HOLDS_ITSELF), "in row 1 it holds a value that is nested too deeply"),
    "array of objects": (one_object(np.array([None, "a"], dtype=object)), "holds an array of dtype object"),
    "foreign zone in a cell": (
        one_object([dt.datetime(2024, 1, 3, tzinfo=tzoffset(None, 60))]),
        "column 'x' .*time zone",
    ),
    "surrogate": (pd.DataFrame({"x": objects("\ud800")}), "column 'x' has text that is not valid Unicode"),
    "zone": (
        pd.DataFrame({"x": pd.DatetimeIndex(["2024-01-03"], tz=tzoffset(None, 60))}),
        "column 'x' has the time zone",
    ),
    "far instants": (pd.DataFrame({"x": np.array([2**62], "M8[s]")}), "column 'x' has instants too far away"),
    "far Arrow instants": (
        pd.DataFrame({"x": pd.array([2**62], dtype=pd.ArrowDtype(pa.timestamp("s")))}),
        "column 'x' has values too far away",
    ),
    "categories": (
        pd.DataFrame({"x": pd.Categorical(objects(1, frozenset([Frame])))}),
        "column 'x' has categories that cannot be kept: .* of type type",
    ),
    "freq": (with_index(pd.date_range("2024", periods=3, freq=HOLIDAY)), "the index has the freq"),
    "freq whose text is of other instants": (
        with_index(pd.date_range("2024-01-01", periods=5, freq=pd.offsets.BDay(offset=pd.Timedelta("2h")))),
        "no text form",
    ),
    "freq without text": (with_index(pd.date_range("2024", periods=3, freq=pd.DateOffset(months=1))), "no text form"),
    "index name": (with_index(pd.Index([1], name=Frame)), "the index has a name that cannot be kept"),
    "labels": (with_columns([1, Frame]), "the Index of columns has the dtype object and in row 1"),
    "series name": (pd.Series([1], name=Frame), "the Series has a name that cannot be kept"),
    "attrs": (with_attrs({"a": [1, Frame]}), "attrs holds <class .* of type type"),
    "long number in attrs": (with_attrs({"a": [10**5000]}), "attrs holds a number that has no text form"),
    "long number for a name": (
        pd.Series([1], name=10**5000),
        "the Series has a name .* number that has no text form",
    ),
    "long number for an index": (with_index(pd.Index([1], name=10**5000)), "the index has a name .* no text form"),
    "subclass": (Frame({"a": [1]}), "give pandas.DataFrame"),
}


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_kept_is_named(kind: CacheFormatName, name: str) -> None:
    payload, message = REFUSED[name]
    with pytest.raises(PayloadEncodeError, match=f"format '{kind}' cannot take a payload of type .*: .*{message}"):
        PayloadCodec(format=kind).encode(payload)


def test_a_series_inside_a_frame_is_named_by_its_label() -> None:
    frame = pd.DataFrame({5: [1], 7: np.array([1], np.longdouble)})
    with pytest.raises(PayloadEncodeError, match="column 7 has the dtype"):
        PayloadCodec(format="parquet").encode(frame)


def test_csv_refuses_dates_that_have_no_text_form() -> None:
    frame = pd.DataFrame({"x": np.array(["-0001-01-01"], "M8[s]")})
    PayloadCodec(format="parquet").encode(frame)
    with pytest.raises(PayloadEncodeError, match="column 'x' has instants outside of the years"):
        PayloadCodec(format="csv").encode(frame)


@pytest.mark.no_cover
@pytest.mark.parametrize("kind", FORMATS)
def test_a_description_has_a_size_that_readers_can_take(kind: CacheFormatName) -> None:
    def frame(count: int) -> pd.DataFrame:
        return pd.DataFrame({"x": pd.Categorical([None], categories=[f"{number:07}" * 10 for number in range(count)])})

    codec = PayloadCodec(format=kind)
    largest = frame(450_000)
    pd.testing.assert_frame_equal(codec.decode(codec.encode(largest)), largest)
    with pytest.raises(PayloadEncodeError, match="turn large categoricals into their values"):
        codec.encode(frame(500_000))


def described(**changes: Any) -> bytes:
    """A file whose description does not fit it."""
    import io
    import json

    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(PayloadCodec(format="parquet").encode(pd.DataFrame({"a": [1]}))))
    spec = json.loads(table.schema.metadata[b"ccflow_etl"])
    metadata = {b"ccflow_etl": json.dumps({**spec, **changes}).encode()}
    sink = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(metadata), sink)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 99}, "described in version 99; this reads version 1"),
        ({"columns": [{"field": "b", "kind": "numpy", "dtype": "int64"}]}, "does not fit its columns"),
        ({"columns": [{"field": "a", "kind": "later"}]}, "unknown kind of column 'later'"),
        ({"columns": [{"field": "a", "kind": "category"}]}, "does not fit its columns"),
        ({"columns": [{"field": "a", "kind": "timedelta", "unit": "fortnight"}]}, "fortnight"),
        (
            {"index": {"class": "range", "start": 0, "stop": 5, "step": 1, "name": None, "fields": []}},
            r"length of index \(5\)",
        ),
        ({"labels": 5}, "does not fit its columns"),
    ],
)
def test_a_description_that_does_not_fit_is_an_error(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(PayloadDecodeError, match=message):
        PayloadCodec(format="parquet").decode(described(**changes))


def foreign_schema(kind: pa.DataType) -> bytes:
    return b"#ccflow-etl: " + base64.b64encode(pa.schema([("a", kind)]).serialize()) + b"\n"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            lambda text: text.replace(b'"a","b"', b'"b","a"').replace(b'"x"', b"3").replace(b'"y"', b"4"),
            "its columns are",
        ),
        (lambda text: text.replace(b'"a","b"', b'"a"'), "Expected 1 columns"),
        (lambda text: text.replace(b"\n1,", b"\nx,"), "int64"),
        (lambda text: text.replace(b'"x"', b""), None),
        (lambda text: text.replace(b"#ccflow-etl: ", b"#ccflow-etl: !"), "schema line is damaged"),
        (lambda text: text.replace(b"#ccflow-etl: /", b"#ccflow-etl: A"), "schema line is damaged"),
        (lambda text: text[: text.index(b"\n")], "Empty CSV"),
        (lambda text: text.replace(b"\n1,", b"\n,"), "a column of dtype int64 has 1 nulls"),
        (lambda text: foreign_schema(pa.list_(pa.int8())) + text, "types that CSV has no form for"),
    ],
)
def test_a_csv_that_was_edited_is_an_error_when_it_does_not_fit(changed: Any, message: str | None) -> None:
    codec = PayloadCodec(format="csv")
    data = changed(codec.encode(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})))
    if message is None:
        assert codec.decode(data)["b"].isna().to_list() == [True, False]
    else:
        with pytest.raises(PayloadDecodeError, match=message):
            codec.decode(data)


def test_a_value_that_is_not_among_its_categories_is_an_error() -> None:
    import io
    import json

    import pyarrow.parquet as pq

    frame = pd.DataFrame({"kind": pd.Categorical(["x", "y"], categories=["x", "y", "z"])})
    table = pq.read_table(io.BytesIO(PayloadCodec(format="parquet").encode(frame)))
    spec = json.loads(table.schema.metadata[b"ccflow_etl"].replace(b'"y"', b'"w"'))
    sink = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({b"ccflow_etl": json.dumps(spec).encode()}), sink)
    with pytest.raises(PayloadDecodeError, match="values that are not among its categories"):
        PayloadCodec(format="parquet").decode(sink.getvalue())

"""What a frame format cannot keep exactly it refuses, naming the part and the reason."""

import base64
import datetime as dt
import decimal
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

REFUSED: dict[str, tuple[Any, str]] = {
    "period": (pd.period_range("2024-01", periods=2, freq="M").to_series(), "the Series has the dtype period"),
    "interval": (
        pd.DataFrame({"x": pd.arrays.IntervalArray.from_breaks([0, 1, 2])}),
        "column 'x' has the dtype interval",
    ),
    "sparse": (pd.DataFrame({"x": pd.arrays.SparseArray([0, 1])}), "column 'x' has the dtype Sparse"),
    "complex": (pd.DataFrame({"x": [1j]}), "column 'x' has the dtype complex128"),
    "long double": (pd.DataFrame({"x": np.array([1], np.longdouble)}), "column 'x' has the dtype"),
    "byte order": (pd.DataFrame({"x": np.array([1], ">i4")}), "column 'x' has the dtype >i4"),
    "arrow": (
        pd.DataFrame({"x": pd.array([1], dtype=pd.ArrowDtype(pa.int64()))}),
        r"column 'x' has the dtype int64\[pyarrow\]",
    ),
    "mixed": (pd.DataFrame({"x": objects(1, "a")}), "column 'x' has the dtype object with values of type int"),
    "int and None": (pd.DataFrame({"x": objects(1, None)}), "values of type int"),
    "floats": (pd.DataFrame({"x": objects(1.5, float("nan"))}), "values of type float"),
    "decimal": (pd.DataFrame({"x": objects(decimal.Decimal(1))}), "values of type Decimal"),
    "date": (pd.DataFrame({"x": objects(dt.date(2024, 1, 3))}), "values of type date"),
    "bytes": (pd.DataFrame({"x": objects(b"a")}), "values of type bytes"),
    "lists": (pd.DataFrame({"x": objects([1])}), "values of type list"),
    "bools": (pd.DataFrame({"x": objects(True, None)}), "values of type bool"),
    "text subclass": (pd.DataFrame({"x": objects(np.str_("a"))}), "values of type str_"),
    "NA": (pd.DataFrame({"x": objects("a", pd.NA)}), "values of type NAType"),
    "None and NaN": (pd.DataFrame({"x": objects("a", None, np.nan)}), "both None and NaN"),
    "surrogate": (pd.DataFrame({"x": objects("\ud800")}), "column 'x' has text that is not valid Unicode"),
    "zone": (
        pd.DataFrame({"x": pd.DatetimeIndex(["2024-01-03"], tz=tzoffset(None, 60))}),
        "column 'x' has the time zone",
    ),
    "far instants": (pd.DataFrame({"x": np.array([2**62], "M8[s]")}), "column 'x' has instants too far away"),
    "interval categories": (pd.DataFrame({"x": pd.cut([1, 5], 2)}), "column 'x' has categories .*IntervalIndex"),
    "mixed categories": (pd.DataFrame({"x": pd.Categorical(objects(1, "a"))}), "column 'x' has categories .* type int"),
    "period index": (with_index(pd.period_range("2024-01", periods=2, freq="M")), "the index is a pandas.*PeriodIndex"),
    "interval index": (with_index(pd.interval_range(0, 2)), "the index is a pandas.*IntervalIndex"),
    "mixed index": (with_index(pd.Index([1, "a"], dtype=object)), "the index has the dtype object"),
    "level": (with_index(pd.MultiIndex.from_tuples([(1, dt.date(2024, 1, 3))])), "the index has the dtype object"),
    "index name": (with_index(pd.Index([1], name=(1, 2))), r"the index has the name \(1, 2\) of type tuple"),
    "freq": (with_index(pd.date_range("2024", periods=3, freq=HOLIDAY)), "the index has the freq"),
    "freq without text": (with_index(pd.date_range("2024", periods=3, freq=pd.DateOffset(months=1))), "no text form"),
    "mixed labels": (with_columns([1, "a"]), "the Index of columns has the dtype object"),
    "tuple labels": (
        with_columns(pd.Index([(1, 2), 3], tupleize_cols=False)),
        "the Index of columns has the dtype object",
    ),
    "period labels": (with_columns(pd.period_range("2024-01", periods=2, freq="M")), "the Index of columns is a"),
    "series name": (pd.Series([1], name=1.5), "the Series has the name 1.5 of type float"),
    "attrs value": (with_attrs({"a": [1, (2,)]}), r"attrs\['a'\]\[1\] is \(2,\) of type tuple"),
    "attrs number": (with_attrs({"a": float("nan")}), r"attrs\['a'\] is nan"),
    "attrs key": (with_attrs({1: "a"}), "attrs is {1: 'a'} of type dict"),
    "attrs subclass": (with_attrs({"a": np.float64(1)}), r"attrs\['a'\] is .*float64"),
    "subclass": (Frame({"a": [1]}), "give pandas.DataFrame"),
}


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_kept_is_named(kind: CacheFormatName, name: str) -> None:
    payload, message = REFUSED[name]
    with pytest.raises(PayloadEncodeError, match=f"format '{kind}' cannot take a payload of type .*: .*{message}"):
        PayloadCodec(format=kind).encode(payload)


def test_a_series_inside_a_frame_is_named_by_its_label() -> None:
    frame = pd.DataFrame({5: [1], 7: [1j]})
    with pytest.raises(PayloadEncodeError, match="column 7 has the dtype complex128"):
        PayloadCodec(format="parquet").encode(frame)


def test_csv_refuses_dates_that_have_no_text_form() -> None:
    frame = pd.DataFrame({"x": np.array(["-0001-01-01"], "M8[s]")})
    PayloadCodec(format="parquet").encode(frame)
    with pytest.raises(PayloadEncodeError, match="column 'x' has instants outside of the years"):
        PayloadCodec(format="csv").encode(frame)


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

"""Corners of frames and tables in which something was once lost, raised as it was, or not the same twice."""

import decimal
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal

from ccflow_etl import CacheFormat, PayloadCodec
from ccflow_etl.codecs import zones
from ccflow_etl.codecs.errors import PayloadDecodeError, PayloadEncodeError

FORMATS: list[CacheFormat] = ["parquet", "arrow", "csv", ["csv", "gzip"]]


def cells(*values: Any) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        array[place] = value
    return array


@pytest.mark.parametrize("kind", FORMATS, ids=str)
def test_names_that_are_not_valid_unicode_come_back(kind: CacheFormat) -> None:
    codec = PayloadCodec(format=kind)
    found = codec.decode(codec.encode(pd.Series([1, 2], name="\ud800", index=pd.Index([3, 4], name="\udfff"))))
    assert (found.name, found.index.name, found.to_dict()) == ("\ud800", "\udfff", {3: 1, 4: 2})
    levels = pd.MultiIndex.from_arrays([[1], [2]], names=["?", "\ud800"])
    frame = codec.decode(codec.encode(pd.DataFrame({"?": [5], "a": [6]}, index=levels)))
    assert (list(frame.index.names), frame.to_dict("index")) == (["?", "\ud800"], {(1, 2): {"?": 5, "a": 6}})


@pytest.mark.parametrize("kind", ["parquet", "arrow", "csv"])
def test_a_key_of_rows_that_is_not_valid_unicode_is_refused(kind: str) -> None:
    with pytest.raises(PayloadEncodeError, match="not valid Unicode"):
        PayloadCodec(format=kind).encode([{"\ud800": 1}])


@pytest.mark.parametrize("kind", FORMATS, ids=str)
@pytest.mark.parametrize(
    "value", [np.longdouble("0.1"), np.array([1, 2], np.longdouble), np.array([1j], np.clongdouble)]
)
def test_numbers_whose_bytes_are_not_all_theirs_are_refused(kind: CacheFormat, value: Any) -> None:
    """A long double has bytes that hold anything, so equal payloads would have other bytes and other hashes."""
    with pytest.raises(PayloadEncodeError, match=r"in row 0 it holds .* no exact text form"):
        PayloadCodec(format=kind).encode(pd.DataFrame({"x": cells(value)}))


@pytest.mark.parametrize("kind", FORMATS, ids=str)
def test_signaling_decimals_come_back(kind: CacheFormat) -> None:
    codec = PayloadCodec(format=kind)
    frame = pd.DataFrame({"x": cells(decimal.Decimal("sNaN123"), decimal.Decimal("-NaN"), None)})
    assert list(map(repr, codec.decode(codec.encode(frame))["x"].array)) == list(map(repr, frame["x"].array))


NESTED = [
    pa.dictionary(pa.int32(), pa.string()),
    pa.struct([("a", pa.int8()), ("b", pa.string())]),
    pa.map_(pa.string(), pa.int64()),
    pa.list_(pa.struct([("a", pa.list_(pa.int8()))])),
]


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
@pytest.mark.parametrize("arrow_type", NESTED, ids=str)
def test_nested_arrow_columns_come_back(kind: str, arrow_type: pa.DataType) -> None:
    """pandas 2.2 cannot even read the names of these dtypes."""
    codec = PayloadCodec(format=kind)
    frame = pd.DataFrame({"x": pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.nulls(3, arrow_type)]))})
    assert_frame_equal(codec.decode(codec.encode(frame)), frame)


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_tables_with_columns_of_one_name_come_back(kind: str) -> None:
    codec = PayloadCodec(format=kind)
    table = pa.table([[1, 2], ["x", None], [0.5, 1.5]], names=["a", "a", "b"])
    assert codec.decode(codec.encode(table)).equals(table)


def test_a_column_of_which_there_are_several_is_not_guessed() -> None:
    codec = PayloadCodec(format="parquet")
    data = codec.encode(pa.table([[1, 2], ["x", None], [0.5, 1.5]], names=["a", "a", "b"]))
    assert codec.decode(data, columns=["b"]).to_pydict() == {"b": [0.5, 1.5]}
    with pytest.raises(PayloadDecodeError, match=r"there are several columns 'a'; there are \['a', 'a', 'b'\]"):
        codec.decode(data, columns=["a"])
    with pytest.raises(PayloadDecodeError, match="there are several columns 'a'"):
        codec.decode(data, filters=[("a", ">", 1)])


@pytest.mark.parametrize("kind", ["parquet", "arrow", "csv"])
@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pl.DataFrame({"n": [1], "x": pl.Series([object()], dtype=pl.Object)}), "column 'x' holds Python objects"),
        (pl.DataFrame({"x": pl.Series([1], dtype=pl.Int128)}), "has no form as an Arrow table"),
    ],
    ids=["addresses", "128 bits"],
)
def test_polars_columns_without_an_arrow_form_are_refused(kind: str, frame: pl.DataFrame, message: str) -> None:
    with pytest.raises(PayloadEncodeError, match=message):
        PayloadCodec(format=kind).encode(frame)


def test_a_zone_of_pytz_without_pytz_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a file that was written with pandas 2 has, read with pandas 3."""
    assert zones.zone_of({"class": "timezone", "microseconds": 0, "name": None}) is not None
    monkeypatch.setitem(sys.modules, "pytz", None)
    with pytest.raises(ValueError, match="time zone of pytz, which is not installed: pip install pytz"):
        zones.zone_of({"class": "pytz", "key": "Asia/Tokyo"})


ENCODED = """
import hashlib, sys
import pandas as pd
from ccflow_etl import PayloadCodec
frame = pd.DataFrame({"s": [{"a", "b", "c"}, frozenset("xyz")], "d": [{"z": 1, "a": {2, 3}}, None]}, dtype=object)
frame.attrs = {"names": {"p", "q", "r"}, "z": 1, "a": 2}
for kind in ("parquet", "arrow", "csv", ["csv", "gzip"]):
    print(kind, hashlib.sha256(PayloadCodec(format=kind).encode(frame)).hexdigest())
print(PayloadCodec(format="json").encode({"b": {"d": 1, "c": 2}, "a": 3}))
"""


def test_bytes_do_not_depend_on_the_process() -> None:
    def encoded(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", ENCODED], env=environment, capture_output=True, text=True, timeout=120, check=True
        )
        return done.stdout

    assert encoded("1") == encoded("77")

"""CSV of rows: plain, readable by everyone, and strings when it comes back."""

import csv
import datetime as dt
import decimal
import io
import uuid
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccflow_etl import PayloadCodec
from ccflow_etl.codecs.errors import PayloadDecodeError, PayloadEncodeError

CODEC = PayloadCodec(format="csv")

# every character that UTF-8 can carry
text = st.text(st.characters(codec="utf-8"))


def test_a_row_and_rows_decode_to_rows_of_strings() -> None:
    rows = [{"ticker": "AAA", "volume": 10}, {"ticker": "BBB", "volume": 20}]
    assert CODEC.encode(rows) == b"ticker,volume\nAAA,10\nBBB,20\n"
    assert CODEC.decode(CODEC.encode(rows)) == [{"ticker": "AAA", "volume": "10"}, {"ticker": "BBB", "volume": "20"}]
    assert CODEC.decode(CODEC.encode(rows[0])) == [{"ticker": "AAA", "volume": "10"}]
    assert CODEC.decode(CODEC.encode(tuple(rows))) == CODEC.decode(CODEC.encode(rows))


def test_columns_are_the_keys_of_all_rows_as_first_seen() -> None:
    rows = [{"b": 1}, {"a": 2, "b": None}, {"c": ""}]
    assert CODEC.encode(rows) == b"b,a,c\n1,,\n,2,\n,,\n"
    assert CODEC.decode(CODEC.encode(rows)) == [
        {"b": "1", "a": "", "c": ""},
        {"b": "", "a": "2", "c": ""},
        {"b": "", "a": "", "c": ""},
    ]


@given(
    st.lists(text, min_size=1, max_size=4, unique=True).flatmap(
        lambda names: st.lists(st.fixed_dictionaries(dict.fromkeys(names, text)), min_size=1, max_size=4)
    )
)
def test_any_strings_come_back(rows: list[dict[str, str]]) -> None:
    data = CODEC.encode(rows)
    assert CODEC.decode(data) == rows
    assert list(csv.DictReader(io.StringIO(data.decode(), newline=""))) == rows


@pytest.mark.parametrize("key", ["\ufeffa", "\ufeff", "\ufeff\ufeffa", '\ufeff"a'])
def test_a_key_keeps_the_byte_order_mark_that_it_begins_with(key: str) -> None:
    rows = [{key: "\ufeff1", "b": "2"}, {key: "", "b": "\ufeff"}]
    assert CODEC.decode(CODEC.encode(rows)) == rows
    assert list(csv.DictReader(io.StringIO(CODEC.encode(rows).decode("utf-8-sig"), newline=""))) == rows
    assert CODEC.decode(CODEC.encode({key: "1"})) == [{key: "1"}]


def test_one_empty_column_keeps_its_rows() -> None:
    assert CODEC.decode(CODEC.encode([{"a": ""}, {"a": None}, {"a": "x"}])) == [{"a": ""}, {"a": ""}, {"a": "x"}]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (True, "True"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (2**70, str(2**70)),
        (float("nan"), "nan"),
        (np.float32(0.5), "0.5"),
        (np.int64(7), "7"),
        (np.bool_(True), "True"),
        (dt.date(2024, 1, 3), "2024-01-03"),
        (dt.datetime(2024, 1, 3, 9, 30, tzinfo=dt.UTC), "2024-01-03T09:30:00+00:00"),
        (dt.timedelta(hours=26), "P1DT2H"),
        (decimal.Decimal("1.20"), "1.20"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
    ids=repr,
)
def test_values_are_written_as_text(value: Any, cell: str) -> None:
    assert CODEC.decode(CODEC.encode({"a": value})) == [{"a": cell}]


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ([{"a": {"b": 1}}], "row 0, key 'a' has a value of type dict, which does not fit into one cell"),
        ([{"a": 1}, {"a": [1]}], "row 1, key 'a' has a value of type list, which does not fit"),
        ([{"a": b"x"}], "of type bytes"),
        ([{"a": {1}}], "of type set"),
        ([{"a": object()}], "of type object, which has no text form"),
        ([{"a": pd.NaT}], "NaT is not a time"),
        ([{"a": decimal.Decimal("NaN")}], "is not a number"),
        ([{1: "a"}], "the key 1; a row's keys are the column names"),
        ([{}], "rows without any key"),
        ([{"a": "\ud800"}], "not valid Unicode"),
        ([{"#ccflow-etl:": 1}], "the mark that this format keeps for itself"),
        ([1, 2], "it takes a pandas DataFrame"),
        ({"a": [1, 2]}, "of type list, which does not fit into one cell"),
    ],
)
def test_what_does_not_fit_is_refused(payload: Any, message: str) -> None:
    with pytest.raises(PayloadEncodeError, match=message) as caught:
        CODEC.encode(payload)
    assert "format 'csv' cannot take a payload of type" in str(caught.value)


def test_no_rows_are_no_bytes() -> None:
    assert CODEC.encode([]) == b""
    assert CODEC.decode(b"") == []


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (b"a,b\r\n1,2\r\n", [{"a": "1", "b": "2"}]),
        (b"\xef\xbb\xbfa\n1\n", [{"a": "1"}]),
        (b"a\n1\n\n", [{"a": "1"}]),
        (b"a,b", []),
        (b"a,b\n", []),
        (b"a\n1", [{"a": "1"}]),
        (b'"a\nb"\n"x\r\ny"\n', [{"a\nb": "x\r\ny"}]),
        (b"a\nNA\nnull\n007\n", [{"a": "NA"}, {"a": "null"}, {"a": "007"}]),
        (b"\n", []),
    ],
)
def test_csv_of_others_is_read(data: bytes, rows: list[dict[str, str]]) -> None:
    assert CODEC.decode(data) == rows


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a,b\n1\n", "Expected 2 columns, got 1"),
        (b"a,a\n1,2\n", "same name"),
        (b"a\n" + b"x" * 10_000 + b"\xff\n", "UTF8"),
        (b"\xff\n1\n", "utf-8"),
    ],
)
def test_what_is_not_a_table_of_text_is_not_read(data: bytes, message: str) -> None:
    with pytest.raises(PayloadDecodeError, match=message):
        CODEC.decode(data)


def test_a_name_may_be_long() -> None:
    rows = [{"a": "1", "b" * 6_000_000: "2"}]
    assert CODEC.decode(CODEC.encode(rows)) == rows


@pytest.mark.parametrize("before", [0, 200_000])
def test_a_cell_may_be_larger_than_a_block(before: int) -> None:
    rows = [{"a": "small,"}] * before + [{"a": "x,\n" * 3_000_000}, {"a": "end"}]
    assert CODEC.decode(CODEC.encode(rows)) == rows

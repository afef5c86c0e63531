"""JSON: canonical bytes, documented forms, and no silent change."""

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import json
import pathlib
import uuid
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pydantic
import pytest
from ccflow import DateContext
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from ccflow_etl import PayloadCodec
from ccflow_etl.codecs.errors import PayloadDecodeError, PayloadEncodeError

CODEC = PayloadCodec(format="json")

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_what_json_knows_comes_back(value: Any) -> None:
    data = CODEC.encode(value)
    assert CODEC.decode(data) == value
    assert json.loads(data) == value


@given(st.dictionaries(st.text(), values))
def test_bytes_do_not_depend_on_the_order_of_keys(value: dict[str, Any]) -> None:
    assert CODEC.encode(dict(reversed(value.items()))) == CODEC.encode(value)


def test_it_is_compact_with_sorted_keys_and_readable_text() -> None:
    assert CODEC.encode({"ticker": "AAA", "close": 103.6}) == b'{"close":103.6,"ticker":"AAA"}'
    assert CODEC.encode({"b": {"d": "ü", "c": [1, 2]}, "a": None}) == '{"a":null,"b":{"c":[1,2],"d":"ü"}}'.encode()


class Color(enum.Enum):
    RED = "red"
    NIGHT = dt.date(2024, 1, 3)


class Level(enum.IntEnum):
    LOW = 1


class Mode(enum.StrEnum):
    FAST = "fast"


class Name(str):
    __slots__ = ()


class Bar(pydantic.BaseModel):
    day: dt.date
    close: float
    at: dt.datetime | None = None


@dataclasses.dataclass
class Point:
    x: int
    when: dt.date


PLUS_2 = dt.timezone(dt.timedelta(hours=2))

FORMS = [
    (dt.date(2024, 1, 3), "2024-01-03"),
    (dt.datetime(2024, 1, 3, 9, 30), "2024-01-03T09:30:00"),
    (dt.datetime(2024, 1, 3, 9, 30, 0, 5, tzinfo=dt.UTC), "2024-01-03T09:30:00.000005+00:00"),
    (dt.datetime(2024, 1, 3, tzinfo=PLUS_2), "2024-01-03T00:00:00+02:00"),
    (dt.time(9, 30), "09:30:00"),
    (dt.timedelta(days=1, hours=2), "P1DT2H"),
    (pd.Timestamp("2024-01-03T00:00:00.000000001"), "2024-01-03T00:00:00.000000001"),
    (pd.Timedelta("1us"), "PT0.000001S"),
    (decimal.Decimal("1.20"), "1.20"),
    (decimal.Decimal("1E+3"), "1E+3"),
    (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
    (pathlib.PurePosixPath("a/b"), "a/b"),
    (Color.RED, "red"),
    (Color.NIGHT, "2024-01-03"),
    (Level.LOW, 1),
    (Mode.FAST, "fast"),
    (Name("n"), "n"),
    (np.int8(-3), -3),
    (np.uint64(2**64 - 1), 2**64 - 1),
    (np.float32(0.5), 0.5),
    (np.float64(0.1), 0.1),
    (np.bool_(True), True),
    (np.str_("a"), "a"),
    (np.datetime64("2024-01-03T01:02:03.000000004"), "2024-01-03T01:02:03.000000004"),
    (np.datetime64("2024-01"), "2024-01"),
    (np.timedelta64(90, "s"), "PT1M30S"),
    ((1, 2), [1, 2]),
    (range(3), [0, 1, 2]),
    (collections.deque([1]), [1]),
    (MappingProxyType({"a": (1,)}), {"a": [1]}),
    (OmegaConf.create({"a": {"b": [1, "${a.c}"], "c": "x"}}), {"a": {"b": [1, "x"], "c": "x"}}),
    (Bar(day="2024-01-03", close=1), {"day": "2024-01-03", "close": 1.0, "at": None}),
    (Point(1, dt.date(2024, 1, 3)), {"x": 1, "when": "2024-01-03"}),
    (DateContext(date="2024-01-03"), {"date": "2024-01-03", "type_": "ccflow.context.DateContext"}),
]


@pytest.mark.parametrize(("value", "form"), FORMS, ids=repr)
def test_other_values_have_a_documented_form(value: Any, form: Any) -> None:
    assert CODEC.decode(CODEC.encode(value)) == form
    assert CODEC.decode(CODEC.encode({"rows": [value]})) == {"rows": [form]}


@pytest.mark.parametrize(
    ("payload", "data"),
    [
        ({2: "b", 10: "a"}, b'{"10":"a","2":"b"}'),
        ({True: 1, None: 2}, b'{"null":2,"true":1}'),
        ({dt.date(2024, 1, 3): 1}, b'{"2024-01-03":1}'),
        ({(1, "a"): 1}, b'{"[1,\\"a\\"]":1}'),
        ({Mode.FAST: 1, "b": 2}, b'{"b":2,"fast":1}'),
    ],
)
def test_keys_are_written_as_text(payload: Any, data: bytes) -> None:
    assert CODEC.encode(payload) == data
    assert CODEC.encode(CODEC.decode(data)) == data


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (float("nan"), r"payload is nan, which JSON has no number for"),
        ({"a": [1, float("-inf")]}, r"payload\['a'\]\[1\] is -inf"),
        ([np.float64("nan")], r"payload\[0\] is nan"),
        ([decimal.Decimal("NaN")], r"payload\[0\] is Decimal\('NaN'\)"),
        ([pd.NaT], r"payload\[0\] is NaT"),
        ([np.datetime64("NaT")], "NaT is not a time"),
        ([np.timedelta64(1, "ns")], "finer than microseconds"),
        ([pd.Timedelta("1ns")], "finer than microseconds"),
        ([pd.NA], r"payload\[0\] is of type pandas.*NAType"),
        ({"a": {1}}, r"payload\['a'\] is of type set"),
        ([b"a"], "of type bytes"),
        ([object()], "of type object"),
        ([1j], "of type complex"),
        ([np.zeros(2)], "of type numpy.ndarray"),
        (pd.DataFrame({"a": [1]}), "use 'parquet', 'arrow' or 'csv' for frames"),
        ({1: "a", "1": "b"}, "keys that JSON cannot tell apart"),
        ({"x": {True: 1, "true": 2}}, r"payload\['x'\] has keys that JSON cannot tell apart"),
        ({b"k": 1}, "of type bytes"),
        ("a\ud800", "not valid Unicode"),
        ([Bar], "of type"),
        ([Point], "of type type"),
        ([Bar.model_construct(day=1, close=object())], "which has no JSON form"),
        ([Bar(day="2024-01-03", close=float("nan"))], r"payload\[0\]\['close'\] is nan"),
    ],
)
def test_what_has_no_form_is_refused_with_its_place(payload: Any, message: str) -> None:
    with pytest.raises(PayloadEncodeError, match=message) as caught:
        CODEC.encode(payload)
    assert "format 'json' cannot take a payload of type" in str(caught.value)


def test_what_holds_itself_or_is_too_deep_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(PayloadEncodeError, match="nested too deeply, or holds itself"):
        CODEC.encode(loop)
    with pytest.raises(PayloadDecodeError):
        CODEC.decode(b"[" * 100_000)


@pytest.mark.parametrize("data", [b"NaN", b"[Infinity]", b'{"a":-Infinity}', b"[1] 2", b"'a'"])
def test_what_is_not_json_is_not_read(data: bytes) -> None:
    with pytest.raises(PayloadDecodeError, match="'json'"):
        CODEC.decode(data)


def test_the_payload_is_left_alone() -> None:
    payload = {"b": [dt.date(2024, 1, 3)], 1: {"z": 1, "a": 2}}
    CODEC.encode(payload)
    assert payload == {"b": [dt.date(2024, 1, 3)], 1: {"z": 1, "a": 2}}
    assert list(payload) == ["b", 1]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (10**5000, "a number that has no text form: Exceeds the limit"),
        (np.longdouble(1), "type numpy.longdouble"),
    ],
    ids=["digits", "long double"],
)
def test_numbers_that_have_no_text_form_are_refused(value: object, message: str) -> None:
    with pytest.raises(PayloadEncodeError, match=message):
        PayloadCodec(format="json").encode([value])
    with pytest.raises(PayloadEncodeError, match="row 0, key 'a' has a value"):
        PayloadCodec(format="csv").encode([{"a": value}])

"""What has a form in JSON: all of a result, and none of it is lost."""

import datetime as dt
import enum
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from ccflow import GenericResult, ResultBase
from ccflow.result.pandas import PandasResult
from pydantic import ConfigDict, Field, SecretStr
from pydantic_core import PydanticSerializationError

from ccflow_etl.cli.json_text import to_json

DAY, TOLD = "2020-01-01", "2020-01-01T00:00:00"


def value_of(value):
    return json.loads(to_json(GenericResult(value=value)))["value"]


class Kind(enum.Enum):
    """An enum with what pydantic fails to write."""

    TORN = "torn \ud800"


@dataclass
class Noted:
    """A dataclass with what pydantic fails to write."""

    at: object


class Seen(ResultBase):
    """A result whose fields have types, one an alias, and one no text."""

    model_config = ConfigDict(extra="allow")

    at: dt.datetime = Field(alias="seen_at")
    secret: SecretStr = SecretStr("hidden")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (pd.NaT, None),
        ([pd.NaT, pd.Timestamp(DAY)], [None, TOLD]),
        ({pd.NaT: 1}, {"None": 1}),
        (pd.DataFrame({"d": pd.to_datetime([DAY, None])}), [{"d": TOLD}, {"d": None}]),
        (pd.Series(pd.to_datetime([DAY, None]), index=["x", "y"]), {"x": TOLD, "y": None}),
        (b"\xff", r"b'\xff'"),
        ([b"\xff", b"text", bytearray(b"\xff")], [r"b'\xff'", "text", r"b'\xff'"]),
        ({b"\xff": 1}, {r"b'\xff'": 1}),
        (pa.table({"a": [b"\xff", b"text", None]}), [{"a": r"b'\xff'"}, {"a": "text"}, {"a": None}]),
        ("torn \ud800", r"torn \ud800"),
        (Path("torn \udcff"), r"torn \udcff"),
        ({("torn \ud800", 1): {"b"}}, {r"torn \ud800,1": ["b"]}),
        ((Kind.TORN, pd.NaT, 1.5), [r"torn \ud800", None, 1.5]),
        (Noted(at=pd.NaT), {"at": None}),
    ],
)
def test_values_that_pydantic_fails_to_write(value, expected):
    assert value_of(value) == expected


def test_the_model_of_such_a_value_is_written_as_its_class_says():
    told = json.loads(to_json(Seen.model_construct(seen_at=pd.NaT, more="torn \ud800")))
    assert told.pop("_target_").endswith("Seen")
    assert told == {"seen_at": None, "secret": "**********", "more": r"torn \ud800"}


def test_a_generator_is_not_read_twice():
    with pytest.raises(TypeError, match="cannot be read again"):
        to_json(value for value in (1, pd.NaT))


def test_a_result_that_contains_itself_is_told_so():
    circle = [pd.Timestamp(DAY)]
    circle.append(circle)
    with pytest.raises(PydanticSerializationError, match="Circular reference"):
        to_json(circle)


@pytest.mark.parametrize(
    ("index", "told"),
    [
        (pd.RangeIndex(1), {}),
        (pd.Index([5]), {"index": 5}),
        (pd.Index(["x"]), {"index": "x"}),
        (pd.to_datetime([DAY]), {"index": TOLD}),
        (pd.MultiIndex.from_tuples([("x", 1)]), {"level_0": "x", "level_1": 1}),
        (pd.MultiIndex.from_tuples([("x", 1)], names=["k", None]), {"k": "x", "level_1": 1}),
        (pd.Index(["x"], name="k"), {"k": "x"}),
        (pd.RangeIndex(1, name="k"), {"k": 0}),
        (pd.Index(["x"], name="date"), {"date.1": "x"}),
        (pd.MultiIndex.from_tuples([("x", 1)], names=["k", "k"]), {"k": "x", "k.1": 1}),
    ],
)
def test_rows_begin_with_an_index_that_does_more_than_count_them(index, told):
    assert value_of(pd.DataFrame({"date": [7]}, index=index)) == [{**told, "date": 7}]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["a", "a", "a"], ["a", "a.1", "a.2"]),
        (["a", "a", "a.1"], ["a", "a.2", "a.1"]),
        ([1, "1", pd.Timestamp(DAY)], ["1", "1.1", TOLD]),
        (pd.MultiIndex.from_tuples([("a", "b"), ("a", "c"), ("a", "c")]), ["a,b", "a,c", "a,c.1"]),
    ],
)
def test_no_column_hides_another(names, told):
    frame = pd.DataFrame([[1, 2, 3]], columns=names, index=pd.Index(["x"], name="k"))
    assert value_of(frame) == [{"k": "x", **dict(zip(told, (1, 2, 3), strict=True))}]


def test_no_column_of_a_table_hides_another():
    table = pa.table([[1], [2]], names=["a", "a"])
    assert value_of(table) == value_of(table.to_batches()[0]) == [{"a": 1, "a.1": 2}]


@pytest.mark.parametrize("labels", [["x", "x"], [1, "1"]])
def test_no_label_of_a_series_hides_another(labels):
    series = pd.Series([1, 2], index=labels)
    told = [{"index": labels[0], "value": 1}, {"index": labels[1], "value": 2}]
    assert value_of(series) == told
    named = value_of(series.rename("rain").rename_axis("k"))
    assert named == [{"k": row["index"], "rain": row["value"]} for row in told]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.array([[DAY, "NaT"]], "M8[ns]"), [[TOLD, None]]),
        (np.datetime64(DAY, "ns"), TOLD),
        (np.array([DAY, "NaT"], "M8[D]"), [DAY, None]),
        (np.array([f"{TOLD}.000000001", "NaT"], "M8[ns]"), [f"{TOLD}.000000001", None]),
        (np.array([1_500_000_000], "m8[ns]"), [1.5]),
        (np.array([1, "NaT"], "m8[ns]"), ["1 nanoseconds", None]),
        (pd.to_datetime([DAY], utc=True), ["2020-01-01T00:00:00Z"]),
    ],
)
def test_dates_are_text(value, expected):
    assert value_of(value) == expected


def test_a_frame_in_a_field_of_its_own_type():
    frame = pd.DataFrame({"d": [pd.NaT]}, index=["x"])
    assert json.loads(to_json(PandasResult(df=frame)))["df"] == [{"index": "x", "d": None}]

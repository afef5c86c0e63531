"""Interval: how it is written, what is refused, and what a value of it is."""

import copy
import pickle
from typing import get_args

import ccflow
import cloudpickle
import numpy as np
import pandas as pd
import pytest
from hydra.utils import instantiate
from pydantic import TypeAdapter, ValidationError

from ccflow_etl import Interval, Offset

UNITS = (
    "B C D M W ME SME BME CBME MS SMS BMS CBMS QE BQE QS BQS YE BYE YS BYS h bh cbh min s ms us ns".split()  # noqa: SIM905 # a list of many short words
)
NAMES = {
    "daily": "D",
    "day": "D",
    "monthly": "M",
    "month": "M",
    "business_daily": "B",
    "business-day": "B",
    "business_day": "B",
    "weekly": "W",
    "week": "W",
    "hourly": "h",
    "hour": "h",
    "minutely": "min",
    "minute": "min",
    "secondly": "s",
    "second": "s",
}
# The units that pandas reads otherwise from a text; the rest are read by pandas itself.
OFFSETS = {"W": lambda n: pd.offsets.Day(7 * n), "M": lambda n: pd.DateOffset(months=n)}


def test_the_units_are_these():
    assert sorted(get_args(Offset)) == sorted(UNITS)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("n", [1, 2, 13, 250])
def test_a_count_and_a_unit(unit, n):
    interval = Interval.model_validate(f"{n}{unit}")
    assert (interval.offset, interval.n) == (unit, n)
    assert interval == Interval(offset=unit, n=n)


@pytest.mark.parametrize("unit", UNITS)
def test_a_missing_count_is_one(unit):
    assert Interval.model_validate(unit) == Interval(offset=unit) == Interval(offset=unit, n=1)


@pytest.mark.parametrize(("name", "unit"), NAMES.items())
@pytest.mark.parametrize("spelled", [str.lower, str.upper, str.title, str.swapcase])
def test_names_in_any_case(name, unit, spelled):
    assert Interval.model_validate(spelled(name)) == Interval(offset=unit)


@pytest.mark.parametrize(("name", "unit"), NAMES.items())
def test_names_take_a_count(name, unit):
    assert Interval.model_validate(f"3{name}") == Interval(offset=unit, n=3)


def test_units_that_differ_in_case_only_stay_apart():
    assert Interval.model_validate("ms").offset == "ms"
    assert Interval.model_validate("MS").offset == "MS"
    assert Interval.model_validate("2M").offset == "M"
    assert Interval.model_validate("2min").offset == "min"


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "1", "12", "1.5h", "1.0D", ".5D", "1D6h", "1D 6h", "1e3D", "0x1D", "1_000D", "1,000D"),
        *("2Q", "Q", "Y", "A", "H", "T", "S", "L", "U", "N", "BM", "BQ", "BY", "BH", "SM", "AS", "W-SUN", "QE-DEC"),
        *("m", "d", "w", "b", "c", "me", "Ms", "mS", "MIN", "Min", "days", "2 months", "yearly", "quarterly"),
        *("D2", "D;", "D\n1", "P1D", "PT1H", "1 1D", "--1D"),
        *("\u0661D", "\u00b2D", "nan", "None", "null", "True"),
    ],
)
def test_other_texts_are_refused(text):
    with pytest.raises(ValidationError) as refused:
        Interval.model_validate(text)
    message = str(refused.value)
    assert repr(text) in message
    assert set(UNITS) <= set(message.replace(",", " ").split())


@pytest.mark.parametrize("text", ["0D", "0", "00h", "-1ME", "-1", "-0D", "-2 daily", "0daily", "-1.5h"])
def test_counts_that_are_not_positive_are_refused(text):
    with pytest.raises(ValidationError) as refused:
        Interval.model_validate(text)
    message = str(refused.value)
    assert repr(text) in message
    assert "positive" in message
    assert set(UNITS) <= set(message.replace(",", " ").split())


@pytest.mark.parametrize("n", [0, -1, -250])
def test_a_count_field_that_is_not_positive_is_refused(n):
    with pytest.raises(ValidationError, match="positive") as refused:
        Interval(offset="D", n=n)
    assert str(n) in str(refused.value)


@pytest.mark.parametrize("n", [1.5, "1.5", None, "many", float("nan"), float("inf")])
def test_a_count_field_that_is_not_whole_is_refused(n):
    with pytest.raises(ValidationError):
        Interval(offset="D", n=n)


@pytest.mark.parametrize("unit", ["d", "m", "H", "Q", "daily ", "", None, 1])
def test_a_unit_field_lists_what_it_accepts(unit):
    with pytest.raises(ValidationError) as refused:
        Interval(offset=unit)
    message = str(refused.value)
    assert repr(unit) in message
    assert all(f"'{accepted}'" in message for accepted in UNITS)


@pytest.mark.parametrize("value", [None, 5, 1.5, ["2M"]])
def test_other_values_are_refused_with_the_value_and_the_units(value):
    with pytest.raises(ValidationError) as refused:
        Interval.model_validate(value)
    message = str(refused.value)
    assert repr(value) in message
    assert set(UNITS) <= set(message.replace(",", " ").split())


def test_unknown_fields_are_refused():
    with pytest.raises(ValidationError, match="every"):
        Interval.model_validate({"offset": "D", "every": 2})


def test_equality_and_hash():
    assert Interval(offset="M", n=2) == Interval.model_validate("2M") == Interval.model_validate("2month")
    assert hash(Interval(offset="M", n=2)) == hash(Interval.model_validate("2M"))
    every = [Interval(offset=unit, n=n) for unit in UNITS for n in (1, 2)]
    assert len(set(every)) == len(every) == len({*every, *(Interval.model_validate(str(i)) for i in every)})
    assert Interval(offset="D", n=7) != Interval(offset="W")
    assert Interval(offset="D") != "D"


def test_an_interval_is_immutable():
    interval = Interval(offset="M", n=2)
    with pytest.raises(ValidationError):
        interval.n = 3
    with pytest.raises(ValidationError):
        interval.offset = "D"
    assert interval == Interval(offset="M", n=2)


@pytest.mark.parametrize("unit", UNITS)
def test_repr_and_str_read_back(unit):
    interval = Interval(offset=unit, n=4)
    assert repr(interval) == f"Interval(offset={unit!r}, n=4)"
    assert eval(repr(interval), {"Interval": Interval}) == interval
    assert Interval.model_validate(str(interval)) == interval


@pytest.mark.parametrize("unit", UNITS)
def test_round_trips(unit):
    interval = Interval(offset=unit, n=3)
    assert Interval.model_validate_json(interval.model_dump_json()) == interval
    assert Interval.model_validate_json(interval.model_dump_json(by_alias=True)) == interval
    assert Interval.model_validate(interval.model_dump()) == interval
    assert Interval.model_validate(interval.model_dump(mode="json", by_alias=True)) == interval
    for copied in (pickle.loads(pickle.dumps(interval)), cloudpickle.loads(cloudpickle.dumps(interval))):
        assert copied == interval
        assert hash(copied) == hash(interval)
    assert copy.deepcopy(interval) == interval


def test_a_hydra_node_builds_one():
    node = {"_target_": "ccflow_etl.Interval", "offset": "ME", "n": 2}
    assert instantiate(node) == Interval(offset="ME", n=2)
    assert Interval.model_validate(node) == Interval(offset="ME", n=2)
    dumped = Interval(offset="bh").model_dump(mode="json", by_alias=True)
    assert instantiate(dumped) == Interval(offset="bh")


def test_a_field_takes_a_text():
    class Job(ccflow.BaseModel):
        every: Interval = Interval(offset="D")

    assert Job().every == Interval(offset="D")
    assert Job(every="2M").every == Interval(offset="M", n=2)
    assert Job.model_validate({"every": {"offset": "M", "n": 2}}).every == Interval(offset="M", n=2)
    assert Job.model_validate_json('{"every": "business_day"}').every == Interval(offset="B")
    assert TypeAdapter(list[Interval]).validate_python(["1D", "h"]) == [Interval(offset="D"), Interval(offset="h")]
    with pytest.raises(ValidationError, match="2Q"):
        Job(every="2Q")


def test_a_numpy_count_is_a_count():
    assert Interval(offset="D", n=np.int64(3)) == Interval(offset="D", n=3)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("n", [1, 3])
def test_to_offset(unit, n):
    expected = OFFSETS.get(unit, lambda count: pd.tseries.frequencies.to_offset(f"{count}{unit}"))(n)
    offset = Interval(offset=unit, n=n).to_offset()
    assert (type(offset), offset.n, offset) == (type(expected), expected.n, expected)


@pytest.mark.parametrize("unit", ["D", "W", "B", "ME", "h", "us"])
def test_a_count_that_no_offset_of_pandas_holds_is_named(unit):
    with pytest.raises(ValueError, match=f"Interval 10{{30}}{unit} is more than a pandas offset holds"):
        Interval(offset=unit, n=10**30).to_offset()


def test_to_offset_of_a_quarter_starts_in_january():
    assert pd.Timestamp("2024-11-05") + Interval(offset="QS").to_offset() == pd.Timestamp("2025-01-01")
    assert pd.Timestamp("2024-11-05") + Interval(offset="BQS").to_offset() == pd.Timestamp("2025-01-01")
    assert Interval(offset="W", n=2).to_offset() == pd.offsets.Day(14)
    assert Interval(offset="M", n=2).to_offset() == pd.DateOffset(months=2)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        *(("2H", "(did you mean 'h'?)"), ("MIN", "(did you mean 'min'?)"), ("me", "(did you mean 'ME'?)")),
        *(("m", "(did you mean 'M'?)"), ("dayly", "(did you mean 'daily'?)"), ("Montly", "(did you mean 'monthly'?)")),
    ],
)
def test_what_was_meant_is_named(text, hint):
    with pytest.raises(ValidationError) as refused:
        Interval.model_validate(text)
    assert hint in str(refused.value)


def test_where_nothing_is_close_nothing_is_suggested():
    with pytest.raises(ValidationError) as refused:
        Interval.model_validate("2xyzzy")
    assert "did you mean" not in str(refused.value)

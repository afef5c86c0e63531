"""Looking for steps that are rare, far away or not there at all: in seconds, and in little memory."""

import datetime as dt
import os
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccflow_etl import (
    BaseCalendar,
    BusinessHourCalendar,
    HourlyCalendar,
    IntervalCalendar,
    PeriodEdgeCalendar,
    RuleCalendar,
)
from tests.warm import run_warm

PARIS = ZoneInfo("Europe/Paris")
NO_MONDAY = [{"month": month, "weekday": "Mon", "n": n} for month in range(1, 13) for n in range(1, 6)]
RARE = ["1953-05-03", "1999-12-31", "2024-03-05", "2024-03-06", "2151-07-01", "2490-02-28"]

ASK = """
import sys, tracemalloc
from ccflow_etl import *
def of(interval):
    return IntervalCalendar(interval=interval)
hours = HourlyCalendar()
rules = [{"month": month, "weekday": "Mon", "n": n} for month in range(1, 13) for n in range(1, 6)]
once = RuleCalendar(weekmask="Mon", rules=rules, extra_days=["2024-03-05", "2024-03-06"])
tracemalloc.start()
try:
    print(eval(sys.argv[1]))
except ValueError as error:
    print("ValueError:", error)
print(tracemalloc.get_traced_memory()[1])
"""


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("(hours & once).windows('2024-03-05', '2024-03-06T12:00').right[-1]", "9999-12-31 23:59:59.999999"),
        ("(hours & once).next('2024-03-06')", "ValueError: IntersectionCalendar has no 1 step(s) after 2024-03-06"),
        ("(hours - hours).next('2024-06-01')", "ValueError: DifferenceCalendar has no 1 step(s) after 2024-06-01"),
        ("(of('s') - of('s')).next('2024-06-01')", "ValueError: DifferenceCalendar has no 1 step(s) after 2024-06-01"),
        ("(of('s') - of('s')).previous('2024-06-01')", "ValueError: DifferenceCalendar has no 1 step(s) before 2024"),
        ("(hours - of('s')).next('2024-06-01')", "ValueError: DifferenceCalendar has no 1 step(s) after 2024-06-01"),
        ("(of('s') & of('MS')).next('2024-06-01')", "2024-07-01 00:00:00"),
        ("(of('us') & of('YS')).next('2024-06-01', 3)", "2027-01-01 00:00:00"),
        ("(of('us') & of('YS')).previous('2024-06-01')", "2024-01-01 00:00:00"),
        ("(of('s') & of('YS').shift(1, 'B')).next('2024-06-01')", "2025-01-02 00:00:00"),
        ("(of('s').shift(1, 'B') & of('YS')).next('2024-06-01')", "2025-01-01 00:00:00"),
        ("(of('s') | of('MS')).next('2024-06-01')", "2024-06-01 00:00:01"),
        ("(of('s') & of('YS')).steps('2000-01-01', '2099-12-31').year[-1]", "2099"),
        ("(of('s') - of('us')).next('2024-06-01')", "ValueError: DifferenceCalendar(calendars=(IntervalCalendar("),
        ("(of('s') - of('us')).windows('2024-01-01', '2024-01-02').empty", "True"),
    ],
)
def test_a_search_among_hours_and_seconds_ends_in_little_memory(question, answer, tmp_path):
    told = run_warm(["python", "-c", ASK, question], tmp_path, dict(os.environ), seconds=60)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith(answer)
    assert int(told.stdout.split()[-1]) < 150_000_000


def test_a_search_that_is_given_up_says_how_far_it_looked_and_what_to_do():
    seconds = IntervalCalendar(interval="s") - IntervalCalendar(interval="100ms")
    with pytest.raises(ValueError, match=r"no such step from 2024-06-01 00:00:00 to 203.*combine longer steps"):
        seconds.next("2024-06-01")
    with pytest.raises(ValueError, match=r"no such step from 201.* to 2024-06-01 00:00:00, "):
        seconds.previous("2024-06-01")


class Landings(BaseCalendar):
    """Days of their own as a list, at the time of day that they are asked at."""

    def steps(self, start, end):
        days = [dt.datetime.combine(dt.date.fromisoformat(day), start.time()) for day in RARE]
        return [day for day in days if start <= day <= end]


LANDINGS = RuleCalendar(weekmask="Mon", rules=NO_MONDAY, extra_days=RARE)


@pytest.mark.parametrize(
    ("rare", "zone"), [(LANDINGS, None), (Landings(), None), (LANDINGS, PARIS)], ids=["rules", "list", "zone"]
)
def test_steps_centuries_apart_are_found_from_block_to_block(rare, zone):
    hours = HourlyCalendar()
    days = [dt.datetime.combine(dt.date.fromisoformat(day), dt.time(), zone) for day in RARE]
    # The first two have to go through all the hours, one way or the other.
    for calendar in (hours - (hours - rare), hours - (hours - rare) | rare, hours & rare, rare):
        for n in (1, 2, 3):
            assert calendar.next(days[1], n) == days[1 + n]
            assert calendar.previous(days[3], n) == days[3 - n]
        assert list(calendar.windows(days[1], days[2]).right) == days[2:4]


@pytest.mark.parametrize("question", ["next", "previous"])
def test_there_is_nothing_beyond_the_last_block(question):
    hours = HourlyCalendar()
    with pytest.raises(ValueError, match=r"has no 6 step\(s\)"):
        getattr(hours - (hours - LANDINGS), question)("2024-03-06", 6)


LEAVES = [
    *("D", "2D", "B", "M", "MS", "3h", "7h", "36h", "90min"),
    RuleCalendar(interval="2CBME"),
    BusinessHourCalendar(interval="3bh", close="12:00"),
]


def nested(inner):
    return st.one_of(
        *(st.tuples(inner, inner).map(operation) for operation in (either, both, without)),
        inner.map(lambda calendar: calendar.shift(2, "h")),
        inner.map(lambda calendar: PeriodEdgeCalendar(calendar=calendar, period="week", which="last")),
    )


def either(pair):
    return pair[0] | pair[1]


def both(pair):
    return pair[0] & pair[1]


def without(pair):
    return pair[0] - pair[1]


CALENDARS = st.recursive(st.sampled_from(LEAVES).map(BaseCalendar.model_validate), nested, max_leaves=3)


@given(CALENDARS, CALENDARS, st.integers(0, 366), st.sampled_from([0, 9]), st.integers(0, 60))
@settings(max_examples=150, deadline=None)
def test_what_is_combined_has_the_steps_of_the_sets(one, other, day, hour, days):
    start = dt.datetime(2024, 1, 1, hour) + dt.timedelta(days=day)
    end = start + dt.timedelta(days=days, hours=5)
    ones, others = set(one.steps(start, end)), set(other.steps(start, end))
    assert list((one | other).steps(start, end)) == sorted(ones | others)
    assert list((one & other).steps(start, end)) == sorted(ones & others)
    assert list((one - other).steps(start, end)) == sorted(ones - others)

"""Calendars made of calendars: unions, intersections, differences, shifts, and the edges of periods."""

import calendar as stdlib
import datetime as dt
import functools
import itertools
import operator
import pickle

import numpy as np
import pandas as pd
import pytest
from hydra.utils import instantiate
from pydantic import ValidationError

from ccflow_etl import (
    BaseCalendar,
    BusinessHourCalendar,
    DailyCalendar,
    DifferenceCalendar,
    FixedDate,
    HourlyCalendar,
    IntersectionCalendar,
    IntervalCalendar,
    PeriodEdgeCalendar,
    RuleCalendar,
    ShiftedCalendar,
    UnionCalendar,
    WeekdayCalendar,
)

DAY = dt.timedelta(days=1)


class Paydays(BaseCalendar):
    """The 10th and the last day of each month as a list, as a package elsewhere would write it."""

    def steps(self, start, end):
        days = [start + DAY * i for i in range(max((end - start).days + 1, 0))]
        return [day for day in days if day.day in (10, stdlib.monthrange(day.year, day.month)[1])]


class Launches(BaseCalendar):
    """Two instants at times of their own."""

    def steps(self, start, end):
        return [when for when in (dt.datetime(2024, 3, 1, 8), dt.datetime(2024, 4, 20, 20)) if start <= when <= end]


class TwiceAMonth(BaseCalendar):
    """The 1st at 08:00 and the 20th at 20:00, whatever the time of day it is asked at."""

    def steps(self, start, end):
        months = range(start.year * 12 + start.month - 1, end.year * 12 + end.month)
        firsts = [dt.datetime(month // 12, month % 12 + 1, 1, 8) for month in months]
        every = [step for first in firsts for step in (first, first.replace(day=20, hour=20))]
        return [step for step in every if start <= step <= end]


# Calendars whose steps do not depend on where a range begins, apart from the time of day.
MEMBERS = [
    *(DailyCalendar(), WeekdayCalendar(), Paydays(), HourlyCalendar()),
    *(IntervalCalendar(interval=unit) for unit in ("MS", "ME", "SMS", "BME", "QS", "YE")),
    RuleCalendar(rules=[FixedDate(month=3, day=4)], holidays=["2024-05-01"], extra_days=["2024-03-02"]),
    RuleCalendar(interval="CBME"),
]
RANGES = [
    (dt.datetime(2024, 2, 26), dt.datetime(2024, 5, 3)),
    (dt.datetime(2023, 12, 29, 9, 30), dt.datetime(2024, 3, 1, 9, 29)),
    (dt.datetime(2024, 3, 31), dt.datetime(2024, 3, 31)),
    (dt.datetime(2024, 3, 31), dt.datetime(2024, 3, 1)),
]


def plain(calendar, start, end):
    return {pd.Timestamp(step).to_pydatetime() for step in calendar.steps(start, end)}


def assert_steps(calendar, start, end, expected):
    expected = sorted(expected)
    steps = calendar.steps(start, end)
    assert isinstance(steps, pd.DatetimeIndex)
    assert steps.dtype == np.dtype("M8[us]")
    assert steps.freq is None
    assert list(steps.to_pydatetime()) == expected, (calendar, start, end)
    assert calendar.count(start, end) == len(expected)
    blocks = list(calendar.chunks(start, end, 5))
    assert [step for block in blocks for step in block.to_pydatetime()] == expected
    assert list(calendar.windows(start, end).left.to_pydatetime()) == expected


@pytest.mark.parametrize(
    ("operation", "combined"),
    [(operator.or_, UnionCalendar), (operator.and_, IntersectionCalendar), (operator.sub, DifferenceCalendar)],
    ids=["or", "and", "minus"],
)
@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(MEMBERS, 2)), ids=repr)
def test_two_calendars(operation, combined, one, other):
    calendar = operation(one, other)
    assert type(calendar) is combined
    assert calendar == combined(calendars=[one, other])
    for start, end in RANGES:
        expected = operation(plain(one, start, end), plain(other, start, end))
        assert_steps(calendar, start, end, expected)
        turned = operation(plain(other, start, end), plain(one, start, end))
        assert plain(operation(other, one), start, end) == turned


def test_set_laws():
    business, ends, starts = WeekdayCalendar(), IntervalCalendar(interval="ME"), IntervalCalendar(interval="MS")
    paydays = Paydays()
    for start, end in RANGES:
        for one, other in [
            (business & (ends | starts), (business & ends) | (business & starts)),
            (business - (ends | starts), (business - ends) & (business - starts)),
            ((business | ends) - ends, business - ends),
            ((business - paydays) | (business & paydays), business),
            (business | business, business),
            (DailyCalendar() - business - business, DailyCalendar() - business),
        ]:
            assert plain(one, start, end) == plain(other, start, end)
        assert plain(business - business, start, end) == set()


def test_more_than_two_calendars():
    members = [IntervalCalendar(interval=unit) for unit in ("B", "SME", "SMS", "ME")]
    start, end = RANGES[0]
    sets = [plain(member, start, end) for member in members]
    assert_steps(UnionCalendar(calendars=members), start, end, set.union(*sets))
    assert_steps(IntersectionCalendar(calendars=members[:2]), start, end, sets[0] & sets[1])
    assert_steps(DifferenceCalendar(calendars=members), start, end, sets[0] - sets[1] - sets[2] - sets[3])
    assert_steps(functools.reduce(operator.or_, members), start, end, set.union(*sets))
    assert UnionCalendar(calendars=["B", "ME"]) == UnionCalendar(calendars=[members[0], members[3]])


@pytest.mark.parametrize(
    "fields", [{}, {"calendars": []}, {"calendars": ["2Q"]}, {"calendars": "B"}, {"calendars": None}]
)
@pytest.mark.parametrize("kind", [UnionCalendar, IntersectionCalendar, DifferenceCalendar])
def test_what_is_no_collection_of_calendars_is_refused(kind, fields):
    with pytest.raises(ValidationError, match="calendars"):
        kind(**fields)


@pytest.mark.parametrize("other", [5, None, object(), ["B"]], ids=lambda value: type(value).__name__)
def test_only_calendars_combine(other):
    for operation in (operator.or_, operator.and_, operator.sub):
        with pytest.raises((TypeError, ValidationError)):
            operation(WeekdayCalendar(), other)


@pytest.mark.parametrize(("nonexistent", "hour"), [("shift_forward", 3), ("shift_backward", 1)])
def test_an_operator_keeps_the_policies_on_which_its_calendars_agree(nonexistent, hour):
    policies = {"nonexistent": nonexistent, "ambiguous": "later"}
    days, month_ends = DailyCalendar(**policies), IntervalCalendar(interval="ME", **policies)
    gap = "2024-03-30T02:30[Europe/Paris]", "2024-03-31T12:00[Europe/Paris]"
    combined = [days | month_ends, days & month_ends, days - IntervalCalendar(interval="MS", **policies), days.shift(2)]
    for calendar in combined:
        assert (calendar.nonexistent, calendar.ambiguous) == (nonexistent, "later")
        assert calendar.steps(*gap)[-1].hour == hour
        fold = calendar.steps("2023-10-29T02:30[Europe/Paris]", "2023-10-31T12:00[Europe/Paris]")
        assert {step.utcoffset() for step in fold} <= {dt.timedelta(hours=1)}
    other = days | IntervalCalendar(interval="ME", nonexistent=nonexistent, ambiguous="earlier")
    assert (other.nonexistent, other.ambiguous) == (nonexistent, "raise")
    with pytest.raises(ValueError, match="2024-03-31 02:30:00 does not exist"):
        (days | IntervalCalendar(interval="ME")).steps(*gap)


# --- navigation

COMBINED = [
    WeekdayCalendar() - IntervalCalendar(interval="ME"),
    WeekdayCalendar() & IntervalCalendar(interval="ME"),
    IntervalCalendar(interval="MS") | Paydays(),
    DailyCalendar() - WeekdayCalendar(),
    IntervalCalendar(interval="ME").shift(2),
    IntervalCalendar(interval="MS").shift(-3),
    RuleCalendar(interval="CBME") | IntervalCalendar(interval="QS"),
    PeriodEdgeCalendar(calendar="B", period="month", which=3),
    PeriodEdgeCalendar(calendar=WeekdayCalendar() - Paydays(), period="quarter", which="last"),
    Paydays() & IntervalCalendar(interval="YE"),
]


@pytest.mark.parametrize("calendar", COMBINED, ids=repr)
def test_navigation_of_combined_calendars(calendar):
    start, end = dt.datetime(2022, 1, 1, 6), dt.datetime(2027, 12, 31, 6)
    steps = sorted(plain(calendar, start, end))
    rng = np.random.default_rng(len(steps))
    for _ in range(8):
        when = dt.datetime(2024, 1, 1, 6) + DAY * int(rng.integers(400))
        after, before = [step for step in steps if step > when], [step for step in steps if step < when]
        for n in {1, 2, min(len(after), len(before), 20)} & set(range(1, min(len(after), len(before)) + 1)):
            assert calendar.next(when, n) == after[n - 1], (when, n)
            assert calendar.previous(when, n) == before[-n], (when, n)
        assert calendar.contains(when) == (when in steps)
        assert calendar.contains(after[0])
        windows = calendar.windows(when, after[0])
        assert windows.right[-1] == after[1]
        assert list(windows.left)[-1] == after[0]


def test_steps_that_never_come():
    never = WeekdayCalendar() - WeekdayCalendar()
    assert never.count("2024-01-01", "2024-12-31") == 0
    with pytest.raises(ValueError, match="DifferenceCalendar"):
        never.next("9990-01-01")
    with pytest.raises(ValueError, match="DifferenceCalendar"):
        never.previous("0010-01-01")


# --- shifts


@pytest.mark.parametrize("n", [-400, -31, -1, 0, 1, 5, 31, 400])
@pytest.mark.parametrize("calendar", [member for member in MEMBERS if not isinstance(member, HourlyCalendar)], ids=repr)
def test_a_shift_moves_every_step_by_days(calendar, n):
    shifted = calendar.shift(n)
    assert shifted == ShiftedCalendar(calendar=calendar, n=n)
    for start, end in RANGES:
        expected = {step + n * DAY for step in plain(calendar, start - n * DAY, end - n * DAY)}
        assert_steps(shifted, start, end, expected)
        assert all(start <= step <= end for step in expected)


@pytest.mark.parametrize("length", ["5h", "30h", "-90min", "-1us"])
@pytest.mark.parametrize("calendar", MEMBERS, ids=repr)
def test_a_shift_moves_the_steps_of_the_range_moved_back(calendar, length):
    by = pd.Timedelta(length).to_pytimedelta()
    shifted = calendar.shift(-1 if length.startswith("-") else 1, length.lstrip("-"))
    for start, end in RANGES:
        expected = {step + by for step in plain(calendar, start - by, end - by)}
        assert_steps(shifted, start, end, expected)


def test_a_shift_by_another_length():
    shifted = Launches().shift(5, "h")
    assert_steps(shifted, *RANGES[0], {dt.datetime(2024, 3, 1, 13), dt.datetime(2024, 4, 21, 1)})
    assert shifted.contains("2024-04-21T01:00")
    assert_steps(Launches().shift(-2, "W"), *RANGES[0], {dt.datetime(2024, 4, 6, 20)})
    assert_steps(Launches().shift(-2, "12h"), *RANGES[0], {dt.datetime(2024, 2, 29, 8), dt.datetime(2024, 4, 19, 20)})
    assert plain(WeekdayCalendar().shift(3).shift(-3), *RANGES[0]) == plain(WeekdayCalendar(), *RANGES[0])


def test_a_shift_at_either_end_of_time():
    assert list(DailyCalendar().shift(10).steps("0001-01-01", "0001-01-12").day) == [11, 12]
    assert list(DailyCalendar().shift(-10).steps("9999-12-20", "9999-12-31").day) == [20, 21]


# --- the edges of periods


def period_of(day, period):
    return {
        "week": day - DAY * day.weekday(),
        "month": (day.year, day.month),
        "quarter": (day.year, (day.month - 1) // 3),
        "year": day.year,
    }[period]


@pytest.mark.parametrize("period", ["week", "month", "quarter", "year"])
@pytest.mark.parametrize("which", ["first", "last", 1, 2, 5, -1, -2, -23])
@pytest.mark.parametrize(
    "calendar", [WeekdayCalendar(), Paydays(), IntervalCalendar(interval="SMS"), MEMBERS[-2]], ids=repr
)
def test_edges_of_periods(calendar, period, which):
    edges = PeriodEdgeCalendar(calendar=calendar, period=period, which=which)
    n = {"first": 1, "last": -1}.get(which, which)
    for start, end in RANGES:
        time = start.time()
        periods = {}
        for step in sorted(plain(calendar, dt.datetime.combine(dt.date(2022, 12, 26), time), dt.datetime(2025, 2, 1))):
            periods.setdefault(period_of(step.date(), period), []).append(step)
        picked = [steps[n - 1] if n > 0 else steps[n] for steps in periods.values() if len(steps) >= abs(n)]
        assert_steps(edges, start, end, {step for step in picked if start <= step <= end})


@pytest.mark.parametrize("which", ["first", "last", 1, -1])
def test_edges_of_steps_with_times_of_their_own(which):
    edges = PeriodEdgeCalendar(calendar=Launches(), period="month", which=which)
    launches = {dt.datetime(2024, 3, 1, 8), dt.datetime(2024, 4, 20, 20)}
    for hour in (0, 8, 9, 20, 23):
        start = dt.datetime(2024, 2, 10, hour)
        assert_steps(edges, start, start + 90 * DAY, launches)
    assert_steps(edges, dt.datetime(2024, 3, 1, 9), dt.datetime(2024, 3, 31), set())
    edges = PeriodEdgeCalendar(calendar=TwiceAMonth(), period="month", which=which)
    expected = dt.datetime(2024, 3, 1, 8) if which in {"first", 1} else dt.datetime(2024, 3, 20, 20)
    for day, hour in itertools.product((1, 2, 19, 20, 21), (7, 8, 9, 20, 21)):
        start = dt.datetime(2024, 3, day, hour)
        assert_steps(edges, start, dt.datetime(2024, 3, 31, 23), {expected} if expected >= start else set())


def test_the_first_and_last_days_of_months():
    first = PeriodEdgeCalendar(calendar="D", period="month", which="first")
    last = PeriodEdgeCalendar(calendar="D", period="month", which="last")
    for start, end in [
        *RANGES,
        (dt.datetime(1, 1, 1), dt.datetime(3, 1, 1)),
        (dt.datetime(9998, 1, 1), dt.datetime(9999, 12, 31)),
    ]:
        assert plain(first, start, end) == plain(IntervalCalendar(interval="MS"), start, end)
        assert plain(last, start, end) == plain(IntervalCalendar(interval="ME"), start, end)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"calendar": "B", "period": "month", "which": 0}, "which"),
        ({"calendar": "D", "period": "year", "which": 10**25}, "which is 10{25}: no period has so many steps"),
        ({"calendar": "D", "period": "year", "which": -(10**25)}, "which is -10{25}: no period has so many steps"),
        ({"calendar": "B", "period": "month", "which": "second"}, "which"),
        ({"calendar": "B", "period": "decade", "which": 1}, "period"),
        ({"calendar": "2Q", "period": "month", "which": 1}, "calendar"),
        ({"period": "month", "which": 1}, "calendar"),
    ],
)
def test_edges_that_mean_nothing_are_refused(fields, named):
    with pytest.raises(ValidationError, match=named):
        PeriodEdgeCalendar(**fields)


# --- as values


@pytest.mark.parametrize("calendar", [*COMBINED, BusinessHourCalendar() | Launches()], ids=repr)
def test_combined_calendars_are_written_as_data(calendar):
    node = calendar.model_dump(mode="json", by_alias=True)
    for read in (
        instantiate(node),
        BaseCalendar.model_validate(node),
        BaseCalendar.model_validate_json(calendar.model_dump_json()),
        pickle.loads(pickle.dumps(calendar)),
    ):
        assert type(read) is type(calendar)
        assert read == calendar
        assert hash(read) == hash(calendar)
        assert plain(read, *RANGES[0]) == plain(calendar, *RANGES[0])
    with pytest.raises(ValidationError):
        setattr(calendar, next(iter(type(calendar).model_fields)), "skip")


def test_algebra_in_configuration():
    node = {
        "_target_": "ccflow_etl.DifferenceCalendar",
        "calendars": [
            {"_target_": "ccflow_etl.WeekdayCalendar"},
            {"_target_": "ccflow_etl.ShiftedCalendar", "calendar": "ME", "n": -1},
        ],
    }
    assert instantiate(node) == WeekdayCalendar() - IntervalCalendar(interval="ME").shift(-1)


@pytest.mark.parametrize("which", ["first", 2, "last"])
@pytest.mark.parametrize("interval", ["W", "2B", "M", "3D", "7h", "2ME"])
def test_many_instants_of_edges_that_count_from_the_start_are_each_in_or_out(interval, which):
    for period in ("week", "month", "year"):
        edges = PeriodEdgeCalendar(calendar=interval, period=period, which=which)
        when = [dt.datetime(2024, 1, 1) + DAY * i for i in range(40)]
        assert edges.contains(when).tolist() == [edges.count(step, step) == 1 for step in when], edges


def test_edges_of_steps_that_count_from_the_start_are_some_of_them():
    start, end = dt.datetime(2024, 1, 31), dt.datetime(2026, 12, 31)
    months = PeriodEdgeCalendar(calendar="M", period="year", which="last")
    assert_steps(months, start, end, {dt.datetime(year, 12, 31) for year in (2024, 2025, 2026)})
    for interval in ("W", "3D", "2B", "2W"):
        every = plain(IntervalCalendar(interval=interval), start, end)
        edges = PeriodEdgeCalendar(calendar=interval, period="month", which="first")
        assert plain(edges, start, end) <= every, interval
        assert len(plain(edges, dt.datetime(2024, 1, 1), dt.datetime(2024, 12, 31))) == 12

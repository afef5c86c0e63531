"""The last window ends at the first step after the range, of the steps that are counted from the range's own start."""

import datetime as dt
import itertools
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ccflow_etl import (
    BaseCalendar,
    BusinessHourCalendar,
    DailyCalendar,
    DifferenceCalendar,
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


class EveryThirdDay(BaseCalendar):
    """Counts its steps from the start, as a package elsewhere would write it."""

    def steps(self, start, end):
        return [start + 3 * DAY * k for k in range((end - start) // (3 * DAY) + 1)]


def of(interval):
    return IntervalCalendar(interval=interval)


@pytest.mark.parametrize(
    ("calendar", "start", "end", "ends"),
    [
        (of("2D") | of("3D"), "2024-01-01", "2024-01-04", "2024-01-05"),
        (of("2D") - of("6D"), "2024-01-01", "2024-01-03", "2024-01-05"),
        (HourlyCalendar() - DailyCalendar(), "2024-01-01", "2024-01-01T23:00", "2024-01-02T01:00"),
        (HourlyCalendar() - WeekdayCalendar(), "2024-01-05", "2024-01-05T22:00", "2024-01-05T23:00"),
        (of("M").shift(1), "2024-01-31", "2024-03-05", "2024-03-31"),
        (of("M") | of("ME"), "2024-01-31", "2024-03-05", "2024-03-31"),
        (of("W") | of("MS"), "2024-01-03", "2024-02-01", "2024-02-07"),
        (PeriodEdgeCalendar(calendar="2B", period="month", which="last"), "2024-01-01", "2024-01-31", "2024-02-28"),
        (PeriodEdgeCalendar(calendar="M", period="quarter", which=1), "2024-01-31", "2024-02-20", "2024-04-30"),
        (RuleCalendar(interval="2CBME"), "2024-01-05", "2024-04-01", "2024-05-31"),
        (RuleCalendar(interval="2C") | of("YS"), "2024-01-02", "2026-12-31", "2027-01-01"),
        (BusinessHourCalendar(interval="3bh") | of("YS"), "2024-01-01T09:00", "2024-01-02T08:00", "2024-01-02T10:00"),
        (EveryThirdDay() | of("YS"), "2024-01-02", "2024-01-09", "2024-01-11"),
    ],
    ids=str,
)
def test_the_last_window_ends_at_the_next_step_of_the_range(calendar, start, end, ends):
    windows = calendar.windows(start, end)
    assert windows.right[-1] == pd.Timestamp(ends)
    assert calendar.bounds(start, end)["end"].iloc[-1] == pd.Timestamp(ends)
    steps = calendar.ticks(start, ends).index()
    assert list(steps) == [*windows.left, pd.Timestamp(ends)]


@pytest.mark.parametrize("nonexistent", ["shift_forward", "shift_backward", "skip"])
@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (UnionCalendar, {"calendars": ("D", "MS")}),
        (PeriodEdgeCalendar, {"calendar": "D", "period": "week", "which": "last"}),
        (ShiftedCalendar, {"calendar": "D", "n": 1}),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_the_last_window_keeps_the_wall_time_of_the_range_behind_a_gap(kind, fields, nonexistent):
    calendar = kind(**fields, nonexistent=nonexistent)
    end = "2024-03-31T12:00[Europe/Paris]"
    windows = calendar.windows("2024-03-20T02:30[Europe/Paris]", end)
    days = 7 if kind is PeriodEdgeCalendar else 1
    expected = dt.datetime(2024, 3, 31, 2, 30, tzinfo=ZoneInfo("Europe/Paris")) + days * DAY
    assert windows.right[-1] == expected


LEAVES = [
    *("D", "2D", "3D", "B", "2B", "W", "M", "2M", "ME", "MS", "SMS", "7h", "36h"),
    RuleCalendar(interval="2CBME", holidays=["2024-04-30"]),
    BusinessHourCalendar(interval="3bh", close="12:00"),
]
LENGTHS = ["1D", "h", "B", "M"]
ZONES = [None, ZoneInfo("Europe/Paris"), ZoneInfo("America/New_York")]


def combined(policy):
    """Calendars of calendars, all of one policy."""

    def within(inner):
        parts = st.lists(inner, min_size=2, max_size=3).map(tuple)
        return st.one_of(
            *(
                parts.map(lambda calendars, kind=kind: kind(calendars=calendars, **policy))
                for kind in (UnionCalendar, IntersectionCalendar, DifferenceCalendar)
            ),
            st.tuples(inner, st.integers(-3, 3), st.sampled_from(LENGTHS)).map(
                lambda given: ShiftedCalendar(calendar=given[0], n=given[1], by=given[2], **policy)
            ),
            st.tuples(inner, st.sampled_from(["week", "month"]), st.sampled_from(["first", "last", 2])).map(
                lambda given: PeriodEdgeCalendar(calendar=given[0], period=given[1], which=given[2], **policy)
            ),
        )

    leaves = [
        leaf.model_copy(update=policy) if isinstance(leaf, BaseCalendar) else IntervalCalendar(interval=leaf, **policy)
        for leaf in LEAVES
    ]
    return st.recursive(st.sampled_from(leaves), within, max_leaves=4)


@st.composite
def calendars_and_ranges(draw):
    policy = {
        "nonexistent": draw(st.sampled_from(["shift_forward", "shift_backward", "skip"])),
        "ambiguous": draw(st.sampled_from(["earlier", "later"])),
    }
    time = draw(st.sampled_from([dt.time(), dt.time(2, 30), dt.time(9)]))
    day = dt.date(2024, 1, 1) + draw(st.integers(0, 320)) * DAY
    start = dt.datetime.combine(day, time, tzinfo=draw(st.sampled_from(ZONES)))
    return draw(combined(policy)), start, start + draw(st.integers(0, 24 * 40)) * dt.timedelta(hours=1)


@given(calendars_and_ranges())
@settings(max_examples=150, deadline=None)
def test_windows_are_the_steps_in_pairs(case):
    calendar, start, end = case
    steps = list(calendar.steps(start, end + 400 * DAY))
    pairs = [pair for pair in itertools.pairwise(steps) if pair[0] <= end]
    assume(pairs and steps[-1] > end)
    windows = calendar.windows(start, end)
    assert list(zip(windows.left, windows.right, strict=True)) == pairs

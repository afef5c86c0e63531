"""The shipped conformance suite, run on calendars of every kind, and on some that have to fail it."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from ccflow_etl import (
    BaseCalendar,
    BusinessHourCalendar,
    DailyCalendar,
    FixedDate,
    HourlyCalendar,
    IntervalCalendar,
    NthWeekday,
    PeriodEdgeCalendar,
    RuleCalendar,
    WeekdayCalendar,
)
from ccflow_etl.testing import CalendarTests

PARIS = ZoneInfo("Europe/Paris")


class Fridays(BaseCalendar):
    """Written elsewhere: a list of datetimes at the start's time of day."""

    def steps(self, start, end):
        day = start + dt.timedelta(days=(4 - start.weekday()) % 7)
        found = []
        while day <= end:
            found.append(day)
            day += dt.timedelta(days=7)
        return found


class TestFridays(CalendarTests):
    def make_calendar(self):
        return Fridays()


class TestEveryDay(CalendarTests):
    def make_calendar(self):
        return DailyCalendar()


class TestHours(CalendarTests):
    start, end = dt.datetime(2025, 3, 29, 12, tzinfo=PARIS), dt.datetime(2025, 3, 31, 12, tzinfo=PARIS)

    def make_calendar(self):
        return HourlyCalendar()


class TestWeekdaysInAZone(CalendarTests):
    start, end = dt.datetime(2024, 1, 1, tzinfo=PARIS), dt.datetime(2024, 12, 31, tzinfo=PARIS)

    def make_calendar(self):
        return WeekdayCalendar() | IntervalCalendar(interval="ME")


class TestWorkingDays(CalendarTests):
    def make_calendar(self):
        return RuleCalendar(
            rules=[NthWeekday(month=5, weekday="Mon", n=1), FixedDate(month=1, day=1, observance="nearest")],
            extra_days=["2024-06-01"],
        )


class TestWorkingHours(CalendarTests):
    start, end = "2023-12-29T09:00", "2024-02-28"

    def make_calendar(self):
        return BusinessHourCalendar(open="09:00", close="12:00")


class TestPeriodEdges(CalendarTests):
    def make_calendar(self):
        return PeriodEdgeCalendar(calendar=WeekdayCalendar(), period="month", which="last")


class TestSetAlgebraWithAForeignCalendar(CalendarTests):
    def make_calendar(self):
        return DailyCalendar() - Fridays()


class TestStepsOfTwoOrThreeDays(CalendarTests):
    anchored = True

    def make_calendar(self):
        return IntervalCalendar(interval="3D") | IntervalCalendar(interval="2D")


class TestEveryFifthDay(CalendarTests):
    anchored = True

    def make_calendar(self):
        return IntervalCalendar(interval="5D")


class Forgetful(BaseCalendar):
    """Loses the last step of a long range."""

    def steps(self, start, end):
        days = np.arange(np.datetime64(start, "D"), np.datetime64(end, "D") + 1)
        return days[: 100 if len(days) > 100 else None].astype("M8[us]").tolist()


class Unsorted(Fridays):
    def steps(self, start, end):
        return super().steps(start, end)[::-1]


class Counting(Fridays):
    """Counts without looking."""

    def count(self, start, end):
        return 52


class Hasty(Fridays):
    """Ends its last window a day after its step."""

    def windows(self, start, end, span=None):
        found = super().windows(start, end, span)
        right = found.right[:-1].append(found.left[-1:] + dt.timedelta(days=1))
        return pd.IntervalIndex.from_arrays(found.left, right, closed="left")


@pytest.mark.parametrize(
    "calendar", [Unsorted(), Counting(), Forgetful(), Hasty()], ids=lambda calendar: type(calendar).__name__
)
def test_a_wrong_calendar_fails_the_suite(calendar):
    suite = CalendarTests()
    steps = calendar.ticks(suite.start, suite.end).index()
    failed = []
    for test in (
        suite.test_steps_are_instants_in_order,
        suite.test_count_is_the_number_of_steps,
        suite.test_next_and_previous_find_the_neighbours,
        suite.test_windows_tile_the_range,
        suite.test_the_last_window_ends_at_the_next_step,
    ):
        try:
            test(calendar, steps)
        except (AssertionError, TypeError):
            failed.append(test.__name__)
    assert failed


def test_a_suite_without_a_calendar_says_what_it_needs():
    with pytest.raises(NotImplementedError, match="make_calendar"):
        CalendarTests().make_calendar()

"""Windows of a fixed span, their bounds as a table, and membership of many instants at once."""

import calendar as stdlib
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
    PeriodEdgeCalendar,
    RuleCalendar,
    WeekdayCalendar,
)

DAY = dt.timedelta(days=1)
NEW_YORK = ZoneInfo("America/New_York")


class Paydays(BaseCalendar):
    """The 10th and the last day of each month as a list, as a package elsewhere would write it."""

    def steps(self, start, end):
        days = [start + DAY * i for i in range(max((end - start).days + 1, 0))]
        return [day for day in days if day.day in (10, stdlib.monthrange(day.year, day.month)[1])]


CALENDARS = [
    *(DailyCalendar(), HourlyCalendar(), WeekdayCalendar(), Paydays(), BusinessHourCalendar(close="12:00")),
    *(IntervalCalendar(interval=interval) for interval in ("W", "3D", "ME", "2MS", "M", "SMS", "BQE", "36h", "YE")),
    RuleCalendar(rules=[FixedDate(month=3, day=4)], extra_days=["2024-03-02"]),
    RuleCalendar(interval="2CBMS"),
    PeriodEdgeCalendar(calendar="B", period="week", which="last"),
    WeekdayCalendar() - IntervalCalendar(interval="ME"),
    Paydays() | IntervalCalendar(interval="MS"),
    IntervalCalendar(interval="ME").shift(3),
]
every_calendar = pytest.mark.parametrize("calendar", CALENDARS, ids=repr)


def months_later(when, n):
    month = when.year * 12 + when.month - 1 + n
    last = stdlib.monthrange(month // 12, month % 12 + 1)[1]
    return when.replace(year=month // 12, month=month % 12 + 1, day=min(when.day, last))


SPANS = {
    "1D": lambda when: when + DAY,
    "36h": lambda when: when + dt.timedelta(hours=36),
    "15min": lambda when: when + dt.timedelta(minutes=15),
    "2W": lambda when: when + 14 * DAY,
    "1us": lambda when: when + dt.timedelta(microseconds=1),
    "M": lambda when: months_later(when, 1),
    "25M": lambda when: months_later(when, 25),
}


@every_calendar
@pytest.mark.parametrize("span", SPANS)
def test_windows_of_a_fixed_span(calendar, span):
    for start, end in [("2024-01-29T09:30", "2024-04-02"), ("2024-03-01", "2024-03-01"), ("2024-03-02", "2024-03-01")]:
        steps = calendar.ticks(start, end).index()
        windows = calendar.windows(start, end, span=span)
        assert windows.closed == "left"
        assert windows.dtype.subtype == np.dtype("M8[us]")
        assert list(windows.left) == list(steps)
        assert list(windows.right.to_pydatetime()) == [SPANS[span](step) for step in steps.to_pydatetime()]


def test_what_is_excluded_does_not_lengthen_a_window():
    weekdays = WeekdayCalendar()
    assert weekdays.windows("2024-03-01", "2024-03-01").right[0] == pd.Timestamp("2024-03-04")
    assert weekdays.windows("2024-03-01", "2024-03-01", span="1D").right[0] == pd.Timestamp("2024-03-02")


def test_spans_of_days_keep_the_wall_time():
    start, end = dt.datetime(2024, 3, 9, 6, tzinfo=NEW_YORK), dt.datetime(2024, 3, 10, 6, tzinfo=NEW_YORK)
    for span, ends in [
        ("1D", [dt.datetime(2024, 3, 10, 6, tzinfo=NEW_YORK), dt.datetime(2024, 3, 11, 6, tzinfo=NEW_YORK)]),
        ("24h", [dt.datetime(2024, 3, 10, 7, tzinfo=NEW_YORK), dt.datetime(2024, 3, 11, 6, tzinfo=NEW_YORK)]),
        ("M", [dt.datetime(2024, 4, 9, 6, tzinfo=NEW_YORK), dt.datetime(2024, 4, 10, 6, tzinfo=NEW_YORK)]),
    ]:
        windows = DailyCalendar().windows(start, end, span=span)
        assert [when.astimezone(dt.UTC) for when in windows.right] == [when.astimezone(dt.UTC) for when in ends]
        assert str(windows.right.tz) == "America/New_York"


@pytest.mark.parametrize("span", ["ME", "B", "2QS", "C", "bh", "ns"])
def test_a_span_is_a_length(span):
    with pytest.raises(ValueError, match="span") as refused:
        DailyCalendar().windows("2024-01-01", "2024-01-02", span=span)
    assert span.lstrip("2") in str(refused.value)
    with pytest.raises(ValueError, match="2Q"):
        DailyCalendar().windows("2024-01-01", "2024-01-02", span="2Q")


@every_calendar
@pytest.mark.parametrize("span", [None, "1D"])
def test_bounds_are_the_windows_as_a_table(calendar, span):
    for start, end in [("2024-01-29T09:30", "2024-03-02"), ("2024-03-02", "2024-03-01")]:
        windows = calendar.windows(start, end, span=span)
        bounds = calendar.bounds(start, end, span=span)
        assert list(bounds.columns) == ["start", "end"]
        assert list(bounds["start"]) == list(windows.left)
        assert list(bounds["end"]) == list(windows.right)
        assert bounds.dtypes.tolist() == [np.dtype("M8[us]")] * 2
        assert list(bounds.index) == list(range(len(windows)))


# --- membership of many


INSTANTS = [
    *(
        dt.datetime(2024, month, day)
        for month in (1, 2, 3, 12)
        for day in (1, 2, 4, 10, 15, 29, 31)
        if (month, day) != (2, 31)
    ),
    *(dt.datetime(2024, 3, day, 9, 30) for day in range(1, 12)),
    *(dt.datetime(2024, 3, 31, 17, 0, 0, 1), dt.datetime(2023, 12, 29, 23, 59), dt.datetime(1, 1, 1)),
    *(dt.datetime(9999, 12, 31), dt.datetime(1600, 2, 29), dt.datetime(2024, 3, 31, 9, 30)),
]


@every_calendar
def test_many_instants_are_each_in_or_out(calendar):
    instants = [when for when in INSTANTS if when.year == 2024 or not isinstance(calendar, Paydays)]
    instants = [when for when in instants if abs(when.year - 2024) < 2] if "Paydays" in repr(calendar) else instants
    expected = [calendar.contains(when) for when in instants]
    assert len(set(expected)) > 1 or calendar.contains(dt.datetime(2024, 1, 2, 3, 4, 5))
    for many in (
        instants,
        tuple(instants),
        pd.DatetimeIndex(np.array(instants, dtype="M8[us]")),
        np.array(instants, dtype="M8[us]"),
        pd.Series(np.array(instants, dtype="M8[us]")),
        [when.isoformat() for when in instants],
    ):
        found = calendar.contains(many)
        assert isinstance(found, np.ndarray)
        assert found.dtype == np.dtype(bool)
        assert found.tolist() == expected
    for one in (instants[::-1], instants * 2, instants[:1]):
        assert calendar.contains(one).tolist() == [calendar.contains(when) for when in one]


@every_calendar
def test_every_step_is_contained(calendar):
    steps = calendar.ticks("2024-01-31T10:30", "2024-06-30").index()
    if calendar.contains(steps).all():
        assert calendar.contains(steps.to_pydatetime()).all()
        assert calendar.contains(steps + pd.Timedelta(days=1)).tolist() == [
            calendar.contains(step) for step in steps + pd.Timedelta(days=1)
        ]
    else:
        pytest.fail("a step of a range that begins at its time of day is a step of the range that begins with it")


@every_calendar
def test_none_of_no_instants(calendar):
    for none in ([], (), np.array([], dtype="M8[us]"), pd.DatetimeIndex([])):
        found = calendar.contains(none)
        assert found.dtype == np.dtype(bool)
        assert found.shape == (0,)


@pytest.mark.parametrize("calendar", [WeekdayCalendar(), Paydays(), DailyCalendar()], ids=repr)
def test_instants_may_come_from_an_iterator(calendar):
    instants = [dt.datetime(2024, 3, day) for day in range(1, 12)]
    expected = [calendar.contains(when) for when in instants]
    assert calendar.contains(when for when in instants).tolist() == expected
    assert calendar.contains(iter(instants)).tolist() == expected


def test_many_instants_in_a_zone():
    hours = [dt.datetime(2024, 3, day, 12, tzinfo=NEW_YORK) for day in range(1, 12)]
    for calendar in (WeekdayCalendar(), IntervalCalendar(interval="MS")):
        expected = [calendar.contains(when) for when in hours]
        assert True in expected
        assert False in expected
        assert calendar.contains(hours).tolist() == expected
        assert calendar.contains(pd.DatetimeIndex(hours)).tolist() == expected


@pytest.mark.parametrize("missing", [None, pd.NaT, "soon", 5, dt.datetime(2024, 1, 1, tzinfo=NEW_YORK)], ids=str)
def test_one_instant_that_is_none_spoils_them_all(missing):
    for calendar in (WeekdayCalendar(), IntervalCalendar(interval="ME")):
        with pytest.raises((TypeError, ValueError)):
            calendar.contains([dt.datetime(2024, 1, 1), missing])
    with pytest.raises(ValueError, match="missing"):
        WeekdayCalendar().contains(np.array(["2024-01-01", "NaT"], dtype="M8[us]"))
    with pytest.raises(ValueError, match="microsecond"):
        WeekdayCalendar().contains(np.array(["2024-01-01T00:00:00.000000001"], dtype="M8[ns]"))


def test_instants_with_a_zone_as_objects():
    steps = [dt.datetime(2024, 3, day, tzinfo=NEW_YORK) for day in (1, 2, 4)]
    for given in (np.array(steps, dtype=object), pd.Series(steps, dtype=object), pd.Index(steps, dtype=object)):
        assert WeekdayCalendar().contains(given).tolist() == [True, False, True]


@pytest.mark.parametrize("shape", [(), (1, 1), (2, 3)])
def test_an_array_of_instants_is_flat(shape):
    with pytest.raises(ValueError, match=f"when has {len(shape)} dimensions"):
        WeekdayCalendar().contains(np.full(shape, np.datetime64("2024-03-01", "us")))


@pytest.mark.parametrize("year", ["-0001", "10000", "12024"])
def test_many_instants_are_in_the_years_1_to_9999(year):
    with pytest.raises(ValueError, match="years 1 to 9999"):
        DailyCalendar().contains(np.array([f"{year}-01-01"], dtype="M8[D]"))


@pytest.mark.parametrize("span", ["1D", "24h", "1M", f"{10**15}W", f"{10**15}M", f"{10**30}us"])
def test_a_span_ends_with_the_year_9999(span):
    windows = IntervalCalendar(interval="YE").windows("9998-01-01", "9999-12-31", span)
    assert windows.right[-1].to_pydatetime() == dt.datetime.max
    assert (windows.left < windows.right).all()

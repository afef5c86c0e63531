"""Steps of every unit beside pandas and dateutil; counts, rules and streaming."""

import datetime as dt
import tracemalloc

import pandas as pd
import pytest
from dateutil.rrule import DAILY, HOURLY, MONTHLY, WEEKLY, YEARLY, rrule
from pandas.tseries import holiday

from benchmarks.ratios import Case
from ccflow_etl import (
    BusinessHourCalendar,
    EasterOffset,
    FixedDate,
    Interval,
    IntervalCalendar,
    NthWeekday,
    RuleCalendar,
)

LAST = "2019-12-31"
# Below an hour a count makes the steps as many as hours: a century of seconds does not fit in memory.
FIXED = ["D", "W", "h", "60min", "3600s", "3600000ms", "3600000000us"]
MONTHS = ["MS", "ME", "BMS", "BME", "M"]
SEMI_MONTHS = ["SMS", "SME"]
QUARTERS = ["QS", "QE", "BQS", "BQE"]
ANNUAL = ["YS", "YE", "BYS", "BYE"]
UNITS = [*FIXED, "B", *SEMI_MONTHS, *MONTHS, *QUARTERS, *ANNUAL]
# What steps take of pandas' time at most: about twice what an idle core shows, so that a shared one passes.
OF_PANDAS = (
    dict.fromkeys(SEMI_MONTHS + MONTHS + QUARTERS, 1 / 20)
    | dict.fromkeys(ANNUAL, 1 / 8)
    | {"B": 1 / 0.7}
    | dict.fromkeys(FIXED, 2)
)

WORKDAYS = {"byweekday": range(5)}
QUARTER_STARTS, QUARTER_ENDS = {"bymonth": (1, 4, 7, 10)}, {"bymonth": (3, 6, 9, 12)}
RECURRENCES = {
    "D": {"freq": DAILY},
    "W": {"freq": WEEKLY},
    "h": {"freq": HOURLY},
    "B": {"freq": DAILY} | WORKDAYS,
    "SMS": {"freq": MONTHLY, "bymonthday": (1, 15)},
    "SME": {"freq": MONTHLY, "bymonthday": (15, -1)},
    "MS": {"freq": MONTHLY, "bymonthday": 1},
    "ME": {"freq": MONTHLY, "bymonthday": -1},
    "BMS": {"freq": MONTHLY, "bysetpos": 1} | WORKDAYS,
    "BME": {"freq": MONTHLY, "bysetpos": -1} | WORKDAYS,
    "M": {"freq": MONTHLY},
    "QS": {"freq": MONTHLY, "bymonthday": 1} | QUARTER_STARTS,
    "QE": {"freq": MONTHLY, "bymonthday": -1} | QUARTER_ENDS,
    "BQS": {"freq": MONTHLY, "bysetpos": 1} | QUARTER_STARTS | WORKDAYS,
    "BQE": {"freq": MONTHLY, "bysetpos": -1} | QUARTER_ENDS | WORKDAYS,
    "YS": {"freq": YEARLY, "bymonth": 1, "bymonthday": 1},
    "YE": {"freq": YEARLY, "bymonth": 12, "bymonthday": 31},
    "BYS": {"freq": MONTHLY, "bymonth": 1, "bysetpos": 1} | WORKDAYS,
    "BYE": {"freq": MONTHLY, "bymonth": 12, "bysetpos": -1} | WORKDAYS,
}

HOLIDAYS = [f"{year}-0{month}-1{month}" for year in range(1920, 2020) for month in range(1, 8)]
CUSTOM = {
    "C": (RuleCalendar(holidays=HOLIDAYS), pd.offsets.CustomBusinessDay(holidays=HOLIDAYS), 2),
    "CBMS": (RuleCalendar(interval="CBMS", holidays=HOLIDAYS), pd.offsets.CBMonthBegin(holidays=HOLIDAYS), 1 / 100),
    "CBME": (RuleCalendar(interval="CBME", holidays=HOLIDAYS), pd.offsets.CBMonthEnd(holidays=HOLIDAYS), 1 / 100),
    "bh": (BusinessHourCalendar(), pd.offsets.BusinessHour(), 1 / 500),
    "cbh": (
        BusinessHourCalendar(interval="cbh", holidays=HOLIDAYS),
        pd.offsets.CustomBusinessHour(holidays=HOLIDAYS),
        1 / 500,
    ),
}

TEN_RULES = (
    *(FixedDate(month=month, day=3 * month, observance="nearest") for month in range(1, 6)),
    *(NthWeekday(month=month, weekday="Mon", n=n) for month, n in ((2, 3), (5, -1), (9, 1))),
    *(EasterOffset(days=days) for days in (-2, 39)),
)


class TenHolidays(holiday.AbstractHolidayCalendar):
    rules = (
        *(
            holiday.Holiday(f"fixed {month}", month=month, day=3 * month, observance=holiday.nearest_workday)
            for month in range(1, 6)
        ),
        *(
            holiday.Holiday(f"Monday {month}", month=month, day=day, offset=pd.DateOffset(weekday=weekday))
            for month, day, weekday in ((2, 1, holiday.MO(3)), (5, 31, holiday.MO(-1)), (9, 1, holiday.MO(1)))
        ),
        *(
            holiday.Holiday(f"Easter {days}", month=1, day=1, offset=[pd.offsets.Easter(), pd.offsets.Day(days)])
            for days in (-2, 39)
        ),
    )


def freq(unit):
    return {"W": pd.offsets.Day(7), "M": pd.DateOffset(months=1)}.get(unit, unit)


def steps_of(calendar, years):
    start = f"{2020 - years:04d}-01-01"
    return lambda: calendar.steps(start, LAST)


def pandas_steps(offset, years):
    start = f"{2020 - years:04d}-01-01"
    return lambda: pd.date_range(start, LAST, freq=offset, unit="us")


@pytest.mark.parametrize("unit", UNITS)
def test_steps_beside_pandas(compare, full, unit):
    interval, most = Interval.model_validate(unit), OF_PANDAS[unit]
    century, millennium = steps_of(interval, 100), steps_of(interval, 1_000)
    pandas_century = pandas_steps(freq(unit), 100)
    assert list(century()[:100]) == list(pandas_century()[:100])
    compare(Case(f"{unit}, a century", century, "pandas.date_range", pandas_century, most))
    if full:
        compare(Case(f"{unit}, 1,000 years", millennium, "pandas.date_range", pandas_steps(freq(unit), 1_000), most))
    if unit not in FIXED:  # an element of an array past the processor's caches costs more, for pandas as well
        what, counts = f"{unit}, one step of 1,000 years", (len(millennium()), len(century()))
        compare(Case(what, millennium, "one of a century", century, 4, False, *counts))


@pytest.mark.parametrize("unit", RECURRENCES)
def test_steps_beside_dateutil(compare, full, unit):
    years = 1 if unit == "h" else 100 if full else 10
    first, last = dt.datetime(2020 - years, 1, 1), dt.datetime(2019, 12, 31)
    interval = Interval.model_validate(unit)

    def ours():
        return interval.steps(first, last)

    def recurrences():
        return list(rrule(dtstart=first, until=last, **RECURRENCES[unit]))

    assert list(ours()) == recurrences()
    period = {1: "a year", 10: "ten years", 100: "a century"}[years]
    compare(Case(f"{unit}, {period}", ours, "dateutil.rrule", recurrences, 1 / 4))


@pytest.mark.parametrize("unit", CUSTOM)
def test_working_time_beside_pandas(compare, full, unit):
    calendar, offset, most = CUSTOM[unit]
    years, period = (100, "a century") if full else (10, "ten years")
    compare(
        Case(
            f"{unit}, {period}",
            steps_of(calendar, years),
            "pandas.date_range",
            pandas_steps(offset, years),
            most if full else max(most, 1 / 20),
        )
    )


@pytest.mark.parametrize("unit", MONTHS + QUARTERS + ANNUAL)
def test_a_century_beside_the_index_that_holds_it(compare, unit):
    century = steps_of(Interval.model_validate(unit), 100)
    places = century().to_numpy()
    compare(
        Case(
            f"{unit}, a century",
            century,
            "pandas.DatetimeIndex of the array",
            lambda: pd.DatetimeIndex(places, copy=False),
            8,
            quiet=True,
        )
    )


def test_a_cold_calendar_of_ten_rules(compare):
    days = iter(range(10**6))

    def cold():
        # A one-off date of its own makes each calendar new to any cache.
        extra = dt.date(1920, 1, 3) + dt.timedelta(days=7 * next(days))
        return RuleCalendar(rules=TEN_RULES, extra_days=[extra]).steps("1920-01-01", LAST)

    def pandas_cold():
        # Asked by the offset itself, it knows no holiday before 1970.
        closed = TenHolidays().holidays("1919-01-01", "2021-12-31")
        return pd.date_range("1920-01-01", LAST, freq=pd.offsets.CustomBusinessDay(holidays=closed), unit="us")

    assert cold().symmetric_difference(pandas_cold()).tolist() == [pd.Timestamp(1920, 1, 3)]
    compare(Case("ten rules, a century from nothing", cold, "pandas' holiday calendar", pandas_cold, 1 / 3))


@pytest.mark.parametrize("unit", UNITS)
def test_a_count_takes_the_same_time_for_any_range(compare, unit):
    interval = Interval.model_validate(unit)

    def of_a_year():
        return interval.count("2019-01-01", LAST)

    def of_everything():
        return interval.count("0001-01-01", "9999-12-31")

    def of_an_index():
        return len(pd.date_range("2019-01-01", LAST, freq=freq(unit)))

    assert of_a_year() == of_an_index()
    compare(
        Case(f"{unit}, count of 9,999 years", of_everything, "of a year", of_a_year, 3),
        Case(f"{unit}, count of a year", of_a_year, "len(pandas.date_range)", of_an_index, 1),
    )


def test_streaming_ten_years_of_minutes_in_little_memory(compare):
    minutes = IntervalCalendar(interval="min")

    def blocks():
        return sum(len(block) for block in minutes.chunks("2009-01-01", "2019-01-01", 10_000))

    def whole():
        return len(minutes.steps("2009-01-01", "2019-01-01"))

    assert blocks() == whole() == 3652 * 1440 + 1
    peaks = []
    for function in (blocks, whole):
        tracemalloc.start()
        try:
            function()
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    compare.sizes("ten years of minutes in blocks of 10,000", peaks[0], "all at once", peaks[1], 1 / 20, by="memory")


@pytest.mark.benchmark(group="a century of steps", max_time=0.1, min_rounds=5)
@pytest.mark.parametrize("unit", [*UNITS, "C", "CBMS", "CBME", "bh"])
def test_a_century_of_steps(benchmark, unit):
    if unit == "bh":
        calendar = BusinessHourCalendar()
    elif unit in {"C", "CBMS", "CBME"}:
        calendar = RuleCalendar(rules=TEN_RULES, interval=unit)
    else:
        calendar = Interval.model_validate(unit)
    steps = benchmark(calendar.steps, "1920-01-01", LAST)
    assert steps[-1] <= pd.Timestamp(LAST)

"""Steps of every unit over 1 to 1000 years, beside pandas in the same run.

python -m pytest benchmarks/bench_calendars.py -s

Each time is the median of samples taken in turns, so that what else the machine does slows both sides alike; a sample
is the mean of calls that last a millisecond together, so that neither side pays for the caches of the other. The
asserted ratios are about half of what an idle machine shows: they tell a lost algorithm from a noisy neighbour.
"""

import datetime as dt
import gc
import statistics
import time
import tracemalloc

import pandas as pd
import pytest

from ccflow_etl import (
    BusinessHourCalendar,
    EasterOffset,
    FixedDate,
    Interval,
    IntervalCalendar,
    NthWeekday,
    RuleCalendar,
)

YEARS = (1, 10, 100, 1000)
LAST = "2019-12-31"
# Below an hour a count makes the steps as many as hours: a century of seconds does not fit in memory.
FIXED = ["D", "W", "h", "60min", "3600s", "3600000ms", "3600000000us"]
MONTHS = ["MS", "ME", "BMS", "BME", "M"]
SEMI_MONTHS = ["SMS", "SME"]
QUARTERS = ["QS", "QE", "BQS", "BQE"]
ANNUAL = ["YS", "YE", "BYS", "BYE"]
UNITS = [*FIXED, "B", *SEMI_MONTHS, *MONTHS, *QUARTERS, *ANNUAL]
# How many times faster than pandas over a century, at least.
FASTER = (
    dict.fromkeys(SEMI_MONTHS + MONTHS + QUARTERS, 20)
    | dict.fromkeys(ANNUAL, 8)
    | {"B": 0.7}
    | dict.fromkeys(FIXED, 0.5)
)
# What a century of month, quarter and year steps may take on top of the index that holds them, as a median. Thirty
# microseconds are the aim on an idle core; the rest is slack for a shared one.
CENTURY_SECONDS = 30e-6 * 2.5

TEN_RULES = (
    *(FixedDate(month=month, day=3 * month, observance="nearest") for month in range(1, 6)),
    *(NthWeekday(month=month, weekday="Mon", n=n) for month, n in ((2, 3), (5, -1), (9, 1))),
    *(EasterOffset(days=days) for days in (-2, 39)),
)
HOLIDAYS = [f"{year}-0{month}-1{month}" for year in range(1920, 2020) for month in range(1, 8)]
CUSTOM = [
    ("C", RuleCalendar(holidays=HOLIDAYS), pd.offsets.CustomBusinessDay(holidays=HOLIDAYS), 0.5),
    ("CBMS", RuleCalendar(interval="CBMS", holidays=HOLIDAYS), pd.offsets.CBMonthBegin(holidays=HOLIDAYS), 100),
    ("CBME", RuleCalendar(interval="CBME", holidays=HOLIDAYS), pd.offsets.CBMonthEnd(holidays=HOLIDAYS), 100),
    ("bh", BusinessHourCalendar(), pd.offsets.BusinessHour(), 1000),
    (
        "cbh",
        BusinessHourCalendar(interval="cbh", holidays=HOLIDAYS),
        pd.offsets.CustomBusinessHour(holidays=HOLIDAYS),
        1000,
    ),
]


def freq(unit):
    return {"W": pd.offsets.Day(7), "M": pd.DateOffset(months=1)}.get(unit, unit)


def first_day(years):
    return f"{2020 - years:04d}-01-01"


def seconds(function, number=1):
    started = time.perf_counter()
    for _ in range(number):
        function()
    return (time.perf_counter() - started) / number


def medians(*functions, rounds=None):
    """The median seconds of each function, in samples taken in turns after one call each that counts for nothing."""
    once = [seconds(function) for function in functions]
    numbers = [max(int(1e-3 / each), 1) for each in once]
    rounds = rounds or min(max(int(0.2 / max(*once, 1e-3)), 3), 31)
    gc.collect()
    gc.disable()
    try:
        turns = [[*map(seconds, functions, numbers)] for _ in range(rounds)]
    finally:
        gc.enable()
    return [statistics.median(times) for times in zip(*turns, strict=True)]


def beside_pandas(steps, offset, start):
    """The median seconds of our steps and of pandas' from a start."""
    return medians(lambda: steps(start, LAST), lambda: pd.date_range(start, LAST, freq=offset, unit="us"))


def show(line):
    print(line)  # noqa: T201 - shown by -s


def row(name, cells):
    show(
        f"{name:>14} | "
        + " | ".join(f"{ours * 1e6:9,.0f} {theirs * 1e6:11,.0f} {theirs / ours:8.2f}" for ours, theirs in cells)
    )


@pytest.fixture(scope="module", autouse=True)
def _header():
    show(
        "\nmicroseconds of ccflow-etl, of pandas, and their ratio, over "
        + ", ".join(f"{years:,}" for years in YEARS)
        + " years"
    )


@pytest.mark.parametrize("unit", UNITS)
def test_steps_beside_pandas(unit):
    interval = Interval.model_validate(unit)
    cells = [beside_pandas(interval.steps, freq(unit), first_day(years)) for years in YEARS]
    row(unit, cells)
    (ours, theirs), (ours_of_a_thousand, theirs_of_a_thousand) = cells[2:]
    assert theirs / ours >= FASTER[unit]
    assert theirs_of_a_thousand / ours_of_a_thousand >= FASTER[unit]
    # Linear in the number of steps; arrays past the processor's caches cost more an element, for pandas as well.
    assert ours_of_a_thousand <= 40 * ours or unit in FIXED


@pytest.mark.parametrize(("unit", "calendar", "offset", "faster"), CUSTOM, ids=[case[0] for case in CUSTOM])
def test_working_time_beside_pandas(unit, calendar, offset, faster):
    cell = beside_pandas(calendar.steps, offset, first_day(100))
    row(f"{unit}, a century", [cell])
    assert cell[1] / cell[0] >= faster


@pytest.mark.parametrize("unit", MONTHS + QUARTERS + ANNUAL)
def test_a_century_on_top_of_its_index(unit):
    interval = Interval.model_validate(unit)
    places = interval.steps(first_day(100), LAST).to_numpy()
    ours, index = medians(lambda: interval.steps(first_day(100), LAST), lambda: pd.DatetimeIndex(places, copy=False))
    show(f"{unit:>14} | a century on top of its index: {(ours - index) * 1e6:.1f} us")
    assert ours - index <= CENTURY_SECONDS


def test_a_cold_calendar_of_ten_rules():
    days = iter(range(10**6))

    def cold():
        # A one-off date of its own makes each calendar new to any cache.
        extra = dt.date(1920, 1, 1) + dt.timedelta(days=next(days))
        RuleCalendar(rules=TEN_RULES, extra_days=[extra]).steps(first_day(100), LAST)

    median, build = medians(cold, lambda: RuleCalendar(rules=TEN_RULES))
    show(f"{'ten rules':>14} | a century, cold: {median * 1e6:.0f} us, of which {build * 1e6:.0f} us make the calendar")
    assert median <= 0.5e-3 * 2


@pytest.mark.parametrize("unit", UNITS)
def test_a_count_takes_the_same_time_for_any_range(unit):
    interval = Interval.model_validate(unit)
    year, everything = medians(
        lambda: interval.count("2019-01-01", LAST), lambda: interval.count("0001-01-01", "9999-12-31")
    )
    show(f"{unit:>14} | count of a year: {year * 1e6:.1f} us, of 9,999 years: {everything * 1e6:.1f} us")
    assert everything <= 60e-6
    assert everything <= 3 * year


def test_streaming_ten_years_of_minutes_in_little_memory():
    minutes = IntervalCalendar(interval="min")
    minutes.count("2009-01-01", "2009-01-02")
    tracemalloc.start()
    try:
        steps = sum(len(block) for block in minutes.chunks("2009-01-01", "2019-01-01", 10_000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    show(f"{'min':>14} | {steps:,} steps in blocks of 10,000: {peak / 1e6:.1f} MB at most")
    assert steps == 3652 * 1440 + 1
    assert peak <= 50e6


@pytest.mark.benchmark(group="a century of steps", max_time=0.1, min_rounds=5)
@pytest.mark.parametrize("unit", [*UNITS, "C", "CBMS", "CBME", "bh"])
def test_a_century_of_steps(benchmark, unit):
    if unit == "bh":
        calendar = BusinessHourCalendar()
    elif unit in {"C", "CBMS", "CBME"}:
        calendar = RuleCalendar(rules=TEN_RULES, interval=unit)
    else:
        calendar = Interval.model_validate(unit)
    steps = benchmark(calendar.steps, first_day(100), LAST)
    assert steps[-1] <= pd.Timestamp(LAST)

"""The steps of an interval, against pandas, dateutil and the standard library.

Three oracles, none of which shares code with the package: ``pandas.date_range``, ``dateutil.rrule``, and a slow walk
over months with ``calendar.monthrange`` that also reaches the years that pandas and nanoseconds do not.
"""

import calendar
import datetime as dt

import numpy as np
import pandas as pd
import pytest
from dateutil import rrule
from dateutil.relativedelta import relativedelta
from hypothesis import given, settings
from hypothesis import strategies as st

from ccflow_etl import Interval

FIXED = {
    "W": dt.timedelta(weeks=1),
    "D": dt.timedelta(days=1),
    "h": dt.timedelta(hours=1),
    "min": dt.timedelta(minutes=1),
    "s": dt.timedelta(seconds=1),
    "ms": dt.timedelta(milliseconds=1),
    "us": dt.timedelta(microseconds=1),
}
# The days between neighbours, roughly: the length of a random range is drawn in these.
BOUNDARY = dict(B=1.4, SMS=15, SME=15, MS=30, ME=30, BMS=30, BME=30)  # noqa: C408 - units are easier to read so
BOUNDARY |= dict.fromkeys(["QS", "QE", "BQS", "BQE"], 91) | dict.fromkeys(["YS", "YE", "BYS", "BYE"], 365)
CALENDAR_OF = dict.fromkeys(["C", "CBMS", "CBME"], "RuleCalendar") | dict.fromkeys(
    ["bh", "cbh"], "BusinessHourCalendar"
)
FIRST = dt.datetime(1, 1, 1)
LAST = dt.datetime(9999, 12, 31, 23, 59, 59, 999999)
CASES = 450  # random ranges for each of the 23 units: more than ten thousand


def boundaries(unit, year):
    """The boundary days of a year, by the standard library's calendar."""
    months = {
        "M": range(1, 13),
        "Q": (1, 4, 7, 10) if unit[-1] == "S" else (3, 6, 9, 12),
        "Y": (1 if unit[-1] == "S" else 12,),
    }
    for month in months.get(unit[-2:-1], months["M"]):
        first = dt.date(year, month, 1)
        last = dt.date(year, month, calendar.monthrange(year, month)[1])
        if unit == "B":
            days = (first + dt.timedelta(days=i) for i in range(last.day))
            yield from (day for day in days if day.weekday() < calendar.SATURDAY)
        elif unit[0] == "S":
            yield from (first, first.replace(day=15)) if unit == "SMS" else (first.replace(day=15), last)
        else:
            day, inwards = (first, 1) if unit[-1] == "S" else (last, -1)
            while unit[0] == "B" and day.weekday() >= calendar.SATURDAY:
                day += dt.timedelta(days=inwards)
            yield day


def boundary_steps(unit, n, start, end):
    steps = (
        dt.datetime.combine(day, start.time())
        for year in range(start.year, end.year + 1)
        for day in boundaries(unit, year)
    )
    return [step for step in steps if start <= step <= end][::n]


def fixed_steps(unit, n, start, end):
    return [start + i * n * FIXED[unit] for i in range((end - start) // (n * FIXED[unit]) + 1)] if start <= end else []


def anchored_steps(n, start, end):
    months = range(start.year * 12 + start.month - 1, end.year * 12 + end.month, n)
    days = ((*divmod(month, 12), calendar.monthrange(month // 12, month % 12 + 1)[1]) for month in months)
    steps = [start.replace(year=year, month=month + 1, day=min(start.day, last)) for year, month, last in days]
    return [step for step in steps if step <= end]


def plain_steps(unit, n, start, end):
    if unit == "M":
        return anchored_steps(n, start, end)
    return (fixed_steps if unit in FIXED else boundary_steps)(unit, n, start, end)


def assert_same(steps, expected, case):
    assert isinstance(steps, pd.DatetimeIndex), case
    assert steps.dtype == np.dtype("M8[us]"), case
    assert steps.freq is None, case
    assert steps.name is None, case
    expected = pd.DatetimeIndex(np.array(expected, dtype="M8[us]"))
    pd.testing.assert_index_equal(steps, expected, check_names=False, obj=str(case))


def at(place):
    """The datetime of a microsecond since the first one, or the nearest that there is."""
    return FIRST + dt.timedelta(microseconds=min(max(place, 0), (LAST - FIRST) // FIXED["us"]))


def random_cases(unit, count, low=dt.datetime(1700, 1, 1), high=dt.datetime(2200, 1, 1)):
    """Intervals of one unit with a start between two instants, half of them at midnight, and an end.

    A twentieth of the ranges are reversed, some end at midnight, some a whole number of steps after the start.
    """
    rng = np.random.default_rng(sorted([*FIXED, *BOUNDARY, "M"]).index(unit))
    day = FIXED["D"] // FIXED["us"]
    length = int(BOUNDARY[unit] * day) if unit in BOUNDARY else FIXED.get(unit, dt.timedelta(days=30)) // FIXED["us"]
    for _ in range(count):
        n = int(rng.choice([1, 1, 2, 3, 7, 12, 30]))
        start = (low - FIRST).days * day + int(rng.integers((high - low) // FIXED["us"]))
        if rng.random() < 0.5:
            start -= start % day
        end = start + n * length * int(rng.integers(10))
        if rng.random() < 0.7:
            end = start + int(n * length * rng.uniform(-1, 19))
            end -= end % day if rng.random() < 0.3 else 0
        yield Interval(offset=unit, n=n), at(start), at(end)


def at_time_of(start, end):
    """The last instant until an end at the start's time of day: pandas 2 loses a step later in its day."""
    last = dt.datetime.combine(end.date(), start.time())
    return last if last <= end or end.date() == dt.date.min else last - dt.timedelta(days=1)


@pytest.mark.parametrize("unit", [*FIXED, *BOUNDARY])
def test_steps_are_those_of_pandas(unit):
    for interval, start, end in random_cases(unit, CASES):
        freq = f"{7 * interval.n}D" if unit == "W" else f"{interval.n}{unit}"
        last = end if unit in FIXED else at_time_of(start, end)
        expected = pd.date_range(start, last, freq=freq, unit="us")
        steps = interval.steps(start, end)
        assert_same(steps, expected.to_numpy(), (interval, start, end))
        assert interval.count(start, end) == len(expected), (interval, start, end)


def test_month_steps_are_anchored_month_arithmetic():
    for interval, start, end in random_cases("M", CASES):
        expected = anchored_steps(interval.n, start, end) if start <= end else []
        assert_same(interval.steps(start, end), expected, (interval, start, end))
        assert interval.count(start, end) == len(expected), (interval, start, end)
        assert expected == [start + relativedelta(months=interval.n * k) for k in range(len(expected))]


@pytest.mark.parametrize("day", range(28, 32))
@pytest.mark.parametrize("n", [1, 2, 5, 11, 12, 13, 48])
def test_month_steps_never_drift(day, n):
    start, end = dt.datetime(1895, 1, day, 23, 59), dt.datetime(2105, 1, 1)
    steps = Interval(offset="M", n=n).steps(start, end)
    assert_same(steps, anchored_steps(n, start, end), (day, n))
    assert all(step.day == min(day, step.days_in_month) for step in steps)


RRULES = {
    "W": {"freq": rrule.WEEKLY},
    "D": {"freq": rrule.DAILY},
    "h": {"freq": rrule.HOURLY},
    "min": {"freq": rrule.MINUTELY},
    "s": {"freq": rrule.SECONDLY},
    "B": {"freq": rrule.DAILY, "byweekday": range(5)},
    "MS": {"freq": rrule.MONTHLY, "bymonthday": 1},
    "ME": {"freq": rrule.MONTHLY, "bymonthday": -1},
    "SMS": {"freq": rrule.MONTHLY, "bymonthday": (1, 15)},
    "SME": {"freq": rrule.MONTHLY, "bymonthday": (15, -1)},
    "BMS": {"freq": rrule.MONTHLY, "byweekday": range(5), "bysetpos": 1},
    "BME": {"freq": rrule.MONTHLY, "byweekday": range(5), "bysetpos": -1},
    "QS": {"freq": rrule.YEARLY, "bymonth": (1, 4, 7, 10), "bymonthday": 1},
    "QE": {"freq": rrule.YEARLY, "bymonth": (3, 6, 9, 12), "bymonthday": -1},
    "BQS": {"freq": rrule.MONTHLY, "bymonth": (1, 4, 7, 10), "byweekday": range(5), "bysetpos": 1},
    "BQE": {"freq": rrule.MONTHLY, "bymonth": (3, 6, 9, 12), "byweekday": range(5), "bysetpos": -1},
    "YS": {"freq": rrule.YEARLY, "bymonth": 1, "bymonthday": 1},
    "YE": {"freq": rrule.YEARLY, "bymonth": 12, "bymonthday": -1},
    "BYS": {"freq": rrule.MONTHLY, "bymonth": 1, "byweekday": range(5), "bysetpos": 1},
    "BYE": {"freq": rrule.MONTHLY, "bymonth": 12, "byweekday": range(5), "bysetpos": -1},
}


@pytest.mark.parametrize("unit", RRULES)
def test_steps_are_those_of_dateutil(unit):
    for interval, start, end in random_cases(unit, 25):
        whole = start.replace(microsecond=0)  # rrule drops them
        expected = list(rrule.rrule(dtstart=whole, until=end, **RRULES[unit]))[:: interval.n]
        assert_same(interval.steps(whole, end), expected, (interval, whole, end))


@pytest.mark.parametrize("unit", [*FIXED, *BOUNDARY, "M"])
@pytest.mark.parametrize(
    ("low", "high"),
    [(FIRST, dt.datetime(3, 1, 1)), (dt.datetime(9998, 1, 1), LAST)],
    ids=["the first years", "the last years"],
)
def test_steps_in_the_first_and_last_years(unit, low, high):
    for interval, start, end in random_cases(unit, 40, low, high):
        expected = plain_steps(unit, interval.n, start, end) if start <= end else []
        assert_same(interval.steps(start, end), expected, (interval, start, end))
        assert interval.count(start, end) == len(expected)


@pytest.mark.parametrize("unit", ["h", "D", "W", *BOUNDARY, "M"])
@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("time", [dt.time(0), dt.time(0, 0, 0, 1), dt.time(23, 59, 59, 999999)])
def test_steps_at_either_end_of_time(unit, n, time):
    for start, end in [
        (dt.datetime.combine(FIRST, time), dt.datetime(1, 4, 2)),
        (dt.datetime.combine(dt.date(9999, 10, 30), time), LAST),
        (dt.datetime.combine(LAST, time), LAST),
    ]:
        expected = plain_steps(unit, n, start, end)
        interval = Interval(offset=unit, n=n)
        assert_same(interval.steps(start, end), expected, (interval, start, end))
        assert interval.count(start, end) == len(expected)


INSTANTS = st.one_of(st.datetimes(), st.datetimes().map(lambda when: when.replace(hour=0, minute=0, second=0)))


@given(
    unit=st.sampled_from([*FIXED, *BOUNDARY, "M"]),
    n=st.one_of(st.integers(1, 5), st.integers(1, 100)),
    start=INSTANTS,
    length=st.floats(-2, 200),
)
@settings(max_examples=400, deadline=None)
def test_steps_are_those_of_a_plain_walk(unit, n, start, length):
    step = FIXED.get(unit) or dt.timedelta(days=min(BOUNDARY.get(unit, 30), 30))
    end = at((start - FIRST) // FIXED["us"] + int(length * (step // FIXED["us"])))
    expected = plain_steps(unit, n, start, end) if start <= end else []
    interval = Interval(offset=unit, n=n)
    assert_same(interval.steps(start, end), expected, (interval, start, end))
    assert interval.count(start, end) == len(expected)


@given(unit=st.sampled_from([*FIXED, *BOUNDARY, "M"]), n=st.integers(1, 10**6), start=INSTANTS, end=INSTANTS)
@settings(max_examples=300, deadline=None)
def test_counts_over_ranges_of_any_length(unit, n, start, end):
    """The count is right where the steps are too many to be made: both ends of the range are checked for themselves."""
    interval = Interval(offset=unit, n=n)
    count = interval.count(start, end)
    assert type(count) is int
    if start > end:
        assert count == 0
    elif unit in FIXED:
        assert count == (end - start) // (n * FIXED[unit]) + 1
    elif count < 100_000:
        steps = interval.steps(start, end)
        assert len(steps) == count
        assert (np.diff(steps.asi8) > 0).all()
        assert not count or (start <= steps[0].to_pydatetime() and steps[-1].to_pydatetime() <= end)


def every_boundary(unit):
    if unit != "B":
        return np.array([day for year in range(1, 10_000) for day in boundaries(unit, year)], dtype="M8[us]")
    days = np.arange("0001-01-01", "10000-01-01", dtype="M8[D]")
    return days[np.arange(len(days)) % 7 < 5].astype("M8[us]")  # 0001-01-01 was a Monday


@pytest.mark.parametrize("unit", BOUNDARY)
def test_every_boundary_of_the_years_1_to_9999(unit):
    expected = every_boundary(unit)
    steps = Interval(offset=unit).steps("0001-01-01", "9999-12-31")
    assert steps.dtype == np.dtype("M8[us]")
    assert np.array_equal(steps.to_numpy(), expected)
    assert Interval(offset=unit).count("0001-01-01", "9999-12-31") == len(expected)
    for n in (2, 3, 7, 1500, 40_000):
        assert np.array_equal(Interval(offset=unit, n=n).steps("0001-01-01", "9999-12-31").to_numpy(), expected[::n])
        assert Interval(offset=unit, n=n).count("0001-01-01", "9999-12-31") == len(expected[::n])


def test_every_day_of_the_years_1_to_9999():
    steps = Interval(offset="D").steps(dt.date.min, dt.date.max)
    assert len(steps) == dt.date.max.toordinal() == Interval(offset="D").count(dt.date.min, dt.date.max)
    assert np.array_equal(steps.to_numpy(), np.arange("0001-01-01", "10000-01-01", dtype="M8[D]").astype("M8[us]"))
    assert steps.dtype == np.dtype("M8[us]")


def test_long_ranges_keep_their_last_step():
    """A length taken from a float would lose it: steps of microseconds over centuries."""
    rng = np.random.default_rng(330)
    for _ in range(300):
        unit, n = str(rng.choice(["D", "W", "h"])), int(rng.integers(1, 50))
        start = FIRST + dt.timedelta(days=int(rng.integers(3_000_000)), microseconds=int(rng.integers(86_400_000_000)))
        step = n * FIXED[unit]
        room = min((LAST - start) // step, 50_000)
        last = int(rng.integers(room // 2, room + 1))
        for slack, count in ((0, last + 1), (-1, last), (1, last + 1)):
            try:
                end = start + last * step + dt.timedelta(microseconds=slack)
            except OverflowError:
                continue
            steps = Interval(offset=unit, n=n).steps(start, end)
            assert len(steps) == count, (unit, n, start, end)
            if count:
                assert (steps[0].to_pydatetime(), steps[-1].to_pydatetime()) == (start, start + (count - 1) * step)
                assert (np.diff(steps.asi8) == step // FIXED["us"]).all()


def test_counts_too_long_to_expand():
    seconds = (dt.date.max - dt.date.min).days * 86_400
    assert Interval(offset="s").count("0001-01-01", "9999-12-31") == seconds + 1
    assert Interval(offset="us").count(FIRST, LAST) == (LAST - FIRST) // FIXED["us"] + 1
    assert Interval(offset="ms", n=7).count(FIRST, LAST) == (LAST - FIRST) // FIXED["ms"] // 7 + 1
    assert Interval(offset="min").count(FIRST, LAST) == (dt.date.max - dt.date.min).days * 1440 + 1440


@pytest.mark.parametrize("unit", [*FIXED, *BOUNDARY, "M"])
@pytest.mark.parametrize("n", [10**14, 10**20, 10**40])
def test_a_count_past_the_range_leaves_the_first_step(unit, n):
    interval = Interval(offset=unit, n=n)
    expected = (
        plain_steps(unit, 1, dt.datetime(2024, 1, 1), dt.datetime(2024, 12, 31))[:1]
        if unit not in FIXED
        else ([dt.datetime(2024, 1, 1)])
    )
    assert_same(interval.steps("2024-01-01", "2024-12-31"), expected, interval)
    assert interval.count("2024-01-01", "2024-12-31") == 1


@pytest.mark.parametrize("unit", [*FIXED, *BOUNDARY, "M"])
@pytest.mark.parametrize("n", [1, 3])
def test_a_reversed_range_is_empty(unit, n):
    interval = Interval(offset=unit, n=n)
    for start, end in [
        ("2024-03-02", "2024-03-01"),
        ("9999-12-31", "0001-01-01"),
        ("2024-03-01T00:00:00.000001", "2024-03-01"),
    ]:
        steps = interval.steps(start, end)
        assert_same(steps, [], (interval, start, end))
        assert interval.count(start, end) == 0


@pytest.mark.parametrize("unit", sorted(BOUNDARY.keys() - {"B", "SMS", "SME"}))
def test_a_range_without_a_boundary_is_empty(unit):
    assert_same(Interval(offset=unit).steps("2024-05-05", "2024-05-20"), [], unit)
    assert Interval(offset=unit).count("2024-05-05", "2024-05-20") == 0


@pytest.mark.parametrize("unit", [*FIXED, *BOUNDARY, "M"])
def test_both_ends_are_steps(unit):
    start, end = dt.datetime(2018, 1, 1, 9, 30), dt.datetime(2018, 1, 1, 9, 30)
    day = {"S": start, "E": dt.datetime(2021, 12, 31, 9, 30)}.get(unit[-1], start)  # a Monday, a Friday
    assert_same(Interval(offset=unit, n=2).steps(day, day), [day], unit)
    assert Interval(offset=unit).count(start, end) == len(Interval(offset=unit).steps(start, end))


def test_a_boundary_before_the_time_of_day_is_not_in_the_range():
    assert_same(
        Interval(offset="MS").steps("2024-01-15T10:30", "2024-03-01T10:29:59"), [dt.datetime(2024, 2, 1, 10, 30)], "MS"
    )
    assert_same(Interval(offset="ME").steps("2024-01-31T10:30", "2024-02-29"), [dt.datetime(2024, 1, 31, 10, 30)], "ME")


NOON = dt.datetime(2024, 2, 29, 12)


@pytest.mark.parametrize(
    "noon",
    [
        NOON,
        "2024-02-29T12:00",
        "2024-02-29 12:00:00",
        "2024-02-29T12:00:00.000000",
        "2024-02-29T12",
        "20240229T120000",
        "2024-W09-4T12:00",
        pd.Timestamp(NOON),
        pd.Timestamp(NOON).as_unit("s"),
        pd.Timestamp(NOON).as_unit("us"),
        pd.Timestamp(NOON).as_unit("ns"),
        *(np.datetime64("2024-02-29T12", unit) for unit in ("h", "m", "s", "ms", "us", "ns")),
    ],
    ids=repr,
)
def test_bounds_of_every_kind(noon):
    for unit in ("D", "h", "M", "ME", "B"):
        expected = Interval(offset=unit).steps(dt.datetime(2024, 2, 29, 12), dt.datetime(2024, 4, 1))
        assert_same(Interval(offset=unit).steps(noon, dt.date(2024, 4, 1)), expected.to_numpy(), unit)
        assert_same(
            Interval(offset=unit).steps("2024-02-01", noon),
            Interval(offset=unit).steps(dt.datetime(2024, 2, 1), NOON).to_numpy(),
            unit,
        )
        assert Interval(offset=unit).count(noon, "2024-04-01") == len(expected)


@pytest.mark.parametrize(
    "day",
    [
        "2024-02-01",
        "20240201",
        dt.date(2024, 2, 1),
        pd.Timestamp("2024-02-01"),
        *map(np.datetime64, ("2024-02-01", "2024-02")),
    ],
    ids=repr,
)
def test_a_date_is_its_midnight(day):
    midnight = dt.datetime(2024, 2, 1)
    assert_same(Interval(offset="h").steps(day, midnight), [midnight], day)
    assert_same(
        Interval(offset="h", n=12).steps("2024-01-31T12:00", day), [dt.datetime(2024, 1, 31, 12), midnight], day
    )


@pytest.mark.parametrize(
    "when",
    [
        "2024-01-01T00:00:00.000000001",
        np.datetime64("2024-01-01T00:00:00.000000001"),
        pd.Timestamp(2024, 1, 1, nanosecond=1),
    ],
    ids=repr,
)
def test_nanoseconds_are_refused(when):
    for bounds in ((when, "2024-01-02"), ("2023-12-31", when)):
        for method in (Interval(offset="D").steps, Interval(offset="D").count):
            with pytest.raises(ValueError, match=r"nanosecond|microsecond"):
                method(*bounds)


@pytest.mark.parametrize(
    "when",
    [
        *(pd.NaT, np.datetime64("NaT"), "NaT", None, "", "today", "-1D", "01/02/2024", "2024-13-01", "2024-02-30"),
        *("2024-01-01T25:00", "hello", 5, 1.5, True, dt.time(1), dt.timedelta(1), pd.Timedelta(1), [], object),
        *(np.datetime64("10000-01-01"), np.datetime64("0000-12-31"), np.datetime64("-4000-01-01"), "10000-01-01"),
        pd.Timestamp(np.datetime64("10000-01-01", "s")),
    ],
    ids=str,
)
def test_what_is_not_an_instant_is_refused_by_name_and_value(when):
    for name, bounds in (("start", (when, "2024-01-02")), ("end", ("2024-01-02", when))):
        for method in (Interval(offset="D").steps, Interval(offset="ME", n=2).count):
            with pytest.raises((TypeError, ValueError)) as refused:
                method(*bounds)
            message = str(refused.value)
            assert name in message
            assert str(when) in message or repr(when) in message


@pytest.mark.parametrize(("unit", "calendar_class"), CALENDAR_OF.items())
def test_units_that_need_a_calendar_name_it(unit, calendar_class):
    for method in (Interval(offset=unit).steps, Interval(offset=unit, n=3).count):
        with pytest.raises(ValueError, match="not supported") as refused:
            method("2024-01-01", "2024-02-01")
        assert calendar_class in str(refused.value)
        assert unit in str(refused.value)


@pytest.mark.parametrize("bounds", [("2024-01-01", "2024-02-01"), ("2024-02-01", "2024-01-01")])
@pytest.mark.parametrize("unit", [*CALENDAR_OF, "ns"])
def test_unsupported_units_are_refused_for_any_range(unit, bounds):
    with pytest.raises(ValueError, match="not supported"):
        Interval(offset=unit).steps(*bounds)
    with pytest.raises(ValueError, match="not supported"):
        Interval(offset=unit).count(*bounds)


def test_the_steps_are_the_callers_own():
    interval = Interval(offset="MS")
    first, second = interval.steps("2024-01-01", "2024-12-31"), interval.steps("2024-01-01", "2024-12-31")
    first.name = "mine"
    assert second.name is None
    assert not np.shares_memory(first.to_numpy(), second.to_numpy())


@pytest.mark.parametrize("when", [None, pd.NaT, float("nan")], ids=str)
def test_a_missing_bound_is_called_missing(when):
    with pytest.raises(ValueError, match=r"start is missing \((None|NaT|nan)\)"):
        Interval(offset="D").steps(when, "2024-01-02")

"""Every calendar answers every question the way its steps do, whether it has a formula, a table or a foreign list."""

import copy
import datetime as dt
import itertools
import pickle
import threading
import tracemalloc
from calendar import monthrange

import ccflow
import cloudpickle
import numpy as np
import pandas as pd
import pytest
from hydra.utils import instantiate
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from ccflow_etl import (
    BackfillContext,
    BaseCalendar,
    BusinessDayCalendar,
    BusinessHourCalendar,
    DailyCalendar,
    FixedDate,
    HourlyCalendar,
    Interval,
    IntervalCalendar,
    MondayFridayCalendar,
    PeriodEdgeCalendar,
    RuleCalendar,
    WeekdayCalendar,
    WeeklyCalendar,
)

LAST = dt.datetime(9999, 12, 31, 23, 59, 59, 999999)


def days_between(start, end):
    """What a subclass written elsewhere would do: a loop over days at the start's time of day."""
    count = (end - start).days + 1
    return [start + dt.timedelta(days=k) for k in range(max(count, 0))]


class TenthAndLast(BaseCalendar):
    """The 10th and the last day of each month, as a list of datetimes."""

    def steps(self, start, end):
        return [day for day in days_between(start, end) if day.day in (10, monthrange(day.year, day.month)[1])]


class LeapDays(BaseCalendar):
    """Every 29 February, as a list of dates: up to eight years apart."""

    def steps(self, start, end):
        leap = [year for year in range(start.year, end.year + 1) if year % 4 == 0 and (year % 100 or year % 400 == 0)]
        return [dt.date(year, 2, 29) for year in leap if start <= dt.datetime(year, 2, 29) <= end]


class Launches(BaseCalendar):
    """Two instants and no more, as a nanosecond index."""

    def steps(self, start, end):
        index = pd.DatetimeIndex(["2024-03-01T08:00", "2024-03-20T20:30"], dtype="M8[ns]")
        return index[(index >= start) & (index <= end)]


class Never(BaseCalendar):
    """No step at all."""

    def steps(self, start, end):
        return []


class EvenDays(BaseCalendar):
    """The even days of each month, as a tuple of texts in no order and with repetition."""

    def steps(self, start, end):
        even = [day.isoformat() for day in days_between(start, end) if day.day % 2 == 0]
        return (*reversed(even), *even[:3])


NAMED = {
    DailyCalendar(): "1D",
    HourlyCalendar(): "1h",
    WeeklyCalendar(): "1W",
    WeekdayCalendar(): "1B",
    BusinessDayCalendar(): "1B",
    MondayFridayCalendar(): "1B",
}
INTERVALS = [
    *("1B", "1D", "1M", "1W", "1h", "1min", "1MS", "1ME", "1SMS", "1SME", "1BMS", "1BME", "1QS", "1QE", "1BQS", "1BQE"),
    *(
        "1YS",
        "1YE",
        "1BYS",
        "1BYE",
        "2M",
        "5B",
        "3ME",
        "3SMS",
        "36h",
        "3D",
        "2QE",
        "2BMS",
        "90min",
        "2YE",
        "12M",
        "13B",
    ),
]
GRIDS = [*NAMED, *(IntervalCalendar(interval=interval) for interval in INTERVALS)]
FOREIGN = [TenthAndLast(), LeapDays(), Launches(), EvenDays()]
COMPOSED = [
    RuleCalendar(rules=[FixedDate(month=3, day=1)], holidays=["2024-06-03"], extra_days=["2024-03-02"]),
    RuleCalendar(interval="CBME", rules=[FixedDate(month=12, day=29)]),
    RuleCalendar(interval="2C"),
    BusinessHourCalendar(open="09:00", close="11:30"),
    PeriodEdgeCalendar(calendar="B", period="month", which=2),
    WeekdayCalendar() - IntervalCalendar(interval="ME"),
    IntervalCalendar(interval="MS") | TenthAndLast(),
    IntervalCalendar(interval="ME").shift(-2),
]
CALENDARS = [*GRIDS, *FOREIGN, *COMPOSED]
# Ranges short enough for steps a minute apart, at several times of day, over a leap day and over a year's end.
RANGES = [
    ("2024-02-27", "2024-03-04"),
    ("2023-12-29T09:30:15.000001", "2024-01-03T09:30:15"),
    ("2024-05-31T23:59:59.999999", "2024-06-10"),
]
LONG_RANGES = [("2021-02-28", "2025-01-01"), ("2023-01-31T12:00", "2024-12-31T11:00"), ("1999-12-31", "2001-03-01")]


def name(calendar):
    return str(calendar.interval) if type(calendar) is IntervalCalendar else type(calendar).__name__


def interval_of(calendar):
    return Interval.model_validate(NAMED.get(calendar) or getattr(calendar, "interval", "1ns"))


def ranges(calendar):
    """The long ranges too, unless the steps are so close together that only the short ones are walked."""
    return RANGES if interval_of(calendar).offset in {"h", "min", "bh"} else RANGES + LONG_RANGES


def plain(calendar, start, end):
    """The steps as a set of datetimes in order, whatever the calendar returns."""
    start, end = (dt.datetime.fromisoformat(when) if isinstance(when, str) else when for when in (start, end))
    return sorted({pd.Timestamp(step).to_pydatetime() for step in calendar.steps(start, end)})


def assert_index(index, expected):
    assert isinstance(index, pd.DatetimeIndex)
    assert index.dtype == np.dtype("M8[us]")
    assert index.freq is None
    assert list(index.to_pydatetime()) == list(expected)


every_calendar = pytest.mark.parametrize("calendar", CALENDARS, ids=name)


@pytest.mark.parametrize("calendar", GRIDS, ids=name)
def test_steps_are_those_of_the_interval(calendar):
    interval = interval_of(calendar)
    for start, end in ranges(calendar):
        pd.testing.assert_index_equal(calendar.steps(start, end), interval.steps(start, end))
        assert calendar.steps(start, end).dtype == np.dtype("M8[us]")


def test_the_built_in_calendars_against_pandas():
    start, end = "2024-02-21T09:30", "2025-03-01T10:00"
    for calendar, freq in [
        *((DailyCalendar(), "D"), (HourlyCalendar(), "h"), (WeeklyCalendar(), "7D"), (WeekdayCalendar(), "B")),
        *((BusinessDayCalendar(), "B"), (MondayFridayCalendar(), "B")),
    ]:
        assert_index(calendar.steps(start, end), pd.date_range(start, end, freq=freq).to_pydatetime())


@every_calendar
def test_count_is_the_number_of_steps(calendar):
    for start, end in ranges(calendar):
        count = calendar.count(start, end)
        assert count == len(plain(calendar, start, end))
        assert type(count) is int
        assert calendar.count(end, start) == 0


@every_calendar
def test_a_reversed_range_is_empty(calendar):
    assert calendar.count("2024-03-02", "2024-03-01") == 0
    assert list(calendar.chunks("2024-03-02", "2024-03-01", 10)) == []
    windows = calendar.windows("2024-03-02", "2024-03-01")
    assert len(windows) == 0
    assert windows.closed == "left"
    assert windows.dtype.subtype == np.dtype("M8[us]")


@every_calendar
def test_contains_is_being_the_first_step(calendar):
    start, end = RANGES[0]
    instants = {
        *plain(calendar, start, end)[:40],
        *(dt.datetime(2024, 2, day) for day in range(1, 30)),
        *(dt.datetime(2024, month, day, 17, 5, 0, 1) for month, day in ((1, 1), (3, 29), (3, 30), (3, 31), (12, 31))),
        *(dt.datetime(2024, 3, 1, 8), dt.datetime(2024, 3, 20, 20, 30), dt.datetime(1, 1, 1), LAST),
    }
    for when in instants:
        contains = calendar.contains(when)
        assert type(contains) is bool
        assert contains == (when in plain(calendar, when, when)), when
        assert contains == calendar.contains(pd.Timestamp(when)) == calendar.contains(when.isoformat())


@every_calendar
def test_next_is_the_next_of_the_steps(calendar):
    for start, end in ranges(calendar):
        first = dt.datetime.fromisoformat(start)
        steps = [step for step in plain(calendar, start, end) if step > first]
        for n in {1, 2, 3, 7, len(steps)} & set(range(1, len(steps) + 1)):
            step = calendar.next(start, n)
            assert isinstance(step, pd.Timestamp)
            assert step.unit == "us"
            assert step == steps[n - 1]
        if steps:
            assert calendar.next(start) == steps[0]


# Their steps do not depend on where a range begins, apart from the time of day.
UNANCHORED = [
    calendar
    for calendar in CALENDARS
    if interval_of(calendar).n == 1 and interval_of(calendar).offset not in {"W", "M", "bh"}
]


@pytest.mark.parametrize("calendar", UNANCHORED, ids=name)
def test_previous_is_the_last_of_the_steps_before(calendar):
    for start, end in ranges(calendar):
        last = dt.datetime.fromisoformat(end)
        first = dt.datetime.combine(dt.date.fromisoformat(start[:10]), last.time())
        steps = [step for step in plain(calendar, first, end) if step < last]
        for n in {1, 2, 3, 7, len(steps)} & set(range(1, len(steps) + 1)):
            step = calendar.previous(end, n)
            assert isinstance(step, pd.Timestamp)
            assert step.unit == "us"
            assert step == steps[-n], (end, n)


def test_month_navigation_keeps_the_day():
    monthly = IntervalCalendar(interval="M")
    assert monthly.next("2024-01-31") == pd.Timestamp("2024-02-29")
    assert monthly.next("2024-01-31", 2) == pd.Timestamp("2024-03-31")
    assert monthly.previous("2024-03-31") == pd.Timestamp("2024-02-29")
    assert monthly.previous("2024-03-31", 2) == pd.Timestamp("2024-01-31")
    assert monthly.previous("2024-03-31T12:30", 13) == pd.Timestamp("2023-02-28T12:30")
    assert IntervalCalendar(interval="12M").next("2024-02-29") == pd.Timestamp("2025-02-28")
    assert IntervalCalendar(interval="12M").next("2024-02-29", 4) == pd.Timestamp("2028-02-29")


@pytest.mark.parametrize(
    ("interval", "when", "following", "before"),
    [
        ("D", "2024-02-28T12:00", "2024-02-29T12:00", "2024-02-27T12:00"),
        ("90min", "2024-01-01T00:30", "2024-01-01T02:00", "2023-12-31T23:00"),
        ("2W", "2024-01-10", "2024-01-24", "2023-12-27"),
        ("B", "2024-03-02", "2024-03-04", "2024-03-01"),
        ("B", "2024-03-04", "2024-03-05", "2024-03-01"),
        ("B", "2024-03-01", "2024-03-04", "2024-02-29"),
        ("MS", "2024-01-01T00:00:01", "2024-02-01T00:00:01", "2023-12-01T00:00:01"),
        ("ME", "2024-02-15", "2024-02-29", "2024-01-31"),
        ("ME", "2024-02-29", "2024-03-31", "2024-01-31"),
        ("SMS", "2024-02-15", "2024-03-01", "2024-02-01"),
        ("SME", "2024-02-15", "2024-02-29", "2024-01-31"),
        ("BMS", "2024-06-01", "2024-06-03", "2024-05-01"),
        ("BME", "2024-03-30", "2024-04-30", "2024-03-29"),
        ("QS", "2024-02-15", "2024-04-01", "2024-01-01"),
        ("BQE", "2024-03-30", "2024-06-28", "2024-03-29"),
        ("YE", "2024-12-31", "2025-12-31", "2023-12-31"),
        ("BYS", "2023-01-01", "2023-01-02", "2022-01-03"),
    ],
)
def test_the_neighbours_of_an_instant(interval, when, following, before):
    calendar = IntervalCalendar(interval=interval)
    assert calendar.next(when) == pd.Timestamp(following)
    assert calendar.previous(when) == pd.Timestamp(before)


# A clamped day of the month is not gone back from.
REVERSIBLE = [calendar for calendar in CALENDARS if interval_of(calendar).offset != "M"]


@pytest.mark.parametrize("calendar", REVERSIBLE, ids=name)
def test_next_of_previous_is_the_step_itself(calendar):
    for start, end in ranges(calendar):
        for step in plain(calendar, start, end)[1:12]:
            try:
                before, after = calendar.previous(step), calendar.next(step)
            except ValueError:
                assert isinstance(calendar, Launches)
                continue
            assert before < step < after
            assert calendar.next(before) == step
            assert calendar.previous(after) == step


@given(
    unit=st.sampled_from("B D W h min MS ME SMS SME BMS BME QS QE BQS BQE YS YE BYS BYE".split()),  # noqa: SIM905 # a list of many short words
    n=st.integers(1, 9),
    k=st.integers(1, 50),
    when=st.datetimes(dt.datetime(1000, 1, 1), dt.datetime(9000, 1, 1)),
)
@settings(max_examples=300, deadline=None)
def test_navigation_laws(unit, n, k, when):
    calendar = IntervalCalendar(interval=Interval(offset=unit, n=n))
    following, before = calendar.next(when, k), calendar.previous(when, k)
    assert before < when < following
    assert calendar.contains(following)
    assert calendar.contains(before)
    assert calendar.next(calendar.next(when), k) == calendar.next(when, k + 1)
    assert calendar.next(before, k) == calendar.steps(before, LAST.replace(year=9990) if k > 50 else following)[k]
    assert calendar.previous(following, k) == calendar.steps(calendar.previous(following, k), following)[0]
    assert calendar.count(before, calendar.next(before, k)) == k + 1


@every_calendar
@pytest.mark.parametrize("n", [0, -1])
def test_the_number_of_steps_to_go_is_positive(calendar, n):
    with pytest.raises(ValueError, match=r"n\b.*positive|positive.*\bn\b") as refused:
        calendar.next("2024-01-01", n)
    assert str(n) in str(refused.value)
    with pytest.raises(ValueError, match=r"n\b.*positive|positive.*\bn\b"):
        calendar.previous("2024-01-01", n)


@pytest.mark.parametrize("calendar", GRIDS, ids=name)
def test_there_is_nothing_beyond_the_years_1_and_9999(calendar):
    with pytest.raises(ValueError, match=r"9999|10000"):
        calendar.next(LAST)
    with pytest.raises(ValueError, match=r"\b1\b|0001"):
        calendar.previous(dt.datetime(1, 1, 1))
    with pytest.raises(ValueError, match=r"9999|10000"):
        calendar.next("2024-01-01", 10**12)
    with pytest.raises(ValueError, match=r"\b1\b|0001"):
        calendar.previous("2024-01-01", 10**12)


@pytest.mark.parametrize("calendar", [Launches(), Never()], ids=name)
def test_a_calendar_that_ends_has_no_next(calendar):
    with pytest.raises(ValueError, match=type(calendar).__name__):
        calendar.next("2024-03-20T20:30")
    with pytest.raises(ValueError, match=type(calendar).__name__):
        calendar.previous("2024-03-01T08:00")


def test_sparse_steps_are_found():
    assert LeapDays().next("1896-03-01") == pd.Timestamp("1904-02-29")
    assert LeapDays().previous("1904-02-29") == pd.Timestamp("1896-02-29")
    assert LeapDays().next("1896-02-28", 3) == pd.Timestamp("1908-02-29")
    assert Launches().next("0001-01-01") == pd.Timestamp("2024-03-01T08:00")
    assert Launches().previous(LAST) == pd.Timestamp("2024-03-20T20:30")
    assert Launches().next("2024-01-01", 2) == pd.Timestamp("2024-03-20T20:30")


@every_calendar
def test_windows_reach_from_step_to_step(calendar):
    for start, end in ranges(calendar):
        steps = plain(calendar, start, end)
        windows = calendar.windows(start, end)
        assert isinstance(windows, pd.IntervalIndex)
        assert windows.closed == "left"
        assert windows.dtype.subtype == np.dtype("M8[us]")
        assert list(windows.left.to_pydatetime()) == steps
        right = list(windows.right.to_pydatetime())
        assert right[:-1] == steps[1:]
        if steps and not isinstance(calendar, Launches):
            longer = calendar.next(steps[-1]) + dt.timedelta(days=0 if ranges(calendar) is RANGES else 62)
            assert right[-1] == plain(calendar, start, longer.isoformat())[len(steps)]
            assert right[-1] > dt.datetime.fromisoformat(end)
            assert windows.is_non_overlapping_monotonic


def test_the_last_month_window_keeps_the_anchor():
    windows = IntervalCalendar(interval="M").windows("2024-01-31", "2024-02-29")
    assert list(windows.right) == [pd.Timestamp("2024-02-29"), pd.Timestamp("2024-03-31")]


def test_the_last_window_of_a_calendar_that_ends():
    windows = Launches().windows("2024-01-01", "2025-01-01")
    assert list(windows.left) == [pd.Timestamp("2024-03-01T08:00"), pd.Timestamp("2024-03-20T20:30")]
    assert windows.right[0] == windows.left[1]
    assert windows.right[1] == pd.Timestamp(LAST)
    last = IntervalCalendar(interval="YE").windows("9998-01-01", "9999-12-31")
    assert list(last.left) == [pd.Timestamp("9998-12-31"), pd.Timestamp("9999-12-31")]
    assert last.right[1] == pd.Timestamp(LAST)


@every_calendar
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_chunks_are_the_steps_in_blocks(calendar, size):
    for start, end in ranges(calendar):
        steps = plain(calendar, start, end)
        if len(steps) > 200 * size:
            continue
        blocks = list(calendar.chunks(start, end, size))
        assert all(block.dtype == np.dtype("M8[us]") and block.freq is None for block in blocks)
        assert [len(block) for block in blocks] == [len(steps[i : i + size]) for i in range(0, len(steps), size)]
        assert list(itertools.chain.from_iterable(block.to_pydatetime() for block in blocks)) == steps


@every_calendar
@pytest.mark.parametrize("size", [0, -3])
def test_the_size_of_a_block_is_positive(calendar, size):
    with pytest.raises(ValueError, match="positive") as refused:
        next(iter(calendar.chunks("2024-01-01", "2024-02-01", size)))
    assert str(size) in str(refused.value)


def test_chunks_stream():
    minutes = IntervalCalendar(interval="min")
    blocks = minutes.chunks("2014-01-01", "2024-01-01", 10_000)
    assert iter(blocks) is blocks
    next(blocks)
    tracemalloc.start()
    try:
        count = 10_000 + sum(len(block) for block in blocks)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == minutes.count("2014-01-01", "2024-01-01") == 3652 * 1440 + 1
    assert peak < 2_000_000  # all of them at once take 42 MB


def test_the_first_block_of_an_endless_range_is_there_at_once():
    blocks = IntervalCalendar(interval="us").chunks(dt.datetime(1, 1, 1), LAST, 3)
    assert list(next(blocks).microsecond) == [0, 1, 2]
    assert list(next(blocks).microsecond) == [3, 4, 5]


@pytest.mark.parametrize("when", [pd.NaT, None, "soon", 5, dt.time(3)], ids=str)
@pytest.mark.parametrize("calendar", [DailyCalendar(), TenthAndLast()], ids=name)
def test_what_is_not_an_instant_is_refused(calendar, when):
    for question in (calendar.contains, calendar.next, calendar.previous):
        with pytest.raises((TypeError, ValueError)) as refused:
            question(when)
        assert str(when) in str(refused.value) or repr(when) in str(refused.value)
    for question in (calendar.count, calendar.windows):
        with pytest.raises((TypeError, ValueError)):
            question("2024-01-01", when)
        with pytest.raises((TypeError, ValueError)):
            question(when, "2024-01-01")


@pytest.mark.parametrize("unit", ["C", "CBMS", "CBME", "bh", "cbh", "ns"])
def test_units_without_a_grid_are_refused_by_every_question(unit):
    calendar = BaseCalendar.model_validate(unit)
    for question in (calendar.contains, calendar.next, calendar.previous):
        with pytest.raises(ValueError, match="not supported"):
            question("2024-01-01")
    for question in (calendar.steps, calendar.count, calendar.windows):
        with pytest.raises(ValueError, match="not supported"):
            question("2024-01-01", "2024-02-01")
    with pytest.raises(ValueError, match="not supported"):
        next(calendar.chunks("2024-01-01", "2024-02-01", 5))


# --- what a calendar is


@every_calendar
def test_calendars_are_immutable(calendar):
    field = next(iter(type(calendar).model_fields))
    with pytest.raises(ValidationError):
        setattr(calendar, field, getattr(calendar, field))


@every_calendar
def test_calendars_compare_and_hash_by_value(calendar):
    twin = type(calendar)(**{field: getattr(calendar, field) for field in type(calendar).model_fields})
    assert twin is not calendar
    assert twin == calendar
    assert hash(twin) == hash(calendar)
    assert {calendar: "found"}[twin] == "found"


def test_calendars_that_differ_are_not_equal():
    everything = [
        *CALENDARS,
        *(IntervalCalendar(interval="D", nonexistent=policy) for policy in ("skip", "shift_forward")),
    ]
    assert len(set(everything)) == len(everything)
    for one, other in itertools.combinations(everything, 2):
        assert one != other


@every_calendar
def test_calendars_are_carried_over(calendar):
    assert copy.deepcopy(calendar) == calendar
    assert calendar.model_copy() == calendar
    for carried in (pickle.loads(pickle.dumps(calendar)), cloudpickle.loads(cloudpickle.dumps(calendar))):
        assert type(carried) is type(calendar)
        assert carried == calendar
        assert hash(carried) == hash(calendar)
        assert plain(carried, *RANGES[0]) == plain(calendar, *RANGES[0])


@every_calendar
def test_calendars_are_written_as_json_and_as_configuration(calendar):
    assert BaseCalendar.model_validate_json(calendar.model_dump_json(by_alias=True)) == calendar
    assert BaseCalendar.model_validate_json(calendar.model_dump_json()) == calendar
    assert BaseCalendar.model_validate(calendar.model_dump()) == calendar
    node = calendar.model_dump(mode="json", by_alias=True)
    if calendar not in FOREIGN and "TenthAndLast" not in repr(calendar):
        read = instantiate(node)
        assert type(read) is type(calendar)
        assert read == calendar


@pytest.mark.parametrize(
    "value",
    [
        "2M",
        "2month",
        Interval(offset="M", n=2),
        {"interval": "2M"},
        {"interval": {"offset": "M", "n": 2}},
        {"interval": Interval(offset="M", n=2)},
        {"_target_": "ccflow_etl.IntervalCalendar", "interval": "2M"},
        {
            "_target_": "ccflow_etl.IntervalCalendar",
            "interval": {"_target_": "ccflow_etl.Interval", "offset": "M", "n": 2},
        },
        IntervalCalendar(interval="2M"),
    ],
    ids=repr,
)
def test_the_ways_to_say_an_interval_calendar(value):
    expected = IntervalCalendar(interval=Interval(offset="M", n=2))
    for adapter in (TypeAdapter(BaseCalendar), TypeAdapter(BaseCalendar | None), TypeAdapter(IntervalCalendar)):
        calendar = adapter.validate_python(value)
        assert type(calendar) is IntervalCalendar
        assert calendar == expected


def test_a_calendar_is_taken_as_it_is():
    for calendar in CALENDARS:
        assert BaseCalendar.model_validate(calendar) is calendar


@pytest.mark.parametrize(
    ("name", "calendar"),
    [
        *(
            ("DailyCalendar", DailyCalendar()),
            ("HourlyCalendar", HourlyCalendar()),
            ("WeeklyCalendar", WeeklyCalendar()),
        ),
        *(("WeekdayCalendar", WeekdayCalendar()), ("BusinessDayCalendar", BusinessDayCalendar())),
        ("MondayFridayCalendar", MondayFridayCalendar()),
    ],
)
def test_a_built_in_calendar_by_its_target(name, calendar):
    assert BaseCalendar.model_validate({"_target_": f"ccflow_etl.{name}"}) == calendar
    assert instantiate({"_target_": f"ccflow_etl.{name}"}) == calendar


@pytest.mark.parametrize("value", ["", "2Q", "weekdays", "0D", 5, None, [], {}, {"interval": "2Q"}, ["1D"]], ids=repr)
def test_other_values_are_refused(value):
    with pytest.raises(ValidationError) as refused:
        BaseCalendar.model_validate(value)
    assert repr(value) in str(refused.value) or "2Q" in str(refused.value)


def test_an_unknown_field_is_refused():
    with pytest.raises(ValidationError, match="every"):
        BaseCalendar.model_validate({"every": "1D"})


def test_a_named_calendar_is_no_other_interval():
    for value in ("2M", {"interval": "2M"}, Interval(offset="M"), IntervalCalendar(interval="2M")):
        with pytest.raises(ValidationError):
            DailyCalendar.model_validate(value)
    with pytest.raises(ValidationError):
        DailyCalendar(interval="2M")


def test_a_subclass_has_to_say_its_steps():
    class Unfinished(BaseCalendar):
        pass

    for abstract in (BaseCalendar, Unfinished):
        with pytest.raises((TypeError, NotImplementedError), match="steps"):
            abstract().steps("2024-01-01", "2024-01-02")


def test_a_foreign_calendar_is_asked_with_datetimes():
    asked = []

    class Asked(BaseCalendar):
        def steps(self, start, end):
            asked.extend((start, end))
            return [start]

    for start in ("2024-01-01", dt.date(2024, 1, 1), pd.Timestamp("2024-01-01"), np.datetime64("2024-01-01")):
        assert Asked().count(start, "2024-01-02") == 1
    assert {type(when) for when in asked} == {dt.datetime}


# --- the registry


@pytest.fixture
def root():
    registry = ccflow.ModelRegistry.root()
    before = dict(registry.models)
    yield registry
    for key in set(registry.models) - set(before):
        registry.remove(key)


def test_registry_paths(root):
    root.add("calendars", ccflow.ModelRegistry(name="calendars"))
    root["calendars"].add("office", WeekdayCalendar())
    root["calendars"].add("month_ends", IntervalCalendar(interval="ME"))
    assert BaseCalendar.model_validate("/calendars/office") is root["/calendars/office"]
    assert IntervalCalendar.model_validate("/calendars/month_ends") is root["/calendars/month_ends"]
    assert TypeAdapter(BaseCalendar | None).validate_python("/calendars/office") == WeekdayCalendar()
    context = BackfillContext(start_datetime="2024-03-01", end_datetime="2024-03-04", calendar="/calendars/office")
    assert context.calendar is root["/calendars/office"]


def test_a_path_that_leads_nowhere_is_named(root):
    root.add("calendars", ccflow.ModelRegistry(name="calendars"))
    root["calendars"].add("office", WeekdayCalendar())
    for path in ("/calendars/offices", "/nowhere/office", "/"):
        with pytest.raises((ValidationError, KeyError)) as refused:
            BaseCalendar.model_validate(path)
        assert path.rpartition("/")[2] in str(refused.value)
        assert "is not an interval" not in str(refused.value)


def test_a_path_to_something_else_is_refused(root):
    root.add("calendars", ccflow.ModelRegistry(name="calendars"))
    root["calendars"].add("offset", Interval(offset="D"))
    with pytest.raises((ValidationError, TypeError)) as refused:
        BaseCalendar.model_validate("/calendars/offset")
    assert "Calendar" in str(refused.value)


def test_relative_paths_are_read_from_where_they_are_written(root):
    dates = {"start_datetime": "2024-03-01", "end_datetime": "2024-03-04"}
    root.load_config(
        {
            "group": {
                "office": {"_target_": "ccflow_etl.WeekdayCalendar"},
                "near": {"_target_": "ccflow_etl.BackfillContext", "calendar": "./office", **dates},
                "deeper": {"far": {"_target_": "ccflow_etl.BackfillContext", "calendar": "../office", **dates}},
                "absolute": {"_target_": "ccflow_etl.BackfillContext", "calendar": "/group/office", **dates},
            }
        }
    )
    office = root["/group/office"]
    assert isinstance(office, WeekdayCalendar)
    for path in ("/group/near", "/group/deeper/far", "/group/absolute"):
        assert root[path].calendar is office


def test_the_answers_are_the_same_from_many_threads():
    calendar = TenthAndLast()
    expected = [calendar.next("2024-01-01", n) for n in range(1, 20)]
    answers = {}

    def ask(thread):
        answers[thread] = [calendar.next("2024-01-01", n) for n in range(1, 20)]

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(answers[i] == expected for i in range(8))


# --- what is asked wrongly


@pytest.mark.parametrize("n", [1.5, 2.0, "2", None, dt.timedelta(1)], ids=repr)
@every_calendar
def test_the_number_of_steps_is_whole(calendar, n):
    for question in (calendar.next, calendar.previous):
        with pytest.raises(TypeError, match="n must be a whole number, not "):
            question("2024-03-01", n)
    with pytest.raises(TypeError, match="size must be a whole number, not "):
        calendar.chunks("2024-03-01", "2024-03-02", n)


@pytest.mark.parametrize("kind", [np.int8, np.int64, np.uint16])
def test_a_number_of_numpy_is_a_number(kind):
    for calendar in (DailyCalendar(), IntervalCalendar(interval="us"), WeekdayCalendar()):
        assert calendar.next("2024-03-01", kind(3)) == calendar.next("2024-03-01", 3)
        assert calendar.previous("2024-03-01", kind(3)) == calendar.previous("2024-03-01", 3)
    assert [len(block) for block in DailyCalendar().chunks("2024-01-01", "2024-01-05", kind(2))] == [2, 2, 1]


def test_in_asks_whether_an_instant_is_a_step():
    for when in ("2024-03-01", dt.date(2024, 3, 1), pd.Timestamp("2024-03-01"), np.datetime64("2024-03-01")):
        assert when in WeekdayCalendar()
        assert when not in IntervalCalendar(interval="ME")


@pytest.mark.parametrize(
    "target", ["ccflow_etl.NthWeekday", "ccflow_etl.LocalWriteModel", "ccflow_etl.Interval"], ids=str
)
def test_a_target_that_is_no_calendar_is_refused(target):
    fields = {"NthWeekday": {"month": 1, "weekday": "Mon", "n": 1}, "Interval": {"offset": "D"}}
    node = {"_target_": target, **fields.get(target.split(".")[1], {})}
    with pytest.raises(ValidationError, match="expected BaseCalendar"):
        BaseCalendar.model_validate(node)
    with pytest.raises(ValidationError, match="expected BaseCalendar"):
        PeriodEdgeCalendar(calendar=node, period="month", which=1)
    with pytest.raises(ValidationError, match="expected Interval"):
        IntervalCalendar(interval={"_target_": "ccflow_etl.DailyCalendar"})


def test_steps_without_a_return_are_named():
    class Forgetful(BaseCalendar):
        def steps(self, start, end):
            return None

    with pytest.raises(TypeError, match=r"Forgetful\.steps returned None: expected a DatetimeIndex or a list"):
        Forgetful().count("2024-01-01", "2024-01-02")


def test_what_names_no_calendar_is_refused():
    for config in ({}, {"n": 2}):
        with pytest.raises(ValidationError, match="neither an interval nor a _target_"):
            BaseCalendar.model_validate(config)


@pytest.mark.parametrize("calendar", [DailyCalendar(), TenthAndLast(), DailyCalendar().shift(10**9, "W")], ids=repr)
@pytest.mark.parametrize("when", [[], np.empty(0, "M8[us]"), pd.DatetimeIndex([], tz="Europe/Paris")], ids=repr)
def test_of_no_instants_none_is_a_step(calendar, when):
    found = calendar.contains(when)
    assert found.dtype == bool
    assert found.shape == (0,)


def test_no_instant_is_a_step_of_a_calendar_that_was_shifted_out_of_the_years():
    found = DailyCalendar().shift(10**9, "W").contains(["2024-01-01", "2024-01-02"])
    assert found.dtype == bool
    assert not found.any()

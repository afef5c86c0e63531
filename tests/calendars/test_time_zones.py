"""Ranges with a time zone, against ``zoneinfo`` arithmetic on plain datetimes.

Instants are compared in UTC throughout: Python ignores ``fold`` between datetimes of one zone.
"""

import datetime as dt
import itertools
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from dateutil import tz

from ccflow_etl import (
    BaseCalendar,
    DailyCalendar,
    HourlyCalendar,
    Interval,
    IntervalCalendar,
    PeriodEdgeCalendar,
    WeekdayCalendar,
)
from ccflow_etl.calendars.instants import to_datetime

NEW_YORK = ZoneInfo(
    "America/New_York"
)  # 2024: 02:00 to 03:00 on 10 March is missing, 01:00 to 02:00 on 3 November repeats
SAO_PAULO = ZoneInfo("America/Sao_Paulo")  # 2017-10-15 begins at 01:00
APIA = ZoneInfo("Pacific/Apia")  # 2011-12-30 was skipped
ZONES = [
    *("America/New_York", "Europe/London", "America/Sao_Paulo", "Pacific/Apia", "Australia/Lord_Howe", "Asia/Tehran"),
    *("Asia/Kathmandu", "Africa/Casablanca", "America/St_Johns", "Antarctica/Troll", "Europe/Dublin", "UTC"),
]
US = dt.timedelta(microseconds=1)
NONEXISTENT = ["shift_forward", "shift_backward", "skip"]
AMBIGUOUS = ["earlier", "later"]


def utc(when):
    return when.astimezone(dt.UTC)


def kind(wall, zone):
    """Whether a wall time is ``missing`` from a zone, ``repeated`` in it, or exists once."""
    before, after = (wall.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    return "once" if before == after else "missing" if before < after else "repeated"


def resolve(wall, zone, nonexistent, ambiguous):
    """The instant in UTC that a wall time means under the policies, or None where it is skipped."""
    first, second = (utc(wall.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    if kind(wall, zone) == "once":
        return first
    if kind(wall, zone) == "repeated":
        return first if ambiguous == "earlier" else second
    if nonexistent == "skip":
        return None
    low, high, before = second, first, second.astimezone(zone).utcoffset()  # the clock jumps between these two
    while high - low > US:
        middle = low + (high - low) // 2
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == before else (low, middle)
    return high if nonexistent == "shift_forward" else high - US


def wall_steps(freq, start, end, nonexistent="skip", ambiguous="earlier"):
    """The naive steps of pandas between the wall clocks of two instants, as instants in UTC."""
    zone = start.tzinfo
    walls = pd.date_range(start.replace(tzinfo=None), end.astimezone(zone).replace(tzinfo=None), freq=freq)
    steps = {resolve(wall, zone, nonexistent, ambiguous) for wall in walls.to_pydatetime()} - {None}
    return sorted(step for step in steps if utc(start) <= step <= utc(end))


def elapsed_steps(length, start, end):
    return [utc(start) + k * length for k in range((utc(end) - utc(start)) // length + 1)]


def instants(index):
    return list(index.tz_convert("UTC").to_pydatetime())


def assert_steps(index, expected, zone):
    assert isinstance(index, pd.DatetimeIndex)
    assert index.unit == "us"
    assert index.freq is None
    assert str(index.tz) == str(zone)
    assert instants(index) == expected
    assert (np.diff(index.asi8) > 0).all()


def calendar_of(interval, **policies):
    return IntervalCalendar(interval=interval, **policies)


def a_plain_wall_time(rng, zone, low=dt.datetime(1996, 1, 1), high=dt.datetime(2031, 1, 1)):
    while True:
        wall = low + dt.timedelta(days=int(rng.integers((high - low).days)))
        minutes = int(rng.choice([0, 0, 30, 60, 90, 120, 150, 165, 180, int(rng.integers(1440))]))
        wall += dt.timedelta(minutes=minutes, microseconds=int(rng.choice([0, 0, 1])))
        if kind(wall, zone) == "once":
            return wall.replace(tzinfo=zone)


@pytest.mark.parametrize("name", ZONES)
@pytest.mark.parametrize(
    ("interval", "freq"), [("D", "D"), ("3D", "3D"), ("W", "7D"), ("B", "B"), ("SMS", "SMS"), ("ME", "ME")]
)
def test_day_and_longer_steps_keep_the_wall_time(name, interval, freq):
    rng = np.random.default_rng([ZONES.index(name), len(interval), ord(interval[0])])
    zone = ZoneInfo(name)
    for _ in range(25):
        start = a_plain_wall_time(rng, zone)
        length = dt.timedelta(days=int(rng.integers(700 if interval in {"SMS", "ME"} else 300)))
        end = (start.replace(tzinfo=None) + length).replace(tzinfo=zone)
        if kind(end.replace(tzinfo=None), zone) != "once":
            continue
        walls = pd.date_range(start.replace(tzinfo=None), end.replace(tzinfo=None), freq=freq).to_pydatetime()
        kinds = {kind(wall, zone): wall for wall in reversed(walls)}
        nonexistent, ambiguous = str(rng.choice(NONEXISTENT)), str(rng.choice(AMBIGUOUS))
        calendar = calendar_of(interval, nonexistent=nonexistent, ambiguous=ambiguous)
        expected = wall_steps(freq, start, end, nonexistent, ambiguous)
        assert_steps(calendar.steps(start, end), expected, zone)
        assert calendar.count(start, end) == len(expected)
        if not kinds.keys() - {"once"}:
            assert_steps(Interval.model_validate(interval).steps(start, end), expected, zone)
            assert_steps(calendar_of(interval).steps(start, end), expected, zone)
        else:
            with pytest.raises(ValueError, match=r"exist|twice") as refused:
                Interval.model_validate(interval).steps(start, end)
            assert any(str(wall) in str(refused.value) for key, wall in kinds.items() if key != "once")
            assert name in str(refused.value)


@pytest.mark.parametrize("name", ZONES)
@pytest.mark.parametrize(
    ("interval", "length"),
    [
        *(("h", dt.timedelta(hours=1)), ("7h", dt.timedelta(hours=7)), ("24h", dt.timedelta(hours=24))),
        *(("min", dt.timedelta(minutes=1)), ("45min", dt.timedelta(minutes=45)), ("3600s", dt.timedelta(hours=1))),
        *(("1800000ms", dt.timedelta(minutes=30)), ("900000000us", dt.timedelta(minutes=15))),
    ],
)
def test_steps_below_a_day_count_elapsed_time(name, interval, length):
    rng = np.random.default_rng([ZONES.index(name), len(interval)])
    zone = ZoneInfo(name)
    for _ in range(8):
        start = a_plain_wall_time(rng, zone)
        end = (utc(start) + length * float(rng.uniform(0, 300))).astimezone(zone)
        expected = elapsed_steps(length, start, end)
        for calendar in (calendar_of(interval), calendar_of(interval, nonexistent="skip", ambiguous="later")):
            assert_steps(calendar.steps(start, end), expected, zone)
            assert calendar.count(start, end) == len(expected)
        assert_steps(Interval.model_validate(interval).steps(start, end), expected, zone)


@pytest.mark.parametrize(
    ("day", "hours"), [((2024, 3, 9), 24), ((2024, 3, 10), 23), ((2024, 11, 3), 25), ((2024, 7, 1), 24)]
)
def test_days_of_23_and_25_hours(day, hours):
    midnight = dt.datetime(*day, tzinfo=NEW_YORK)
    following = DailyCalendar().next(midnight)
    assert utc(following) - utc(midnight) == dt.timedelta(hours=hours)
    assert (following.hour, following.day) == (0, day[2] + 1)
    assert HourlyCalendar().count(midnight, following) == hours + 1
    window = DailyCalendar().windows(midnight, midnight)
    assert (window.right - window.left)[0] == pd.Timedelta(hours=hours)
    assert instants(DailyCalendar().steps(midnight, following)) == [utc(midnight), utc(following)]
    assert DailyCalendar().previous(following) == midnight


@pytest.mark.parametrize("nonexistent", NONEXISTENT)
@pytest.mark.parametrize("interval", ["D", "B", "2D"])
@pytest.mark.parametrize(
    ("start", "end"),
    [
        (dt.datetime(2024, 3, 8, 2, 30, tzinfo=NEW_YORK), dt.datetime(2024, 3, 12, 2, 30, tzinfo=NEW_YORK)),
        (dt.datetime(2024, 3, 8, 2, 0, tzinfo=NEW_YORK), dt.datetime(2024, 3, 12, 2, 0, tzinfo=NEW_YORK)),
        (dt.datetime(2024, 3, 8, 3, 0, tzinfo=NEW_YORK), dt.datetime(2024, 3, 12, 3, 0, tzinfo=NEW_YORK)),
        (dt.datetime(2017, 10, 13, tzinfo=SAO_PAULO), dt.datetime(2017, 10, 18, tzinfo=SAO_PAULO)),
        (dt.datetime(2017, 10, 13, 0, 59, 59, 999999, tzinfo=SAO_PAULO), dt.datetime(2017, 10, 17, tzinfo=SAO_PAULO)),
        (dt.datetime(2011, 12, 28, tzinfo=APIA), dt.datetime(2012, 1, 2, tzinfo=APIA)),
        (dt.datetime(2011, 12, 28, 12, tzinfo=APIA), dt.datetime(2012, 1, 2, 12, tzinfo=APIA)),
        (dt.datetime(2011, 12, 28, 23, 59, tzinfo=APIA), dt.datetime(2012, 1, 2, tzinfo=APIA)),
    ],
    ids=str,
)
def test_missing_wall_times(nonexistent, interval, start, end):
    calendar = calendar_of(interval, nonexistent=nonexistent)
    expected = wall_steps(interval, start, end, nonexistent)
    assert_steps(calendar.steps(start, end), expected, start.tzinfo)
    assert calendar.count(start, end) == len(expected)
    for size in (1, 2, 3, 4, 50):
        blocks = list(calendar.chunks(start, end, size))
        assert [step for block in blocks for step in instants(block)] == expected
        assert all(0 < len(block) <= size for block in blocks)
    windows = calendar.windows(start, end)
    assert instants(pd.DatetimeIndex(windows.left)) == expected
    assert instants(pd.DatetimeIndex(windows.right))[:-1] == expected[1:]
    assert all(window.left < window.right for window in windows)
    for n in range(1, len(expected)):
        assert utc(calendar.next(start, n)) == expected[n], n
    for one, following in itertools.pairwise(expected):
        if kind(following.astimezone(start.tzinfo).replace(tzinfo=None), start.tzinfo) == "once":
            assert utc(calendar.next(one.astimezone(start.tzinfo))) > one


def test_missing_wall_times_are_named_by_default():
    for zone, start, missing in [
        (NEW_YORK, dt.datetime(2024, 3, 8, 2, 30), "2024-03-10 02:30"),
        (SAO_PAULO, dt.datetime(2017, 10, 13), "2017-10-15 00:00"),
        (APIA, dt.datetime(2011, 12, 28), "2011-12-30 00:00"),
    ]:
        bounds = start.replace(tzinfo=zone), (start + dt.timedelta(days=6)).replace(tzinfo=zone)
        for question in (Interval(offset="D").steps, DailyCalendar().steps, DailyCalendar().windows):
            with pytest.raises(ValueError, match=missing) as refused:
                question(*bounds)
            assert zone.key in str(refused.value)
            assert "shift_forward" in str(refused.value)
        with pytest.raises(ValueError, match=missing):
            list(DailyCalendar().chunks(*bounds, 2))
        assert DailyCalendar().steps(bounds[0], bounds[0] + dt.timedelta(days=1))[-1].day == start.day + 1
        assert len(HourlyCalendar().steps(*bounds)) == (utc(bounds[1]) - utc(bounds[0])) // dt.timedelta(hours=1) + 1


def test_a_skipped_day_is_not_a_step():
    """Samoa went from Thursday 29 to Saturday 31 December 2011."""
    start, end = dt.datetime(2011, 12, 28, tzinfo=APIA), dt.datetime(2012, 1, 2, tzinfo=APIA)
    for nonexistent, days in [("skip", [28, 29, 31, 1, 2]), ("shift_forward", [28, 29, 31, 1, 2])]:
        calendar = DailyCalendar(nonexistent=nonexistent)
        assert list(calendar.steps(start, end).day) == days
        assert calendar.count(start, end) == 5
        assert calendar.next(dt.datetime(2011, 12, 29, tzinfo=APIA)) == pd.Timestamp("2011-12-31", tz=APIA)
        assert calendar.previous(dt.datetime(2011, 12, 31, tzinfo=APIA)) == pd.Timestamp("2011-12-29", tz=APIA)
    weekdays = WeekdayCalendar(nonexistent="skip").steps(start, end)
    assert list(weekdays.day) == [28, 29, 2]
    assert HourlyCalendar().count(dt.datetime(2011, 12, 29, tzinfo=APIA), dt.datetime(2011, 12, 31, tzinfo=APIA)) == 25


REPEATED = dt.datetime(2024, 11, 3, 1, 30, tzinfo=NEW_YORK)


@pytest.mark.parametrize("ambiguous", AMBIGUOUS)
@pytest.mark.parametrize("interval", ["D", "3D"])
def test_repeated_wall_times(ambiguous, interval):
    calendar = calendar_of(interval, ambiguous=ambiguous)
    start, end = REPEATED.replace(month=10, day=31), REPEATED.replace(day=6)
    expected = wall_steps(interval, start, end, ambiguous=ambiguous)
    assert_steps(calendar.steps(start, end), expected, NEW_YORK)
    assert calendar.count(start, end) == len(expected)
    [step] = [step for step in calendar.steps(start, end) if step.day == 3]
    assert step.utcoffset() == dt.timedelta(hours=-4 if ambiguous == "earlier" else -5)
    assert utc(calendar.next(REPEATED.replace(day=2, month=11))) == utc(
        REPEATED.replace(fold=ambiguous == "later")
    ) or (interval != "D")


def test_repeated_wall_times_are_named_by_default():
    bounds = REPEATED.replace(day=1), REPEATED.replace(day=6)
    for question in (Interval(offset="D").steps, DailyCalendar().steps, DailyCalendar().windows):
        with pytest.raises(ValueError, match="2024-11-03 01:30") as refused:
            question(*bounds)
        assert "America/New_York" in str(refused.value)
        assert "earlier" in str(refused.value)


@pytest.mark.parametrize("ambiguous", AMBIGUOUS)
@pytest.mark.parametrize("folds", list(itertools.product((0, 1), repeat=2)), ids=str)
@pytest.mark.parametrize("minute", [0, 30, 59])
def test_bounds_in_a_repeated_hour_are_instants(ambiguous, folds, minute):
    """No step lies before the start or after the end, whichever occurrence of the hour they mean."""
    calendar = DailyCalendar(ambiguous=ambiguous)
    wall = REPEATED.replace(minute=minute)
    for start, end in [
        (wall.replace(fold=folds[0]), wall.replace(day=5, fold=folds[1])),
        (wall.replace(day=1, fold=folds[0]), wall.replace(fold=folds[1])),
        (wall.replace(fold=folds[0]), wall.replace(fold=folds[1])),
        (wall.replace(day=1), wall.replace(minute=15, fold=folds[1])),
        (wall.replace(minute=15, fold=folds[0]), wall.replace(day=4)),
    ]:
        expected = wall_steps("D", start, end, ambiguous=ambiguous) if utc(start) <= utc(end) else []
        steps = calendar.steps(start, end)
        assert_steps(steps, expected, NEW_YORK)
        assert calendar.count(start, end) == len(expected)


@pytest.mark.parametrize("fold", [0, 1])
def test_hours_through_a_repeated_hour(fold):
    start = REPEATED.replace(fold=fold)
    end = REPEATED.replace(hour=4)
    expected = elapsed_steps(dt.timedelta(hours=1), start, end)
    assert len(expected) == 5 - fold
    assert_steps(HourlyCalendar().steps(start, end), expected, NEW_YORK)
    assert utc(HourlyCalendar().next(start)) == utc(start) + dt.timedelta(hours=1)
    assert utc(HourlyCalendar().previous(start)) == utc(start) - dt.timedelta(hours=1)
    assert HourlyCalendar().contains(start)


def test_hours_within_a_repeated_hour():
    first, second = REPEATED, REPEATED.replace(fold=1)
    assert HourlyCalendar().count(first, second) == 2
    assert HourlyCalendar().count(second, first) == 0
    assert_steps(HourlyCalendar().steps(first, second), [utc(first), utc(second)], NEW_YORK)
    assert_steps(HourlyCalendar().steps(second, first), [], NEW_YORK)


@pytest.mark.parametrize("hours", [-12, -5, 0, 5.5, 5.75, 14])
@pytest.mark.parametrize("unit", ["D", "h", "B", "ME", "M", "SMS"])
def test_fixed_offsets(hours, unit):
    zone = dt.timezone(dt.timedelta(hours=hours))
    start, end = dt.datetime(2024, 1, 31, 22, 15), dt.datetime(2024, 4, 2, 3)
    naive = Interval(offset=unit).steps(start, end)
    expected = [utc(wall.replace(tzinfo=zone)) for wall in naive.to_pydatetime()]
    aware = start.replace(tzinfo=zone), end.replace(tzinfo=zone)
    steps = Interval(offset=unit).steps(*aware)
    assert instants(steps) == expected
    assert steps[0].utcoffset() == zone.utcoffset(None)
    assert steps.unit == "us"
    texts = [when.isoformat() for when in aware]
    assert instants(Interval(offset=unit).steps(*texts)) == expected
    assert Interval(offset=unit).count(*texts) == len(expected)


@pytest.mark.parametrize("interval", ["D", "h", "ME"])
def test_bounds_of_different_offsets_are_compared_as_instants(interval):
    """The steps are in the zone of the start; the end is an instant, wherever it was written."""
    winter, summer = dt.datetime(2024, 1, 1, 9, tzinfo=NEW_YORK), dt.datetime(2024, 7, 1, 9, tzinfo=NEW_YORK)
    calendar = BaseCalendar.model_validate(interval)
    expected = calendar.steps(winter, summer)
    for zone in (dt.UTC, ZoneInfo("Asia/Tokyo"), dt.timezone(dt.timedelta(hours=-4)), ZoneInfo("Pacific/Apia")):
        steps = calendar.steps(winter, summer.astimezone(zone))
        assert_steps(steps, instants(expected), NEW_YORK)
        assert calendar.count(winter, summer.astimezone(zone)) == len(expected)
    assert calendar.steps(winter, summer.astimezone(dt.UTC) - US)[-1] < summer
    fixed = calendar.steps("2024-01-01T09:00-05:00", "2024-07-01T09:00-04:00")
    assert fixed[0] == expected[0]
    assert fixed[0].utcoffset() == fixed[-1].utcoffset() == dt.timedelta(hours=-5)
    assert utc(fixed[-1]) <= utc(summer)
    assert calendar.count("2024-01-01T09:00+09:00", "2024-01-01T00:00Z") == (0 if interval == "ME" else 1)
    assert calendar.count("2024-01-01T09:00Z", "2024-01-01T09:00+09:00") == 0


@pytest.mark.parametrize("question", ["steps", "count", "windows"])
@pytest.mark.parametrize("interval", ["D", "h", "M", "ME"])
def test_naive_and_aware_bounds_do_not_mix(question, interval):
    aware, naive = dt.datetime(2024, 1, 1, tzinfo=NEW_YORK), dt.datetime(2024, 1, 2)
    for calendar in (BaseCalendar.model_validate(interval), Interval.model_validate(interval)):
        if hasattr(calendar, question):
            for bounds in (
                (aware, naive),
                (naive, aware),
                ("2024-01-01T00:00Z", "2024-01-02"),
                (naive, "2024-01-01T00:00Z"),
            ):
                with pytest.raises(ValueError, match="time zone") as refused:
                    getattr(calendar, question)(*bounds)
                assert "2024-01-0" in str(refused.value)


@pytest.mark.parametrize(
    "start",
    [
        dt.datetime(2024, 3, 9, 12, tzinfo=NEW_YORK),
        pd.Timestamp("2024-03-09 12:00", tz="America/New_York"),
        pd.Timestamp("2024-03-09 12:00", tz=NEW_YORK).as_unit("ns"),
        pytest.param(
            dt.datetime(2024, 3, 9, 12, tzinfo=tz.gettz("America/New_York")),
            marks=pytest.mark.skipif(pd.__version__ < "3", reason="pandas 2 does not know the zones of dateutil 4"),
        ),
    ],
    ids=repr,
)
def test_a_zone_may_come_with_any_kind_of_bound(start):
    end = pd.Timestamp("2024-03-11 12:00", tz="America/New_York")
    expected = [utc(dt.datetime(2024, 3, day, 12, tzinfo=NEW_YORK)) for day in (9, 10, 11)]
    assert instants(DailyCalendar().steps(start, end)) == expected
    assert DailyCalendar().count(start, end) == 3
    assert utc(DailyCalendar().next(start)) == expected[1]
    hours = HourlyCalendar().steps(start, end)
    assert instants(hours) == elapsed_steps(dt.timedelta(hours=1), start, end)
    assert instants(DailyCalendar().steps(end, end)) == [expected[2]]
    if isinstance(start.tzinfo, ZoneInfo):
        assert DailyCalendar().steps(start, end).dtype == pd.DatetimeTZDtype("us", NEW_YORK)


@pytest.mark.parametrize("zone", [tz.tzutc(), tz.tzoffset(None, 19800), tz.tzoffset("here", -3600)], ids=repr)
def test_fixed_offsets_of_dateutil(zone):
    start, end = dt.datetime(2024, 3, 1, 12, tzinfo=zone), dt.datetime(2024, 3, 3, 12, tzinfo=zone)
    for calendar, length in ((DailyCalendar(), dt.timedelta(days=1)), (HourlyCalendar(), dt.timedelta(hours=1))):
        steps = calendar.steps(start, end)
        assert instants(steps) == elapsed_steps(length, start, end)
        assert steps[0].utcoffset() == start.utcoffset()


@pytest.mark.parametrize("zone", [NEW_YORK, dt.UTC, dt.timezone(dt.timedelta(hours=3))], ids=str)
@pytest.mark.parametrize("interval", ["D", "h", "MS", "2M"])
def test_an_empty_range_keeps_its_zone(zone, interval):
    calendar = BaseCalendar.model_validate(interval)
    start, end = dt.datetime(2024, 3, 5, tzinfo=zone), dt.datetime(2024, 3, 4, tzinfo=zone)
    steps = calendar.steps(start, end)
    assert len(steps) == calendar.count(start, end) == 0
    assert steps.dtype == calendar.steps(start, start + dt.timedelta(days=62)).dtype
    assert calendar.windows(start, end).dtype.subtype == steps.dtype
    assert list(calendar.chunks(start, end, 3)) == []


@pytest.mark.parametrize("interval", ["D", "h", "B", "ME", "M", "3D", "36h"])
def test_the_laws_hold_in_a_zone(interval):
    calendar = calendar_of(interval, nonexistent="shift_forward", ambiguous="earlier")
    start, end = dt.datetime(2024, 2, 28, 14, tzinfo=NEW_YORK), dt.datetime(2024, 11, 20, 14, tzinfo=NEW_YORK)
    steps = calendar.steps(start, end)
    assert calendar.count(start, end) == len(steps)
    chunks = list(calendar.chunks(start, end, 11))
    assert chunks[0].append(chunks[1:]).equals(steps)
    windows = calendar.windows(start, end)
    assert pd.DatetimeIndex(windows.left).equals(steps)
    assert pd.DatetimeIndex(windows.right[:-1]).equals(steps[1:])
    assert utc(windows.right[-1]) > utc(end)
    assert str(windows.left.tz) == str(windows.right.tz) == "America/New_York"
    later = steps[steps > start]
    for n in (1, 2, min(len(later), 30)):
        assert calendar.next(start, n) == later[n - 1]
        assert str(calendar.next(start, n).tz) == "America/New_York"
    for step in steps[:5]:
        assert calendar.contains(step)
        assert calendar.contains(utc(step).astimezone(NEW_YORK))
        if "M" not in interval:
            assert calendar.previous(calendar.next(step)) == step
            assert calendar.next(calendar.previous(step)) == step


@pytest.mark.parametrize("days", [WeekdayCalendar(), IntervalCalendar(interval="ME"), DailyCalendar()], ids=repr)
def test_algebra_of_days_and_hours_in_a_zone(days):
    """Days keep the wall time and hours count elapsed time: they meet where both have the same instant."""
    for start, end in [
        (dt.datetime(2024, 3, 8, 14, tzinfo=NEW_YORK), dt.datetime(2024, 3, 13, 14, tzinfo=NEW_YORK)),
        (dt.datetime(2024, 10, 30, 14, tzinfo=NEW_YORK), dt.datetime(2024, 11, 6, 14, tzinfo=NEW_YORK)),
    ]:
        hourly = IntervalCalendar(interval="5h")
        one, other = (set(instants(calendar.steps(start, end))) for calendar in (days, hourly))
        for combined, expected in [
            (days & hourly, one & other),
            (days | hourly, one | other),
            (days - hourly, one - other),
            (hourly - days, other - one),
        ]:
            assert_steps(combined.steps(start, end), sorted(expected), NEW_YORK)
            assert combined.count(start, end) == len(expected)


@pytest.mark.parametrize("which", ["first", "last", 3])
@pytest.mark.parametrize("interval", ["h", "D", "B"])
def test_edges_of_periods_are_those_of_the_wall_clock(interval, which):
    edges = PeriodEdgeCalendar(calendar=interval, period="week", which=which)
    start, end = dt.datetime(2024, 2, 26, tzinfo=NEW_YORK), dt.datetime(2024, 4, 14, 23, tzinfo=NEW_YORK)
    weeks = {}
    for step in BaseCalendar.model_validate(interval).steps(start, end):
        weeks.setdefault(step.date() - dt.timedelta(days=step.weekday()), []).append(step)
    picked = [week[{"first": 0, "last": -1}.get(which, 2)] for week in weeks.values()]
    assert len(picked) == 7
    assert_steps(edges.steps(start, end), [utc(step) for step in picked], NEW_YORK)


def test_a_foreign_calendar_answers_in_the_zone_that_it_is_asked_in():
    class Noons(BaseCalendar):
        def steps(self, start, end):
            days = (start.date() + dt.timedelta(days=k) for k in range((end.date() - start.date()).days + 1))
            noons = [dt.datetime.combine(day, dt.time(12), tzinfo=start.tzinfo) for day in days]
            return [noon for noon in noons if start <= noon <= end]

    start, end = dt.datetime(2024, 3, 9, tzinfo=NEW_YORK), dt.datetime(2024, 3, 11, 23, tzinfo=NEW_YORK)
    expected = [utc(dt.datetime(2024, 3, day, 12, tzinfo=NEW_YORK)) for day in (9, 10, 11)]
    calendar = Noons()
    assert calendar.count(start, end) == 3
    assert instants(pd.DatetimeIndex(calendar.windows(start, end).left)) == expected
    assert [step for block in calendar.chunks(start, end, 2) for step in instants(block)] == expected
    assert utc(calendar.next(start)) == expected[0]
    assert utc(calendar.next(start, 3)) == expected[2]
    assert utc(calendar.previous(end, 2)) == expected[1]
    assert calendar.contains(dt.datetime(2024, 3, 10, 12, tzinfo=NEW_YORK))
    assert not calendar.contains(start)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("0001-01-01T00:00+14:00", "0001-01-01T03:00+14:00"),
        ("9999-12-31T20:00-05:00", "9999-12-31T23:00-05:00"),
        ("9999-12-31T00:00-05:00", "9999-12-31T00:00-05:00"),
    ],
)
@pytest.mark.parametrize("interval", ["h", "D"])
def test_instants_at_either_end_of_time_are_steps_or_refused(interval, start, end):
    calendar = BaseCalendar.model_validate(interval)
    try:
        first = calendar.steps(start, end)[0]
    except OverflowError:
        pytest.fail("the datetime arithmetic of the implementation shows through")
    except ValueError:
        first = None
    assert first in {None, pd.Timestamp(start)}


def test_the_policies_are_fields_of_every_calendar():
    for calendar in (DailyCalendar, HourlyCalendar, WeekdayCalendar):
        assert (calendar().nonexistent, calendar().ambiguous) == ("raise", "raise")
        with pytest.raises(ValueError, match="shift_forward"):
            calendar(nonexistent="forward")
        with pytest.raises(ValueError, match="earlier"):
            calendar(ambiguous="first")
    configured = {"_target_": "ccflow_etl.DailyCalendar", "nonexistent": "skip", "ambiguous": "later"}
    assert BaseCalendar.model_validate(configured) == DailyCalendar(nonexistent="skip", ambiguous="later")


# --- bounds that the zone skips


GAP = dt.datetime(2024, 3, 10, 2, 30)  # missing from New York


@pytest.mark.parametrize("text", [False, True], ids=["datetime", "text"])
@pytest.mark.parametrize("interval", ["h", "D", "7min"])
def test_a_start_that_does_not_exist_is_named_by_default(interval, text):
    start = f"{GAP.isoformat()}[America/New_York]" if text else GAP.replace(tzinfo=NEW_YORK)
    end = dt.datetime(2024, 3, 12, 12, tzinfo=NEW_YORK)
    for question in (calendar_of(interval).steps, Interval.model_validate(interval).steps):
        with pytest.raises(ValueError, match=r"2024-03-10 02:30:00 does not exist in America/New_York.*shift_forward"):
            question(start, end)


@pytest.mark.parametrize("nonexistent", NONEXISTENT)
def test_a_start_that_does_not_exist_is_decided_by_the_policy(nonexistent):
    start, end = GAP.replace(tzinfo=NEW_YORK), dt.datetime(2024, 3, 12, 2, 30, tzinfo=NEW_YORK)
    at = resolve(GAP, NEW_YORK, nonexistent, "earlier")
    later = [utc(dt.datetime(2024, 3, day, 2, 30, tzinfo=NEW_YORK)) for day in (11, 12)]
    days = calendar_of("D", nonexistent=nonexistent)
    expected = later if at is None else [at, *later]
    assert_steps(days.steps(start, end), expected, NEW_YORK)
    assert days.count(start, end) == len(expected)
    hours = calendar_of("h", nonexistent=nonexistent)
    first = at or resolve(GAP, NEW_YORK, "shift_forward", "earlier")
    assert_steps(hours.steps(start, end), elapsed_steps(dt.timedelta(hours=1), first, end), NEW_YORK)


@pytest.mark.parametrize("nonexistent", NONEXISTENT)
def test_an_end_that_does_not_exist_is_decided_by_the_policy(nonexistent):
    start, end = dt.datetime(2024, 3, 10, tzinfo=NEW_YORK), GAP.replace(tzinfo=NEW_YORK)
    with pytest.raises(ValueError, match="2024-03-10 02:30:00 does not exist"):
        HourlyCalendar().steps(start, end)
    last = resolve(GAP, NEW_YORK, "shift_forward" if nonexistent == "skip" else nonexistent, "earlier")
    hours = calendar_of("h", nonexistent=nonexistent).steps(start, end)
    assert_steps(hours, elapsed_steps(dt.timedelta(hours=1), start, last), NEW_YORK)
    assert DailyCalendar().count(start, end) == 1  # no step is at that time


def test_a_wall_time_that_does_not_exist_is_read_back_as_it_was_written():
    for fold, offset in ((0, "-05:00"), (1, "-04:00")):
        read = to_datetime(f"2024-03-10T02:30{offset}[America/New_York]")
        assert (read.replace(tzinfo=None), read.fold) == (GAP, fold)
    for fold, offset in ((0, "-04:00"), (1, "-05:00")):
        read = to_datetime(f"2024-11-03T01:30{offset}[America/New_York]")
        assert (read.replace(tzinfo=None), read.fold) == (dt.datetime(2024, 11, 3, 1, 30), fold)
    assert to_datetime("2024-07-01T12:00+02:00[America/New_York]") == dt.datetime(2024, 7, 1, 6, tzinfo=NEW_YORK)


# --- days among hours


def test_navigation_among_days_and_hours_keeps_the_wall_time_of_the_days():
    noon = {day: dt.datetime(2024, 3, day, 12, tzinfo=NEW_YORK) for day in range(1, 32)}
    both = HourlyCalendar() & DailyCalendar()
    for day, n, expected in [(12, 1, 11), (12, 2, 10), (12, 3, 9), (31, 20, 11), (31, 25, 6)]:
        assert both.previous(noon[day], n) == noon[expected]
    assert both.next(noon[8], 4) == noon[12]
    first = PeriodEdgeCalendar(calendar=both, period="month", which="first")
    assert first.previous(noon[20]) == noon[1]
    noons = DailyCalendar().shift(1, "h") & HourlyCalendar()
    assert noons.previous(noon[20], 15) == noon[5]


def test_edges_of_periods_see_the_whole_last_day_of_a_period_west_of_greenwich():
    start, end = dt.datetime(2024, 7, 30, tzinfo=NEW_YORK), dt.datetime(2024, 7, 30, 19, 30, tzinfo=NEW_YORK)
    edges = PeriodEdgeCalendar(calendar="h", period="month", which=-30)
    assert_steps(edges.steps(start, end), [utc(dt.datetime(2024, 7, 30, 18, tzinfo=NEW_YORK))], NEW_YORK)


# --- the first and the last days of time


@pytest.mark.parametrize("zone", [NEW_YORK, ZoneInfo("Europe/Paris"), ZoneInfo("Pacific/Auckland")], ids=str)
def test_either_end_of_time_in_a_zone_is_told_or_refused(zone):
    for start, end in [
        (dt.datetime(1, 1, 1, tzinfo=zone), dt.datetime(1, 1, 3, tzinfo=zone)),
        (dt.datetime(9999, 12, 29, 23, tzinfo=zone), dt.datetime(9999, 12, 31, 23, tzinfo=zone)),
    ]:
        for calendar in (DailyCalendar(), HourlyCalendar(), DailyCalendar() | HourlyCalendar()):
            length = dt.timedelta(hours=24 if calendar == DailyCalendar() else 1)
            try:
                steps = calendar.steps(start, end)
            except OverflowError:
                pytest.fail("the datetime arithmetic of the implementation shows through")
            except ValueError:
                continue
            assert len(steps) == (end.replace(tzinfo=None) - start.replace(tzinfo=None)) // length + 1


@pytest.mark.parametrize("zone", [NEW_YORK, ZoneInfo("Europe/Paris")], ids=str)
def test_the_last_window_ends_before_the_year_10000_of_the_zone(zone):
    windows = IntervalCalendar(interval="YE").windows(
        dt.datetime(9998, 1, 1, tzinfo=zone), dt.datetime(9999, 12, 31, tzinfo=zone)
    )
    last = windows.right[-1].to_pydatetime()
    assert last.replace(tzinfo=None) <= dt.datetime.max
    assert last > windows.left[-1].to_pydatetime()


@pytest.mark.parametrize("interval", ["1h", "60min", "3600s", "3600000ms", "3600000000us"])
def test_every_unit_below_a_day_counts_elapsed_time(interval):
    start, end = dt.datetime(2024, 3, 10, tzinfo=NEW_YORK), dt.datetime(2024, 3, 10, 5, tzinfo=NEW_YORK)
    steps = BaseCalendar.model_validate(interval).steps(start, end)
    assert steps.tz_localize(None).hour.tolist() == [0, 1, 3, 4, 5]


def test_the_next_day_after_a_repeated_wall_time_is_named_by_no_error():
    """Only the step that is asked for has to be one instant."""
    for fold in (0, 1):
        moment = REPEATED.replace(fold=fold)
        assert utc(DailyCalendar().next(moment)) == utc(REPEATED.replace(day=4))
        assert utc(DailyCalendar().previous(moment)) == utc(REPEATED.replace(day=2))


def test_the_other_hour_of_a_repeated_wall_time_is_a_step():
    first, second = REPEATED, REPEATED.replace(fold=1)
    assert utc(DailyCalendar(ambiguous="later").next(first)) == utc(second)
    assert utc(DailyCalendar(ambiguous="earlier").next(first)) == utc(REPEATED.replace(day=4))
    assert utc(DailyCalendar(ambiguous="earlier").previous(second)) == utc(first)
    assert utc(DailyCalendar(ambiguous="later").previous(second)) == utc(REPEATED.replace(day=2))


def test_a_window_that_would_end_at_a_skipped_time_ends_after_the_gap():
    start, end = (dt.datetime(2024, month, day, 2, 30, tzinfo=NEW_YORK) for month, day in ((3, 9), (3, 11)))
    windows = DailyCalendar(nonexistent="skip").windows(start, end, span="1D")
    assert instants(windows.left) == [utc(start), utc(end)]
    assert instants(windows.right) == [
        dt.datetime(2024, 3, 10, 7, tzinfo=dt.UTC),  # 03:00 on the wall clock, when the gap is over
        utc(end.replace(day=12)),
    ]

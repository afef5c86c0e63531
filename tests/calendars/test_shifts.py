"""Calendars shifted by months and by the days of other calendars, and by days on the clock of a zone."""

import datetime as dt
import pickle
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from ccflow import ModelRegistry
from dateutil.relativedelta import relativedelta
from hydra.utils import instantiate
from pydantic import ValidationError

from ccflow_etl import (
    BaseCalendar,
    BusinessHourCalendar,
    DailyCalendar,
    FixedDate,
    HourlyCalendar,
    IntervalCalendar,
    RuleCalendar,
    ShiftedCalendar,
    WeekdayCalendar,
)

DAY = dt.timedelta(days=1)
PARIS = ZoneInfo("Europe/Paris")  # 2024-03-31 has 23 hours: 02:00 to 03:00 is missing
CLOSED = {dt.date(2024, 3, 29), dt.date(2024, 4, 1), dt.date(2024, 5, 1), *(dt.date(2024, 8, d) for d in range(1, 32))}
OFFICE = RuleCalendar(holidays=sorted(CLOSED), extra_days=["2024-03-30"])


class Paydays(BaseCalendar):
    """The 10th and the 25th at the start's time of day, as a list."""

    def steps(self, start, end):
        days = [start + DAY * i for i in range(max((end - start).days + 1, 0))]
        return [day for day in days if day.day in (10, 25)]


class Noons(BaseCalendar):
    """Every noon, whatever the time of day that it is asked at."""

    def steps(self, start, end):
        days = (start.date() + DAY * i for i in range((end.date() - start.date()).days + 1))
        noons = [dt.datetime.combine(day, dt.time(12), tzinfo=start.tzinfo) for day in days]
        return [noon for noon in noons if start <= noon <= end]


def is_open(day):
    return day == dt.date(2024, 3, 30) or (day.weekday() < 5 and day not in CLOSED)


def working_days_later(when, n):
    day, left = when.date(), abs(n)
    while left:
        day += DAY if n > 0 else -DAY
        left -= is_open(day)
    return dt.datetime.combine(day, when.time())


INNER = [
    *(DailyCalendar(), WeekdayCalendar(), HourlyCalendar(), Paydays(), Noons(), OFFICE),
    *(IntervalCalendar(interval=unit) for unit in ("ME", "MS", "QE")),
    Paydays() | IntervalCalendar(interval="ME"),
]
RANGES = [
    (dt.datetime(2024, 3, 20), dt.datetime(2024, 6, 10)),
    (dt.datetime(2024, 7, 20, 9, 30), dt.datetime(2024, 9, 14, 9, 29)),
    (dt.datetime(2024, 3, 30), dt.datetime(2024, 3, 30)),
    (dt.datetime(2024, 3, 31), dt.datetime(2024, 3, 1)),
]


def assert_shifted(shifted, inner, move, around=60 * DAY):
    for start, end in RANGES:
        given = inner.ticks(start - around, end + around).index().to_pydatetime()
        expected = sorted({step for step in map(move, given) if start <= step <= end})
        assert list(shifted.steps(start, end).to_pydatetime()) == expected, (shifted, start, end)
        assert shifted.count(start, end) == len(expected)
        some = expected[:: max(len(expected) // 7, 1)]
        if not some:
            continue
        assert shifted.contains(some).all()
        assert all(shifted.contains(step) for step in some)
        if len(some) > 1:
            assert shifted.next(some[0]) == expected[1]
            assert shifted.previous(some[-1]) == expected[expected.index(some[-1]) - 1]


@pytest.mark.parametrize("n", [-25, -3, -1, 0, 1, 2, 25])
@pytest.mark.parametrize("inner", INNER, ids=repr)
def test_a_shift_by_working_days(inner, n):
    if inner.count("2024-04-02", "2024-04-03") > 2 and abs(n) > 3:
        n //= 8  # hours are many
    assert_shifted(
        inner.shift(n, OFFICE),
        inner,
        lambda step: working_days_later(step, n),
        around=(5 + 3 * abs(n)) * DAY + 35 * DAY,
    )


@pytest.mark.parametrize("n", [-13, -1, 0, 1, 2, 24])
@pytest.mark.parametrize("inner", INNER, ids=repr)
def test_a_shift_by_months_keeps_the_day_or_takes_the_last(inner, n):
    if inner.count("2024-04-02", "2024-04-03") > 2:
        n = max(-1, min(n, 2))
    around = (abs(n) + 1) * 32 * DAY
    assert_shifted(inner.shift(n, "M"), inner, lambda step: step + relativedelta(months=n), around)
    assert inner.shift(1, "2M").count(*RANGES[0]) == inner.shift(2, "M").count(*RANGES[0])


@pytest.mark.parametrize("n", [-7, -1, 1, 2, 40])
def test_a_shift_by_weekdays_is_that_of_pandas(n):
    days = pd.date_range("2023-10-01", "2024-10-01", unit="us")
    expected = sorted(set(days + n * pd.offsets.BDay()))
    expected = [day for day in expected if pd.Timestamp("2024-01-01") <= day <= pd.Timestamp("2024-06-30")]
    for by in ("B", IntervalCalendar(interval="B"), WeekdayCalendar()):
        assert list(DailyCalendar().shift(n, by).steps("2024-01-01", "2024-06-30")) == expected
    assert list(DailyCalendar().shift(1, f"{abs(n)}B").steps("2024-01-01", "2024-06-30")) == list(
        DailyCalendar().shift(abs(n), "B").steps("2024-01-01", "2024-06-30")
    )


def test_a_shift_by_days_that_are_far_apart():
    """The calendar of days is looked at as far as it takes: 29 February is a step every four or eight years."""
    leap_days = RuleCalendar(weekmask="1111111") & IntervalCalendar(interval="D")
    leap_days = leap_days - RuleCalendar(weekmask="1111111", rules=[FixedDate(month=2, day=29)])
    assert leap_days.next("1897-01-01") == pd.Timestamp("1904-02-29")
    yearly = IntervalCalendar(interval="YS").shift(2, leap_days)
    assert list(yearly.steps("1900-01-01", "1910-01-01")) == [pd.Timestamp("1904-02-29"), pd.Timestamp("1908-02-29")]
    assert yearly.contains("1904-02-29")
    assert yearly.next("1896-02-29") == pd.Timestamp("1904-02-29")


def test_days_that_end_leave_steps_behind():
    once = RuleCalendar(
        weekmask="Mon", rules=[{"month": m, "weekday": "Mon", "n": n} for m in range(1, 13) for n in range(1, 6)]
    )
    once = once | RuleCalendar(weekmask="Mon", extra_days=["2024-03-05"]) & RuleCalendar(weekmask="Tue")
    assert list(once.steps("2020-01-01", "2030-01-01")) == [pd.Timestamp("2024-03-05")]
    assert list(DailyCalendar().shift(1, once).steps("2024-01-01", "2024-12-31")) == [pd.Timestamp("2024-03-05")]
    assert DailyCalendar().shift(2, once).count("2024-01-01", "2024-12-31") == 0
    assert DailyCalendar().shift(-1, once).count("2024-01-01", "2024-03-04") == 0


@pytest.mark.parametrize("by", ["1D", "B", "M", "h"])
def test_a_shift_that_goes_too_far(by):
    for n in (10**30, -(10**30), 10**9):
        shifted = IntervalCalendar(interval="MS").shift(n, by)
        assert shifted.count("2024-01-01", "2024-12-31") == 0
        assert not shifted.contains("2024-01-01")
        assert shifted.contains(["2024-01-01", "2024-01-02"]).tolist() == [False, False]


def test_days_are_moved_on_the_wall_clock_and_hours_in_elapsed_time():
    start, end = dt.datetime(2024, 3, 29, tzinfo=PARIS), dt.datetime(2024, 4, 2, tzinfo=PARIS)
    noons = [dt.datetime(2024, *day, 12, tzinfo=PARIS) for day in ((3, 29), (3, 30), (3, 31), (4, 1))]
    for by, n in (("D", 1), ("W", -1), ("B", 2), ("M", 0)):
        steps = Noons().shift(n, by).steps(start, end)
        assert {step.hour for step in steps} == {12}, by
    assert list(Noons().shift(1).steps(start, end)) == noons
    elapsed = Noons().shift(24, "h").steps(start, end)
    assert [step.hour for step in elapsed] == [12, 12, 13, 12]
    assert Noons().shift(1).previous(noons[3]) == noons[2]
    assert Noons().shift(1).next(noons[1]) == noons[2]
    assert Noons().shift(1).contains(noons[2])
    assert list(Noons().shift(1, "M").steps(start, end)) == [noons[0], noons[3]]  # February ended on the 29th


def test_a_missing_wall_time_is_decided_by_the_policy_of_the_shift():
    start, end = dt.datetime(2024, 3, 31, tzinfo=PARIS), dt.datetime(2024, 3, 31, 12, tzinfo=PARIS)
    with pytest.raises(ValueError, match="2024-03-31 02:00:00 does not exist"):
        HourlyCalendar().shift(1).steps(start, end)
    assert HourlyCalendar().shift(24, "h").count(start, end) == 12
    shifted = ShiftedCalendar(calendar=HourlyCalendar(), n=1, nonexistent="skip").steps(start, end)
    assert shifted.hour.tolist() == [0, 1, *range(3, 13)]


@pytest.mark.parametrize(
    "by", ["C", "CBME", "bh", "ns", "2Q", BusinessHourCalendar(), HourlyCalendar(), Noons()], ids=repr
)
def test_a_shift_is_by_a_length_or_by_days(by):
    with pytest.raises(ValidationError, match="by"):
        WeekdayCalendar().shift(1, by)


@pytest.mark.parametrize("interval", ["2C", "3CBME"])
def test_days_to_move_by_have_no_count_of_their_own(interval):
    with pytest.raises(ValidationError, match="calendar of days"):
        WeekdayCalendar().shift(1, RuleCalendar(interval=interval))


@pytest.mark.parametrize("by", ["B", "2M", OFFICE, WeekdayCalendar() - IntervalCalendar(interval="ME")], ids=repr)
def test_a_shift_is_written_as_data(by):
    shifted = IntervalCalendar(interval="ME").shift(2, by)
    node = shifted.model_dump(mode="json", by_alias=True)
    for read in (
        instantiate(node),
        BaseCalendar.model_validate(node),
        BaseCalendar.model_validate_json(shifted.model_dump_json()),
        pickle.loads(pickle.dumps(shifted)),
    ):
        assert type(read) is ShiftedCalendar
        assert read == shifted
        assert hash(read) == hash(shifted)
        assert list(read.steps(*RANGES[0])) == list(shifted.steps(*RANGES[0]))


def test_a_shift_by_a_calendar_of_the_registry():
    root = ModelRegistry.root()
    root.add("office", OFFICE, overwrite=True)
    try:
        shifted = BaseCalendar.model_validate(
            {"_target_": "ccflow_etl.ShiftedCalendar", "calendar": "ME", "n": 2, "by": "/office"}
        )
        assert shifted == IntervalCalendar(interval="ME").shift(2, OFFICE)
    finally:
        root.remove("office")


def test_random_shifts_by_days():
    rng = np.random.default_rng(8)
    for _ in range(150):
        n = int(rng.integers(-30, 31))
        inner = DailyCalendar() if rng.random() < 0.5 else Paydays()
        start = dt.datetime(2023, 1, 1, 7) + DAY * int(rng.integers(900))
        end = start + DAY * int(rng.integers(40))
        around = 120 * DAY
        given = inner.steps(start - around, end + around)
        expected = sorted(
            {s for s in (working_days_later(pd.Timestamp(g).to_pydatetime(), n) for g in given) if start <= s <= end}
        )
        assert list(inner.shift(n, OFFICE).steps(start, end)) == expected, (inner, n, start, end)


@pytest.mark.parametrize("minute", [30, 35, 40, 50, 59])
def test_hours_of_a_repeated_half_hour_are_all_moved(minute):
    """On 7 April 2024 Lord Howe had 01:30 to 02:00 twice; what is moved from there lies within the range asked for."""
    zone = ZoneInfo("Australia/Lord_Howe")
    start, end = dt.datetime(2024, 4, 8, 0, 45, tzinfo=zone), dt.datetime(2024, 4, 8, 1, minute, tzinfo=zone)
    begin = (start - DAY).astimezone(dt.UTC)
    instants = [begin + dt.timedelta(minutes=20) * k for k in range(9)]
    walls = {(when.astimezone(zone) + DAY).replace(tzinfo=None) for when in instants}
    expected = sorted(wall for wall in walls if wall <= end.replace(tzinfo=None))
    steps = IntervalCalendar(interval="20min").shift(1, "D").steps(start, end)
    assert steps.tz_localize(None).to_pydatetime().tolist() == expected


def test_a_range_whose_days_before_begin_at_a_repeated_time():
    begin = dt.datetime(2024, 10, 28, 2, 30, tzinfo=PARIS)  # 02:30 of the day before came twice
    steps = HourlyCalendar().shift(1, "D").steps(begin, begin.replace(hour=5))
    assert steps.tz_localize(None).hour.tolist() == [2, 3, 4, 5]

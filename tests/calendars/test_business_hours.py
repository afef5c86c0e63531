"""Business hours against a walk through each session, and against pandas."""

import datetime as dt
import pickle

import numpy as np
import pandas as pd
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf
from pydantic import ValidationError

from ccflow_etl import BaseCalendar, BusinessHourCalendar, FixedDate

DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
HOLIDAYS = ("2024-03-05", "2024-03-29", "2024-12-25")


def sessions(hours, start, end):
    """The sessions that reach into a range, one day at a time."""
    for i in range((end.date() - start.date()).days + 2):
        day = start.date() + DAY * (i - 1)
        opens, closes = (dt.datetime.combine(day, at) for at in (hours.open, hours.close))
        closes += DAY if closes <= opens else 0 * DAY
        if WEEKDAYS[day.weekday()] in hours.weekmask and day not in hours.holidays and closes > start:
            yield max(opens, start), closes


def expected_steps(hours, start, end):
    steps, wait = [], 0 * HOUR  # the working time until the next step
    for opens, closes in sessions(hours, start, end):
        at = opens
        while at + wait < closes:
            at += wait
            wait = hours.interval.n * HOUR
            steps.append(at)
        wait -= closes - at
    return [step for step in steps if step <= end]


CALENDARS = [
    BusinessHourCalendar(),
    BusinessHourCalendar(open="09:30", close="16:00", holidays=HOLIDAYS, interval="cbh"),
    BusinessHourCalendar(open="08:15", close="12:00", weekmask="Mon Wed Sat", interval="2bh"),
    BusinessHourCalendar(open="09:00", close="17:00", interval="5cbh", holidays=HOLIDAYS),
    BusinessHourCalendar(open="22:00", close="06:00", holidays=HOLIDAYS),
    BusinessHourCalendar(open="22:00", close="06:00", interval="3bh", weekmask="Sun Mon Tue Wed Thu"),
    BusinessHourCalendar(open="00:00", close="00:00", interval="7bh"),
    BusinessHourCalendar(open="10:00", close="10:20", interval="bh"),
]


@pytest.mark.parametrize("hours", CALENDARS, ids=repr)
def test_steps_are_working_time(hours):
    rng = np.random.default_rng(CALENDARS.index(hours))
    for _ in range(60):
        start = dt.datetime(2024, 1, 1) + dt.timedelta(minutes=int(rng.integers(366 * 1440)))
        start += dt.timedelta(microseconds=int(rng.integers(3))) * (rng.random() < 0.3)
        start = start.replace(hour=hours.open.hour, minute=hours.open.minute) if rng.random() < 0.3 else start
        end = start + dt.timedelta(hours=float(rng.uniform(-10, 500)))
        expected = expected_steps(hours, start, end)
        steps = hours.steps(start, end)
        assert steps.dtype == np.dtype("M8[us]")
        assert steps.freq is None
        assert list(steps.to_pydatetime()) == expected, (start, end)
        assert hours.count(start, end) == len(expected)
        blocks = hours.chunks(start, end, 7)
        assert [step for block in blocks for step in block.to_pydatetime()] == expected


@pytest.mark.parametrize("n", [1, 2, 3])
def test_hours_against_pandas(n):
    rng = np.random.default_rng(n)
    for _ in range(60):
        opens, closes = sorted(rng.choice(24, size=2, replace=False).tolist())
        start = dt.datetime(2024, 1, 1, opens, 0) + DAY * int(rng.integers(700))
        start += dt.timedelta(minutes=int(rng.integers((closes - opens) * 60)))
        end = start + dt.timedelta(hours=float(rng.uniform(0, 300)))
        times = {"start": f"{opens:02d}:00", "end": f"{closes:02d}:00"}
        for interval, freq in [
            (f"{n}bh", pd.offsets.BusinessHour(n, **times)),
            (f"{n}cbh", pd.offsets.CustomBusinessHour(n, holidays=HOLIDAYS, weekmask="Mon Tue Thu Fri", **times)),
        ]:
            fields = {"holidays": HOLIDAYS, "weekmask": "Mon Tue Thu Fri"} if interval.endswith("cbh") else {}
            hours = BusinessHourCalendar(open=times["start"], close=times["end"], interval=interval, **fields)
            expected = pd.date_range(start, end, freq=freq, unit="us")
            assert list(hours.steps(start, end)) == list(expected), (hours, start, end)


def test_a_closing_is_not_a_step():
    hours = BusinessHourCalendar(open="09:00", close="12:00")
    assert hours.steps("2024-03-01T09:00", "2024-03-01T12:00").hour.tolist() == [9, 10, 11]
    assert hours.steps("2024-03-01T12:00", "2024-03-04T10:00").to_pydatetime().tolist() == [
        *(dt.datetime(2024, 3, 4, 9), dt.datetime(2024, 3, 4, 10))
    ]
    assert not hours.contains("2024-03-01T12:00")
    assert not hours.contains("2024-03-02T10:00")
    assert hours.contains("2024-03-01T11:59:59.999999")


def test_hours_skip_closed_days():
    hours = BusinessHourCalendar(
        open="09:00", close="11:00", rules=[FixedDate(month=3, day=4)], holidays=["2024-03-05"]
    )
    assert hours.next("2024-03-01T10:00") == pd.Timestamp("2024-03-06T09:00")
    assert hours.previous("2024-03-06T09:00") == pd.Timestamp("2024-03-01T10:00")
    assert hours.next("2024-03-01T10:00", 5) == pd.Timestamp("2024-03-08T09:00")
    windows = hours.windows("2024-03-01T10:00", "2024-03-01T12:00")
    assert [(window.left, window.right) for window in windows] == [
        (pd.Timestamp("2024-03-01T10:00"), pd.Timestamp("2024-03-06T09:00"))
    ]


@pytest.mark.parametrize("hours", CALENDARS, ids=repr)
def test_navigation_in_working_time(hours):
    rng = np.random.default_rng(9)
    for _ in range(20):
        start = dt.datetime(2024, 1, 1) + dt.timedelta(minutes=int(rng.integers(366 * 1440)))
        steps = [step for step in expected_steps(hours, start, start + 40 * DAY) if step > start]
        for n in (1, 2, min(len(steps), 9)):
            assert hours.next(start, n) == steps[n - 1], (start, n)
        assert hours.next(hours.previous(steps[0])) == steps[0]
        assert hours.previous(steps[0]) < steps[0]
        assert hours.contains(steps[0])


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"interval": "h"}, "bh"),
        ({"interval": "C"}, "bh"),
        ({"open": "25:00"}, "open"),
        ({"close": "noon"}, "close"),
        ({"weekmask": ""}, "weekmask"),
        ({"open": dt.time(9, tzinfo=dt.UTC)}, "open"),
    ],
)
def test_hours_that_mean_nothing_are_refused(fields, named):
    with pytest.raises(ValidationError) as refused:
        BusinessHourCalendar(**fields)
    assert named in str(refused.value)


@pytest.mark.parametrize("hours", CALENDARS, ids=repr)
def test_hours_are_written_as_data(hours):
    for read in (
        BaseCalendar.model_validate_json(hours.model_dump_json()),
        BaseCalendar.model_validate(hours.model_dump(mode="json", by_alias=True)),
        pickle.loads(pickle.dumps(hours)),
    ):
        assert type(read) is BusinessHourCalendar
        assert read == hours
        assert hash(read) == hash(hours)


@pytest.mark.parametrize(
    ("written", "time"),
    [
        ("09:00", dt.time(9)),
        ("9:00", dt.time(9)),
        ("17:00", dt.time(17)),
        ("23:59", dt.time(23, 59)),
        ("1:00", dt.time(1)),
        ("17:30:15", dt.time(17, 30, 15)),
        ("1:00:00", dt.time(1)),
        ("'17:00'", dt.time(17)),
        ("'9:15'", dt.time(9, 15)),
    ],
)
def test_times_as_yaml_has_them(written, time):
    """YAML reads 17:00 without quotes as the number 1020, sixty to the hour."""
    node = OmegaConf.create(f"_target_: ccflow_etl.BusinessHourCalendar\nopen: {written}\nclose: {written}")
    hours = instantiate(node)
    assert (hours.open, hours.close) == (time, time)


@pytest.mark.parametrize("number", [9, 17, 0, 59, 1440, 3599, 86400, -60])
def test_numbers_that_are_no_times_are_refused(number):
    with pytest.raises(ValidationError, match=f"{number} is a number and not a time of day: write it as '09:30'"):
        BusinessHourCalendar(open=number)


def test_without_more_words_hours_are_nine_to_five_from_monday_to_friday():
    steps = BusinessHourCalendar().steps("2024-03-01", "2024-03-04T23:00")
    assert steps.strftime("%a %H").tolist() == [f"{day} {hour:02}" for day in ("Fri", "Mon") for hour in range(9, 17)]

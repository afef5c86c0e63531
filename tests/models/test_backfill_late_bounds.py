"""Bounds of a backfill that are said relative to now, and what is recorded of them."""

import datetime as dt
import pickle
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from ccflow import DateContext
from pydantic import ValidationError

from ccflow_etl import BackfillContext, DailyCalendar, RuleCalendar, WeekdayCalendar

NOW = dt.datetime(2024, 3, 3, 12, 34, 56)  # a Sunday
ANCHOR = dt.datetime(2024, 3, 31, 8)


def backfill(start, end, now=NOW, **fields):
    return BackfillContext[DateContext](start_datetime=start, end_datetime=end, now=now, **fields)


@pytest.mark.parametrize(
    ("expression", "instant"),
    [
        ("today", dt.datetime(2024, 3, 3)),
        ("yesterday", dt.datetime(2024, 3, 2)),
        ("now", NOW),
        ("-30D", dt.datetime(2024, 2, 2)),
        ("-1D", dt.datetime(2024, 3, 2)),
        ("-2W", dt.datetime(2024, 2, 18)),
        ("-1M", dt.datetime(2024, 2, 3)),
        ("-12M", dt.datetime(2023, 3, 3)),
        ("-1ME", dt.datetime(2024, 2, 29)),
        ("-1B", dt.datetime(2024, 3, 1)),
        ("-1daily", dt.datetime(2024, 3, 2)),
        ("-1business-day", dt.datetime(2024, 3, 1)),
        ("-2h", dt.datetime(2024, 3, 3, 10, 34, 56)),
        ("-1D+6h", dt.datetime(2024, 3, 2, 6)),
        ("today-1M", dt.datetime(2024, 2, 3)),
        ("today - 1M + 6h", dt.datetime(2024, 2, 3, 6)),
        ("yesterday+12h", dt.datetime(2024, 3, 2, 12)),
        ("now-90min", dt.datetime(2024, 3, 3, 11, 4, 56)),
        (" today ", dt.datetime(2024, 3, 3)),
    ],
)
def test_expressions(expression, instant):
    context = backfill(expression, "2030-01-01")
    assert context.start_datetime == instant
    assert context.end_datetime == dt.datetime(2030, 1, 1)
    assert backfill("2020-01-01", expression).end_datetime == instant
    assert context == backfill(instant, "2030-01-01")
    assert context.context == DateContext(date=instant.date())


def test_months_back_are_clamped():
    assert backfill("-1M", "now", ANCHOR).start_datetime == dt.datetime(2024, 2, 29)
    assert backfill("now-1M", "now", ANCHOR).start_datetime == dt.datetime(2024, 2, 29, 8)


@pytest.mark.parametrize(
    ("fields", "latest"),
    [
        ({}, dt.datetime(2024, 3, 3)),
        ({"calendar": WeekdayCalendar()}, dt.datetime(2024, 3, 1)),
        ({"calendar": "ME"}, dt.datetime(2024, 2, 29)),
        ({"interval": "MS"}, dt.datetime(2024, 3, 1)),
        ({"interval": "3D"}, dt.datetime(2024, 3, 1)),
        ({"interval": "1h"}, dt.datetime(2024, 3, 3, 12)),
        ({"calendar": RuleCalendar(holidays=["2024-03-01", "2024-02-29"])}, dt.datetime(2024, 2, 28)),
        ({"calendar": {"_target_": "ccflow_etl.WeekdayCalendar"}}, dt.datetime(2024, 3, 1)),
    ],
    ids=repr,
)
def test_the_latest_step(fields, latest):
    context = backfill("2024-01-01", "latest", **fields)
    assert context.end_datetime == latest
    assert context.steps()[-1] == latest
    assert len(context.steps()) == len(backfill("2024-01-01", NOW, **fields).steps())


def test_the_latest_step_is_now_if_now_is_a_step():
    assert backfill("2024-01-01", "latest", dt.datetime(2024, 2, 29), interval="ME").end_datetime == dt.datetime(
        2024, 2, 29
    )
    assert backfill("latest", "latest", calendar=WeekdayCalendar()).steps().day.tolist() == [1]
    assert backfill("latest-1M", "latest", interval="ME").start_datetime == dt.datetime(2024, 1, 29)


def test_the_list_form_takes_expressions():
    context = BackfillContext[DateContext].model_validate(["yesterday", "today"])
    midnight = dt.datetime.now().replace(hour=0, minute=0, second=0, microsecond=0)
    assert context.end_datetime - context.start_datetime == dt.timedelta(days=1)
    assert abs(context.end_datetime - midnight) <= dt.timedelta(days=1)  # the day may turn between the two


def test_now_is_the_clock():
    before = dt.datetime.now()
    context = BackfillContext[DateContext](start_datetime="2024-01-01", end_datetime="now")
    assert before <= context.end_datetime <= dt.datetime.now()


@pytest.mark.parametrize("start", ["today", "2024-01-01"])
def test_a_now_that_is_no_time_is_named(start):
    with pytest.raises(ValidationError, match=r"now 'soon' is not an ISO 8601 date or time"):
        backfill(start, "2024-03-01", "soon")


@pytest.mark.parametrize(
    "value",
    [2024, 2024.5, True, {}, {"dt": "2024-01-01"}, [], [1, 2], ("2024-01-01", "UTC"), b"2024-01-01", np.array([1, 2])],
    ids=repr,
)
@pytest.mark.parametrize("field", ["now", "start_datetime", "end_datetime"])
@pytest.mark.parametrize("other", ["2024-01-01", "latest"])
def test_an_instant_of_another_type_is_told_at_its_field(field, value, other):
    fields = {"start_datetime": other, "end_datetime": other, "now": NOW} | {field: value}
    with pytest.raises(ValidationError) as refused:
        BackfillContext[DateContext].model_validate(fields)
    [told] = refused.value.errors()
    assert told["loc"] == (field,)
    expected = f"{field} {value!r} is of type {type(value).__name__} and not a date: write it as 2024-01-31 or "
    assert told["msg"].startswith(f"Value error, {expected}")


@pytest.mark.parametrize("value", [None, pd.NaT, np.datetime64("NaT")], ids=repr)
@pytest.mark.parametrize("other", ["2024-01-01", "latest"])
def test_a_bound_that_is_missing_is_told_at_its_field(value, other):
    for field in ("start_datetime", "end_datetime"):
        with pytest.raises(ValidationError, match=f"{field} .*is missing") as refused:
            BackfillContext.model_validate({"start_datetime": other, "end_datetime": other, "now": NOW, field: value})
        assert [told["loc"] for told in refused.value.errors()] == [(field,)]


@pytest.mark.parametrize("now", [NOW, NOW.isoformat(), str(NOW), pd.Timestamp(NOW), np.datetime64(NOW)])
def test_now_may_be_given_in_any_way(now):
    assert backfill("today", "now", now) == backfill(dt.datetime(2024, 3, 3), NOW)


def test_the_resolved_instants_are_recorded():
    context = backfill("-30D", "latest", calendar=WeekdayCalendar())
    text = context.model_dump_json()
    assert "now" not in text
    assert "latest" not in text
    for read in (
        BackfillContext[DateContext].model_validate_json(text),
        BackfillContext[DateContext].model_validate(context.model_dump()),
        pickle.loads(pickle.dumps(context)),
    ):
        assert read == context
        assert (read.start_datetime, read.end_datetime) == (dt.datetime(2024, 2, 2), dt.datetime(2024, 3, 1))
        assert list(read.step_contexts()) == list(context.step_contexts())


def test_in_a_time_zone():
    zone = ZoneInfo("America/New_York")
    now = dt.datetime(2024, 3, 10, 12, tzinfo=zone)
    context = backfill("yesterday", "today", now)
    assert context.start_datetime == dt.datetime(2024, 3, 9, tzinfo=zone)
    assert context.end_datetime == dt.datetime(2024, 3, 10, tzinfo=zone)
    assert backfill("now-1D", "now", now).start_datetime == dt.datetime(2024, 3, 9, 12, tzinfo=zone)
    assert backfill("now-24h", "now", now).start_datetime == dt.datetime(2024, 3, 9, 11, tzinfo=zone)


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        *(("yesteryear", "yesteryear"), ("nows", "nows"), ("today-", "today-"), ("today+", "today+"), ("--1D", "--1D")),
        *(("-0D", "0D"), ("-1.5h", "1.5h"), ("-2Q", "2Q"), ("latest-0M", "0M")),
    ],
)
def test_what_is_no_expression_is_refused_by_name(expression, named):
    for start, end in ((expression, "2030-01-01"), ("2020-01-01", expression)):
        with pytest.raises(ValidationError) as refused:
            backfill(start, end)
        assert named in str(refused.value)


def test_a_latest_step_that_is_not_there_is_an_error():
    with pytest.raises(ValidationError, match="latest"):
        backfill("2024-03-02", "latest", calendar="ME")


def test_now_alone_changes_nothing():
    assert backfill("2024-01-01", "2024-01-02") == backfill("2024-01-01", "2024-01-02", dt.datetime(1999, 1, 1))
    assert backfill("2024-01-01", "2024-01-02", calendar=DailyCalendar()).calendar == DailyCalendar()


@pytest.mark.parametrize("bounds", [("last", "latest"), ("-1.5h", "now"), ("latest", "tomorow"), ("-30D", "end")])
def test_what_is_no_expression_beside_one_says_what_is(bounds):
    with pytest.raises(ValidationError, match="Relative to now it is one of now, today") as refused:
        backfill(*bounds)
    field = "end_datetime" if bounds[0] in ("latest", "-30D") else "start_datetime"
    assert [told["loc"] for told in refused.value.errors()] == [(field,)]


def test_a_day_without_a_midnight_begins_later():
    """2017-10-15 begins at 01:00 in Sao Paulo: hours count from there, days keep the wall time for their policy."""
    zone = ZoneInfo("America/Sao_Paulo")
    now = dt.datetime(2017, 10, 15, 3, 30, tzinfo=zone)
    hours = backfill("today", "latest", now, interval="h").steps()
    assert [step.hour for step in hours] == [1, 2, 3]
    assert backfill("latest", "now", now, interval="h").start_datetime.hour == 3
    days = DailyCalendar(nonexistent="shift_forward")
    context = backfill("today", dt.datetime(2017, 10, 17, tzinfo=zone), now, calendar=days)
    assert [step.hour for step in context.steps()] == [1, 0, 0]
    read = type(context).model_validate_json(context.model_dump_json())
    assert list(read.steps()) == list(context.steps())

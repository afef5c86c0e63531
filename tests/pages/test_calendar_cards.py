"""What a notebook shows of intervals and calendars."""

import datetime as dt
import time

import pandas as pd
import pytest

from ccflow_etl import (
    BaseCalendar,
    BusinessHourCalendar,
    DailyCalendar,
    Dates,
    EasterOffset,
    FixedDate,
    HourlyCalendar,
    Interval,
    IntervalCalendar,
    NthWeekday,
    PeriodEdgeCalendar,
    RuleCalendar,
    WeekdayCalendar,
)
from ccflow_etl.calendars.rules import BaseRule
from ccflow_etl.calendars.units import UNITS

MEANINGS = {
    "D": "Every day from the start.",
    "2W": "Every 2 weeks from the start.",
    "15min": "Every 15 minutes from the start.",
    "M": "Every month from the start, on its day of the month or the last one that a month has.",
    "3M": "Every 3 months from the start, on its day of the month or the last one that a month has.",
    "B": "Monday to Friday.",
    "MS": "The first day of each month.",
    "3ME": "The last day of each month, every 3rd one of them from the start.",
    "BQS": "The first weekday of each quarter.",
    "CBME": "The last working day of each month.",
    "YE": "The last day of each year.",
    "SMS": "The 1st and the 15th of each month.",
    "2bh": "Every 2 working hours from the start.",
}

WITHOUT_STEPS = {"C", "CBMS", "CBME", "bh", "cbh", "ns"}
SIX_STEPS = dict.fromkeys([unit for unit in UNITS if unit not in WITHOUT_STEPS], "2034-01-01")
SIX_STEPS |= {"s": "2024-01-02", "ms": "2024-01-01T00:01", "us": "2024-01-01T00:00:01"}

EVERY_CALENDAR = [
    DailyCalendar(),
    HourlyCalendar(),
    WeekdayCalendar(),
    IntervalCalendar(interval="us"),
    IntervalCalendar(interval="ns"),
    RuleCalendar(rules=[FixedDate(month=1, day=1)], extra_days=["2024-01-06"]),
    BusinessHourCalendar(open="09:00", close="12:30"),
    PeriodEdgeCalendar(calendar="B", period="month", which=-2),
    BaseCalendar.model_validate("MS") | BaseCalendar.model_validate("ME"),
    BaseCalendar.model_validate("ME") & BaseCalendar.model_validate("B"),
    BaseCalendar.model_validate("D") - BaseCalendar.model_validate("B"),
    BaseCalendar.model_validate("ME").shift(2, by="B"),
]


class Written(BaseCalendar):
    """Two days, given as a list."""

    def steps(self, start, end):
        days = [dt.datetime(2024, 2, 29), dt.datetime(2024, 3, 1)]
        return [day for day in days if pd.Timestamp(start) <= day <= pd.Timestamp(end)]


class Broken(BaseCalendar):
    """Has <no> steps."""

    def steps(self, start, end):
        raise RuntimeError("the list of <b>days</b> is not there")


def facts(card):
    return dict(card.find("table", **{"class": "facts"}).rows())


@pytest.mark.parametrize("text", MEANINGS)
def test_an_interval_says_what_it_means(text, read_html):
    assert MEANINGS[text] in read_html(Interval.model_validate(text)._repr_html_()).text


@pytest.mark.parametrize("unit", UNITS)
def test_every_unit_is_shown_with_its_first_steps_or_why_there_are_none(unit, read_html):
    shown = facts(read_html(Interval(offset=unit)._repr_html_()))
    if unit in SIX_STEPS:
        first = Interval(offset=unit).steps("2024-01-01", SIX_STEPS[unit])[:6]
        assert shown["from 2024-01-01"] == ", ".join([*first.astype(str), "…"])
    else:
        assert shown["steps"].startswith(f"ValueError: Interval 1{unit} is not supported")


@pytest.mark.parametrize("calendar", EVERY_CALENDAR, ids=lambda calendar: type(calendar).__name__)
def test_every_calendar_is_shown_by_its_name_and_its_steps(calendar, read_html):
    card = read_html(calendar._repr_html_())
    assert card.find("strong").text == type(calendar).__name__
    assert {"from 2024-01-01", "steps"} & facts(card).keys()
    assert calendar._repr_html_() == calendar._repr_html_()


def test_rules_are_told_in_words(read_html):
    rules = [
        FixedDate(month=12, day=26, observance="nearest", since=1990, except_years=[2001, 2002]),
        NthWeekday(month=5, weekday="Mon", n=-1),
        NthWeekday(month=11, weekday="Thu", n=4, until=2030),
        NthWeekday(month=11, weekday="Thu", n=-2),
        EasterOffset(days=-2),
        EasterOffset(days=0),
        EasterOffset(days=1),
        Dates(dates=[f"2024-06-0{day}" for day in range(1, 8)]),
    ]
    table = list(read_html(RuleCalendar(rules=rules)._repr_html_()).find_all("table"))[-1]
    assert table.find("caption").text == "8 rules that close days"
    assert table.rows()[1:] == [
        ["26 December, on a weekend the nearest Friday or Monday", "since 1990-01-01, except 2001, 2002"],
        ["The last Monday of May", "always"],
        ["The 4th Thursday of November", "until 2030-12-31"],
        ["The 2nd to last Thursday of November", "always"],
        ["2 days before Easter Sunday", "always"],
        ["Easter Sunday", "always"],
        ["1 day after Easter Sunday", "always"],
        ["2024-06-01, 2024-06-02, 2024-06-03, 2024-06-04, 2024-06-05 and 2 more", "always"],
    ]


class FirstOfYear(BaseRule):
    """A rule that is written elsewhere."""

    def _nominal(self, years):
        return (years - 1970) * 365

    def __str__(self):
        return "About the first day of <a> year"


def test_a_rule_that_is_written_elsewhere_is_told_as_it_tells_itself(read_html):
    table = list(read_html(RuleCalendar(rules=[FirstOfYear(until=1975)])._repr_html_()).find_all("table"))[-1]
    assert table.rows()[1:] == [["About the first day of <a> year", "until 1975-12-31"]]


def test_calendars_with_rules_inside_a_calendar_tell_how_many(read_html):
    inside = RuleCalendar(rules=[FixedDate(month=1, day=1)], holidays=["2024-01-03"]) | WeekdayCalendar()
    told = facts(read_html(inside._repr_html_()))["calendars"]
    assert told == "RuleCalendar(rules: 1 rule, holidays: 2024-01-03), WeekdayCalendar"


def test_the_days_of_a_year_are_drawn_and_told(read_html):
    card = read_html(WeekdayCalendar()._repr_html_())
    image = card.find("svg", role="img")
    assert image.attributes["aria-label"] == "The days of 2024: 262 days with a step, 104 days without"
    cells = {path.attributes["class"]: path.attributes["d"].count("z") for path in image.find_all("path")}
    assert cells == {"none": 104, "done": 262}


def test_seconds_are_not_drawn(read_html):
    assert not list(read_html(IntervalCalendar(interval="s")._repr_html_()).find_all("svg"))


def test_a_calendar_written_elsewhere_is_shown(read_html):
    card = read_html(Written()._repr_html_())
    assert facts(card) == {"from 2024-01-01": "2024-02-29, 2024-03-01, …"}
    assert "Two days, given as a list." in card.text


def test_a_calendar_that_raises_is_shown_with_its_error(read_html):
    card = read_html(Broken()._repr_html_())
    assert facts(card) == {"steps": "RuntimeError: the list of <b>days</b> is not there"}
    assert "Has <no> steps." in card.text


def test_calendars_inside_a_calendar_are_named(read_html):
    inside = facts(read_html((WeekdayCalendar() - IntervalCalendar(interval="ME"))._repr_html_()))
    assert inside["calendars"] == "WeekdayCalendar, IntervalCalendar(interval: 1ME)"


def test_the_finest_calendar_takes_no_longer_than_its_first_steps():
    IntervalCalendar(interval="us")._repr_html_()  # what is imported once
    start = time.process_time()
    IntervalCalendar(interval="us")._repr_html_()
    assert time.process_time() - start < 1

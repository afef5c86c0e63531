"""What a notebook shows of an interval and of a calendar: what it means, and its steps in a sample of time."""

from itertools import islice

import numpy as np

from ..pages.card import Card, Table
from ..pages.grid import Kind, Picture, draw
from ..pages.layouts import DAY, wall_ticks
from ..pages.text import number
from .builtin import IntervalCalendar
from .calendar import BaseCalendar
from .interval import Interval
from .rules import BaseRule
from .words import brief, meaning, rule_in_words, term_of

__all__ = ["calendar_card", "interval_card"]

# The sample begins on a Monday that is the first day of a leap year, and is longer for calendars with fewer steps.
_START, _YEAR_END = "2024-01-01", "2024-12-31T23:59:59.999999"
_ENDS = ("2024-01-07T23:59:59.999999", _YEAR_END, "2033-12-31", "2123-12-31")
_STEPS = 6  # that are shown
_DENSE = 1000  # steps a week, of which a year's are not looked at


def interval_card(interval: Interval) -> Card:
    """The meaning of an interval and its first steps from the beginning of 2024.

    >>> interval_card(Interval(offset="MS")).facts
    [('from 2024-01-01', '2024-01-01, 2024-02-01, 2024-03-01, 2024-04-01, 2024-05-01, 2024-06-01, …')]
    """
    return Card(f"Interval {interval}", meaning(interval), [_first(IntervalCalendar(interval=interval))])


def calendar_card(calendar: BaseCalendar) -> Card:
    """The configuration of a calendar, its first steps from the beginning of 2024, and the days of that year.

    >>> calendar_card(BaseCalendar.model_validate("1B")).told
    'Monday to Friday.'
    """
    fields = type(calendar).model_fields
    given = [
        (name, value)
        for name, value in calendar.__dict__.items()
        if value != fields[name].default or (name not in BaseCalendar.model_fields and value != ())
    ]
    rules = [rule for _, value in given if _are_rules(value) for rule in value]
    facts = [(name, brief(value)) for name, value in given if not _are_rules(value)]
    tables = []
    if rules:
        lines = [(rule_in_words(rule), term_of(rule)) for rule in rules]
        title = number(len(rules), "rule that closes days", "rules that close days")
        tables.append(Table(title, ("days", "in force"), lines, wide=frozenset({"days"})))
    return Card(type(calendar).__name__, _told(calendar), [*facts, _first(calendar)], _picture(calendar), tables)


def _are_rules(value: object) -> bool:
    return isinstance(value, tuple) and bool(value) and all(isinstance(item, BaseRule) for item in value)


def _told(calendar: BaseCalendar) -> str:
    """What its interval means, or else the first line of its documentation."""
    interval = getattr(calendar, "interval", None)
    if isinstance(interval, Interval):
        return meaning(interval)
    return (type(calendar).__doc__ or "").strip().partition("\n")[0].replace("``", "")


def _first(calendar: BaseCalendar) -> tuple[str, str]:
    try:
        return f"from {_START}", _listed(calendar)
    except Exception as error:  # of a calendar that is written elsewhere, any
        return "steps", f"{type(error).__name__}: {error}"


def _listed(calendar: BaseCalendar) -> str:
    found: list[str] = []
    for end in _ENDS:
        for steps in islice(calendar.chunks(_START, end, _STEPS), 1):
            found = steps.astype(str).tolist()
        if len(found) == _STEPS:
            break
    return ", ".join([*found, "…"]) if found else f"no step until {_ENDS[-1]}"


def _picture(calendar: BaseCalendar) -> Picture | None:
    """The days of 2024 with a step and those without, where there are not many steps a day."""
    try:
        steps = [] if calendar.count(_START, _ENDS[0]) > _DENSE else calendar.steps(_START, _YEAR_END)
    except Exception:  # which the steps have told
        return None
    if not len(steps):
        return None
    every = np.arange(366) * DAY + wall_ticks([_START])
    having = np.isin(every, wall_ticks(steps) // DAY * DAY)
    days = int(having.sum())
    with_step, without = f"{number(days, 'day')} with a step", f"{number(366 - days, 'day')} without"
    kinds = [Kind("none", without), Kind("done", with_step)]
    return draw("The days of 2024", every, every + DAY, having.astype(np.int64), kinds)

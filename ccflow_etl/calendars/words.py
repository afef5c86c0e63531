"""Intervals, rules and calendars in words."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from ..pages.text import number, ordinal
from .calendar import BaseCalendar
from .interval import Interval
from .rules import BaseRule, Dates, EasterOffset, FixedDate, NthWeekday

__all__ = ["brief", "meaning", "rule_in_words", "term_of"]

_LENGTHS = {
    "W": "week",
    "D": "day",
    "h": "hour",
    "min": "minute",
    "s": "second",
    "ms": "millisecond",
    "us": "microsecond",
    "ns": "nanosecond",
    "bh": "working hour",
    "cbh": "working hour",
}
_DAYS = {
    "B": "Monday to Friday",
    "C": "Each working day",
    "SMS": "The 1st and the 15th of each month",
    "SME": "The 15th and the last day of each month",
}
_EDGES = {"S": "first", "E": "last"}
_PERIODS = {"M": "month", "Q": "quarter", "Y": "year"}
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WEEKDAYS = {
    "Mon": "Monday",
    "Tue": "Tuesday",
    "Wed": "Wednesday",
    "Thu": "Thursday",
    "Fri": "Friday",
    "Sat": "Saturday",
    "Sun": "Sunday",
}
_OBSERVED = {
    "none": "",
    "nearest": ", on a weekend the nearest Friday or Monday",
    "next_monday": ", on a weekend the next Monday",
    "sunday_to_monday": ", on a Sunday the next Monday",
}
_SHOWN = 5  # dates


def meaning(interval: Interval) -> str:
    """Which steps an interval makes, in a sentence.

    >>> meaning(Interval(offset="BQE", n=2))
    'The last weekday of each quarter, every 2nd one of them from the start.'
    >>> meaning(Interval(offset="D", n=10))
    'Every 10 days from the start.'
    """
    unit, n = interval.offset, interval.n
    if unit == "M":
        months = "month" if n == 1 else f"{n:,} months"
        return f"Every {months} from the start, on its day of the month or the last one that a month has."
    if unit in _LENGTHS:
        return f"Every {_LENGTHS[unit] if n == 1 else number(n, _LENGTHS[unit])} from the start."
    days = _DAYS.get(unit) or _edge(unit)
    return f"{days}." if n == 1 else f"{days}, every {ordinal(n)} one of them from the start."


def _edge(unit: str) -> str:
    """The first or last day of a period, of which the last two letters tell, and any before them which days count."""
    kind = {"": "day", "B": "weekday", "CB": "working day"}[unit[:-2]]
    return f"The {_EDGES[unit[-1]]} {kind} of each {_PERIODS[unit[-2]]}"


def rule_in_words(rule: BaseRule) -> str:
    """Which days a rule closes.

    >>> rule_in_words(NthWeekday(month=5, weekday="Mon", n=-1)), rule_in_words(EasterOffset(days=-2))
    ('The last Monday of May', '2 days before Easter Sunday')
    """
    match rule:
        case FixedDate():
            return f"{rule.day} {_MONTHS[rule.month - 1]}{_OBSERVED[rule.observance]}"
        case NthWeekday(n=n):
            which = ordinal(n) if n > 0 else "last" if n == -1 else f"{ordinal(-n)} to last"
            return f"The {which} {_WEEKDAYS[rule.weekday]} of {_MONTHS[rule.month - 1]}"
        case EasterOffset(days=0):
            return "Easter Sunday"
        case EasterOffset(days=days):
            return f"{number(abs(days), 'day')} {'before' if days < 0 else 'after'} Easter Sunday"
        case Dates(dates=dates):
            return _dates(dates)
        case _:
            return str(rule)


def term_of(rule: BaseRule) -> str:
    """When a rule is in force.

    >>> term_of(FixedDate(month=6, day=19, since=2021, except_years=[2030]))
    'since 2021-01-01, except 2030'
    """
    parts = [f"{word} {day}" for word, day in (("since", rule.since), ("until", rule.until)) if day is not None]
    parts += [f"except {', '.join(map(str, rule.except_years))}"] if rule.except_years else []
    return ", ".join(parts) or "always"


def brief(value: Any) -> str:
    """A value of a calendar's configuration in a line, other calendars with what they are made of.

    >>> brief(BaseCalendar.model_validate("MS") | BaseCalendar.model_validate("ME"))
    'UnionCalendar(calendars: IntervalCalendar(interval: 1MS), IntervalCalendar(interval: 1ME))'
    """
    if isinstance(value, BaseCalendar):
        inside = ", ".join(f"{name}: {brief(part)}" for name, part in value.__repr_args__())
        return f"{type(value).__name__}({inside})" if inside else type(value).__name__
    if isinstance(value, tuple):
        if all(isinstance(item, dt.date) for item in value):
            return _dates(value)
        if all(isinstance(item, BaseRule) for item in value):
            return number(len(value), "rule")
        return ", ".join(map(brief, value))
    return str(value)


def _dates(dates: Sequence[dt.date]) -> str:
    more = f" and {len(dates) - _SHOWN:,} more" if len(dates) > _SHOWN else ""
    return ", ".join(map(str, dates[:_SHOWN])) + more

"""Bounds that are bound late: today, thirty days ago, the latest step, against a ``now`` that can be given."""

import datetime as dt
import re
from typing import Any

import numpy as np

from .builtin import IntervalCalendar
from .calendar import BaseCalendar
from .instants import to_datetime
from .interval import Interval
from .units import NAMES, UNITS, parse_interval

__all__ = ["is_expression", "read_bound", "read_instant", "resolve_bounds"]

# The longest words first, so that business-day is not taken for a unit and a minus.
_WORDS = "|".join(sorted((*UNITS, *NAMES), key=len, reverse=True))
_TERM = re.compile(rf"([+-])\s*(\d*\s*(?:{_WORDS})(?![A-Za-z_]))\s*")
_ANCHORS = "now, today, yesterday, tomorrow, latest"
_EXPRESSION = re.compile(rf"({_ANCHORS.replace(', ', '|')})?\s*((?:{_TERM.pattern})*)")
_DAYS = {"today": 0, "yesterday": -1, "tomorrow": 1}


def is_expression(bound: Any) -> bool:
    """Whether a bound is an expression rather than an instant.

    An expression is ``now``, ``today``, ``yesterday``, ``tomorrow`` (midnights) or ``latest``, moved by any number of
    signed intervals (``latest-1M``, ``today+12h``); signed intervals alone count from today, or from now where they
    are hours and less.

    >>> [is_expression(bound) for bound in ("-30D", "latest", "today - 1M + 6h", "2024-01-31")]
    [True, True, True, False]
    """
    return isinstance(bound, str) and bool(bound.strip()) and _EXPRESSION.fullmatch(bound.strip()) is not None


def read_instant(when: Any, name: str) -> dt.datetime:
    """The datetime of what is given as an instant, of whatever type.

    Raises:
        ValueError: It is not one, or is missing; the message names it.

    >>> read_instant(dt.date(2024, 1, 31), "now")
    datetime.datetime(2024, 1, 31, 0, 0)
    """
    if isinstance(when, str | dt.date | np.datetime64 | None):
        return to_datetime(when, name)  # which tells None as missing
    kind = type(when).__name__
    raise ValueError(
        f"{name} {when!r:.200} is of type {kind} and not a date: write it as 2024-01-31 or 2024-01-31T09:30."
    )


def read_bound(bound: Any, name: str) -> dt.datetime:
    """The instant of a bound that is not relative to now.

    Raises:
        ValueError: It is none; the message says what else a bound may be.

    >>> read_bound("2024-01-31", "start")
    datetime.datetime(2024, 1, 31, 0, 0)
    """
    try:
        return read_instant(bound, name)
    except ValueError as error:
        raise ValueError(
            f"{error} Relative to now it is one of {_ANCHORS}, signed intervals such as -30D, or both, as in latest-1M."
        ) from None


def resolve_bounds(start: Any, end: Any, calendar: BaseCalendar, now: dt.datetime | None = None) -> tuple[Any, Any]:
    """The bounds of a range with each expression replaced by the instant it means.

    ``latest`` as an end is the last step at or before now of the range that begins with ``start``; as a start it is the
    last step at or before now of the range that begins with today, or else the last one before today.

    Args:
        start: An instant or an expression.
        end: An instant or an expression.
        calendar: The calendar that ``latest`` asks.
        now: What ``now`` means; by default the clock, in the time zone of the bound that has one.

    Returns:
        Both bounds; one that is no expression is as it was given.

    Raises:
        ValueError: An interval is not one, or ``latest`` finds no step.

    >>> weekdays = IntervalCalendar(interval="1B")
    >>> resolve_bounds("-30D", "latest", weekdays, now=dt.datetime(2024, 3, 3, 12))
    (datetime.datetime(2024, 2, 2, 0, 0), datetime.datetime(2024, 3, 1, 0, 0))
    """
    if not is_expression(start) and not is_expression(end):
        return start, end
    now = now or dt.datetime.now(_zone(start) or _zone(end))
    begin = _existing(_resolve(start, now, lambda: _latest(calendar, now)), calendar) if is_expression(start) else start
    finish = _resolve(end, now, lambda: _latest_since(calendar, begin, now)) if is_expression(end) else end
    return begin, finish


def _zone(bound: Any) -> dt.tzinfo | None:
    return None if is_expression(bound) else to_datetime(bound).tzinfo


def _resolve(text: str, now: dt.datetime, latest: Any) -> dt.datetime:
    match = _EXPRESSION.fullmatch(text.strip())
    assert match is not None  # is_expression said so
    anchor, terms = match.group(1), match.group(2)
    moves = [(sign, parse_interval(interval)) for sign, interval in _TERM.findall(terms)]
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if anchor == "latest":
        moment = latest()
    elif anchor in _DAYS:
        moment = midnight + dt.timedelta(days=_DAYS[anchor])
    else:
        short = all(Interval(offset=offset).elapsed for _, (offset, _) in moves)
        moment = now if anchor == "now" or short else midnight
    for sign, (offset, n) in moves:
        unit = IntervalCalendar(interval=Interval(offset=offset), nonexistent="shift_forward", ambiguous="earlier")
        moment = (unit.next(moment, n) if sign == "+" else unit.previous(moment, n)).to_pydatetime()
    return moment


def _existing(moment: dt.datetime, calendar: BaseCalendar) -> dt.datetime:
    """The first instant of a day whose midnight the zone skips, to count hours from; days keep the wall time."""
    if moment.tzinfo is None or not calendar._elapsed:
        return moment
    return moment.astimezone(dt.UTC).astimezone(moment.tzinfo)


def _latest(calendar: BaseCalendar, now: dt.datetime) -> dt.datetime:
    midnight = _existing(now.replace(hour=0, minute=0, second=0, microsecond=0), calendar)
    since = calendar.ticks(midnight, now).last()
    return (since[0] if len(since) else calendar.previous(midnight)).to_pydatetime()


def _latest_since(calendar: BaseCalendar, start: Any, now: dt.datetime) -> dt.datetime:
    since = calendar.ticks(start, now).last()
    if since.empty:
        raise ValueError(
            f"latest: {calendar!r} has no step from {start} to {now}, give an earlier start or another end."
        )
    return since[0].to_pydatetime()

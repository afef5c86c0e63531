"""Working days: the table of days that a weekmask, rules and one-off dates leave open, grown on demand."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .civil import first_day, month_of
from .grids import DAY, NOWHERE, Places
from .rules import BaseRule, day_number

__all__ = ["WorkingDays", "working_days"]

# Tables grow by whole blocks of years, so that looking a little further does not rebuild them each time.
_BLOCK = 16
_FIRST_YEAR, _LAST_YEAR = 1, 9999


@dataclass(frozen=True)
class WorkingDays:
    """What decides whether a day is open. Precedence: extra days, then holidays and rules, then the weekmask."""

    weekmask: tuple[bool, ...]
    rules: tuple[BaseRule, ...] = ()
    holidays: tuple[dt.date, ...] = ()
    extra_days: tuple[dt.date, ...] = ()

    def between(self, first_year: int, last_year: int) -> Places:
        """The open days of whole years as sorted day numbers."""
        start, stop = int(first_day((first_year - 1970) * 12)), int(first_day((last_year - 1969) * 12))
        week = np.roll(np.array(self.weekmask), -((start + 3) % 7))
        is_open = np.tile(week, (stop - start) // 7 + 1)[: stop - start]
        # A neighbouring year's holiday may be kept in this one.
        closures = [rule.closures(first_year - 1, last_year + 1) for rule in self.rules]
        closed = np.concatenate([*closures, _numbers(self.holidays)])
        is_open[_inside(closed, start, stop) - start] = False
        is_open[_inside(_numbers(self.extra_days), start, stop) - start] = True
        return np.flatnonzero(is_open) + start


def _numbers(days: tuple[dt.date, ...]) -> Places:
    return np.array([day_number(day) for day in days], dtype=np.int64) if days else NOWHERE


def _inside(days: Places, start: int, stop: int) -> Places:
    return days[(days >= start) & (days < stop)]


def every_day(days: Places) -> Places:
    """The working days themselves: unit ``C``."""
    return days


def month_starts(days: Places) -> Places:
    """The first working day of each month that has one: unit ``CBMS``."""
    found = _month_bounds(days)
    return days[found[:-1][found[:-1] < found[1:]]]


def month_ends(days: Places) -> Places:
    """The last working day of each month that has one: unit ``CBME``."""
    found = _month_bounds(days)
    return days[found[1:][found[:-1] < found[1:]] - 1]


def _month_bounds(days: Places) -> Places:
    if not len(days):
        return NOWHERE
    first, last = month_of(int(days[0])), month_of(int(days[-1]))
    return np.searchsorted(days, first_day(np.arange(first, last + 2)))


class _Table:
    """A sorted table of days that covers at least the years asked for so far."""

    def __init__(self, make: Callable[[int, int], Places]):
        self._make = make
        self._held = (1, 0, NOWHERE)  # first year, last year, days: replaced as one, so that threads read a whole

    def covering(self, first_year: int, last_year: int) -> Places:
        first, last, days = self._held
        if first <= first_year and last_year <= last:
            return days
        if first <= last:
            first_year, last_year = min(first, first_year), max(last, last_year)
        first_year = max(first_year // _BLOCK * _BLOCK, _FIRST_YEAR)
        last_year = min(last_year // _BLOCK * _BLOCK + _BLOCK - 1, _LAST_YEAR)
        days = self._make(first_year, last_year)
        days.flags.writeable = False
        self._held = (first_year, last_year, days)
        return days


@lru_cache(maxsize=256)
def _table(definition: WorkingDays, pick: Callable[[Places], Places]) -> _Table:
    return _Table(lambda first, last: pick(definition.between(first, last)))


def working_days(definition: WorkingDays, pick: Callable[[Places], Places], low: int, high: int) -> Places:
    """The picked working days of all the years that the microseconds ``low`` to ``high`` touch, and perhaps more."""
    first, last = (1970 + int(month_of(place // DAY)) // 12 for place in (low, high))
    return _table(definition, pick).covering(max(first, _FIRST_YEAR), min(last, _LAST_YEAR))

"""Day grids: maps between ordinals and day numbers that follow the months and weeks of the calendar."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from .civil import first_day, month_of
from .grids import ClosedForm, Places, look_up

__all__ = ["AnchoredMonthGrid", "MonthGrid", "SemiMonthGrid", "WeekdayGrid"]

Edge = Literal["start", "end"]

_MONDAY = -3  # 1969-12-29

_SHORTEST_MONTH = 28

# How far a weekend day moves, by day number modulo 7; day 0, 1970-01-01, was a Thursday.
_TO_MONDAY = np.array([0, 0, 2, 1, 0, 0, 0])
_TO_FRIDAY = np.array([0, 0, 1, 2, 0, 0, 0])


@dataclass(frozen=True)
class MonthGrid(ClosedForm):
    """First or last (business) day of each period of whole months, counted from January.

    ``business`` rolls a weekend day inwards: the start of a period forward, its end backward.
    """

    months: int
    edge: Edge
    business: bool = False

    def at(self, k: Any) -> Any:
        """The day number of each ordinal."""
        return self._edge_of(k * self.months)

    def span(self, first: int, stop: int) -> Places:
        """The day numbers of the ordinals ``first`` to ``stop`` (exclusive)."""
        return self._edge_of(np.arange(first * self.months, stop * self.months, self.months))

    def _edge_of(self, month: Any) -> Any:
        """The day number of the periods that begin with these months."""
        if self.edge == "start":
            day = first_day(month)
            return day + look_up(_TO_MONDAY, day % 7) if self.business else day
        day = first_day(month + self.months) - 1
        return day - look_up(_TO_FRIDAY, day % 7) if self.business else day

    def floor(self, place: Any) -> Any:
        """The highest ordinal at or before each day number."""
        k = month_of(place) // self.months
        return k - (self.at(k) > place)


@dataclass(frozen=True)
class SemiMonthGrid(ClosedForm):
    """The 1st and 15th of each month (``edge="start"``), or the 15th and the last day (``edge="end"``)."""

    edge: Edge

    def at(self, k: Any) -> Any:
        """The day number of each ordinal."""
        month, half = divmod(k, 2)
        first = first_day(month)
        if self.edge == "start":
            return first + 14 * half
        return first + 14 + half * (first_day(month + 1) - first - 15)

    def floor(self, place: Any) -> Any:
        """The highest ordinal at or before each day number."""
        k = 2 * month_of(place) + 1
        k = k - (self.at(k) > place)
        return k - (self.at(k) > place)


@dataclass(frozen=True)
class WeekdayGrid(ClosedForm):
    """The days of a weekmask (seven booleans, Monday first, at least one of them true)."""

    weekmask: tuple[bool, ...] = (True, True, True, True, True, False, False)

    @cached_property
    def _days(self) -> Places:
        return np.flatnonzero(self.weekmask)

    @cached_property
    def _rank(self) -> Places:
        return np.cumsum(self.weekmask) - 1

    def at(self, k: Any) -> Any:
        """The day number of each ordinal."""
        week, index = divmod(k, len(self._days))
        return _MONDAY + 7 * week + look_up(self._days, index)

    def floor(self, place: Any) -> Any:
        """The highest ordinal at or before each day number."""
        week, weekday = divmod(place - _MONDAY, 7)
        return week * len(self._days) + look_up(self._rank, weekday)

    def span(self, first: int, stop: int) -> Places:
        """The day numbers of the ordinals ``first`` to ``stop`` (exclusive): whole weeks, cut at both ends."""
        week, index = divmod(first, len(self._days))
        weeks = np.arange(week, -(-stop // len(self._days)))
        return np.add.outer(_MONDAY + 7 * weeks, self._days).ravel()[index : index + stop - first]


@dataclass(frozen=True)
class AnchoredMonthGrid(ClosedForm):
    """Every ``months`` months from an anchor day, on the anchor's day of month or the month's last, without drift."""

    anchor: int
    months: int

    @cached_property
    def _month(self) -> int:
        return int(month_of(self.anchor))

    @cached_property
    def _day(self) -> int:
        return int(self.anchor - first_day(self._month))

    def at(self, k: Any) -> Any:
        """The day number of each ordinal."""
        month = self._month + k * self.months
        day = first_day(month) + self._day
        return day if self._day < _SHORTEST_MONTH else np.minimum(day, first_day(month + 1) - 1)

    def floor(self, place: Any) -> Any:
        """The highest ordinal at or before each day number."""
        k = (month_of(place) - self._month) // self.months
        return k - (self.at(k) > place)

    def span(self, first: int, stop: int) -> Places:
        """The places of the ordinals ``first`` to ``stop`` (exclusive)."""
        if self.months > 1 or self._day < _SHORTEST_MONTH:
            return super().span(first, stop)
        months = first_day(self._month + np.arange(first, stop + 1))  # a month ends where the next one begins
        return np.minimum(months[:-1] + self._day, months[1:] - 1)

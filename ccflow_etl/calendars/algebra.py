"""Set algebra: calendars made of other calendars."""

import abc
from functools import reduce

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from .calendar import BaseCalendar, GridCalendar
from .grids import DAY, Grid, Places, StridedGrid, TableGrid, within
from .instants import Axis

__all__ = [
    "DifferenceCalendar",
    "IntersectionCalendar",
    "TabledCalendar",
    "UnionCalendar",
    "places",
]

Mask = NDArray[np.bool_]


class TabledCalendar(GridCalendar):
    """A calendar whose steps in a range are computed from other calendars' steps."""

    def _grid(self, axis: Axis, origin: int, low: int, high: int) -> Grid:
        return StridedGrid(TableGrid(self._places(axis, origin, low, high)), origin)

    def _contains(self, axis: Axis, places: Places) -> Mask:
        if not self._anchored:
            return super()._contains(axis, places)
        return np.array([self.contains(axis.datetime(int(place))) for place in places], dtype=bool)

    @abc.abstractmethod
    def _places(self, axis: Axis, origin: int, low: int, high: int) -> Places:
        """The sorted places between ``low`` and ``high``, both inclusive."""


def places(calendar: BaseCalendar, axis: Axis, origin: int, low: int, high: int) -> Places:
    """The places of a calendar's steps on another calendar's axis, between ``low`` and ``high``."""
    if axis.tz is None or calendar._elapsed == axis.elapsed:
        return within(calendar._grid(axis, origin, low, high), low, high)
    # Steps at a wall time among steps of elapsed time.
    wall = Axis(axis.tz, calendar._elapsed, calendar.nonexistent, calendar.ambiguous)
    origin, first, last = axis.wall(origin), axis.wall(low), axis.wall(high)
    found = wall.index(within(calendar._grid(wall, origin, first, last), first, last)).asi8
    return found[(found >= low) & (found <= high)]


class _Combination(TabledCalendar):
    """A calendar of the steps of several calendars, picked by which of them have a step."""

    calendars: tuple[BaseCalendar, ...] = Field(min_length=1, description="The calendars that are combined.")

    @property
    def _elapsed(self) -> bool:
        return any(calendar._elapsed for calendar in self.calendars)

    @property
    def _daily(self) -> bool:
        return all(calendar._daily for calendar in self.calendars)

    @property
    def _anchored(self) -> bool:
        return any(calendar._anchored for calendar in self.calendars)

    @abc.abstractmethod
    def _pick(self, masks: list[Mask]) -> Mask:
        """Which candidates are steps, given for each calendar which of them it has."""

    def _places(self, axis: Axis, origin: int, low: int, high: int) -> Places:
        each = [places(calendar, axis, origin, low, high) for calendar in self.calendars]
        if self._daily:
            return self._pick_days(each, origin % DAY, low, high)
        candidates = reduce(np.union1d, each)
        return candidates[self._pick([np.isin(candidates, part, assume_unique=True) for part in each])]

    def _pick_days(self, each: list[Places], time: int, low: int, high: int) -> Places:
        """The same for calendars with at most one step a day at the same time: a boolean mask of all the days."""
        first, last = (low - time) // DAY, (high - time) // DAY
        masks = np.zeros((len(each), last - first + 1), dtype=bool)
        for mask, part in zip(masks, each, strict=True):
            mask[(part - time) // DAY - first] = True
        return (np.flatnonzero(self._pick(list(masks))) + first) * DAY + time

    def _contains(self, axis: Axis, places: Places) -> Mask:
        return self._pick([calendar._contains(axis, places) for calendar in self.calendars])


class UnionCalendar(_Combination):
    """The steps that any of its calendars has: ``a | b``.

    >>> UnionCalendar(calendars=["MS", "ME"]).steps("2024-01-01", "2024-02-15")
    DatetimeIndex(['2024-01-01', '2024-01-31', '2024-02-01'], dtype='datetime64[us]', freq=None)
    """

    def _pick(self, masks: list[Mask]) -> Mask:
        return reduce(np.logical_or, masks)


class IntersectionCalendar(_Combination):
    """The steps that all of its calendars have: ``a & b``.

    >>> IntersectionCalendar(calendars=["ME", "B"]).steps("2024-01-01", "2024-04-30")
    DatetimeIndex(['2024-01-31', '2024-02-29', '2024-04-30'], dtype='datetime64[us]', freq=None)
    """

    def _pick(self, masks: list[Mask]) -> Mask:
        return reduce(np.logical_and, masks)


class DifferenceCalendar(_Combination):
    """The steps that the first of its calendars has and no other one: ``a - b``.

    >>> DifferenceCalendar(calendars=["D", "B"]).steps("2024-03-01", "2024-03-08")
    DatetimeIndex(['2024-03-02', '2024-03-03'], dtype='datetime64[us]', freq=None)
    """

    def _pick(self, masks: list[Mask]) -> Mask:
        return reduce(np.greater, masks)  # in the first, and not in the other

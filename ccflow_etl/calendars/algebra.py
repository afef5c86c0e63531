"""Set algebra: calendars made of other calendars."""

import abc
from functools import reduce

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from .calendar import BaseCalendar, GridCalendar
from .grids import DAY, NOWHERE, Grid, Places, StridedGrid, TableGrid
from .instants import FIRST, LAST, Axis
from .interval import Interval
from .units import FIXED_MICROSECONDS

__all__ = ["DifferenceCalendar", "IntersectionCalendar", "ShiftedCalendar", "UnionCalendar"]

Mask = NDArray[np.bool_]


class TabledCalendar(GridCalendar):
    """A calendar whose steps in a range are computed from other calendars' steps."""

    def _grid(self, axis: Axis, origin: int, low: int, high: int) -> Grid:
        return StridedGrid(TableGrid(self._places(axis, origin, low, high)), origin)

    @abc.abstractmethod
    def _places(self, axis: Axis, origin: int, low: int, high: int) -> Places:
        """The sorted places between ``low`` and ``high``, both inclusive."""


def places(calendar: BaseCalendar, axis: Axis, origin: int, low: int, high: int) -> Places:
    """The places of a calendar's steps on another calendar's axis, between ``low`` and ``high``."""
    if axis.tz is not None and calendar._elapsed != axis.elapsed:
        return axis.places(calendar.ticks(axis.datetime(low), axis.datetime(high)).index())
    grid = calendar._grid(axis, origin, low, high)
    return grid.span(int(grid.floor(low - 1)) + 1, int(grid.floor(high)) + 1)


class _Combination(TabledCalendar):
    """A calendar of the steps of several calendars, picked by which of them have a step."""

    calendars: tuple[BaseCalendar, ...] = Field(min_length=1, description="The calendars that are combined.")

    @property
    def _elapsed(self) -> bool:
        return any(calendar._elapsed for calendar in self.calendars)

    @property
    def _daily(self) -> bool:
        return all(calendar._daily for calendar in self.calendars)

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


class ShiftedCalendar(TabledCalendar):
    """Each step of a calendar moved by ``n`` times a fixed length, by default a day: ``a.shift(n)``.

    >>> ShiftedCalendar(calendar="ME", n=1).steps("2024-01-01", "2024-03-31")
    DatetimeIndex(['2024-01-01', '2024-02-01', '2024-03-01'], dtype='datetime64[us]', freq=None)
    """

    calendar: BaseCalendar = Field(description="The calendar whose steps are moved.")
    n: int = Field(description="How many times the length each step is moved.")
    by: Interval = Field(Interval(offset="D"), description="The length: a number of W, D, h, min, s, ms or us.")

    @field_validator("by")
    @classmethod
    def _check_fixed(cls, value: Interval) -> Interval:
        if value.offset not in FIXED_MICROSECONDS:
            raise ValueError(
                f"by {value} is not a fixed length: expected a number of {' '.join(FIXED_MICROSECONDS)}, such as '1D'."
            )
        return value

    @property
    def _elapsed(self) -> bool:
        return self.calendar._elapsed or self.by.elapsed

    @property
    def _daily(self) -> bool:
        return self.calendar._daily and self._moved % DAY == 0

    def _places(self, axis: Axis, origin: int, low: int, high: int) -> Places:
        # The steps that end up in the range are those of the range moved back.
        moved = self._moved
        first, last = max(low - moved, FIRST), min(high - moved, LAST)
        return places(self.calendar, axis, origin - moved, first, last) + moved if first <= last else NOWHERE

    def _contains(self, axis: Axis, places: Places) -> Mask:
        return self.calendar._contains(axis, places - self._moved)

    @property
    def _moved(self) -> int:
        return self.n * self.by.n * FIXED_MICROSECONDS[self.by.offset]

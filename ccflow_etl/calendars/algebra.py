"""Set algebra: calendars made of other calendars."""

import abc
from functools import reduce

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from .calendar import BaseCalendar, GridCalendar
from .grids import DAY, NOWHERE, Grid, Places, StridedGrid, TableGrid, within
from .instants import EVER, Axis
from .membership import on_grid

__all__ = [
    "DifferenceCalendar",
    "IntersectionCalendar",
    "TabledCalendar",
    "UnionCalendar",
    "combined",
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


def has_each(calendar: BaseCalendar, axis: Axis, origin: int, candidates: Places) -> Mask:
    """For each of some sorted places, whether a calendar has it in a range that begins at ``origin``."""
    if not len(candidates):
        return np.zeros(0, dtype=bool)
    same = axis.tz is None or calendar._elapsed == axis.elapsed
    if same and isinstance(calendar, _Combination):
        return calendar._pick([has_each(part, axis, origin, candidates) for part in calendar.calendars])
    if same and not isinstance(calendar, TabledCalendar):
        grid = calendar._grid(axis, origin, int(candidates[0]), int(candidates[-1]))
        return on_grid(grid, candidates)
    # What has to be made step by step is made near the candidates only, which may be few and far between.
    breaks = np.flatnonzero(np.diff(candidates // calendar._stretch)) + 1
    return np.concatenate(
        [
            np.isin(some, places(calendar, axis, origin, int(some[0]), int(some[-1])), assume_unique=True)
            for some in np.split(candidates, breaks)
        ]
    )


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
        if not self._daily:
            return self._pick_places(axis, origin, low, high)
        each = [places(calendar, axis, origin, low, high) for calendar in self.calendars]
        return self._pick_days(each, origin % DAY, low, high)

    @abc.abstractmethod
    def _pick_places(self, axis: Axis, origin: int, low: int, high: int) -> Places:
        """The steps between two places, of calendars of which some have several a day: those of as few as it takes."""

    def _pick_days(self, each: list[Places], time: int, low: int, high: int) -> Places:
        """The same for calendars with at most one step a day at the same time: a boolean mask of all the days."""
        first, last = (low - time) // DAY, (high - time) // DAY
        masks = np.zeros((len(each), last - first + 1), dtype=bool)
        for mask, part in zip(masks, each, strict=True):
            mask[(part - time) // DAY - first] = True
        return (np.flatnonzero(self._pick(list(masks))) + first) * DAY + time

    def _contains(self, axis: Axis, places: Places) -> Mask:
        return self._pick([calendar._contains(axis, places) for calendar in self.calendars])


def combined(kind: type[_Combination], one: BaseCalendar, other: BaseCalendar) -> BaseCalendar:
    """The combination of two calendars, with the policies that both of them have."""
    policies = {name: getattr(one, name) for name in ("nonexistent", "ambiguous")}
    agreed = {name: policy for name, policy in policies.items() if policy == getattr(other, name, None)}
    return kind(calendars=(one, other), **agreed)


class UnionCalendar(_Combination):
    """The steps that any of its calendars has: ``a | b``.

    >>> UnionCalendar(calendars=["MS", "ME"]).steps("2024-01-01", "2024-02-15")
    DatetimeIndex(['2024-01-01', '2024-01-31', '2024-02-01'], dtype='datetime64[us]', freq=None)
    """

    @property
    def _stretch(self) -> int:
        return min(calendar._stretch for calendar in self.calendars)

    def _pick(self, masks: list[Mask]) -> Mask:
        return reduce(np.logical_or, masks)

    def _pick_places(self, axis: Axis, origin: int, low: int, high: int) -> Places:
        return reduce(np.union1d, (places(calendar, axis, origin, low, high) for calendar in self.calendars))


class IntersectionCalendar(_Combination):
    """The steps that all of its calendars have: ``a & b``.

    >>> IntersectionCalendar(calendars=["ME", "B"]).steps("2024-01-01", "2024-04-30")
    DatetimeIndex(['2024-01-31', '2024-02-29', '2024-04-30'], dtype='datetime64[us]', freq=None)
    """

    @property
    def _stretch(self) -> int:
        return max(calendar._stretch for calendar in self.calendars)

    def _pick(self, masks: list[Mask]) -> Mask:
        return reduce(np.logical_and, masks)

    def _pick_places(self, axis: Axis, origin: int, low: int, high: int) -> Places:
        coarsest, *others = sorted(self.calendars, key=lambda calendar: -calendar._stretch)
        found = places(coarsest, axis, origin, low, high)
        for calendar in others:
            found = found[has_each(calendar, axis, origin, found)]
        return found


class DifferenceCalendar(_Combination):
    """The steps that the first of its calendars has and no other one: ``a - b``.

    >>> DifferenceCalendar(calendars=["D", "B"]).steps("2024-03-01", "2024-03-08")
    DatetimeIndex(['2024-03-02', '2024-03-03'], dtype='datetime64[us]', freq=None)
    """

    @property
    def _stretch(self) -> int:
        return EVER if self._is_empty else self.calendars[0]._stretch

    @property
    def _is_empty(self) -> bool:
        """Whether it takes away what it has, which no search would come to an end of."""
        return self.calendars[0] in self.calendars[1:]

    def _pick(self, masks: list[Mask]) -> Mask:
        return reduce(np.greater, masks)  # in the first, and not in the other

    def _pick_places(self, axis: Axis, origin: int, low: int, high: int) -> Places:
        if self._is_empty:
            return NOWHERE
        found = places(self.calendars[0], axis, origin, low, high)
        for calendar in self.calendars[1:]:
            found = found[~has_each(calendar, axis, origin, found)]
        return found

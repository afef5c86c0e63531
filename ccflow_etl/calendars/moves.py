"""Moves: places moved by a length, by months, or by the days of a calendar, and where the moved ones come from."""

import abc
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .grids import DAY, Grid, Places
from .instants import FIRST, LAST, Axis
from .spans import months_later

if TYPE_CHECKING:
    from .calendar import BaseCalendar

__all__ = ["ByDays", "ByLength", "ByMonths", "Move"]

_FURTHEST = 10_000_000  # more days and months than there are
_CLAMPED = 4 * DAY  # the ends of months are three days apart


class Move(abc.ABC):
    """A monotone map of places on the wall clock, or of elapsed time for a :class:`ByLength`."""

    @abc.abstractmethod
    def moved(self, places: Places) -> Places:
        """Each of some sorted places moved; those that leave a calendar's last or first day behind are left out."""

    @abc.abstractmethod
    def source(self, low: int, high: int) -> tuple[int, int]:
        """Between which places everything lies that is moved to between ``low`` and ``high``."""


@dataclass(frozen=True)
class ByLength(Move):
    """By microseconds."""

    length: int

    def moved(self, places: Places) -> Places:
        """Each place moved."""
        return places + self.length

    def source(self, low: int, high: int) -> tuple[int, int]:
        """The range moved back."""
        return low - self.length, high - self.length


@dataclass(frozen=True)
class ByMonths(Move):
    """By months, to the same day or to the month's last."""

    months: int

    def moved(self, places: Places) -> Places:
        """Each place moved."""
        return months_later(places, self._months)

    def source(self, low: int, high: int) -> tuple[int, int]:
        """The range moved back, and the days that fall together with its ends."""
        first, last = months_later(np.array([low, high]), -self._months).tolist()
        return first - _CLAMPED, last + _CLAMPED

    @property
    def _months(self) -> int:
        return _within_reach(self.months)


@dataclass(frozen=True)
class ByDays(Move):
    """To the n-th day of a calendar after each place, or before it where ``n`` is negative, at its time of day."""

    calendar: "BaseCalendar"
    n: int

    def moved(self, places: Places) -> Places:
        """Each place moved, as far as the calendar has a day for it."""
        if not self.n or not len(places):
            return places
        midnights = places // DAY * DAY
        grid = self._grid(int(midnights[0]), int(midnights[-1]))
        k = self._ordinal(grid, midnights)
        known = (k >= grid.first) & (k < grid.stop)
        return grid.at(k[known]) + places[known] % DAY

    def source(self, low: int, high: int) -> tuple[int, int]:
        """The days that move to the first and the last day of the range, and those between."""
        back = ByDays(self.calendar, -self.n)
        grid = back._grid(low // DAY * DAY, high // DAY * DAY)
        # One day further on both sides: several days may move to the same one.
        first, last = (back._ordinal(grid, place // DAY * DAY) + step for place, step in ((low, -1), (high, 1)))
        return (
            int(grid.at(first)) if grid.first <= first < grid.stop else FIRST,
            int(grid.at(last)) + DAY if grid.first <= last < grid.stop else LAST,
        )

    def _ordinal(self, grid: Grid, midnights: Places | int) -> Places:
        n = _within_reach(self.n)
        return grid.floor(midnights) + n if n > 0 else grid.floor(midnights - 1) + 1 + n

    def _grid(self, low: int, high: int) -> Grid:
        """The days around two midnights, from as far as there is one to move to."""
        reach = 64 * DAY
        while True:
            first, last = max(low - reach, FIRST), min(high + reach, LAST)
            grid = self.calendar._grid(Axis(None, elapsed=False), first, first, last)
            lowest, highest = int(self._ordinal(grid, low)), int(self._ordinal(grid, high))
            if (lowest >= grid.first or first == FIRST) and (highest < grid.stop or last == LAST):
                return grid
            reach *= 8


def _within_reach(n: int) -> int:
    return max(-_FURTHEST, min(_FURTHEST, n))

"""Ordinal grids: strictly increasing maps between whole numbers (ordinals) and places on an integer axis.

A grid has two vectorised halves, ``at(ordinal) -> place`` and ``floor(place) -> ordinal``, from which steps,
counts, membership and navigation all follow. Day grids live on days since 1970-01-01, timed grids on
microseconds since then. Everything is exact int64 arithmetic for the years 1 to 9999.
"""

import abc
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "DAY",
    "NOWHERE",
    "STRETCH",
    "ClosedForm",
    "FixedGrid",
    "Grid",
    "Places",
    "StridedGrid",
    "TableGrid",
    "TimedGrid",
    "look_up",
    "within",
]

DAY = 86_400_000_000
"""Microseconds in a day of the proleptic Gregorian calendar."""

STRETCH = 2**20
"""How many places to make at a time at most, in a search for one of them."""

UNBOUNDED = 2**62
"""An ordinal beyond every year: the bound of grids that have a closed form."""

Places = NDArray[np.int64]

NOWHERE: Places = np.empty(0, dtype=np.int64)


def look_up(table: Places, index: Any) -> Any:
    """Entries of a table: an array for an array, and a Python integer, which cannot overflow, for a single index."""
    return table[index] if isinstance(index, np.ndarray) else int(table[index])


def within(grid: "Grid", low: int, high: int) -> Places:
    """The places of a grid between two places, both inclusive."""
    return grid.span(int(grid.floor(low - 1)) + 1, int(grid.floor(high)) + 1)


class Grid(Protocol):
    """What every grid can do; ``k`` and ``place`` are int64 arrays or single integers."""

    @property
    def first(self) -> int:
        """The lowest ordinal that ``at`` answers."""

    @property
    def stop(self) -> int:
        """One past the highest ordinal that ``at`` answers."""

    def at(self, k: Any) -> Any:
        """The place of each ordinal."""

    def floor(self, place: Any) -> Any:
        """The highest ordinal at or before each place."""

    def span(self, first: int, stop: int) -> Places:
        """The places of the ordinals ``first`` to ``stop`` (exclusive)."""


class ClosedForm(abc.ABC):
    """A grid computed by formula: every ordinal has a place."""

    first = -UNBOUNDED
    stop = UNBOUNDED

    @abc.abstractmethod
    def at(self, k: Any) -> Any:
        """The place of each ordinal."""

    def span(self, first: int, stop: int) -> Places:
        """The places of the ordinals ``first`` to ``stop`` (exclusive)."""
        return self.at(np.arange(first, stop))


@dataclass(frozen=True)
class FixedGrid(ClosedForm):
    """Places ``origin + k * period``: days, hours, seconds."""

    origin: int
    period: int

    def at(self, k: Any) -> Any:
        """The place of each ordinal."""
        return self.origin + k * self.period

    def floor(self, place: Any) -> Any:
        """The highest ordinal at or before each place."""
        return (place - self.origin) // self.period

    def span(self, first: int, stop: int) -> Places:
        """The places of the ordinals ``first`` to ``stop`` (exclusive), in one pass."""
        # Half a period past the last place, because numpy takes the length from a quotient of floats.
        return (
            np.arange(self.at(first), self.at(stop - 1) + (self.period + 1) // 2, self.period)
            if first < stop
            else NOWHERE
        )


@dataclass(frozen=True, eq=False)
class TableGrid:
    """The strictly increasing places of an array: what a rule or a foreign calendar gives for a range."""

    places: Places
    first = 0

    @property
    def stop(self) -> int:
        """One past the highest ordinal: the table's length."""
        return len(self.places)

    def at(self, k: Any) -> Any:
        """The place of each ordinal of the table."""
        return look_up(self.places, k)

    def floor(self, place: Any) -> Any:
        """The highest ordinal at or before each place; -1 before the first."""
        return np.searchsorted(self.places, place, side="right") - 1

    def span(self, first: int, stop: int) -> Places:
        """The places of the ordinals ``first`` to ``stop`` (exclusive)."""
        return self.places[first:stop]


@dataclass(frozen=True)
class TimedGrid:
    """A day grid at a time of day: days become microseconds."""

    days: Grid
    time: int

    @property
    def first(self) -> int:
        """The lowest ordinal of the day grid."""
        return self.days.first

    @property
    def stop(self) -> int:
        """One past the highest ordinal of the day grid."""
        return self.days.stop

    def at(self, k: Any) -> Any:
        """The microseconds of each ordinal."""
        return self.days.at(k) * DAY + self.time

    def floor(self, place: Any) -> Any:
        """The highest ordinal at or before each microsecond."""
        return self.days.floor((place - self.time) // DAY)

    def span(self, first: int, stop: int) -> Places:
        """The microseconds of the ordinals ``first`` to ``stop`` (exclusive)."""
        return self.days.span(first, stop) * DAY + self.time


@dataclass(frozen=True)
class StridedGrid:
    """Every ``n``-th place of a grid, its ordinal 0 being the grid's first place at or after ``origin``."""

    grid: Grid
    origin: int
    n: int = 1

    @cached_property
    def _zero(self) -> int:
        return int(self.grid.floor(self.origin - 1)) + 1

    @property
    def first(self) -> int:
        """The lowest ordinal that keeps to the stride."""
        return -((self._zero - self.grid.first) // self.n)

    @property
    def stop(self) -> int:
        """One past the highest ordinal that keeps to the stride."""
        return -((self._zero - self.grid.stop) // self.n)

    def at(self, k: Any) -> Any:
        """The place of each ordinal."""
        return self.grid.at(self._zero + k * self.n)

    def floor(self, place: Any) -> Any:
        """The highest ordinal at or before each place."""
        return (self.grid.floor(place) - self._zero) // self.n

    def span(self, first: int, stop: int) -> Places:
        """The places of the ordinals ``first`` to ``stop`` (exclusive)."""
        if self.n == 1:
            return self.grid.span(self._zero + first, self._zero + stop)
        return self.at(np.arange(first, stop))

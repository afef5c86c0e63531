"""Ticks: the part of a grid that lies in a range of instants, and what is derived from it."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .grids import Grid
from .instants import Ambiguous, Axis, Instant, Nonexistent, to_datetime

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Ticks", "between"]


@dataclass(frozen=True)
class Ticks:
    """The ordinals ``first`` to ``stop`` (exclusive) of a grid on an axis."""

    grid: Grid
    axis: Axis
    first: int
    stop: int

    def index(self) -> "pd.DatetimeIndex":
        """Every tick as a DatetimeIndex of resolution ``us``."""
        return self._block(self.first, self.stop)

    def count(self) -> int:
        """How many ticks there are, without making them."""
        if self.axis.tz is not None and not self.axis.elapsed and self.axis.nonexistent == "skip":
            return len(self.index())
        return max(self.stop - self.first, 0)

    def chunks(self, size: int) -> "Iterator[pd.DatetimeIndex]":
        """The ticks in blocks of ``size``, made one block at a time."""
        for first in range(self.first, self.stop, size):
            yield self._block(first, min(first + size, self.stop))

    def _block(self, first: int, stop: int) -> "pd.DatetimeIndex":
        return self.axis.index(self.grid.span(first, stop))


def between(
    grid: Callable[[Axis, int, int], Grid],
    start: Instant,
    end: Instant,
    *,
    elapsed: bool,
    nonexistent: Nonexistent = "raise",
    ambiguous: Ambiguous = "raise",
) -> Ticks:
    """The ticks from ``start`` to ``end``, both inclusive.

    Args:
        grid: Answers ``(axis, origin, last)`` with a grid that is right between these two places of the axis and
            whose ordinal 0 is the first place at or after ``origin``.
        start: First instant, and the origin that the grid may count from.
        end: Last instant, in the time zone of ``start`` or in another one.
        elapsed: Whether the steps count elapsed time rather than wall time, which matters in a time zone only.
        nonexistent: Policy for wall times that the zone skips.
        ambiguous: Policy for wall times that the zone repeats.
    """
    begin, finish = to_datetime(start, "start"), to_datetime(end, "end")
    axis = Axis.of(begin, elapsed, nonexistent, ambiguous)
    origin, last = axis.place(begin, "start"), axis.place(finish, "end")
    if origin > last:
        return Ticks(grid(axis, origin, origin), axis, 0, 0)
    places = grid(axis, origin, last)
    first, stop = 0, int(places.floor(last)) + 1
    # The wall clock cannot tell the two occurrences of a repeated hour apart; the instants of the outermost ticks can.
    if _repeated(begin) and first < stop:
        first += _outside(axis, places, first, begin)
    if _repeated(finish) and first < stop:
        stop -= _outside(axis, places, stop - 1, finish)
    return Ticks(places, axis, first, stop)


def _repeated(when: dt.datetime) -> bool:
    return when.tzinfo is not None and when.replace(fold=0).utcoffset() != when.replace(fold=1).utcoffset()


def _outside(axis: Axis, grid: Grid, ordinal: int, bound: dt.datetime) -> bool:
    place = int(grid.at(ordinal))
    if axis.elapsed or place != axis.place(bound):
        return False
    return bool(axis.index(np.array([place]))[0] != bound)

"""Ticks: the part of a grid that lies in a range of instants, and what is derived from it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .grids import Grid
from .instants import Ambiguous, Axis, Instant, Nonexistent, to_datetime

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Ticks", "between"]


@dataclass(slots=True)  # never changed; frozen=True would double the time of a short range
class Ticks:
    """The ordinals ``first`` to ``stop`` (exclusive) of a grid on an axis, for a range that begins at ``origin``."""

    grid: Grid
    axis: Axis
    first: int
    stop: int
    origin: int

    def index(self) -> "pd.DatetimeIndex":
        """Every tick as a DatetimeIndex of resolution ``us``."""
        return self._block(self.first, self.stop)

    def count(self) -> int:
        """How many ticks there are; without making them, unless a zone's policy may drop some."""
        return self.stop - self.first if self._is_whole else len(self.index())

    def last(self) -> "pd.DatetimeIndex":
        """The last tick as an index of one, or of none."""
        for stop in range(self.stop, self.first, -1):
            found = self._block(stop - 1, stop)
            if len(found):  # a zone may skip it
                return found
        return self._block(self.first, self.first)

    def chunks(self, size: int) -> "Iterator[pd.DatetimeIndex]":
        """The ticks in blocks of ``size`` (fewer where a zone's policy drops some), made one block at a time."""
        last = None
        for first in range(self.first, self.stop, size):
            block = self._block(first, min(first + size, self.stop))
            if not self._is_whole and len(block) and block[0] == last:
                block = block[1:]  # where a whole day is skipped, its shifted step is the next day's
            if len(block):
                last = block[-1]
                yield block

    @property
    def _is_whole(self) -> bool:
        """Whether every ordinal has a tick of its own."""
        return self.axis.exact or self.axis.nonexistent == "raise"

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
    places = grid(axis, origin, max(origin, last))
    if origin > last:
        return Ticks(places, axis, 0, 0, origin)
    first, stop = 0, int(places.floor(last)) + 1
    if not axis.exact:
        # The wall clock cannot tell the two occurrences of a repeated hour apart; instants can.
        since, until = axis.bound(begin, origin), axis.bound(finish, last)
        while first < stop and axis.instant(int(places.at(first)), late=True) < since:
            first += 1
        while first < stop and axis.instant(int(places.at(stop - 1)), late=False) > until:
            stop -= 1
    return Ticks(places, axis, first, stop, origin)

"""Finding the steps on either side of an instant, without expanding a range."""

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from .grids import DAY, NOWHERE, Grid
from .instants import FIRST, LAST, Axis
from .ticks import Ticks
from .zones import MICROSECOND

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GridMaker", "closing", "nth"]

GridMaker = Callable[[Axis, int, int, int], Grid]
"""Answers ``(axis, origin, low, high)`` with a grid that is right from ``low`` to ``high``.

Its ordinal 0 is the first place at or after ``origin``.
"""


def nth(make_grid: GridMaker, axis: Axis, moment: dt.datetime, n: int, ahead: bool) -> "pd.DatetimeIndex":
    """The n-th step strictly after (or before) a moment as an index of one, empty where the years end first."""
    origin, wanted = axis.place(moment), n
    while (found := _find(make_grid, axis, origin, wanted, ahead)) is not None:
        grid, k = found
        if axis.exact:
            return axis.index(grid.span(k, k + 1))
        # In a zone steps may be skipped or fall together, and one at this wall time may be in its other hour.
        after, before = int(grid.floor(origin)) + 1, 0
        if axis.ambiguous != "raise":
            after, before = before, after
        steps = axis.index(grid.span(after, k + 1) if ahead else grid.span(k, before))
        steps = steps[steps > moment] if ahead else steps[steps < moment][::-1]
        if len(steps) >= n:
            return steps[n - 1 : n]
        wanted += n - len(steps)
    return axis.index(NOWHERE)


def _find(make_grid: GridMaker, axis: Axis, origin: int, n: int, ahead: bool) -> tuple[Grid, int] | None:
    """The ordinal of the n-th place strictly after (or before) ``origin``, and a grid that has it."""
    reach = 64 * DAY
    while True:
        low, high = (origin, min(origin + reach, LAST)) if ahead else (max(origin - reach, FIRST), origin)
        grid = make_grid(axis, origin, low, high)
        k = int(grid.floor(origin)) + n if ahead else -n
        if grid.first <= k < grid.stop:
            return (grid, k) if FIRST <= grid.at(k) <= LAST else None
        if (high == LAST) if ahead else (low == FIRST):
            return None
        reach *= 8


def closing(make_grid: GridMaker, ticks: Ticks, last: dt.datetime) -> "pd.DatetimeIndex":
    """The end of the window that begins with the last tick: the step after it, or else the end of the year 9999."""
    grid, axis = ticks.grid, ticks.axis
    for k in range(ticks.stop, min(ticks.stop + 2, grid.stop)):
        if grid.at(k) > LAST:
            break
        found = axis.index(grid.span(k, k + 1))
        if len(found) and found[0] > last:  # a zone may skip it, or shift it onto the last tick
            return found
    else:
        found = nth(make_grid, axis, last, 1, ahead=True)
        if len(found):
            return found
    # The zone's year 10000 cannot be told.
    ahead = dt.timedelta() if axis.tz is None else dt.datetime.max.replace(tzinfo=axis.tz).utcoffset() or dt.timedelta()
    return Axis(axis.tz, elapsed=True).index(np.array([LAST - max(ahead // MICROSECOND, 0)]))

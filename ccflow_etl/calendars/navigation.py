"""Finding the steps on either side of an instant, without expanding a range."""

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np

from .checks import positive
from .grids import DAY, NOWHERE, within
from .instants import FIRST, LAST, Axis, Instant, to_datetime
from .ticks import Ticks
from .zones import MICROSECOND

if TYPE_CHECKING:
    import pandas as pd

    from .calendar import BaseCalendar

__all__ = ["closing", "nth"]

_REACH = 64 * DAY
_BLOCKS = 256  # seconds of work, and more than the hours of all the years take


def nth(calendar: "BaseCalendar", when: Instant, n: int, ahead: bool) -> "pd.Timestamp":
    """The n-th step strictly after (or before) an instant.

    Raises:
        ValueError: ``n`` is not positive, or no such step is found in the years 1 to 9999.
    """
    number = positive(n, "n", "use previous() to go back and next() to go on")
    moment = to_datetime(when)
    axis = Axis.of(moment, calendar._elapsed, calendar.nonexistent, calendar.ambiguous)
    origin = axis.place(moment)
    found = _nth(calendar, axis, origin, origin, moment, number, ahead)
    if found.empty:
        side = "after" if ahead else "before"
        raise ValueError(f"{type(calendar).__name__} has no {n} step(s) {side} {moment} in the years 1 to 9999.")
    return found[0]


def closing(calendar: "BaseCalendar", ticks: Ticks, last: dt.datetime) -> "pd.DatetimeIndex":
    """The end of the window that begins with the last tick: the next step of the range, or the end of the year 9999.

    Raises:
        ValueError: The calendar's steps are too many to look through all of those years.
    """
    axis = ticks.axis
    found = _nth(calendar, axis, ticks.origin, int(ticks.grid.at(ticks.stop - 1)), last, 1, ahead=True)
    if len(found):
        return found
    # The zone's year 10000 cannot be told.
    ahead = dt.timedelta() if axis.tz is None else dt.datetime.max.replace(tzinfo=axis.tz).utcoffset() or dt.timedelta()
    return Axis(axis.tz, elapsed=True).index(np.array([LAST - max(ahead // MICROSECOND, 0)]))


def _nth(
    calendar: "BaseCalendar", axis: Axis, origin: int, near: int, moment: dt.datetime, n: int, ahead: bool
) -> "pd.DatetimeIndex":
    """The n-th step after (or before) a moment at the place ``near``, of a range that begins at ``origin``.

    An index of one, empty where the years end first.
    """
    wanted = n
    while (place := _find(calendar, axis, origin, near, wanted, ahead)) is not None:
        if axis.exact:
            return axis.index(np.array([place]))
        # In a zone steps may be skipped or fall together, and one at this wall time may be in its other hour.
        other = axis.ambiguous != "raise"
        low, high = (near + (not other), place) if ahead else (place, near - (not other))
        steps = axis.index(within(calendar._grid(axis, origin, low, high), low, high))
        steps = steps[steps > moment] if ahead else steps[steps < moment][::-1]
        if len(steps) >= n:
            return steps[n - 1 : n]
        wanted += n - len(steps)
    return axis.index(NOWHERE)


def _find(calendar: "BaseCalendar", axis: Axis, origin: int, near: int, n: int, ahead: bool) -> int | None:
    """The n-th place strictly after (or before) ``near``, looked for in one block of time after the other."""
    start, reach = near, min(_REACH, calendar._stretch // 64)
    for _ in range(_BLOCKS):
        low, high = (near, min(near + reach, LAST)) if ahead else (max(near - reach, FIRST), near)
        grid = calendar._grid(axis, origin, low, high)
        here = int(grid.floor(near)) if ahead else int(grid.floor(near - 1)) + 1
        k = here + n if ahead else here - n
        if grid.first <= k < grid.stop:
            place = int(grid.at(k))
            return place if FIRST <= place <= LAST else None
        if (high == LAST) if ahead else (low == FIRST):
            return None
        n -= int(grid.floor(high)) - here if ahead else here - int(grid.floor(low - 1)) - 1
        near, reach = high if ahead else low, min(8 * reach, calendar._stretch)
    first, last = sorted((axis.datetime(start), axis.datetime(near)))
    raise ValueError(
        f"{calendar!r} has no such step from {first} to {last}, and its steps are too many to look further: "
        "if it has none at all, drop what excludes them; if they are rare, combine longer steps."
    )

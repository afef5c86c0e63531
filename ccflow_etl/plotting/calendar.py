"""The steps of a calendar, by day."""

from typing import TYPE_CHECKING

import numpy as np

from ..calendars.calendar import BaseCalendar
from ..calendars.grids import DAY, Places
from ..calendars.instants import Instant
from .page import draw_days, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_calendar"]

_CHUNK = 1_000_000


def plot_calendar(calendar: BaseCalendar, start: Instant, end: Instant, ax: "Axes | None" = None) -> "Axes":
    """Draw how many steps a calendar has on each day between ``start`` and ``end``.

    Args:
        calendar: The calendar.
        start: First instant of the range.
        end: Last instant of the range.
        ax: Where to draw; by default a new figure, as tall as the range has years.

    Returns:
        The matplotlib axes: for each year a block of seven rows, Monday on top, with a column for each week; a colour
        bar where some days have more steps than others. Days without a step are light grey.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: there is no step between ``start`` and ``end``.

    >>> from ccflow_etl import BusinessDayCalendar
    >>> plot_calendar(BusinessDayCalendar(), "2024-01-01", "2024-12-31").get_title(loc="left")
    'BusinessDayCalendar: 262 steps'
    """
    days, counts = _steps_by_day(calendar, start, end)
    axes = ax or new_axes(days)
    image = draw_days(axes, days, counts, "viridis_r", 0, counts.max())
    if counts.max() > counts[counts > 0].min():
        axes.figure.colorbar(image, ax=axes, label="steps a day", fraction=0.02, pad=0.01)
    axes.set_title(f"{type(calendar).__name__}: {counts.sum():,} steps", loc="left")
    return axes


def _steps_by_day(calendar: BaseCalendar, start: Instant, end: Instant) -> tuple[Places, Places]:
    """The days from the first step to the last one as day numbers, and the number of steps on each."""
    found: list[tuple[Places, Places]] = []
    for block in calendar.chunks(start, end, _CHUNK):
        wall = block if block.tz is None else block.tz_localize(None)
        found.append(np.unique(wall.asi8 // DAY, return_counts=True))
    if not found:
        raise ValueError(f"{calendar!r} has no step from {start} to {end}: there is nothing to draw.")
    first = found[0][0][0]
    counts = np.zeros(found[-1][0][-1] - first + 1, dtype=np.int64)
    for days, number in found:
        np.add.at(counts, days - first, number)
    return first + np.arange(len(counts)), counts

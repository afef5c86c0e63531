"""The steps of a calendar, by day."""

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np

from ..calendars.calendar import BaseCalendar
from ..calendars.grids import DAY, Places
from ..calendars.instants import Instant, to_datetime
from .page import draw_days, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

__all__ = ["plot_calendar"]

_CHUNK = 1_000_000
_EPOCH = dt.date(1970, 1, 1).toordinal()
_BLUE = "#56b4e9"


def plot_calendar(calendar: BaseCalendar, start: Instant, end: Instant, ax: "Axes | None" = None) -> "Axes":
    """Draw how many steps a calendar has on each day between ``start`` and ``end``.

    Args:
        calendar: The calendar.
        start: First instant of the range.
        end: Last instant of the range.
        ax: Where to draw; by default a new figure, as tall as the range has years.

    Returns:
        The matplotlib axes: for each year a block of seven rows, Monday on top, with a column for each week and lines
        between the months; a colour bar where some days have more steps than others. Days without a step are light
        grey, from the day of ``start`` to that of ``end``.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: there is no step between ``start`` and ``end``.

    >>> from ccflow_etl import BusinessDayCalendar
    >>> plot_calendar(BusinessDayCalendar(), "2024-01-01", "2024-12-31").get_title(loc="left")
    'BusinessDayCalendar: 262 steps'
    """
    days, counts = _steps_by_day(calendar, start, end)
    axes = ax or new_axes(days)
    lowest, highest = counts[counts > 0].min(), counts.max()
    image = draw_days(axes, days, counts, _colors(alike=lowest == highest), lowest, highest)
    if lowest < highest:
        _draw_scale(axes, image)
    axes.set_title(f"{type(calendar).__name__}: {counts.sum():,} steps", loc="left")
    return axes


def _colors(alike: bool) -> "Colormap":
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    # Not to the dark end, on which the lines between the months would not be seen.
    return ListedColormap([_BLUE] if alike else colormaps["viridis_r"](np.linspace(0, 0.8, 256)))


def _draw_scale(axes: "Axes", image: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    ticks = MaxNLocator(5, integer=True)
    axes.figure.colorbar(image, ax=axes, label="steps a day", ticks=ticks, fraction=0.02, pad=0.03)


def _steps_by_day(calendar: BaseCalendar, start: Instant, end: Instant) -> tuple[Places, Places]:
    """The days from that of ``start`` to that of ``end`` as day numbers, and the number of steps on each."""
    first, last = (to_datetime(bound).toordinal() - _EPOCH for bound in (start, end))
    counts = np.zeros(max(last - first + 1, 0), dtype=np.int64)
    for block in calendar.chunks(start, end, _CHUNK):
        wall = block if block.tz is None else block.tz_localize(None)
        np.add.at(counts, wall.as_unit("us").asi8 // DAY - first, 1)
    if not counts.any():
        raise ValueError(f"{calendar!r} has no step from {start} to {end}: there is nothing to draw.")
    return first + np.arange(len(counts)), counts

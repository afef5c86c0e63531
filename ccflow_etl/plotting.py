"""Pictures of calendars (extra ``plot``): heat maps with a column for each week and a row for each weekday."""

from typing import TYPE_CHECKING, Any

import numpy as np

from .calendars.calendar import BaseCalendar
from .calendars.civil import first_day, month_of, weekday_of
from .calendars.grids import DAY, Places
from .calendars.instants import Instant

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_calendar"]

_CHUNK = 1_000_000
_WEEKS = 54
_ROWS = 8  # of a year: seven weekdays and a gap
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


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
    years = month_of(days) // 12
    axes = _new_axes(int(years[-1] - years[0]) + 1) if ax is None else ax
    image = _draw_days(axes, days, years, counts)
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


def _new_axes(years: int) -> "Axes":
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(f"plotting needs matplotlib ({error}): pip install 'ccflow-etl[plot]'.") from error
    return pyplot.figure(figsize=(12, 0.8 + 1.4 * years), layout="constrained").add_subplot()


def _draw_days(axes: "Axes", days: Places, years: Places, values: Places) -> Any:
    """Draw one number a day, and name the months and years; returns what a colour bar is made for."""
    from matplotlib.colors import ListedColormap

    block = years - years[0]
    january = first_day(years * 12)
    week = (days - january + weekday_of(january)) // 7
    shape = (int(block[-1] + 1) * _ROWS - 1, _WEEKS)
    grid = np.full(shape, np.nan)
    grid[block * _ROWS + weekday_of(days), week] = values
    axes.imshow(np.where(grid == 0, 1.0, np.nan), cmap=ListedColormap(["#e8e8e8"]), aspect="equal")
    image = axes.imshow(np.where(grid > 0, grid, np.nan), cmap="viridis_r", aspect="equal", vmin=0)
    month = (first_day(np.arange(12)) + weekday_of(0)) // 7
    axes.set_xticks(month + 0.5, _MONTHS)
    axes.set_yticks(np.arange(block[-1] + 1) * _ROWS + 3, np.unique(years) + 1970)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.hlines(np.arange(shape[0] + 1) - 0.5, -0.5, _WEEKS - 0.5, colors="white", linewidth=1)
    axes.vlines(np.arange(_WEEKS + 1) - 0.5, -0.5, shape[0] - 0.5, colors="white", linewidth=1)
    return image

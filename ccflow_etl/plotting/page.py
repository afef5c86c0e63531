"""A page of years: each one a block of seven rows, Monday on top, with a column for each week."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..calendars.civil import first_day, month_of, weekday_of
from ..calendars.grids import Places

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

__all__ = ["cells_of", "draw_days", "new_axes"]

_WEEKS = 54
_ROWS = 8  # of a year: seven weekdays and a gap
_NOTHING = "#e8e8e8"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def new_axes(days: Places) -> "Axes":
    """Axes in a new figure that is as tall as the days have years.

    Raises:
        ImportError: matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(f"plotting needs matplotlib ({error}): pip install 'ccflow-etl[plot]'.") from error
    years = _years(days)
    return pyplot.figure(figsize=(12, 0.8 + 1.4 * (years[-1] - years[0] + 1)), layout="constrained").add_subplot()


def _years(days: Places) -> Places:
    return month_of(days) // 12


def cells_of(days: Places) -> tuple[Places, Places]:
    """Where consecutive days are drawn: the row and the column of each."""
    years = _years(days)
    january = first_day(years * 12)
    return (years - years[0]) * _ROWS + weekday_of(days), (days - january + weekday_of(january)) // 7


def draw_days(axes: "Axes", days: Places, values: Places, cmap: "str | Colormap", lowest: int, highest: int) -> Any:
    """Draw one number a day, with lines between the months, and name what is drawn; returns what a colour bar is for.

    Args:
        axes: Where to draw.
        days: Consecutive days, as their numbers since 1970.
        values: A number for each; light grey where it is 0.
        cmap: The colors of the numbers.
        lowest: The number of the first color.
        highest: The number of the last color.
    """
    from matplotlib.colors import ListedColormap

    years = np.unique(_years(days))
    shape = (len(years) * _ROWS - 1, _WEEKS)
    grid = np.full(shape, np.nan)
    grid[cells_of(days)] = values
    axes.imshow(np.where(grid == 0, 1.0, np.nan), cmap=ListedColormap([_NOTHING]), aspect="equal")
    image = axes.imshow(np.where(grid > 0, grid, np.nan), cmap=cmap, aspect="equal", vmin=lowest, vmax=highest)
    gap = axes.get_facecolor()
    axes.hlines(np.arange(shape[0] + 1) - 0.5, -0.5, _WEEKS - 0.5, colors=gap, linewidth=1)
    axes.vlines(np.arange(_WEEKS + 1) - 0.5, -0.5, shape[0] - 0.5, colors=gap, linewidth=1)
    _draw_months(axes, days)
    _name(axes, days, years)
    return image


def _draw_months(axes: "Axes", days: Places) -> None:
    """Draw a line before the first day of each month but January."""
    from matplotlib.collections import LineCollection

    row, column = (place[_is_new_month(days)] for place in cells_of(days))
    top = row - row % _ROWS - 0.5
    left, above = column - 0.5, row - 0.5
    right = np.where(above > top, column + 0.5, left)
    corners = [(right, top), (right, above), (left, above), (left, top + 7)]
    lines = np.stack([np.stack(corner, axis=-1) for corner in corners], axis=1)
    axes.add_collection(LineCollection(list(lines), colors=axes.xaxis.label.get_color(), linewidths=1), autolim=False)


def _is_new_month(days: Places) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    months = month_of(days)
    return np.diff(months, prepend=months[0]).astype(bool) & (months % 12 > 0)


def _name(axes: "Axes", days: Places, years: Places) -> None:
    """Name the months below, each where its days are on the average of the years; the years and weekdays beside."""
    months, columns = month_of(days) % 12, cells_of(days)[1]
    axes.set_xticks(
        [columns[months == month].mean() for month in np.unique(months)],
        [_MONTHS[month] for month in np.unique(months)],
    )
    first_rows = np.arange(len(years)) * _ROWS
    axes.set_yticks(first_rows + 3, years + 1970)
    axes.set_yticks((first_rows[:, None] + (0, 2, 4, 6)).ravel(), ["Mon", "Wed", "Fri", "Sun"] * len(years), minor=True)
    axes.tick_params("y", which="minor", labelleft=False, labelright=True, labelsize="x-small", pad=1)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)

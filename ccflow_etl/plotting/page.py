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
    """Draw one number a day, and name the months and years; returns what a colour bar is made for.

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
    month = (first_day(np.arange(12)) + weekday_of(0)) // 7
    axes.set_xticks(month + 0.5, _MONTHS)
    axes.set_yticks(np.arange(len(years)) * _ROWS + 3, years + 1970)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.hlines(np.arange(shape[0] + 1) - 0.5, -0.5, _WEEKS - 0.5, colors="white", linewidth=1)
    axes.vlines(np.arange(_WEEKS + 1) - 0.5, -0.5, shape[0] - 0.5, colors="white", linewidth=1)
    return image

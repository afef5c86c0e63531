"""What became of the steps of a backfill, by day."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..calendars.grids import DAY, Places
from .page import cells_of, draw_days, new_axes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

__all__ = ["plot_coverage"]

Stroke = tuple[float, float, float, float]
"""From one point to another, in a square from -1 to 1 with y down."""

# From the best status to the worst: blues are done, and a sign in the cell tells the others apart without color.
_COLORS = {
    "succeeded": "#0072b2",
    "checkpoint": "#80b9d9",
    "skipped": "#b3b3b3",
    "planned": "#ffffff",
    "cancelled": "#f0c24b",
    "failed": "#d55e00",
}
_SIGNS: dict[str, tuple[str, list[Stroke]]] = {
    "skipped": ("#4d4d4d", [(-1, -1, 1, 1)]),
    "planned": ("#808080", [(-1, -1, 1, -1), (1, -1, 1, 1), (1, 1, -1, 1), (-1, 1, -1, -1)]),
    "cancelled": ("#4d3800", [(-1, 0, 1, 0)]),
    "failed": ("#ffffff", [(-1, -1, 1, 1), (-1, 1, 1, -1)]),
}
_RANKS = {status: rank for rank, status in enumerate(_COLORS)}
_SIGN = 0.25  # of a cell, from its middle


def plot_coverage(report: "pd.DataFrame", ax: "Axes | None" = None) -> "Axes":
    """Draw what became of the steps of a backfill on each day.

    A day has the worst status of its steps: failed, then cancelled, planned, skipped, checkpoint, succeeded. A step
    belongs to the day it lies on and, where its window is longer, to as many days as that lasts.

    Args:
        report: What ``BackfillResult.report`` gives, or some of its lines: the columns ``step``, ``end``, ``status``.
        ax: Where to draw; by default a new figure, as tall as the range has years.

    Returns:
        The matplotlib axes: for each year a block of seven rows, Monday on top, with a column for each week and lines
        between the months; a legend with the number of steps of each status. Days without a step are light grey, and
        statuses differ by more than their colors.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: the report has no lines, not these columns, or statuses that a backfill does not have.

    >>> import pandas as pd
    >>> steps = pd.date_range("2024-01-01", "2024-12-31")
    >>> done = pd.DataFrame({"step": steps, "end": steps + pd.Timedelta(days=1), "status": "succeeded"})
    >>> plot_coverage(done).get_title(loc="left")
    '366 steps, 366 done'
    """
    ranks = _ranks(report)
    days, worst = _worst_by_day(report, ranks)
    axes = ax or new_axes(days)
    draw_days(axes, days, worst + 1, _colors(), 1, len(_COLORS))
    for status, (color, strokes) in _SIGNS.items():
        _draw_sign(axes, days, worst == _RANKS[status], color, strokes)
    counts = dict(zip(_COLORS, np.bincount(ranks, minlength=len(_COLORS)).tolist(), strict=True))
    _draw_legend(axes, {status: count for status, count in counts.items() if count})
    done = counts["succeeded"] + counts["checkpoint"]
    axes.set_title(f"{len(ranks):,} steps, {done:,} done", loc="left")
    return axes


def _ranks(report: "pd.DataFrame") -> Places:
    """The place of each step's status between the best and the worst."""
    lacking = [name for name in ("step", "end", "status") if name not in getattr(report, "columns", ())]
    if lacking:
        raise ValueError(
            f"a report has the columns step, end and status, and this {type(report).__name__} lacks {lacking}."
        )
    if report.empty:
        raise ValueError("the report has no steps: there is nothing to draw.")
    ranks = report["status"].astype(object).map(_RANKS)
    if ranks.isna().any():
        unknown = report["status"][ranks.isna()].iloc[0]
        raise ValueError(f"{unknown!r} is no status of a backfill's step: {', '.join(_COLORS)} are.")
    return ranks.to_numpy(np.int64)


def _worst_by_day(report: "pd.DataFrame", ranks: Places) -> tuple[Places, Places]:
    """The days from the first step to the last one, and the worst rank on each; -1 where there is none."""
    instants, ends = (_ticks(report[name]) for name in ("step", "end"))
    first = instants // DAY
    lengths = np.maximum(-((instants - ends) // DAY), 1)
    start = first.min()
    # each step once for each of its days
    which = np.repeat(np.arange(len(first)), lengths)
    within = np.arange(len(which)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    worst = np.full((first + lengths).max() - start, -1)
    np.maximum.at(worst, first[which] - start + within, ranks[which])
    return start + np.arange(len(worst)), worst


def _ticks(instants: "pd.Series") -> Places:
    """Wall time in microseconds since 1970."""
    import pandas as pd

    wall = pd.DatetimeIndex(instants)
    return (wall if wall.tz is None else wall.tz_localize(None)).as_unit("us").asi8


def _colors() -> "Colormap":
    from matplotlib.colors import ListedColormap

    return ListedColormap(list(_COLORS.values()))


def _draw_sign(axes: "Axes", days: Places, where: "np.ndarray[Any, Any]", color: str, strokes: list[Stroke]) -> None:
    """Draw the strokes of a sign into the cells of some days."""
    from matplotlib.collections import LineCollection

    row, column = (place[where] for place in cells_of(days))
    middle = np.stack([column, row], axis=-1)[:, None, None, :]
    lines = middle + _SIGN * np.reshape(strokes, (-1, 2, 2))
    axes.add_collection(LineCollection(list(lines.reshape(-1, 2, 2)), colors=color, linewidths=1), autolim=False)


def _draw_legend(axes: "Axes", counts: dict[str, int]) -> None:
    from matplotlib.legend_handler import HandlerTuple
    from matplotlib.lines import Line2D
    from matplotlib.path import Path

    def handle(status: str) -> tuple[Line2D, ...]:
        cell = Line2D([], [], marker="s", markersize=11, color=_COLORS[status], linestyle="none")
        if status not in _SIGNS:
            return (cell,)
        color, strokes = _SIGNS[status]
        sign = Path(np.reshape(strokes, (-1, 2)) * (1, -1), [Path.MOVETO, Path.LINETO] * len(strokes))
        return cell, Line2D([], [], marker=sign, markersize=5.5, color=color, linestyle="none")

    axes.legend(
        [handle(status) for status in counts],
        [f"{count:,} {status}" for status, count in counts.items()],
        handler_map={tuple: HandlerTuple(ndivide=1)},
        loc="lower right",
        bbox_to_anchor=(1, 1),
        borderaxespad=0.2,
        ncols=len(counts),
        columnspacing=0.9,
        handletextpad=0.2,
        frameon=False,
    )

"""What became of the steps of a backfill, as a picture in a page."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..pages.grid import Kind, Picture, draw
from ..pages.layouts import wall_ticks

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["coverage_map"]

# From the best status to the worst, each with the strokes that tell it apart where colour and border do not.
_SIGNS = {
    "succeeded": "",
    "checkpoint": "",
    "skipped": "m-2.5-2.5l5 5",
    "planned": "",
    "cancelled": "m-2.5 0h5",
    "failed": "m-2.5-2.5l5 5m0-5l-5 5",
}


def coverage_map(
    title: str, windows: "pd.IntervalIndex", statuses: Sequence[str], codes: "np.ndarray"
) -> Picture | None:
    """The statuses of the steps in each minute, hour, day, month or year; None of fewer than two steps.

    Args:
        title: What it shows.
        windows: The steps' windows, in any order.
        statuses: The statuses that there are.
        codes: The position of each step's status among these.
    """
    if len(windows) < 2:
        return None
    counts = np.bincount(codes, minlength=len(statuses))
    known = [status for status in _SIGNS if status in statuses and counts[statuses.index(status)]]
    ranks = np.array([known.index(status) if status in known else 0 for status in statuses])
    kinds = [Kind(status, f"{counts[statuses.index(status)]:,} {status}", _SIGNS[status]) for status in known]
    starts, ends = wall_ticks(windows.left), wall_ticks(windows.right)
    return draw(title, starts, ends, ranks[codes], kinds)

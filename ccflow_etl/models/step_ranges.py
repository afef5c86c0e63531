"""Ranges of consecutive steps that have something in common."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["step_ranges"]


def step_ranges(windows: "pd.IntervalIndex", flags: "np.ndarray", name: str) -> "pd.DataFrame":
    """The ranges of consecutive steps that have the same flag, from the earliest on.

    Args:
        windows: The steps' windows, in either order.
        flags: A bool for each step.
        name: The column of the flags.

    Returns:
        A frame with ``start`` and ``end`` (half-open, from a first step to the end of a last window), the flag (bool)
        and ``steps`` (int, how many steps lie in the range).

    >>> import pandas as pd
    >>> windows = pd.interval_range(pd.Timestamp("2024-01-01"), periods=3, freq="D", closed="left")
    >>> step_ranges(windows, np.array([True, True, False]), "done")
           start        end   done  steps
    0 2024-01-01 2024-01-03   True      2
    1 2024-01-03 2024-01-04  False      1
    """
    import pandas as pd

    if len(windows) > 1 and windows.left[0] > windows.left[-1]:
        windows, flags = windows[::-1], flags[::-1]
    first = np.flatnonzero(np.diff(flags, prepend=not flags[0])) if len(flags) else np.empty(0, dtype=np.int64)
    last = np.append(first[1:], len(flags)) - 1 if len(flags) else first
    return pd.DataFrame(
        {"start": windows.left[first], "end": windows.right[last], name: flags[first], "steps": last - first + 1}
    )

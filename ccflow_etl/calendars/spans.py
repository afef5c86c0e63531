"""Instants moved on by an interval: the ends of windows of a fixed span."""

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np

from .civil import first_day, month_of
from .grids import DAY, Places
from .instants import FIRST, LAST, Axis
from .interval import Interval
from .units import FIXED_MICROSECONDS
from .zones import Ambiguous, Nonexistent

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["months_later", "moved"]

_ALL_MONTHS = 12 * 9999


def moved(
    index: "pd.DatetimeIndex", span: Interval, nonexistent: Nonexistent = "raise", ambiguous: Ambiguous = "raise"
) -> "pd.DatetimeIndex":
    """Each instant of an index moved on by a span: days and longer on the wall clock, shorter ones in elapsed time.

    A skipped wall time is moved to the first instant after the gap where the policy is to skip steps, and what is past
    the year 9999 to its end.

    Raises:
        ValueError: The span is not a number of ``W D h min s ms us`` or ``M``.

    >>> import pandas as pd
    >>> moved(pd.DatetimeIndex(["2024-01-31"]), Interval(offset="M"))
    DatetimeIndex(['2024-02-29'], dtype='datetime64[us]', freq=None)
    """
    if span.offset not in FIXED_MICROSECONDS and span.offset != "M":
        raise ValueError(
            f"span {span} is not a length: expected a number of W, D, h, min, s, ms, us or M, such as '1D'."
        )
    axis = Axis(index.tz, span.elapsed, "shift_forward" if nonexistent == "skip" else nonexistent, ambiguous)
    places = _places(index, axis)
    if span.offset == "M":
        later = months_later(places, min(span.n, _ALL_MONTHS))
    else:
        later = places + min(span.n * FIXED_MICROSECONDS[span.offset], LAST - FIRST)
    return axis.index(np.minimum(later, LAST))


def _places(index: "pd.DatetimeIndex", axis: Axis) -> Places:
    if index.tz is not None:
        index = index.tz_convert(dt.UTC) if axis.elapsed else index.tz_localize(None)
    return np.asarray(index.as_unit("us").asi8)


def months_later(places: Places, months: int) -> Places:
    """The same day of a later (or earlier) month, or its last day where it has none, at the same time."""
    days, times = np.divmod(places, DAY)
    month = month_of(days)
    later = first_day(month + months) + days - first_day(month)
    return np.minimum(later, first_day(month + months + 1) - 1) * DAY + times

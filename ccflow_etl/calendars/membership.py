"""Telling which of many instants are steps of a calendar."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .grids import DAY, Grid, Places
from .instants import Axis, Instant, to_datetime

__all__ = ["as_places", "contains_each"]


def as_places(when: Iterable[Instant], elapsed: bool) -> tuple[Axis, Places]:
    """Naive instants, in the order given, as places on their axis.

    Raises:
        ValueError: An instant is missing, or is finer than microseconds.
    """
    axis = Axis(None, elapsed)
    dtype = getattr(when, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind == "M":
        given = np.asarray(when)
        exact = given.astype("M8[us]")
        if np.isnat(exact).any() or not (exact == given).all():
            raise ValueError("when has instants that are missing or finer than microseconds: drop or round them first.")
        return axis, exact.view(np.int64)
    return axis, np.array([axis.place(to_datetime(moment)) for moment in when], dtype=np.int64)


def contains_each(
    make_grid: Callable[[Axis, int, int, int], Grid | None], axis: Axis, places: Places
) -> NDArray[np.bool_]:
    """For each place, whether it is a step of the range that begins with it.

    ``make_grid`` answers with a grid that depends on its origin by the time of day only, or with None where every
    place is a step. Linear in the number of places, and in their times of day.
    """
    found = np.zeros(len(places), dtype=bool)
    for time in np.unique(places % DAY):
        chosen = places % DAY == time
        group = places[chosen]
        low, high = int(group.min()), int(group.max())
        grid = make_grid(axis, low, low, high)
        if grid is None:
            found[chosen] = True
        else:
            k = grid.floor(group)
            known: Any = (k >= grid.first) & (k < grid.stop)
            found[chosen] = known & (grid.at(np.where(known, k, 0)) == group) if grid.first < grid.stop else False
    return found

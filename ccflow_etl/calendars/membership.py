"""Telling which of many instants are steps of a calendar."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .grids import DAY, Grid, Places
from .instants import FIRST, LAST, Axis, Instant, to_datetime

__all__ = ["as_moments", "as_places", "contains_each", "has_zone", "on_grid"]


def as_moments(when: Iterable[Instant]) -> Any:
    """The instants as they were given where they are an array, else as a list.

    Raises:
        ValueError: An array has other than one dimension.
    """
    array: Any = when if hasattr(when, "dtype") and when.dtype != "object" else list(when)
    if getattr(array, "ndim", 1) != 1:
        raise ValueError(f"when has {array.ndim} dimensions: give one instant or a flat array, when.ravel().")
    return array


def has_zone(when: Any) -> bool:
    """Whether instants are in a time zone; the first one of a list tells."""
    if hasattr(when, "dtype"):
        return getattr(when.dtype, "tz", None) is not None
    return bool(when) and to_datetime(when[0]).tzinfo is not None


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
        places = exact.view(np.int64)
        if len(places) and (places.min() < FIRST or places.max() > LAST):
            raise ValueError("when has instants outside the years 1 to 9999: drop them first.")
        return axis, places
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
            found[chosen] = on_grid(grid, group)
    return found


def on_grid(grid: Grid, places: Places) -> NDArray[np.bool_]:
    """For each place, whether it is one of a grid's."""
    if grid.first >= grid.stop:
        return np.zeros(len(places), dtype=bool)
    k = grid.floor(places)
    known: Any = (k >= grid.first) & (k < grid.stop)
    found: NDArray[np.bool_] = known & (grid.at(np.where(known, k, grid.first)) == places)
    return found

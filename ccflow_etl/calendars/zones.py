"""Wall times to instants: what a time zone's skipped and repeated hours do to steps that keep wall time."""

import datetime as dt
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np

from .grids import Places

__all__ = ["Ambiguous", "Nonexistent", "known_zone", "resolve", "to_utc"]

Nonexistent = Literal["raise", "shift_forward", "shift_backward", "skip"]
"""A wall time that a zone skips: an error, the first instant after the gap, the last one before it, or no step."""

Ambiguous = Literal["raise", "earlier", "later"]
"""A wall time that a zone repeats: an error, or its first or second occurrence."""

EPOCH = dt.datetime(1970, 1, 1)
MICROSECOND = dt.timedelta(microseconds=1)


def known_zone(zone: dt.tzinfo) -> dt.tzinfo:
    """The same zone as the standard library or pandas know it.

    >>> known_zone(dt.timezone.utc)
    datetime.timezone.utc
    """
    if isinstance(zone, dt.timezone | ZoneInfo):
        return zone
    name = getattr(zone, "zone", None)
    if name is not None:  # of pytz, whose zones do not follow PEP 495
        return ZoneInfo(name)
    offset = zone.utcoffset(None)
    return zone if offset is None else dt.timezone(offset)


def to_utc(walls: Places, zone: dt.tzinfo, nonexistent: Nonexistent, ambiguous: Ambiguous) -> Places:
    """The instants of wall times in a zone, as sorted and unique UTC microseconds.

    Raises:
        ValueError: A wall time is skipped or repeated by the zone and the policy for it is ``"raise"``.
    """
    import pandas as pd

    naive = pd.DatetimeIndex(walls.view("M8[us]"), copy=False)
    try:
        local = naive.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    except (OverflowError, NotImplementedError):
        raise ValueError(f"steps from {naive[0]} to {naive[-1]} in {zone} leave the years 1 to 9999 of UTC.") from None
    odd = np.flatnonzero(local.isna())
    if not len(odd):
        return local.asi8
    # One by one: there are two a year at the most, and pandas shifts some of them to the wrong hour.
    instants = local.asi8.copy()
    found = [resolve(EPOCH + int(walls[k]) * MICROSECOND, zone, nonexistent, ambiguous) for k in odd]
    instants[odd] = [0 if instant is None else instant for instant in found]
    skipped = odd[[instant is None for instant in found]]
    return np.unique(np.delete(instants, skipped))


def resolve(wall: dt.datetime, zone: dt.tzinfo, nonexistent: Nonexistent, ambiguous: Ambiguous) -> int | None:
    """The instant of one wall time as UTC microseconds, or None where it is skipped.

    Raises:
        ValueError: The wall time is skipped or repeated by the zone and the policy for it is ``"raise"``.

    >>> resolve(dt.datetime(1970, 1, 1, 1), dt.timezone.utc, "raise", "raise")
    3600000000
    """
    first, second = (wall.replace(tzinfo=zone, fold=fold).utcoffset() or dt.timedelta() for fold in (0, 1))
    if first == second:
        return (wall - EPOCH - first) // MICROSECOND
    if first > second:
        if ambiguous == "raise":
            raise ValueError(f"{wall} happens twice in {zone}: choose ambiguous='earlier' or 'later' on the calendar.")
        return (wall - EPOCH - (first if ambiguous == "earlier" else second)) // MICROSECOND
    if nonexistent == "raise":
        raise ValueError(
            f"{wall} does not exist in {zone}: "
            "choose nonexistent='shift_forward', 'shift_backward' or 'skip' on the calendar."
        )
    if nonexistent == "skip":
        return None
    return _after_gap(wall - second, wall - first, zone) - (nonexistent == "shift_backward")


def _after_gap(before: dt.datetime, after: dt.datetime, zone: dt.tzinfo) -> int:
    """The first instant with the later offset, between two UTC times on either side of the change (bisection)."""
    low, high = ((when - EPOCH) // MICROSECOND for when in (before, after))
    offset = _offset(low, zone)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(middle, zone) == offset else (low, middle)
    return high


def _offset(instant: int, zone: dt.tzinfo) -> Any:
    return (EPOCH + instant * MICROSECOND).replace(tzinfo=dt.UTC).astimezone(zone).utcoffset()

"""Instants to whole microseconds and back, and what a time zone does on the way.

Calendars compute on an integer axis. For naive bounds it counts wall-clock microseconds since 1970-01-01. For
bounds in a time zone, day and longer steps stay on the wall clock while sub-day steps count elapsed (UTC) time.
"""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from .grids import DAY
from .zones import EPOCH, MICROSECOND, Ambiguous, Nonexistent, known_zone, resolve, to_utc

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "EVER",
    "FIRST",
    "LAST",
    "Ambiguous",
    "Axis",
    "Instant",
    "Nonexistent",
    "same_time",
    "to_datetime",
    "to_text",
]

Instant: TypeAlias = "dt.date | dt.datetime | pd.Timestamp | np.datetime64 | str"
"""What a bound may be: a date (midnight), a datetime, a Timestamp, a datetime64 or an ISO 8601 string."""

_WHOLE_SECONDS = len("2024-01-31T09:30:00")
_WITH_ZONE = re.compile(r"([^\[\]]+)(?:\[([A-Za-z0-9_+/-]+)\])?")
_FINER_THAN_MICROSECONDS = re.compile(r"[.,]\d{6}\d*[1-9]")

FIRST = (dt.datetime.min - EPOCH) // MICROSECOND
LAST = (dt.datetime.max - EPOCH) // MICROSECOND
EVER = LAST - FIRST


def to_datetime(when: Instant, name: str = "when") -> dt.datetime:
    """The datetime of an instant, exact to the microsecond; a date is its midnight.

    Raises:
        TypeError: ``when`` is none of the accepted kinds.
        ValueError: ``when`` is missing (NaT), not ISO 8601, finer than microseconds, or outside the years 1 to 9999.

    >>> to_datetime("2024-02-29T12:30")
    datetime.datetime(2024, 2, 29, 12, 30)
    """
    if isinstance(when, str):
        return _parse(when, name)
    if isinstance(when, np.datetime64):
        return _from_datetime64(when, name)
    if when is None or when != when:  # NaT is the only instant that differs from itself
        raise ValueError(f"{name} is missing ({when!r}): give a date, a datetime or an ISO 8601 text.")
    if isinstance(when, dt.datetime):
        if getattr(when, "nanosecond", 0):
            raise ValueError(f"{name} {when} has nanoseconds: calendars resolve microseconds, round it first.")
        return _from_timestamp(when, name) if hasattr(when, "to_pydatetime") else when
    if isinstance(when, dt.date):
        return dt.datetime(when.year, when.month, when.day)
    raise TypeError(f"{name} must be a date, a datetime, a Timestamp, a datetime64 or an ISO 8601 text, not {when!r}.")


def same_time(place: int, origin: int) -> int:
    """The last place until ``place``, or else the first one of all, at the time of day of the origin.

    A range that begins there has the same steps of a calendar that keeps its start's time of day.
    """
    found = place - (place - origin) % DAY
    return found if found >= FIRST else found + DAY


def to_text(when: dt.datetime) -> str:
    """A datetime as ISO 8601, with the name of its zone behind it (RFC 9557) where it has one.

    >>> to_text(dt.datetime(2024, 7, 1, tzinfo=ZoneInfo("Europe/Paris")))
    '2024-07-01T00:00:00+02:00[Europe/Paris]'
    """
    zone = getattr(when.tzinfo, "key", None)
    return when.isoformat() + (f"[{zone}]" if zone else "")


def _parse(text: str, name: str) -> dt.datetime:
    if len(text) <= _WHOLE_SECONDS:
        try:
            return dt.datetime.fromisoformat(text)
        except ValueError:
            pass
    match = _WITH_ZONE.fullmatch(text.strip())
    if match is not None and not _FINER_THAN_MICROSECONDS.search(text):
        time, zone = match.groups()
        try:
            when = dt.datetime.fromisoformat(time)
            return when if zone is None else _in_zone(when, ZoneInfo(zone))
        except (ValueError, KeyError, OSError):  # a zone that is not known is a KeyError
            pass
    raise ValueError(
        f"{name} {text!r} is not an ISO 8601 date or time of at most microseconds: "
        "write it as 2024-01-31, 2024-01-31T09:30 or 2024-01-31T09:30[Europe/Paris]."
    )


def _in_zone(when: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    # The wall time as it was written, even one that the zone skips, unless it has another zone's offset.
    for fold in (0, 1):
        written = when.replace(tzinfo=zone, fold=fold)
        if when.tzinfo is None or written.utcoffset() == when.utcoffset():
            return written
    return when.astimezone(zone)


def _from_timestamp(when: Any, name: str) -> dt.datetime:
    try:
        result: dt.datetime = when.to_pydatetime()
    except ValueError:
        raise ValueError(f"{name} {when} is outside the years 1 to 9999.") from None
    return result


def _from_datetime64(when: np.datetime64, name: str) -> dt.datetime:
    value = when.astype("M8[us]")
    if np.isnat(value) or value != when:
        raise ValueError(f"{name} {when!r} is missing or finer than microseconds: calendars resolve microseconds.")
    result = value.item()
    if not isinstance(result, dt.datetime):  # numpy answers with an integer outside the years 1 to 9999
        raise ValueError(f"{name} {when!r} is outside the years 1 to 9999.")
    return result


@dataclass(slots=True)  # never changed; frozen=True would double the time of a short range
class Axis:
    """The integer axis that a calendar's steps lie on, for bounds in one time zone or in none."""

    tz: dt.tzinfo | None
    elapsed: bool
    nonexistent: Nonexistent = "raise"
    ambiguous: Ambiguous = "raise"

    @property
    def exact(self) -> bool:
        """Whether every place is one instant: on the wall clock of a zone some are none, and some are two."""
        return self.tz is None or self.elapsed

    @classmethod
    def of(cls, when: dt.datetime, elapsed: bool, nonexistent: Nonexistent, ambiguous: Ambiguous) -> "Axis":
        """The axis of a range that begins at ``when``: steps are in the zone of its start."""
        return cls(None if when.tzinfo is None else known_zone(when.tzinfo), elapsed, nonexistent, ambiguous)

    def place(self, when: dt.datetime, name: str = "when") -> int:
        """The microsecond of an instant on this axis.

        Raises:
            ValueError: ``when`` has a time zone and the axis has none, or the other way round; or its zone skips it,
                time is elapsed and the policy is ``"raise"``.
        """
        if (when.tzinfo is None) != (self.tz is None):
            lacks, has = ("the start", name) if self.tz is None else (name, "the start")
            raise ValueError(f"{has} has a time zone and {lacks} has none ({name} is {when}): give both or neither.")
        if self.tz is not None:
            try:
                if self.elapsed:
                    return self._elapsed_place(when, when.tzinfo)  # type: ignore[arg-type]  # it has a zone
                when = when.astimezone(self.tz).replace(tzinfo=None)
            except OverflowError:
                raise ValueError(f"{name} {when} is outside the years 1 to 9999 in {self.tz} or UTC.") from None
        return (when - EPOCH) // MICROSECOND

    def _elapsed_place(self, when: dt.datetime, zone: dt.tzinfo) -> int:
        nonexistent: Nonexistent = "shift_forward" if self.nonexistent == "skip" else self.nonexistent
        found = resolve(when.replace(tzinfo=None), zone, nonexistent, "later" if when.fold else "earlier")
        if found is None or not FIRST <= found <= LAST:
            raise OverflowError
        return found

    def bound(self, when: dt.datetime, place: int) -> int:
        """The UTC microsecond of a bound at a wall-clock place: where the policy moves one that the zone skips."""
        zone = self.tz or dt.UTC
        when = when.astimezone(zone)
        found = resolve(when.replace(tzinfo=None), zone, "skip", "later" if when.fold else "earlier")
        return self.instant(place, late=True) if found is None else found

    def datetime(self, place: int) -> dt.datetime:
        """The datetime of a microsecond on this axis: the inverse of :meth:`place`."""
        wall = EPOCH + dt.timedelta(microseconds=place)
        if self.tz is None:
            return wall
        return wall.replace(tzinfo=dt.UTC).astimezone(self.tz) if self.elapsed else wall.replace(tzinfo=self.tz)

    def wall(self, place: int) -> int:
        """The place on the wall clock of the zone, of a place on an axis of elapsed time."""
        near = min(max(place, FIRST + DAY), LAST - DAY)  # Python cannot tell every zone's first and last days
        return place + (self.datetime(near).utcoffset() or dt.timedelta()) // MICROSECOND

    def instant(self, place: int, late: bool) -> int:
        """The UTC microsecond of a wall-clock place; the later or earlier one where the policy raises."""
        nonexistent: Nonexistent = "shift_forward" if self.nonexistent in ("raise", "skip") else self.nonexistent
        ambiguous: Ambiguous = self.ambiguous if self.ambiguous != "raise" else "later" if late else "earlier"
        found = resolve(EPOCH + place * MICROSECOND, self.tz or dt.UTC, nonexistent, ambiguous)
        assert found is not None  # only the policy "skip" gives none
        return found

    def places(self, steps: "Iterable[Instant]") -> NDArray[np.int64]:
        """The microseconds, sorted and unique, of steps given as a DatetimeIndex or as any iterable of instants."""
        return np.unique(np.array([self.place(to_datetime(step, "step"), "step") for step in steps], dtype=np.int64))

    def index(self, places: NDArray[np.int64]) -> "pd.DatetimeIndex":
        """The DatetimeIndex (resolution ``us``) of microseconds on this axis.

        Raises:
            ValueError: a wall time is skipped or repeated by the zone and the policy is ``"raise"``.
        """
        import pandas as pd

        places = np.asarray(places, dtype=np.int64)
        if self.tz is None:
            return pd.DatetimeIndex(places.view("M8[us]"), copy=False)
        instants = places if self.elapsed else to_utc(places, self.tz, self.nonexistent, self.ambiguous)
        return pd.DatetimeIndex(instants.view("M8[us]"), copy=False).tz_localize(dt.UTC).tz_convert(self.tz)

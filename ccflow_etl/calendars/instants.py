"""Instants to whole microseconds and back, and what a time zone does on the way.

Calendars compute on an integer axis. For naive bounds it counts wall-clock microseconds since 1970-01-01. For
bounds in a time zone, day and longer steps stay on the wall clock while sub-day steps count elapsed (UTC) time.
"""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LAST", "Ambiguous", "Axis", "Instant", "Nonexistent", "to_datetime"]

Instant: TypeAlias = "dt.date | dt.datetime | pd.Timestamp | np.datetime64 | str"
"""What a bound may be: a date (midnight), a datetime, a Timestamp, a datetime64 or an ISO 8601 string."""

Nonexistent = Literal["raise", "shift_forward", "shift_backward", "skip"]
"""A wall time that a time zone skips: an error, the next or previous instant that exists, or no step."""

Ambiguous = Literal["raise", "earlier", "later"]
"""A wall time that a time zone repeats: an error, or its first or second occurrence."""

_EPOCH = dt.datetime(1970, 1, 1)
_MICROSECOND = dt.timedelta(microseconds=1)
_FINER_THAN_MICROSECONDS = re.compile(r"[.,]\d{6}\d*[1-9]")

FIRST = (dt.datetime.min - _EPOCH) // _MICROSECOND
LAST = (dt.datetime.max - _EPOCH) // _MICROSECOND


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
        return when if type(when) is dt.datetime else when.to_pydatetime()  # type: ignore[attr-defined]
    if isinstance(when, dt.date):
        return dt.datetime(when.year, when.month, when.day)
    raise TypeError(f"{name} must be a date, a datetime, a Timestamp, a datetime64 or an ISO 8601 text, not {when!r}.")


def _parse(text: str, name: str) -> dt.datetime:
    if not _FINER_THAN_MICROSECONDS.search(text):
        try:
            return dt.datetime.fromisoformat(text.strip())
        except ValueError:
            pass
    raise ValueError(
        f"{name} {text!r} is not an ISO 8601 date or time of at most microseconds: "
        "write it as 2024-01-31 or 2024-01-31T09:30."
    )


def _from_datetime64(when: np.datetime64, name: str) -> dt.datetime:
    value = when.astype("M8[us]")
    if np.isnat(value) or value != when:
        raise ValueError(f"{name} {when!r} is missing or finer than microseconds: calendars resolve microseconds.")
    result = value.item()
    if not isinstance(result, dt.datetime):  # numpy answers with an integer outside the years 1 to 9999
        raise ValueError(f"{name} {when!r} is outside the years 1 to 9999.")
    return result


def _known_zone(tz: dt.tzinfo) -> dt.tzinfo:
    """A zone that pandas knows: named zones as they are, any other fixed offset as ``datetime.timezone``."""
    if isinstance(tz, dt.timezone) or hasattr(tz, "key") or hasattr(tz, "zone"):
        return tz
    offset = tz.utcoffset(None)
    return tz if offset is None else dt.timezone(offset)


@dataclass(frozen=True)
class Axis:
    """The integer axis that a calendar's steps lie on, for bounds in one time zone or in none."""

    tz: dt.tzinfo | None
    elapsed: bool
    nonexistent: Nonexistent = "raise"
    ambiguous: Ambiguous = "raise"

    @classmethod
    def of(cls, when: dt.datetime, elapsed: bool, nonexistent: Nonexistent, ambiguous: Ambiguous) -> "Axis":
        """The axis of a range that begins at ``when``: steps are in the zone of its start."""
        return cls(None if when.tzinfo is None else _known_zone(when.tzinfo), elapsed, nonexistent, ambiguous)

    def place(self, when: dt.datetime, name: str = "when") -> int:
        """The microsecond of an instant on this axis.

        Raises:
            ValueError: ``when`` has a time zone and the axis has none, or the other way round.
        """
        if (when.tzinfo is None) != (self.tz is None):
            lacks, has = ("the start", name) if self.tz is None else (name, "the start")
            raise ValueError(f"{has} has a time zone and {lacks} has none ({name} is {when}): give both or neither.")
        if self.tz is not None:
            when = when.astimezone(dt.UTC if self.elapsed else self.tz)
        return (when.replace(tzinfo=None) - _EPOCH) // _MICROSECOND

    def datetime(self, place: int) -> dt.datetime:
        """The datetime of a microsecond on this axis: the inverse of :meth:`place`."""
        wall = _EPOCH + dt.timedelta(microseconds=place)
        if self.tz is None:
            return wall
        return wall.replace(tzinfo=dt.UTC).astimezone(self.tz) if self.elapsed else wall.replace(tzinfo=self.tz)

    def places(self, steps: "Iterable[Instant]") -> NDArray[np.int64]:
        """The microseconds, sorted and unique, of steps given as a DatetimeIndex or as any iterable of instants."""
        return np.unique(np.array([self.place(to_datetime(step, "step"), "step") for step in steps], dtype=np.int64))

    def index(self, places: NDArray[np.int64]) -> "pd.DatetimeIndex":
        """The DatetimeIndex (resolution ``us``) of microseconds on this axis.

        Raises:
            ValueError: a wall time is skipped or repeated by the zone and the policy is ``"raise"``.
        """
        import pandas as pd

        naive = pd.DatetimeIndex(np.asarray(places, dtype=np.int64).view("M8[us]"), copy=False)
        if self.tz is None:
            return naive
        if self.elapsed:
            return naive.tz_localize(dt.UTC).tz_convert(self.tz)
        return self._localize(naive)

    def _localize(self, naive: Any) -> Any:
        # NaT marks what the zone skips or repeats: the exceptions for it differ between pandas releases.
        ambiguous = "NaT" if self.ambiguous == "raise" else np.full(len(naive), self.ambiguous == "earlier")
        nonexistent = self.nonexistent if self.nonexistent.startswith("shift") else "NaT"
        local = naive.tz_localize(self.tz, ambiguous=ambiguous, nonexistent=nonexistent)
        missing = local.isna()
        if not missing.any():
            # Where a whole day is skipped, its shifted step may be the next day's.
            return local.unique() if nonexistent != "NaT" else local
        repeated = naive[missing].tz_localize(self.tz, ambiguous="NaT", nonexistent="shift_forward").isna()
        if repeated.any():
            raise ValueError(
                f"{naive[missing][repeated][0]} happens twice in {self.tz}: "
                "choose ambiguous='earlier' or 'later' on the calendar."
            )
        if self.nonexistent == "raise":
            raise ValueError(
                f"{naive[missing][0]} does not exist in {self.tz}: "
                "choose nonexistent='shift_forward', 'shift_backward' or 'skip' on the calendar."
            )
        return local[~missing]

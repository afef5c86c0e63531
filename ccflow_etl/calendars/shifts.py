"""ShiftedCalendar: the steps of a calendar moved by hours, days, months, or the days of another calendar."""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from .algebra import TabledCalendar, places
from .builtin import IntervalCalendar
from .calendar import BaseCalendar
from .grids import DAY, NOWHERE, Places
from .instants import FIRST, LAST, Axis, same_time
from .interval import Interval
from .moves import ByDays, ByLength, ByMonths, Move
from .units import FIXED_MICROSECONDS

__all__ = ["ShiftedCalendar"]


class ShiftedCalendar(TabledCalendar):
    """Each step of a calendar moved by ``n`` times a length, by default a day: ``a.shift(n)``.

    ``by`` is a number of ``h min s ms us`` (elapsed time), of ``W D M`` (on the wall clock; a month keeps the day, or
    takes the month's last), or a calendar of days: a step then moves to the n-th of these days after it, or before it
    where ``n`` is negative, and keeps its time of day. Steps that fall together are one.

    >>> ShiftedCalendar(calendar="ME", n=1).steps("2024-01-01", "2024-03-31")
    DatetimeIndex(['2024-01-01', '2024-02-01', '2024-03-01'], dtype='datetime64[us]', freq=None)
    >>> ShiftedCalendar(calendar="ME", n=2, by="B").steps("2024-01-01", "2024-03-31")
    DatetimeIndex(['2024-01-02', '2024-02-02', '2024-03-04'], dtype='datetime64[us]', freq=None)
    """

    calendar: BaseCalendar = Field(description="The calendar whose steps are moved.")
    n: int = Field(description="How many times the length each step is moved.")
    by: Interval | BaseCalendar = Field(
        Interval(offset="D"),
        union_mode="left_to_right",
        description="The length: a number of W, D, M, h, min, s, ms or us, or a calendar of days.",
    )

    @field_validator("by")
    @classmethod
    def _check_by(cls, value: Interval | BaseCalendar) -> Interval | BaseCalendar:
        if isinstance(value, Interval):
            known = value.offset in FIXED_MICROSECONDS or value.offset == "M" or value.has_days
        else:
            known = value._daily and not value._anchored
        if not known:
            raise ValueError(
                f"by {value} is neither a length nor a calendar of days: expected a number of "
                f"{' '.join(FIXED_MICROSECONDS)} M, such as '1D', or a calendar such as 'B' or a RuleCalendar."
            )
        return value

    @property
    def _elapsed(self) -> bool:
        return self.calendar._elapsed or self._by_elapsed

    @property
    def _by_elapsed(self) -> bool:
        return isinstance(self.by, Interval) and self.by.elapsed

    @property
    def _daily(self) -> bool:
        move = self._move(self.n)
        return self.calendar._daily and (not isinstance(move, ByLength) or move.length % DAY == 0)

    @property
    def _anchored(self) -> bool:
        return self.calendar._anchored

    @property
    def _stretch(self) -> int:
        return self.calendar._stretch

    def _move(self, n: int) -> Move:
        if not isinstance(self.by, Interval):
            return ByDays(self.by, n)
        if self.by.offset == "M":
            return ByMonths(n * self.by.n)
        if self.by.offset in FIXED_MICROSECONDS:
            return ByLength(n * self.by.n * FIXED_MICROSECONDS[self.by.offset])
        return ByDays(IntervalCalendar(interval=Interval(offset=self.by.offset)), n * self.by.n)

    def _places(self, axis: Axis, origin: int, low: int, high: int) -> Places:
        if axis.tz is None or not axis.elapsed or self._by_elapsed:
            return self._shifted(axis, origin, low, high)
        # Instants of elapsed time that are moved on the clock of their zone.
        wall = Axis(axis.tz, False, self.nonexistent, self.ambiguous)
        since, first, last = axis.wall(origin), axis.wall(low), axis.wall(high)
        return _within(wall.index(self._shifted(axis, since, first, last, wall)).asi8, low, high)

    def _shifted(self, axis: Axis, origin: int, low: int, high: int, wall: Axis | None = None) -> Places:
        """The moved steps between two places; on a wall clock where that is another axis than the steps'."""
        move = self._move(self.n)
        first, last = move.source(low, high)
        first, last = max(first, FIRST), min(last, LAST)
        if not isinstance(move, ByLength):
            first = same_time(first, origin)
        if first > last:
            return NOWHERE
        back = self._move(-self.n).moved(np.array([origin]))
        since = int(back[0]) if len(back) else origin
        if wall is None:
            steps = places(self.calendar, axis, since, first, last)
        else:
            since, first = wall.instant(since, late=False), wall.instant(first, late=False)
            last = wall.instant(last, late=True)
            steps = np.unique(axis.index(places(self.calendar, axis, since, first, last)).tz_localize(None).asi8)
        return _within(np.unique(move.moved(steps)), low, high)

    def _contains(self, axis: Axis, places: Places) -> NDArray[np.bool_]:
        move = self._move(self.n)
        if not isinstance(move, ByLength):
            return super()._contains(axis, places)
        if abs(move.length) > LAST - FIRST:
            return np.zeros(len(places), dtype=bool)
        return self.calendar._contains(axis, places - move.length)


def _within(places: Places, low: int, high: int) -> Places:
    return places[(places >= low) & (places <= high)]

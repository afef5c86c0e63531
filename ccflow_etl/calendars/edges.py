"""PeriodEdgeCalendar: the first, last or n-th step of each week, month, quarter or year."""

from typing import Literal

import numpy as np
from pydantic import Field, field_validator

from .algebra import TabledCalendar, places
from .calendar import BaseCalendar
from .day_grids import MonthGrid
from .grids import DAY, FixedGrid, Grid, Places
from .instants import FIRST, LAST, Axis, same_time

__all__ = ["PeriodEdgeCalendar"]

_PERIODS: dict[str, Grid] = {
    "week": FixedGrid(-3, 7),  # 1969-12-29 was a Monday
    "month": MonthGrid(1, "start"),
    "quarter": MonthGrid(3, "start"),
    "year": MonthGrid(12, "start"),
}

_LONGEST = 366 * DAY


class PeriodEdgeCalendar(TabledCalendar):
    """The first, last or n-th step that a calendar has in each week (from Monday), month, quarter or year.

    ``which`` is ``"first"``, ``"last"``, or a number: 1 is the first step of a period and -1 its last. A period with
    fewer steps has none.

    >>> PeriodEdgeCalendar(calendar="B", period="month", which=-2).steps("2024-01-01", "2024-03-31")
    DatetimeIndex(['2024-01-30', '2024-02-28', '2024-03-28'], dtype='datetime64[us]', freq=None)
    """

    calendar: BaseCalendar = Field(description="The calendar whose steps are picked.")
    period: Literal["week", "month", "quarter", "year"] = Field(description="The period, on the wall clock.")
    which: Literal["first", "last"] | int = Field(
        description="The step that is kept: first, last, or its number from either end."
    )

    @field_validator("which")
    @classmethod
    def _check_which(cls, value: str | int) -> str | int:
        if value == 0:
            raise ValueError("which is 0: 1 is the first step of a period and -1 the last.")
        if isinstance(value, int) and abs(value) > _LONGEST:
            raise ValueError(
                f"which is {value}: no period has so many steps, one a microsecond for a year is {_LONGEST}."
            )
        return value

    @property
    def _elapsed(self) -> bool:
        return self.calendar._elapsed

    @property
    def _daily(self) -> bool:
        return self.calendar._daily

    @property
    def _anchored(self) -> bool:
        return self.calendar._anchored

    @property
    def _stretch(self) -> int:
        return max(self.calendar._stretch, _LONGEST)  # a period is looked at as a whole

    def _places(self, axis: Axis, origin: int, low: int, high: int) -> Places:
        # Whole periods, of whose steps those in the range are kept. They are looked for from a day before until a day
        # after, as elapsed time is not wall time.
        periods = _PERIODS[self.period]
        first = max(int(periods.at(int(periods.floor(low // DAY - 1)))) * DAY, FIRST)
        last = min(int(periods.at(int(periods.floor(high // DAY + 1)) + 1)) * DAY + DAY - 1, LAST)
        steps = places(self.calendar, axis, origin, same_time(first - 1, origin), last)
        picked = steps[self._pick(periods.floor(_wall_days(axis, steps)))]
        return picked[(picked >= low) & (picked <= high)]

    def _pick(self, period: Places) -> Places:
        """Positions of the steps that are kept, given the sorted period of each step."""
        starts = np.flatnonzero(np.diff(period, prepend=period[:1] - 1))
        stops = np.append(starts[1:], len(period))
        number = {"first": 1, "last": -1}.get(str(self.which), self.which)
        found = starts + int(number) - 1 if int(number) > 0 else stops + int(number)
        return found[(found >= starts) & (found < stops)]


def _wall_days(axis: Axis, steps: Places) -> Places:
    if axis.tz is None or not axis.elapsed:
        return steps // DAY
    return axis.index(steps).tz_localize(None).asi8 // DAY

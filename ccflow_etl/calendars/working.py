"""Calendars of working days and working hours, whose rules are data."""

import datetime as dt
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator, model_validator

from .calendar import GridCalendar
from .checks import Days, TimeOfDay
from .grids import DAY, STRETCH, Grid, StridedGrid, TableGrid, TimedGrid
from .instants import EVER, Axis
from .interval import Interval
from .rules import WEEKDAYS, BaseRule
from .sessions import SessionGrid
from .tables import WorkingDays, every_day, month_ends, month_starts, working_days

__all__ = ["BusinessHourCalendar", "RuleCalendar"]

_PICKS = {"C": every_day, "CBMS": month_starts, "CBME": month_ends}
_HOUR = 3_600_000_000


def _as_weekmask(value: Any) -> Any:
    """A weekmask as weekday names in order: from names, from ``"1111100"`` and from seven booleans."""
    value = getattr(value, "tolist", lambda: value)()  # of an array
    if isinstance(value, str) and len(value) == 7 and set(value) <= {"0", "1"}:
        value = [digit == "1" for digit in value]
    if isinstance(value, list | tuple) and len(value) == 7 and all(flag in (0, 1) for flag in value):
        words: Any = [name for name, flag in zip(WEEKDAYS, value, strict=True) if flag]
    else:
        words = value.split() if isinstance(value, str) else value
    if not isinstance(words, list | tuple) or not words or not set(words) <= set(WEEKDAYS):
        raise ValueError(
            f"{value!r} is not a weekmask: expected some of {' '.join(WEEKDAYS)}, such as 'Mon Tue Wed Thu Fri'."
        )
    return " ".join(name for name in WEEKDAYS if name in words)


Weekmask = Annotated[str, BeforeValidator(_as_weekmask)]


class _WorkingCalendar(GridCalendar):
    """What calendars of working days and hours share: which days are open."""

    weekmask: Weekmask = Field("Mon Tue Wed Thu Fri", description="The weekdays that are open.")
    rules: tuple[BaseRule, ...] = Field((), description="Rules that close days.")
    holidays: Days = Field((), description="One-off dates that are closed.")

    @property
    def _elapsed(self) -> bool:
        return False

    def _definition(self, extra_days: tuple[dt.date, ...] = ()) -> WorkingDays:
        open_days = self.weekmask.split()
        return WorkingDays(tuple(name in open_days for name in WEEKDAYS), self.rules, self.holidays, extra_days)


class RuleCalendar(_WorkingCalendar):
    """Working days by rules: a weekmask, less rules and holidays, plus extra days.

    ``interval`` is ``C`` (every working day), ``CBMS`` or ``CBME`` (the first or last working day of each month), with
    a count. Steps keep the start's time of day. There is no bound on years; a month without a working day has no step.

    >>> from ccflow_etl import FixedDate, NthWeekday
    >>> closed = [FixedDate(month=1, day=1), NthWeekday(month=5, weekday="Mon", n=1)]
    >>> calendar = RuleCalendar(rules=closed, holidays=["2024-01-03"], extra_days=["2024-01-06"])
    >>> calendar.steps("2024-01-01", "2024-01-08")
    DatetimeIndex(['2024-01-02', '2024-01-04', '2024-01-05', '2024-01-06', '2024-01-08'],
                  dtype='datetime64[us]', freq=None)
    >>> RuleCalendar(rules=closed, interval="CBMS").steps("2024-01-01", "2024-03-31")
    DatetimeIndex(['2024-01-02', '2024-02-01', '2024-03-01'], dtype='datetime64[us]', freq=None)
    """

    extra_days: Days = Field((), description="One-off dates that are open, whatever else closes them.")
    interval: Interval = Field(Interval(offset="C"), description="C, CBMS or CBME, with a count.")

    @field_validator("interval")
    @classmethod
    def _check_interval(cls, value: Interval) -> Interval:
        if value.offset not in _PICKS:
            raise ValueError(
                f"interval {value} is not one of working days: expected C, CBMS or CBME, with a count such as '2CBME'."
            )
        return value

    @property
    def _anchored(self) -> bool:
        return self.interval.n > 1

    def _grid(self, axis: Axis, origin: int, low: int, high: int) -> Grid:
        days = working_days(
            self._definition(self.extra_days), _PICKS[self.interval.offset], min(origin, low), max(origin, high)
        )
        return StridedGrid(TimedGrid(TableGrid(days), origin % DAY), origin, self.interval.stride)

    def _member_grid(self, axis: Axis, origin: int, low: int, high: int) -> Grid | None:
        every = self.model_copy(update={"interval": Interval(offset=self.interval.offset)})
        return every._grid(axis, origin, low, high)


class BusinessHourCalendar(_WorkingCalendar):
    """Steps of working time: every n-th hour of sessions that open and close at the same time each working day.

    Steps count from the start, or from the next opening where that is closed, and carry what is left of a session over
    to the next one. A session includes its opening and not its closing; one that closes at or before its opening time
    ends on the following day.

    >>> mornings = BusinessHourCalendar(open="09:00", close="12:00", holidays=["2024-01-02"])
    >>> mornings.steps("2024-01-01T10:30", "2024-01-03T10:00")
    DatetimeIndex(['2024-01-01 10:30:00', '2024-01-01 11:30:00', '2024-01-03 09:30:00'],
                  dtype='datetime64[us]', freq=None)
    """

    open: TimeOfDay = Field(dt.time(9), description="When a session opens.")
    close: TimeOfDay = Field(dt.time(17), description="When a session closes.")
    interval: Interval = Field(Interval(offset="bh"), description="bh or cbh, with a count of hours.")

    @field_validator("interval")
    @classmethod
    def _check_interval(cls, value: Interval) -> Interval:
        if value.offset not in ("bh", "cbh"):
            raise ValueError(
                f"interval {value} is not one of working hours: expected bh or cbh, with a count such as '2bh'."
            )
        return value

    @model_validator(mode="after")
    def _check_zone(self) -> "BusinessHourCalendar":
        for name in ("open", "close"):
            if getattr(self, name).tzinfo is not None:
                raise ValueError(
                    f"{name} {getattr(self, name)} has a time zone: the zone comes with the range, give the wall time."
                )
        return self

    @property
    def _daily(self) -> bool:
        return False

    @property
    def _anchored(self) -> bool:
        return True

    @property
    def _stretch(self) -> int:
        return min(self.interval.stride * _HOUR * STRETCH, EVER)

    def _grid(self, axis: Axis, origin: int, low: int, high: int) -> Grid:
        return self._sessions(self.interval.stride * _HOUR, origin, min(origin, low), max(origin, high))

    def _member_grid(self, axis: Axis, origin: int, low: int, high: int) -> Grid | None:
        return self._sessions(1, origin, low, high)

    def _sessions(self, period: int, origin: int, low: int, high: int) -> Grid:
        # A session of the day before may reach into the range.
        days = TableGrid(working_days(self._definition(), every_day, low - DAY, high))
        opening, closing = _microseconds(self.open), _microseconds(self.close)
        return SessionGrid(days, opening, (closing - opening - 1) % DAY + 1, period, origin)


def _microseconds(time: dt.time) -> int:
    return ((time.hour * 60 + time.minute) * 60 + time.second) * 1_000_000 + time.microsecond

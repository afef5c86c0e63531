"""Calendars of one interval: any, or the one that the class is named after."""

import abc

from pydantic import Field

from .calendar import GridCalendar
from .grids import STRETCH, Grid
from .instants import EVER, Axis
from .interval import Interval
from .units import FIXED_MICROSECONDS

__all__ = [
    "BusinessDayCalendar",
    "DailyCalendar",
    "HourlyCalendar",
    "IntervalCalendar",
    "MondayFridayCalendar",
    "WeekdayCalendar",
    "WeeklyCalendar",
]


class _IntervalSteps(GridCalendar):
    """A calendar whose steps are those of an interval."""

    @abc.abstractmethod
    def _length(self) -> Interval:
        """The interval."""

    @property
    def _elapsed(self) -> bool:
        return self._length().elapsed

    @property
    def _anchored(self) -> bool:
        return self._length().anchored

    @property
    def _stretch(self) -> int:
        length = self._length()
        if not length.elapsed:
            return EVER
        return min(length.stride * FIXED_MICROSECONDS[length.offset] * STRETCH, EVER)

    def _grid(self, axis: Axis, origin: int, low: int, high: int) -> Grid:
        return self._length().grid(origin)

    def _member_grid(self, axis: Axis, origin: int, low: int, high: int) -> Grid | None:
        return self._length().member_grid(origin)


class IntervalCalendar(_IntervalSteps):
    """The steps of an :class:`Interval`.

    >>> IntervalCalendar(interval="2W").steps("2024-01-01", "2024-02-01")
    DatetimeIndex(['2024-01-01', '2024-01-15', '2024-01-29'], dtype='datetime64[us]', freq=None)
    """

    interval: Interval = Field(description="The distance between steps.")

    def _length(self) -> Interval:
        return self.interval


class DailyCalendar(_IntervalSteps):
    """Every day, at the start's time of day.

    >>> DailyCalendar().steps("2024-02-28", "2024-03-01")
    DatetimeIndex(['2024-02-28', '2024-02-29', '2024-03-01'], dtype='datetime64[us]', freq=None)
    """

    def _length(self) -> Interval:
        return Interval(offset="D")


class HourlyCalendar(_IntervalSteps):
    """Every hour of elapsed time from the start.

    >>> HourlyCalendar().count("2024-01-01", "2024-01-02")
    25
    """

    def _length(self) -> Interval:
        return Interval(offset="h")


class WeeklyCalendar(_IntervalSteps):
    """Every seventh day from the start, whatever weekday that is.

    >>> WeeklyCalendar().steps("2024-01-03", "2024-01-17")
    DatetimeIndex(['2024-01-03', '2024-01-10', '2024-01-17'], dtype='datetime64[us]', freq=None)
    """

    def _length(self) -> Interval:
        return Interval(offset="W")


class WeekdayCalendar(_IntervalSteps):
    """Monday to Friday, without holidays, at the start's time of day.

    >>> WeekdayCalendar().steps("2024-03-01", "2024-03-05")
    DatetimeIndex(['2024-03-01', '2024-03-04', '2024-03-05'], dtype='datetime64[us]', freq=None)
    """

    def _length(self) -> Interval:
        return Interval(offset="B")


class BusinessDayCalendar(WeekdayCalendar):
    """Monday to Friday, under the name that pandas users expect; for holidays use a ``RuleCalendar``.

    >>> BusinessDayCalendar().next("2024-03-01")
    Timestamp('2024-03-04 00:00:00')
    """


class MondayFridayCalendar(WeekdayCalendar):
    """Monday to Friday, under the name that says so.

    >>> MondayFridayCalendar().count("2024-03-01", "2024-03-31")
    21
    """

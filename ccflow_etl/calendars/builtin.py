"""The named calendars: thin subclasses whose step length is their name."""

from typing import ClassVar

from .calendar import GridCalendar
from .grids import Grid
from .instants import Axis
from .interval import Interval

__all__ = [
    "BusinessDayCalendar",
    "DailyCalendar",
    "HourlyCalendar",
    "MondayFridayCalendar",
    "WeekdayCalendar",
    "WeeklyCalendar",
]


class _NamedCalendar(GridCalendar):
    """A calendar of one fixed interval."""

    _interval: ClassVar[Interval]

    @property
    def _elapsed(self) -> bool:
        return self._interval.elapsed

    def _grid(self, axis: Axis, origin: int, low: int, high: int) -> Grid:
        return self._interval.grid(origin)

    def _member_grid(self, axis: Axis, origin: int, low: int, high: int) -> Grid | None:
        return self._interval.member_grid(origin)


class DailyCalendar(_NamedCalendar):
    """Every day, at the start's time of day.

    >>> DailyCalendar().steps("2024-02-28", "2024-03-01")
    DatetimeIndex(['2024-02-28', '2024-02-29', '2024-03-01'], dtype='datetime64[us]', freq=None)
    """

    _interval = Interval(offset="D")


class HourlyCalendar(_NamedCalendar):
    """Every hour of elapsed time from the start.

    >>> HourlyCalendar().count("2024-01-01", "2024-01-02")
    25
    """

    _interval = Interval(offset="h")


class WeeklyCalendar(_NamedCalendar):
    """Every seventh day from the start, whatever weekday that is.

    >>> WeeklyCalendar().steps("2024-01-03", "2024-01-17")
    DatetimeIndex(['2024-01-03', '2024-01-10', '2024-01-17'], dtype='datetime64[us]', freq=None)
    """

    _interval = Interval(offset="W")


class WeekdayCalendar(_NamedCalendar):
    """Monday to Friday, without holidays, at the start's time of day.

    >>> WeekdayCalendar().steps("2024-03-01", "2024-03-05")
    DatetimeIndex(['2024-03-01', '2024-03-04', '2024-03-05'], dtype='datetime64[us]', freq=None)
    """

    _interval = Interval(offset="B")


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

"""Interval: a unit and a count, and the steps it makes."""

from typing import TYPE_CHECKING, Any, Self

from ccflow import BaseModel
from pydantic import ConfigDict, Field, ModelWrapValidatorHandler, field_validator, model_validator

from . import day_grids
from .checks import checked_type
from .grids import DAY, FixedGrid, Grid, StridedGrid, TimedGrid
from .ticks import Ticks, between
from .units import FIXED_MICROSECONDS, Offset, accepted_units, is_registry_path, parse_interval

if TYPE_CHECKING:
    import pandas as pd

    from .instants import Instant

__all__ = ["Interval", "Offset"]

_DAY_GRIDS: dict[str, Grid] = {
    "B": day_grids.WeekdayGrid(),
    "SMS": day_grids.SemiMonthGrid("start"),
    "SME": day_grids.SemiMonthGrid("end"),
    "MS": day_grids.MonthGrid(1, "start"),
    "ME": day_grids.MonthGrid(1, "end"),
    "BMS": day_grids.MonthGrid(1, "start", business=True),
    "BME": day_grids.MonthGrid(1, "end", business=True),
    "QS": day_grids.MonthGrid(3, "start"),
    "QE": day_grids.MonthGrid(3, "end"),
    "BQS": day_grids.MonthGrid(3, "start", business=True),
    "BQE": day_grids.MonthGrid(3, "end", business=True),
    "YS": day_grids.MonthGrid(12, "start"),
    "YE": day_grids.MonthGrid(12, "end"),
    "BYS": day_grids.MonthGrid(12, "start", business=True),
    "BYE": day_grids.MonthGrid(12, "end", business=True),
}

_NEEDS_CALENDAR = {
    "C": "RuleCalendar",
    "CBMS": "RuleCalendar",
    "CBME": "RuleCalendar",
    "bh": "BusinessHourCalendar",
    "cbh": "BusinessHourCalendar",
}

# Strides past these exceed the years 1 to 9999 from any start: longer ones are all alike, and int64 holds these.
_LONGEST_PERIOD = 2**60
_LONGEST_STRIDE = 10_000_000


class Interval(BaseModel):
    """A step length: a unit and a positive count.

    Fixed units (``D W h min s ms us``) count from the start of a range. ``M`` keeps the start's day of month, clamped
    to the month's length, without drift. Boundary units (``B MS ME SMS SME BMS BME QS QE BQS BQE YS YE BYS BYE``) take
    the first boundary on or after the start, keep its time of day and, with ``n > 1``, keep every n-th from there.
    A weekend boundary of a ``B...`` unit moves inwards: a start to Monday, an end to Friday.

    Validates from a string wherever an ``Interval`` field is declared.

    >>> Interval.model_validate("2M")
    Interval(offset='M', n=2)
    >>> Interval(offset="ME").steps("2024-01-31", "2024-03-31")
    DatetimeIndex(['2024-01-31', '2024-02-29', '2024-03-31'], dtype='datetime64[us]', freq=None)
    """

    model_config = ConfigDict(frozen=True)

    offset: Offset = Field(description="The unit, spelled as pandas spells it.")
    n: int = Field(1, description="How many units one step takes; positive.")

    @model_validator(mode="wrap")
    @classmethod
    def _from_text(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        # Outermost, because ccflow reads every other string as a path in the registry.
        if isinstance(value, str) and not is_registry_path(value):
            offset, n = parse_interval(value)
            value = {"offset": offset, "n": n}
        elif not isinstance(value, str | dict | BaseModel):
            raise ValueError(f"{value!r} is not an interval: expected {accepted_units()}.")
        return checked_type(handler(value), cls)

    @field_validator("n")
    @classmethod
    def _check_count(cls, value: int) -> int:
        if value < 1:
            raise ValueError(f"the count n must be positive, not {value}.")
        return value

    def __str__(self) -> str:
        return f"{self.n}{self.offset}"

    def _repr_html_(self) -> str:
        from .cards import interval_card

        return interval_card(self).html()

    def to_offset(self) -> "pd.offsets.BaseOffset":
        """The pandas offset that this interval maps onto; ``W`` is 7 days and ``M`` is ``DateOffset(months=n)``.

        Raises:
            ValueError: the count is more than a pandas offset holds.

        >>> Interval(offset="W", n=2).to_offset()
        <14 * Days>
        """
        import pandas as pd
        from pandas.tseries.frequencies import to_offset

        if self.offset == "M":
            return pd.DateOffset(months=self.n)
        try:
            return pd.offsets.Day(7 * self.n) if self.offset == "W" else to_offset(f"{self.n}{self.offset}")
        except (OverflowError, ValueError):  # which one depends on the unit and on pandas
            raise ValueError(
                f"Interval {self} is more than a pandas offset holds: give a smaller count, or ask for its steps here."
            ) from None

    def steps(self, start: "Instant", end: "Instant") -> "pd.DatetimeIndex":
        """The steps from ``start`` to ``end``, both inclusive, in order.

        Args:
            start: The first instant; the steps keep its time of day and its time zone.
            end: The last instant.

        Returns:
            A DatetimeIndex of resolution ``us``; empty, of the same dtype, when ``start`` is after ``end``.

        Raises:
            ValueError: the unit needs a calendar (``C CBMS CBME bh cbh``) or is ``ns``, or a bound is not an instant.

        Linear in the number of steps. Month arithmetic follows the proleptic Gregorian calendar, years 1 to 9999.

        >>> Interval(offset="M").steps("2024-01-31", "2024-04-30")
        DatetimeIndex(['2024-01-31', '2024-02-29', '2024-03-31', '2024-04-30'], dtype='datetime64[us]', freq=None)
        """
        return self._ticks(start, end).index()

    def count(self, start: "Instant", end: "Instant") -> int:
        """How many steps :meth:`steps` has between ``start`` and ``end``, in constant time.

        >>> Interval(offset="s").count("0001-01-01", "9999-12-31")
        315537811201
        """
        return self._ticks(start, end).count()

    def _ticks(self, start: "Instant", end: "Instant") -> Ticks:
        return between(lambda _axis, origin, _last: self.grid(origin), start, end, elapsed=self.elapsed)

    @property
    def elapsed(self) -> bool:
        """Whether the steps count elapsed time (sub-day units) and not days on the wall clock.

        >>> Interval(offset="h").elapsed, Interval(offset="D").elapsed
        (True, False)
        """
        return self.offset in ("h", "min", "s", "ms", "us")

    @property
    def has_days(self) -> bool:
        """Whether the steps are days of the calendar, whatever the start: boundary units and ``B``.

        >>> Interval(offset="ME").has_days, Interval(offset="M").has_days
        (True, False)
        """
        return self.offset in _DAY_GRIDS

    @property
    def anchored(self) -> bool:
        """Whether the day of the start decides which steps there are.

        >>> Interval(offset="ME").anchored, Interval(offset="ME", n=2).anchored
        (False, True)
        """
        return self.n > 1 or self.offset in ("W", "M")

    def member_grid(self, origin: int) -> Grid | None:
        """The grid of the instants at which a range of this interval can begin, or None where it can at every instant.

        >>> Interval(offset="W").member_grid(0) is None
        True
        """
        if self.offset in FIXED_MICROSECONDS or self.offset == "M":
            return None
        return Interval(offset=self.offset).grid(origin)

    @property
    def stride(self) -> int:
        """The count, as far as the years 1 to 9999 can tell it from a longer one.

        >>> Interval(offset="D", n=2).stride
        2
        """
        return min(self.n, _LONGEST_STRIDE)

    def grid(self, origin: int) -> Grid:
        """The grid of this interval on an axis of microseconds; ordinal 0 is the first step at or after ``origin``.

        Raises:
            ValueError: the unit needs an explicit calendar or is ``ns``.

        >>> Interval(offset="D").grid(0).at(2)
        172800000000
        """
        if self.offset in FIXED_MICROSECONDS:
            return FixedGrid(origin, min(self.n * FIXED_MICROSECONDS[self.offset], _LONGEST_PERIOD))
        stride = self.stride
        day, time = divmod(origin, DAY)
        if self.offset == "M":
            return TimedGrid(day_grids.AnchoredMonthGrid(day, stride), time)
        if self.offset in _DAY_GRIDS:
            return StridedGrid(TimedGrid(_DAY_GRIDS[self.offset], time), origin, stride)
        if self.offset == "ns":
            raise ValueError(
                f"Interval {self} is not supported: a datetime carries microseconds; use an IntervalCalendar of 'us'."
            )
        name = _NEEDS_CALENDAR[self.offset]
        raise ValueError(
            f"Interval {self} is not supported without working days: use a {name}, which takes rules and holidays."
        )

"""BaseCalendar: what every calendar answers, derived from the one method that a calendar has to implement."""

import abc
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self, overload

import numpy as np
from ccflow import BaseModel
from pydantic import ConfigDict, Field, ModelWrapValidatorHandler, model_validator

from .checks import checked_type, positive
from .grids import Grid, Places, StridedGrid, TableGrid
from .instants import EVER, Ambiguous, Axis, Instant, Nonexistent, same_time
from .interval import Interval
from .membership import as_moments, as_places, contains_each, has_zone
from .navigation import closing, nth
from .spans import moved
from .ticks import Ticks, between
from .units import is_registry_path

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray
    from pydantic._internal._repr import ReprArgs

__all__ = ["BaseCalendar", "GridCalendar"]


class BaseCalendar(BaseModel, abc.ABC):
    """A set of steps in time: which instants of any range a pipeline runs for.

    A subclass implements :meth:`steps` and nothing else; it may return a list of datetimes instead of a DatetimeIndex.
    It is called with plain datetimes. Calendars are immutable and hashable, and ``a | b``, ``a & b`` and ``a - b`` are
    calendars too.

    Validates from an interval (``"2M"``, an :class:`Interval`, ``{"interval": "1B"}``), from a registry path
    (a string that begins with ``/``, ``./`` or ``../``) and from any calendar's own configuration.

    >>> BaseCalendar.model_validate("2M").interval
    Interval(offset='M', n=2)
    """

    model_config = ConfigDict(frozen=True)

    nonexistent: Nonexistent = Field(
        "raise",
        description="A wall time (of a bound, too) that a zone skips: raise, shift_forward, shift_backward, skip.",
    )
    ambiguous: Ambiguous = Field(
        "raise",
        description="A wall time that the time zone repeats: raise, or keep its earlier or later instant.",
    )

    @model_validator(mode="wrap")
    @classmethod
    def _from_interval(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        # Outermost, because ccflow reads every other string as a path in the registry.
        if isinstance(value, Interval) or (isinstance(value, str) and not is_registry_path(value)):
            value = {"interval": value}
        if cls is BaseCalendar and isinstance(value, dict) and not {"_target_", "type_"} & value.keys():
            from .builtin import IntervalCalendar

            if "interval" not in value:
                raise ValueError(
                    f"{value!r} is not a calendar: it has neither an interval nor a _target_ that names one."
                )
            value = IntervalCalendar(**value)
        return checked_type(handler(value), cls)

    def __repr_args__(self) -> "ReprArgs":
        defaults = {name: field.default for name, field in type(self).model_fields.items()}
        return [(name, value) for name, value in self.__dict__.items() if value != defaults[name]]

    def _repr_html_(self) -> str:
        from .cards import calendar_card

        return calendar_card(self).html()

    @abc.abstractmethod
    def steps(self, start: Instant, end: Instant) -> "pd.DatetimeIndex":
        """The steps from ``start`` to ``end``, both inclusive, in order, as a DatetimeIndex of resolution ``us``.

        Raises:
            ValueError: a bound is not an instant, only one of them has a time zone, or a step, or a bound that hours
                count from, does not exist (or a step occurs twice) in the zone and the policy is ``"raise"``.

        >>> BaseCalendar.model_validate("MS").steps("2024-01-15", "2024-03-31")
        DatetimeIndex(['2024-02-01', '2024-03-01'], dtype='datetime64[us]', freq=None)
        """

    def ticks(self, start: Instant, end: Instant) -> Ticks:
        """The steps from ``start`` to ``end`` before any is made: their count, their index, their blocks.

        >>> BaseCalendar.model_validate("1D").ticks("2024-01-01", "2024-01-02").index()
        DatetimeIndex(['2024-01-01', '2024-01-02'], dtype='datetime64[us]', freq=None)
        """
        return between(
            lambda axis, origin, last: self._grid(axis, origin, origin, last),
            start,
            end,
            elapsed=self._elapsed,
            nonexistent=self.nonexistent,
            ambiguous=self.ambiguous,
        )

    def count(self, start: Instant, end: Instant) -> int:
        """How many steps lie between ``start`` and ``end``, both inclusive.

        In constant time where the calendar has a formula.

        >>> BaseCalendar.model_validate("1B").count("2024-01-01", "2024-12-31")
        262
        """
        return self.ticks(start, end).count()

    @overload
    def contains(self, when: Instant) -> bool: ...
    @overload
    def contains(self, when: "Iterable[Instant]") -> "NDArray[np.bool_]": ...
    def contains(self, when: "Instant | Iterable[Instant]") -> "bool | NDArray[np.bool_]":
        """Whether ``when`` is a step of the range that begins with it.

        Args:
            when: An instant, or an iterable of them (a DatetimeIndex, an array, a list).

        Returns:
            A bool, or for an iterable a bool array of its length.

        >>> BaseCalendar.model_validate("ME").contains("2024-02-29")
        True
        >>> BaseCalendar.model_validate("ME").contains(["2024-02-28", "2024-02-29"])
        array([False,  True])
        """
        if isinstance(when, str) or not isinstance(when, Iterable):
            return self.count(when, when) == 1
        moments = as_moments(when)
        if has_zone(moments):
            return np.array([self.contains(moment) for moment in moments], dtype=bool)
        return self._contains(*as_places(moments, self._elapsed))

    def __contains__(self, when: Instant) -> bool:
        return bool(self.contains(when))

    def next(self, when: Instant, n: int = 1) -> "pd.Timestamp":
        """The n-th step strictly after ``when``, at its time of day.

        Raises:
            ValueError: ``n`` is not positive, or no such step is found before the year 10000.

        >>> BaseCalendar.model_validate("1B").next("2024-03-01")
        Timestamp('2024-03-04 00:00:00')
        """
        return nth(self, when, n, ahead=True)

    def previous(self, when: Instant, n: int = 1) -> "pd.Timestamp":
        """The n-th step strictly before ``when``, at its time of day.

        Raises:
            ValueError: ``n`` is not positive, or no such step is found from the year 1 on.

        >>> BaseCalendar.model_validate("ME").previous("2024-03-15", 2)
        Timestamp('2024-01-31 00:00:00')
        """
        return nth(self, when, n, ahead=False)

    def windows(self, start: Instant, end: Instant, span: Interval | str | None = None) -> "pd.IntervalIndex":
        """The half-open windows of the steps from ``start`` to ``end``: to the next step, or of a fixed span.

        Without a span, the last window ends at the first step after ``end`` of the range from ``start`` on; a calendar
        without a further step leaves it open to the end of the year 9999, or is a ``ValueError`` where its steps are
        too many to look through. With a span, what the calendar leaves out does not lengthen a window: with
        ``span="1D"``, Friday's window of a calendar of weekdays ends on Saturday.

        Args:
            start: First instant.
            end: Last instant.
            span: The length of every window: a number of ``W D h min s ms us`` or ``M``.

        >>> BaseCalendar.model_validate("MS").windows("2024-01-01", "2024-02-01")
        IntervalIndex([[2024-01-01 00:00:00, 2024-02-01 00:00:00),
                       [2024-02-01 00:00:00, 2024-03-01 00:00:00)],
                      dtype='interval[datetime64[us], left]')
        """
        import pandas as pd

        found = self.ticks(start, end)
        left = right = found.index()
        if span is not None:
            right = moved(left, Interval.model_validate(span), self.nonexistent, self.ambiguous)
        elif len(left):
            right = left[1:].append(closing(self, found, left[-1].to_pydatetime()))
        return pd.IntervalIndex.from_arrays(left, right, closed="left")

    def bounds(self, start: Instant, end: Instant, span: Interval | str | None = None) -> "pd.DataFrame":
        """The bounds of :meth:`windows` as a DataFrame with the columns ``start`` (included) and ``end`` (excluded).

        >>> BaseCalendar.model_validate("1B").bounds("2024-03-01", "2024-03-04", span="1D")
               start        end
        0 2024-03-01 2024-03-02
        1 2024-03-04 2024-03-05
        """
        import pandas as pd

        windows = self.windows(start, end, span)
        return pd.DataFrame({"start": windows.left, "end": windows.right})

    def chunks(self, start: Instant, end: Instant, size: int) -> "Iterator[pd.DatetimeIndex]":
        """The steps from ``start`` to ``end`` in blocks of ``size``, of which only one is in memory at a time.

        Raises:
            ValueError: ``size`` is not positive.

        >>> [len(block) for block in BaseCalendar.model_validate("1D").chunks("2024-01-01", "2024-01-05", 2)]
        [2, 2, 1]
        """
        return self.ticks(start, end).chunks(positive(size, "size", "it is the number of steps in a block"))

    def __or__(self, other: "BaseCalendar") -> "BaseCalendar":
        """The steps that either calendar has, as a ``UnionCalendar``."""
        from .algebra import UnionCalendar, combined

        return combined(UnionCalendar, self, other)

    def __and__(self, other: "BaseCalendar") -> "BaseCalendar":
        """The steps that both calendars have, as an ``IntersectionCalendar``."""
        from .algebra import IntersectionCalendar, combined

        return combined(IntersectionCalendar, self, other)

    def __sub__(self, other: "BaseCalendar") -> "BaseCalendar":
        """The steps that this calendar has and the other one has not, as a ``DifferenceCalendar``."""
        from .algebra import DifferenceCalendar, combined

        return combined(DifferenceCalendar, self, other)

    def shift(self, n: int, by: "Interval | BaseCalendar | str" = "1D") -> "BaseCalendar":
        """Every step moved by ``n`` times a length, or by ``n`` days of a calendar, as a ``ShiftedCalendar``.

        They are the moved steps of the range moved back. So days keep the time of day of the start: for days at 09:00,
        begin the range at 09:00; a shift by hours does not do it.

        >>> BaseCalendar.model_validate("MS").shift(9).next("2024-01-01")
        Timestamp('2024-01-10 00:00:00')
        >>> BaseCalendar.model_validate("ME").shift(-1, by="B").next("2024-03-01")
        Timestamp('2024-03-29 00:00:00')
        >>> BaseCalendar.model_validate("ME").shift(9, "h").steps("2024-01-01", "2024-03-31")
        DatetimeIndex(['2024-01-01', '2024-02-01', '2024-03-01'], dtype='datetime64[us]', freq=None)
        """
        from .shifts import ShiftedCalendar

        return ShiftedCalendar(calendar=self, n=n, by=by, nonexistent=self.nonexistent, ambiguous=self.ambiguous)

    @property
    def _elapsed(self) -> bool:
        """Whether steps are instants of elapsed time; calendars of days count on the wall clock instead."""
        return True

    @property
    def _daily(self) -> bool:
        """Whether there is at most one step a day, at the start's time of day."""
        return not self._elapsed

    @property
    def _anchored(self) -> bool:
        """Whether more of the start than its time of day decides which steps there are."""
        return False

    @property
    def _stretch(self) -> int:
        """Microseconds whose steps are few enough to be made at a time, in a search for one of them."""
        return EVER

    def _grid(self, axis: Axis, origin: int, low: int, high: int) -> Grid:
        """A grid, right between two places, of a range from ``origin``; ordinal 0 begins it if it is between them."""
        since = origin if origin < low else same_time(low, origin)
        steps = self.steps(axis.datetime(since), axis.datetime(high))
        if not isinstance(steps, Iterable):
            name = type(self).__name__
            raise TypeError(f"{name}.steps returned {steps!r}: expected a DatetimeIndex or a list of datetimes.")
        found = axis.places(steps)
        return StridedGrid(TableGrid(found[(found >= low) & (found <= high)]), origin)

    def _member_grid(self, axis: Axis, origin: int, low: int, high: int) -> Grid | None:
        """A grid of what is a step of the range that begins with it, or None for every instant."""
        return self._grid(axis, origin, low, high)

    def _contains(self, axis: Axis, places: Places) -> "NDArray[np.bool_]":
        return contains_each(self._member_grid, axis, places)


class GridCalendar(BaseCalendar):
    """A calendar that knows its grid, so that steps need no table."""

    @abc.abstractmethod
    def _grid(self, axis: Axis, origin: int, low: int, high: int) -> Grid: ...

    def steps(self, start: Instant, end: Instant) -> "pd.DatetimeIndex":
        """The steps that the grid has from ``start`` to ``end``."""
        return self.ticks(start, end).index()

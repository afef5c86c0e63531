"""Rules: holidays as data, each answering with the days it closes in a range of years."""

import abc
import datetime as dt
from typing import Annotated, Any, Literal, Self

import numpy as np
from ccflow import BaseModel
from pydantic import BeforeValidator, ConfigDict, Field, ModelWrapValidatorHandler, model_validator

from .checks import Day, Days, checked_type
from .civil import first_day, weekday_of
from .grids import Places

__all__ = ["BaseRule", "Dates", "EasterOffset", "FixedDate", "NthWeekday", "Weekday"]

Weekday = Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
WEEKDAYS: tuple[str, ...] = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

Observance = Literal["none", "nearest", "next_monday", "sunday_to_monday"]

# By how many days an observance moves a holiday, by weekday from Monday on.
_SHIFTS: dict[str, Places] = {
    "none": np.array([0, 0, 0, 0, 0, 0, 0]),
    "nearest": np.array([0, 0, 0, 0, 0, -1, 1]),
    "next_monday": np.array([0, 0, 0, 0, 0, 2, 1]),
    "sunday_to_monday": np.array([0, 0, 0, 0, 0, 0, 1]),
}


def _as_date(value: Any) -> Any:
    """A year stands for its first day."""
    return dt.date(int(value), 1, 1) if _is_year(value) else value


def _as_last_date(value: Any) -> Any:
    """A year stands for its last day."""
    return dt.date(int(value), 12, 31) if _is_year(value) else value


def _is_year(value: Any) -> bool:
    return type(value) is int or (isinstance(value, str) and len(value) == 4 and value.isdecimal())


def day_number(day: dt.date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - _EPOCH


_EPOCH = dt.date(1970, 1, 1).toordinal()


class BaseRule(BaseModel, abc.ABC):
    """A rule that closes days of the years it is in force.

    In YAML a rule may be written without its class: ``{month: 1, day: 1}`` is a :class:`FixedDate`,
    ``{month: 9, weekday: Mon, n: 1}`` an :class:`NthWeekday`, ``{days: -2}`` an :class:`EasterOffset` and
    ``{dates: [2024-06-03]}`` a :class:`Dates`.
    """

    model_config = ConfigDict(frozen=True)

    since: Annotated[Day, BeforeValidator(_as_date)] | None = Field(
        None, description="First date (or year) that the rule is in force, before observance moves it."
    )
    until: Annotated[Day, BeforeValidator(_as_last_date)] | None = Field(
        None, description="Last date (or year) that the rule is in force, before observance moves it."
    )
    except_years: tuple[int, ...] = Field((), description="Years in which the rule is not in force.")

    @model_validator(mode="wrap")
    @classmethod
    def _from_data(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if cls is BaseRule and isinstance(value, dict) and not {"_target_", "type_"} & value.keys():
            kinds = {"weekday": NthWeekday, "month": FixedDate, "days": EasterOffset, "dates": Dates}
            told = [kind for name, kind in kinds.items() if name in value]
            if not told:
                raise ValueError(f"{value!r} is not a rule: it has none of the keys {', '.join(kinds)}.")
            value = told[0](**value)
        return checked_type(handler(value), cls)

    @model_validator(mode="after")
    def _check_term(self) -> Self:
        if self.since is not None and self.until is not None and self.since > self.until:
            raise ValueError(f"since {self.since} is after until {self.until}: the rule would never be in force.")
        return self

    @abc.abstractmethod
    def _nominal(self, years: Places) -> Places:
        """The day numbers that the rule names in some years, whether or not it is in force."""

    def _moved(self, days: Places) -> Places:
        return days

    def closures(self, first_year: int, last_year: int) -> Places:
        """The days that the rule closes in the years ``first_year`` to ``last_year``, both included.

        Returns:
            Day numbers (int64 days since 1970-01-01), in no particular order. Observance may move a day into a
            neighbouring year.

        >>> FixedDate(month=1, day=1).closures(1970, 1971)
        array([  0, 365])
        """
        years = np.arange(first_year, last_year + 1)
        if self.except_years:
            years = years[~np.isin(years, self.except_years)]
        days = self._nominal(years)
        if self.since is not None:
            days = days[days >= day_number(self.since)]
        if self.until is not None:
            days = days[days <= day_number(self.until)]
        return self._moved(days)


class FixedDate(BaseRule):
    """The same day of the same month every year; 29 February closes in leap years only.

    ``observance`` moves a day that falls on a weekend: ``nearest`` (Saturday to Friday, Sunday to Monday),
    ``next_monday`` (both to Monday), ``sunday_to_monday``, or ``none``.

    >>> FixedDate(month=1, day=1, observance="nearest").closures(2022, 2022) + np.datetime64("1970-01-01")
    array(['2021-12-31'], dtype='datetime64[D]')
    """

    month: int = Field(ge=1, le=12, description="Month, 1 to 12.")
    day: int = Field(ge=1, le=31, description="Day of the month.")
    observance: Observance = Field("none", description="Where a weekend day is kept instead.")

    @model_validator(mode="after")
    def _check_day(self) -> "FixedDate":
        try:
            dt.date(2000, self.month, self.day)
        except ValueError:
            raise ValueError(f"month {self.month} has no day {self.day}: give a day that some year has.") from None
        return self

    def _nominal(self, years: Places) -> Places:
        month = (years - 1970) * 12 + self.month - 1
        days = first_day(month) + self.day - 1
        return days[days < first_day(month + 1)] if self.day > 28 else days

    def _moved(self, days: Places) -> Places:
        return days + _SHIFTS[self.observance][weekday_of(days)]


class NthWeekday(BaseRule):
    """The n-th weekday of a month; a negative ``n`` counts from the month's end, and a fifth that is missing is no day.

    >>> NthWeekday(month=5, weekday="Mon", n=-1).closures(2024, 2024) + np.datetime64("1970-01-01")
    array(['2024-05-27'], dtype='datetime64[D]')
    """

    month: int = Field(ge=1, le=12, description="Month, 1 to 12.")
    weekday: Weekday = Field(description="Mon, Tue, Wed, Thu, Fri, Sat or Sun.")
    n: int = Field(ge=-5, le=5, description="Which one: 1 is the first, -1 the last.")

    @model_validator(mode="after")
    def _check_n(self) -> "NthWeekday":
        if self.n == 0:
            raise ValueError("n is 0: 1 is the first such weekday of the month and -1 the last.")
        return self

    def _nominal(self, years: Places) -> Places:
        month = (years - 1970) * 12 + self.month - 1
        first, last = first_day(month), first_day(month + 1) - 1
        weekday = WEEKDAYS.index(self.weekday)
        if self.n > 0:
            days = first + (weekday - weekday_of(first)) % 7 + 7 * (self.n - 1)
        else:
            days = last - (weekday_of(last) - weekday) % 7 + 7 * (self.n + 1)
        return days[(days >= first) & (days <= last)]


class EasterOffset(BaseRule):
    """A number of days after (or, negative, before) Easter Sunday of the Gregorian computus.

    Source: the anonymous Gregorian algorithm as given by J. Meeus, Astronomical Algorithms (1991), chapter 8.

    >>> EasterOffset(days=-2).closures(2024, 2024) + np.datetime64("1970-01-01")
    array(['2024-03-29'], dtype='datetime64[D]')
    """

    days: int = Field(ge=-366, le=366, description="Days after Easter Sunday; -2 is the Friday before.")

    def _nominal(self, years: Places) -> Places:
        golden = years % 19
        century, of_century = divmod(years, 100)
        leaps, of_four = divmod(century, 4)
        moon = (19 * golden + century - leaps - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
        leap, of_leap = divmod(of_century, 4)
        sunday = (32 + 2 * of_four + 2 * leap - moon - of_leap) % 7
        late = (golden + 11 * moon + 22 * sunday) // 451
        march_22 = first_day((years - 1970) * 12 + 2) + 21
        return march_22 + moon + sunday - 7 * late + self.days


class Dates(BaseRule):
    """One-off dates.

    >>> Dates(dates=["2024-06-03"]).closures(2024, 2024) + np.datetime64("1970-01-01")
    array(['2024-06-03'], dtype='datetime64[D]')
    """

    dates: Days = Field(description="The dates.")

    def _nominal(self, years: Places) -> Places:
        wanted = set(years.tolist())
        return np.array([day_number(day) for day in self.dates if day.year in wanted], dtype=np.int64)

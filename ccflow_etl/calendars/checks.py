"""Checks of what is given: its type, whole numbers, and dates as people and YAML write them."""

import datetime as dt
from operator import index
from typing import Annotated, Any, TypeVar

import numpy as np
from pydantic import AfterValidator, BeforeValidator

__all__ = ["Day", "Days", "TimeOfDay", "checked_type", "positive"]

T = TypeVar("T")

_HOURS_AND_MINUTES = range(60, 24 * 60)  # 17:00 is read as 17 * 60
_HOURS_TO_SECONDS = range(3600, 24 * 3600)  # 17:00:30 as 17 * 3600 + 30


def checked_type(value: T, kind: type) -> T:
    """The value, which a ``_target_`` may have made of another type.

    Raises:
        ValueError: It is not of the type.

    >>> checked_type(1, int)
    1
    """
    if not isinstance(value, kind):
        raise ValueError(f"{value!r} is of type {type(value).__name__}: expected {kind.__name__}.")
    return value


def positive(number: Any, name: str, hint: str) -> int:
    """A positive whole number as a Python integer.

    Raises:
        TypeError: It is not whole.
        ValueError: It is not positive.

    >>> positive(2, "n", "say how many steps")
    2
    """
    try:
        whole = index(number)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, not {number!r}: {hint}.") from None
    if whole < 1:
        raise ValueError(f"{name} must be positive, not {number}: {hint}.")
    return whole


def _as_day(value: Any) -> Any:
    if isinstance(value, np.datetime64):
        return value.astype("M8[D]").item() if value == value.astype("M8[D]") else value.item()
    if isinstance(value, int | float):  # which pydantic reads as seconds since 1970
        raise ValueError(f"{value!r} is a number and not a date: write it as 2024-01-31.")
    return value


def _as_time(value: Any) -> Any:
    """A time of day from a text without a leading zero, and from what YAML makes of one without quotes."""
    if isinstance(value, int) and not isinstance(value, bool):
        minutes = value in _HOURS_AND_MINUTES
        if not minutes and value not in _HOURS_TO_SECONDS:
            raise ValueError(f"{value!r} is a number and not a time of day: write it as '09:30'.")
        return (dt.datetime.min + dt.timedelta(**{"minutes" if minutes else "seconds": value})).time()
    return f"0{value}" if isinstance(value, str) and value[1:2] == ":" else value


Day = Annotated[dt.date, BeforeValidator(_as_day)]
"""A date, also as a datetime64, and not as a number."""

Days = Annotated[tuple[Day, ...], AfterValidator(lambda days: tuple(sorted(set(days))))]
"""Dates in order, each once."""

TimeOfDay = Annotated[dt.time, BeforeValidator(_as_time)]
"""A time of day."""

"""How single values that JSON and CSV have no form for are written."""

import datetime as dt
import enum
import pathlib
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
from pydantic_core import to_jsonable_python


def plain_scalar(value: Any) -> Any:
    """Return a single value as ``str``, ``int``, ``float`` or ``bool``.

    ========================================  ==============================================
    value                                     written as
    ========================================  ==============================================
    ``datetime``, ``date``, ``time``          ISO 8601, ``2024-01-03T09:30:00+00:00``
    ``pandas.Timestamp``                      ISO 8601 with its nanoseconds, if any
    ``timedelta``                             ISO 8601 duration, ``P1DT2H``
    ``Decimal``, ``UUID``, a path             their ``str``, all digits kept
    an ``Enum`` member                        its value, by these rules
    numpy numbers and booleans                the Python number or boolean of the same value
    numpy dates, times and strings            ISO 8601 in their own resolution, or text
    ========================================  ==============================================

    Raises:
        TypeError: If the value is of another type.
        ValueError: If the value is missing (``NaT``) or not a number.

    >>> import datetime as dt
    >>> plain_scalar(dt.date(2024, 1, 3)), plain_scalar(dt.timedelta(hours=26)), plain_scalar(np.int64(7))
    ('2024-01-03', 'P1DT2H', 7)
    """
    if isinstance(value, enum.Enum):
        return value.value if isinstance(value.value, str | int | float) else plain_scalar(value.value)
    if isinstance(value, dt.datetime | dt.date | dt.time | dt.timedelta | np.datetime64 | np.timedelta64):
        return _plain_time(value)
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"{value} is not a number")
        return str(value)
    if isinstance(value, UUID | pathlib.PurePath):
        return str(value)
    if isinstance(value, np.bool_ | np.integer | np.floating | np.str_) and not isinstance(value, np.longdouble):
        return value.item()
    raise TypeError("a value of this type has no rule")


def _plain_time(value: Any) -> str:
    if value != value:  # only NaT, in any of its forms, differs from itself
        raise ValueError("NaT is not a time")
    if isinstance(value, np.datetime64):
        return str(value)
    if isinstance(value, np.timedelta64):
        value = value.item()
        if not isinstance(value, dt.timedelta):
            raise ValueError("a timedelta64 finer than microseconds or in months has no ISO 8601 form here")
    if isinstance(value, dt.timedelta):
        if getattr(value, "nanoseconds", 0):
            raise ValueError("a duration finer than microseconds has no ISO 8601 form here")
        return str(to_jsonable_python(value))
    return str(value.isoformat())

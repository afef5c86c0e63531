"""Values of conditions as exact numbers: how many steps of a column's type they are from its zero."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import type_name

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Number = int | float | Decimal | Fraction

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_SECONDS_OF_A_DAY = 86_400


def place_of(kind: "pa.DataType", value: Any) -> Number | None:
    """Return how many steps of a type, of which there may be a fraction, a value is from 0, 1970 or midnight.

    Types without steps, as text, have no places: None.

    Raises:
        TypeError, ValueError: If it is no number, time or duration that goes with the type, with the reason.

    >>> import pyarrow as pa
    >>> place_of(pa.date32(), "1970-01-03"), place_of(pa.duration("s"), "1500ms"), place_of(pa.int8(), 7.5)
    (Fraction(2, 1), Fraction(3, 2), 7.5)
    """
    import pyarrow as pa

    if pa.types.is_integer(kind):
        return number_of(value)
    if pa.types.is_decimal(kind):
        return _shifted(Decimal(number_of(value)), kind.scale)
    if pa.types.is_date(kind):
        seconds = _instant(dt.date.fromisoformat(value) if isinstance(value, str) else value, None)
        return seconds / _SECONDS_OF_A_DAY if pa.types.is_date32(kind) else seconds * _PER_SECOND["ms"]
    if pa.types.is_timestamp(kind):
        return _instant(value, kind.tz) * _PER_SECOND[kind.unit]
    if pa.types.is_time(kind):
        return _time(value) * _PER_SECOND[kind.unit]
    if pa.types.is_duration(kind):
        return _duration(value) * _PER_SECOND[kind.unit]
    return None


def plain_value(kind: "pa.DataType", value: Any) -> Any:
    """Return a value that is text, bytes or a boolean, as the type is.

    Raises:
        TypeError: If it is not, or the type is none of them.

    >>> import pyarrow as pa
    >>> plain_value(pa.string(), "AAA")
    'AAA'
    """
    import pyarrow as pa

    for names, types, expected in (
        (("boolean",), (bool, np.bool_), "true or false"),
        (("string", "large_string", "string_view"), (str,), "text"),
        (("binary", "large_binary", "binary_view", "fixed_size_binary"), (bytes, bytearray), "bytes"),
    ):
        if any(getattr(pa.types, f"is_{name}")(kind) for name in names):
            if not isinstance(value, types):
                raise _mismatch(value, expected)
            return value
    raise TypeError("such columns cannot be filtered by")


def number_of(value: Any) -> int | float | Decimal:
    """Return a number of Python or numpy as one of Python; a boolean is none.

    Raises:
        TypeError: If it is none.

    >>> number_of(np.uint64(2**63)), number_of(1.5)
    (9223372036854775808, 1.5)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | np.integer | np.floating):
        raise _mismatch(value, "a number")
    if isinstance(value, Decimal):
        return value
    return int(value) if isinstance(value, int | np.integer) else float(value)


def _shifted(number: Decimal, places: int) -> Decimal:
    """Return a number times a power of ten, exactly."""
    sign, digits, exponent = number.as_tuple()
    return Decimal((sign, digits, exponent + places)) if isinstance(exponent, int) else number


def _instant(value: Any, zone: str | None) -> Fraction:
    """Return the seconds since 1970 of an instant, or of a wall time if there is no zone."""
    import pandas as pd

    if not isinstance(value, str | dt.date | np.datetime64):
        raise _mismatch(value, "an instant")
    stamp = pd.Timestamp(value)
    is_wall = stamp.tzinfo is None and (isinstance(value, str) or type(value) is dt.date)
    if zone and is_wall:
        stamp = stamp.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    if stamp is pd.NaT:
        raise ValueError(f"it is not one instant in {zone}; give it with its offset from UTC" if zone else "it is none")
    if bool(zone) != bool(stamp.tzinfo):
        raise ValueError(f"it has {'no' if zone else 'a'} time zone; give an instant with{'' if zone else 'out'} one")
    return _seconds(stamp)


def _time(value: Any) -> Fraction:
    time = dt.time.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(time, dt.time) or time.tzinfo:
        raise _mismatch(value, "a time of day without a zone")
    return (time.hour * 60 + time.minute) * 60 + time.second + Fraction(time.microsecond, 10**6)


def _duration(value: Any) -> Fraction:
    import pandas as pd

    if not isinstance(value, str | dt.timedelta | np.timedelta64):
        raise _mismatch(value, "a duration, as '90min'")
    duration = pd.Timedelta(value)
    if duration is pd.NaT:
        raise ValueError("it is none")
    return _seconds(duration)


def _seconds(value: "pd.Timestamp | pd.Timedelta") -> Fraction:
    return Fraction(int(value.asm8.astype("i8")), _PER_SECOND[value.unit])


def _mismatch(value: Any, expected: str) -> TypeError:
    return TypeError(f"it is of type {type_name(value)}; give {expected}")

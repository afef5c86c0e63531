"""What a condition compares a column with: values of the column's own type, so that nothing is cast or cut off."""

import math
from collections.abc import Collection
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from .filter_places import Number, number_of, place_of, plain_value

if TYPE_CHECKING:
    import pyarrow as pa


def stored_condition(label: Any, kind: "pa.DataType", operator: str, value: Any) -> tuple[str, Any]:
    """Return a condition that says the same in values of a column's type: an operator, and one or several of these.

    Numbers, times and durations compare as exactly as those of Python: of a value that no row can have, the next one
    below or above is taken. Only in a column of floats it becomes such a float, as in pandas. Text stands for an
    instant, a day, a time or a duration; dates, and text without a zone, are wall times of the column's zone.

    Raises:
        ValueError: If values of the column do not compare with it.

    >>> import pyarrow as pa
    >>> stored_condition("volume", pa.int8(), "<", 2.5)
    ('<=', <pyarrow.Int8Scalar: 2>)
    >>> stored_condition("at", pa.timestamp("s", "Europe/Paris"), ">=", "2024-01-03")
    ('>=', <pyarrow.TimestampScalar: '2024-01-03T00:00:00+0100'>)
    >>> stored_condition("volume", pa.int8(), "==", "2")
    Traceback (most recent call last):
    ...
    ValueError: '2' does not compare with values of type int8, as column 'volume' holds: it is of type str; give a \
number
    """
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if operator in ("in", "not in"):
        return operator, _set_of(label, kind, value)
    near = _near(label, kind, value)
    if len(near) == 2:
        return _between(kind, operator, *near)
    return (operator, near[0]) if near[0].is_valid else ("in", pa.array([], kind))


def _set_of(label: Any, kind: "pa.DataType", values: Collection[Any]) -> "pa.Array":
    """Return those of many values that a type has; integers and text alone all at once, which is ten times faster."""
    import pyarrow as pa

    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if set(map(type, values)) == {int if pa.types.is_integer(kind) else str if is_text else None}:
        with suppress(ValueError, OverflowError):  # of what is beyond the type, or no valid Unicode
            return pa.array(values, kind)
    nearest = [_near(label, kind, value) for value in values]
    return pa.array([one for near in nearest if len(near) == 1 for one in _equal(near[0])], kind)


def _between(kind: "pa.DataType", operator: str, below: Any, above: Any) -> tuple[str, Any]:
    """Return a condition for a value that no row has, which lies between two that one can have, None for no such."""
    import pyarrow as pa

    if operator == "!=" and pa.types.is_floating(kind):
        return "!=", pa.scalar(math.nan, kind)
    if operator == "!=" and not pa.types.is_null(kind):
        return "<=", _cell(kind, _bounds(kind)[1])
    bound = {"<": below, ">": above}.get(operator[0])
    return ("in", pa.array([], kind)) if bound is None else (f"{operator[0]}=", bound)


def _equal(cell: "pa.Scalar") -> list[Any]:
    """Return what is equal to a value: both zeros, which are not one to Arrow's search in a set."""
    import pyarrow as pa

    is_zero = pa.types.is_floating(cell.type) and cell.as_py() == 0
    return [pa.scalar(zero, cell.type) for zero in (0.0, -0.0)] if is_zero else [cell]


def _near(label: Any, kind: "pa.DataType", value: Any) -> tuple[Any, ...]:
    """Return the value of a type that is a given one, or those below and above it, None where there is none."""
    import pyarrow as pa

    try:
        if _is_missing(value):
            return (pa.scalar(None, kind),)
        if pa.types.is_null(kind):
            return None, None
        if pa.types.is_float32(kind) or pa.types.is_float64(kind):
            return _near_float(kind, number_of(value))
        place = place_of(kind, value)
        return (pa.scalar(plain_value(kind, value), kind),) if place is None else _near_place(kind, place)
    except (ValueError, TypeError, ArithmeticError, pa.ArrowException) as error:
        raise ValueError(
            f"{value!r} does not compare with values of type {kind}, as column {label!r} holds: {error}"
        ) from error


def _near_float(kind: "pa.DataType", number: Number) -> tuple[Any, ...]:
    import pyarrow as pa

    float_type = kind.to_pandas_dtype()
    with np.errstate(over="ignore"):
        try:
            nearest = float(float_type(float(number)))
        except OverflowError:
            nearest = math.inf if number > 0 else -math.inf
    if math.isinf(nearest) and nearest != number:
        largest = math.copysign(float(np.finfo(float_type).max), nearest)
        return tuple(pa.scalar(one, kind) for one in sorted([nearest, largest]))
    return (pa.scalar(nearest, kind),)


def _near_place(kind: "pa.DataType", place: Number) -> tuple[Any, ...]:
    if place != place:
        return None, None
    least, greatest = _bounds(kind)
    if place < least:
        return None, _cell(kind, least)
    if place > greatest:
        return _cell(kind, greatest), None
    below, above = math.floor(place), math.ceil(place)
    return tuple(_cell(kind, one) for one in sorted({below, above}))


def _is_missing(value: Any) -> bool:
    import pandas as pd

    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    return value is None or value is pd.NaT or value is pd.NA


def _bounds(kind: "pa.DataType") -> tuple[int, int]:
    """Return the least and the greatest place of a type whose values are evenly spaced."""
    import pyarrow as pa

    if pa.types.is_decimal(kind):
        return 1 - 10**kind.precision, 10**kind.precision - 1
    if pa.types.is_unsigned_integer(kind):
        return 0, 2**kind.bit_width - 1
    return -(2 ** (kind.bit_width - 1)), 2 ** (kind.bit_width - 1) - 1


def _cell(kind: "pa.DataType", place: int) -> "pa.Scalar":
    import pyarrow as pa

    if pa.types.is_decimal(kind):
        return pa.scalar(Decimal((int(place < 0), tuple(map(int, str(abs(place)))), -kind.scale)), kind)
    return pa.scalar(place, kind)

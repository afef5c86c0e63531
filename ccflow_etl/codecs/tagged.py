"""Any mix of values as JSON text that says what each one is, and back: exactly, without pickle.

None, booleans, numbers, text and lists stand for themselves; everything else is an object with one key, its tag.
"""

import base64
import datetime as dt
import json
import math
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np

from .errors import Refusal, type_name

_PLAIN = frozenset({str, int, bool, type(None)})

# Bits of integers that have a text: the least limit that Python can be given for them is 640 digits.
_CERTAIN_TEXT = 2_000


def dump_tagged(value: Any) -> str:
    """Return a value as JSON text.

    Raises:
        Refusal: If it, or something in it, is of a type that has no tag.

    >>> import datetime as dt
    >>> dump_tagged([1, (dt.date(2024, 1, 3), "a")])
    '[1,{"tuple":[{"date":"2024-01-03"},"a"]}]'
    """
    try:
        return json.dumps(to_tagged(value), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except RecursionError as error:
        raise Refusal("holds a value that is nested too deeply, or holds itself") from error
    except ValueError as error:
        raise Refusal(f"holds a value that has no text form: {error}") from error


def load_tagged(text: str) -> Any:
    """Return the value that ``dump_tagged`` was given.

    >>> load_tagged('{"tuple":[1,{"decimal":"1.20"}]}')
    (1, Decimal('1.20'))
    """
    return from_tagged(json.loads(text))


def to_tagged(value: Any) -> Any:
    """Return a value as what JSON has: plain ones as they are, others in an object with their tag."""
    kind = type(value)
    if kind is int and value.bit_length() > _CERTAIN_TEXT:
        _check_text(value)
    if kind in _PLAIN:
        return value
    if kind is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if kind is list:
        return [to_tagged(item) for item in value]
    tag = tag_of(value)
    return {tag: write_tag(tag, value)}


def _check_text(number: int) -> None:
    try:
        str(number)
    except ValueError as error:
        raise Refusal(f"holds a number that has no text form: {error}") from error


def from_tagged(value: Any) -> Any:
    """Return the value that ``to_tagged`` was given."""
    if isinstance(value, list):
        return [from_tagged(item) for item in value]
    if not isinstance(value, dict):
        return value
    ((tag, content),) = value.items()
    return read_tag(tag, content)


def tag_of(value: Any) -> str:
    """Return the tag of a value's type, which has to be that type itself and no subclass of it."""
    kind = type(value)
    tag = _TAGS.get(kind)
    if tag is not None:
        return tag
    if kind.__module__.partition(".")[0] == "pandas":
        found = _PANDAS_TAGS.get(kind.__name__)
        if found is not None:
            return found
    if isinstance(value, np.generic) and _has_no_padding(value.dtype):
        return "numpy"
    raise Refusal(f"holds {value!r:.60} of type {type_name(value)}, which has no exact text form")


def write_tag(tag: str, value: Any) -> Any:
    """Return a value as the content of its tag."""
    return _WRITE[tag](value)


def read_tag(tag: str, content: Any) -> Any:
    """Return the value from the content of its tag."""
    read = _READ.get(tag)
    if read is None:
        raise ValueError(f"unknown kind of value {tag!r}; it was written by a later version")
    return read(content)


def _write_mapping(value: dict[Any, Any]) -> list[Any]:
    return [[to_tagged(key), to_tagged(item)] for key, item in value.items()]


def _write_set(value: "set[Any] | frozenset[Any]") -> list[Any]:
    return sorted(map(to_tagged, value), key=lambda item: json.dumps(item, sort_keys=True))


def _write_datetime(value: dt.datetime) -> list[Any]:
    from .zones import zone_spec

    zone = value.tzinfo
    written = [value.replace(tzinfo=None, fold=0).isoformat(), zone and zone_spec(zone), value.fold]
    if zone and _read_datetime(written).utcoffset() != value.utcoffset():
        raise Refusal(f"holds {value!r}, whose zone is not the one of that name; use zoneinfo")
    return written


def _read_datetime(content: list[Any]) -> dt.datetime:
    from .zones import zone_of

    text, zone, fold = content
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone and zone_of(zone), fold=fold)


def _write_time(value: dt.time) -> list[Any]:
    from .zones import zone_spec

    zone = value.tzinfo
    return [value.replace(tzinfo=None, fold=0).isoformat(), zone and zone_spec(zone), value.fold]


def _read_time(content: list[Any]) -> dt.time:
    from .zones import zone_of

    text, zone, fold = content
    return dt.time.fromisoformat(text).replace(tzinfo=zone and zone_of(zone), fold=fold)


def _has_no_padding(dtype: np.dtype) -> bool:
    """Return whether equal numbers have equal bytes, which those longer than doubles have not."""
    return (dtype.kind in "iufbMm" and dtype.itemsize <= 8) or (dtype.kind == "c" and dtype.itemsize <= 16)


def _write_array(value: np.ndarray) -> list[Any]:
    if type(value) is not np.ndarray or not (value.dtype.kind in "SU" or _has_no_padding(value.dtype)):
        raise Refusal(f"holds an array of dtype {value.dtype}, which has no exact text form")
    return [value.dtype.str, list(value.shape), base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()]


def _read_array(content: list[Any]) -> np.ndarray:
    dtype, shape, data = content
    return np.frombuffer(base64.b64decode(data, validate=True), dtype).reshape(shape).copy()


def _read_numpy(content: list[Any]) -> Any:
    return np.frombuffer(base64.b64decode(content[1], validate=True), content[0])[0]


def _write_timestamp(value: Any) -> list[Any]:
    from .zones import zone_spec

    return [value.asm8.astype("i8").item(), value.unit, value.tz and zone_spec(value.tz), value.fold]


def _read_timestamp(content: list[Any]) -> Any:
    import pandas as pd

    from .zones import zone_of

    ticks, unit, zone, fold = content
    stamp = pd.Timestamp(np.datetime64(ticks, unit))
    if zone is None:
        return stamp.replace(fold=fold) if fold else stamp
    return stamp.tz_localize("UTC").tz_convert(zone_of(zone))


def _write_timedelta(value: Any) -> list[Any]:
    return [value.asm8.astype("i8").item(), value.unit]


def _read_timedelta(content: list[Any]) -> Any:
    import pandas as pd

    return pd.Timedelta(np.timedelta64(*content))


def _read_period(content: list[Any]) -> Any:
    import pandas as pd

    return pd.Period(ordinal=content[0], freq=content[1])


def _read_interval(content: list[Any]) -> Any:
    import pandas as pd

    left, right, closed = content
    return pd.Interval(from_tagged(left), from_tagged(right), closed)


def _pandas_value(name: str) -> Any:
    import pandas as pd

    return getattr(pd, name)


def _base64(value: Any) -> str:
    return base64.b64encode(value).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


_MICROSECOND = dt.timedelta(microseconds=1)
_TAGS: dict[type, str] = {
    dict: "dict",
    tuple: "tuple",
    set: "set",
    frozenset: "frozenset",
    bytes: "bytes",
    bytearray: "bytearray",
    complex: "complex",
    Decimal: "decimal",
    dt.datetime: "datetime",
    dt.date: "date",
    dt.time: "time",
    dt.timedelta: "timedelta",
    uuid.UUID: "uuid",
    np.ndarray: "array",
    np.str_: "numpy_str",
}
_PANDAS_TAGS = {
    "Timestamp": "pandas_timestamp",
    "Timedelta": "pandas_timedelta",
    "Period": "period",
    "Interval": "interval",
    "NaTType": "NaT",
    "NAType": "NA",
}
_WRITE: dict[str, Callable[[Any], Any]] = {
    "dict": _write_mapping,
    "tuple": lambda value: list(map(to_tagged, value)),
    "set": _write_set,
    "frozenset": _write_set,
    "bytes": _base64,
    "bytearray": _base64,
    "complex": str,
    "decimal": str,
    "datetime": _write_datetime,
    "date": dt.date.isoformat,
    "time": _write_time,
    "timedelta": lambda value: value // _MICROSECOND,
    "uuid": str,
    "array": _write_array,
    "numpy_str": str,
    "numpy": lambda value: [value.dtype.str, _base64(value.tobytes())],
    "pandas_timestamp": _write_timestamp,
    "pandas_timedelta": _write_timedelta,
    "period": lambda value: [value.ordinal, value.freqstr],
    "interval": lambda value: [to_tagged(value.left), to_tagged(value.right), value.closed],
    "NaT": lambda value: 0,
    "NA": lambda value: 0,
}
_READ: dict[str, Callable[[Any], Any]] = {
    "float": float,
    "dict": lambda content: {from_tagged(key): from_tagged(item) for key, item in content},
    "tuple": lambda content: tuple(map(from_tagged, content)),
    "set": lambda content: set(map(from_tagged, content)),
    "frozenset": lambda content: frozenset(map(from_tagged, content)),
    "bytes": _bytes,
    "bytearray": lambda content: bytearray(_bytes(content)),
    "complex": complex,
    "decimal": Decimal,
    "datetime": _read_datetime,
    "date": dt.date.fromisoformat,
    "time": _read_time,
    "timedelta": lambda content: content * _MICROSECOND,
    "uuid": uuid.UUID,
    "array": _read_array,
    "numpy_str": np.str_,
    "numpy": _read_numpy,
    "pandas_timestamp": _read_timestamp,
    "pandas_timedelta": _read_timedelta,
    "period": _read_period,
    "interval": _read_interval,
    "NaT": lambda content: _pandas_value("NaT"),
    "NA": lambda content: _pandas_value("NA"),
}

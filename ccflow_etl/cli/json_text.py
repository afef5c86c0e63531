"""A result as JSON: whatever a run returned has a form, and none of it is lost."""

import json
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from itertools import count
from pathlib import PurePath
from types import GeneratorType
from typing import TYPE_CHECKING, Any

import numpy as np
import pydantic_core
from pydantic import BaseModel

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["to_json"]

_FINER = ("ns", "ps", "fs", "as")  # than a datetime: numpy has but integers for these


def to_json(result: Any) -> str:
    """Return a result as one line of JSON, with `_target_` naming each model's class as ccflow does.

    Rows of a pandas DataFrame or a pyarrow Table are objects, which begin with the index unless that only counts the
    rows from 0. An unnamed index is `index`, or `level_0`, `level_1` and so on; the second of two columns `a` is `a.1`,
    and so is an index `a` beside a column `a`. A pandas Series is an object, or such rows if labels are repeated.

    NaT is null. What JSON has no form for is its `str`, as are bytes that are no UTF-8; half a surrogate pair is
    spelled out, as a backslash and `ud800`.

    >>> from ccflow import GenericResult
    >>> to_json(GenericResult(value={"words": 4}))
    '{"value":{"words":4},"_target_":"ccflow.result.generic.GenericResult"}'
    >>> import pandas as pd
    >>> to_json(pd.DataFrame({"rain": [0.5, 2]}, index=pd.to_datetime(["2024-01-01", None])))
    '[{"index":"2024-01-01T00:00:00","rain":0.5},{"index":null,"rain":2.0}]'
    """
    try:
        return _written(result, _plain)
    except pydantic_core.PydanticSerializationError as error:
        # Pydantic knows the type of a NaT or a str, and fails at the value without asking the fallback. That is rare,
        # and to look at each value is slow: so it is done only now.
        try:
            writable = _writable(result)
        except RecursionError:  # it contains itself: pydantic has said so
            raise error from None
        return _written(writable, lambda value: _writable(_plain(value)))


def _written(result: Any, fallback: Callable[[Any], Any]) -> str:
    return pydantic_core.to_json(result, by_alias=True, fallback=fallback, inf_nan_mode="null").decode()


def _plain(value: Any) -> Any:
    """What stands for a value of a type that pydantic does not know."""
    if hasattr(value, "to_pylist"):
        return _of_arrow(value)
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return _rows(value)
    if hasattr(value, "to_dict"):
        return _labelled(value) if hasattr(value, "to_frame") else value.to_dict()
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "mM":
        return _times(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)


def _of_arrow(value: Any) -> Any:
    names = getattr(value, "column_names", [])
    renamed = value if len(set(names)) == len(names) else value.rename_columns(_unique(names))
    return renamed.to_pylist()


def _rows(frame: "pd.DataFrame") -> list[dict[Any, Any]]:
    import pandas as pd

    index = frame.index
    columns = _unique(_keys(frame.columns))
    told = frame.set_axis(columns, axis=1)
    if list(index.names) == [None] and index.equals(pd.RangeIndex(len(index))):
        return told.to_dict(orient="records")
    unnamed = ["index"] if index.nlevels == 1 else [f"level_{level}" for level in range(index.nlevels)]
    names = _keys(default if name is None else name for name, default in zip(index.names, unnamed, strict=True))
    names = _unique([*columns, *names])[len(columns) :]  # the columns keep theirs
    return told.rename_axis(index=names).reset_index().to_dict(orient="records")


def _labelled(series: "pd.Series") -> Any:
    """An object of a Series; rows if one label would hide another."""
    keys = _keys(series.index)
    if len(set(keys)) == len(keys):
        return series.to_dict()
    return _rows(series.to_frame("value" if series.name is None else series.name))


def _times(value: Any) -> Any:
    """The dates or durations of numpy, which has integers for those of nanoseconds."""
    if np.datetime_data(value.dtype)[0] not in _FINER:
        return value.tolist()
    coarse = value.astype(f"{value.dtype.kind}8[us]")
    if np.all(np.isnat(value) | (coarse == value)):
        return coarse.tolist()
    told = value.astype(str).astype(object)
    return np.where(np.isnat(value), np.array(None), told).tolist()


def _keys(names: Iterable[Any]) -> list[str]:
    """The names that columns or labels have in JSON: those of 1 and "1" are the same."""
    return [key for named in json.loads(to_json([{name: None} for name in names])) for key in named]


def _unique(names: list[str]) -> list[str]:
    """The same names, with a number after each that one before it has."""
    taken, unique = set(names), dict[str, None]()
    for name in names:
        free = name
        if name in unique:
            free = next(free for number in count(1) if (free := f"{name}.{number}") not in taken)
            taken.add(free)
        unique[free] = None
    return list(unique)


def _writable(value: Any) -> Any:
    """The same value, with another in place of each that pydantic fails to write."""
    if isinstance(value, Enum):
        return _writable(value.value)
    if isinstance(value, PurePath):
        return _writable(str(value))
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, bytes | bytearray):
        return value if _is_utf8(value) else str(bytes(value))
    if isinstance(value, datetime):
        return value if value == value else None  # only NaT is not itself
    if isinstance(value, dict):
        return {_writable(key): _writable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_writable(item) for item in value]
    if isinstance(value, tuple | set | frozenset):  # which may be keys
        return tuple(_writable(item) for item in value)
    return _writable_object(value)


def _writable_object(value: Any) -> Any:
    if isinstance(value, BaseModel):
        # a copy, whose class says how to write it
        kept = {name: item for name, item in vars(value).items() if name in type(value).model_fields}
        values = kept | (value.model_extra or {})
        return value.model_copy(update={name: _writable(item) for name, item in values.items()})
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _writable(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, GeneratorType):
        raise TypeError("a generator gave values that have no form in JSON, and cannot be read again")
    return value


def _is_utf8(value: bytes | bytearray) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True

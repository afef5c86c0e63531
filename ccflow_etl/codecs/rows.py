"""Rows and columns of plain Python values as Arrow tables."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import Refusal, type_name

if TYPE_CHECKING:
    import pyarrow as pa

# Columns of these types become Arrow arrays without any loss; others are compared with what became of them.
_SAFE = ({str, type(None)}, {int, float, type(None)}, {bool, type(None)}, {bytes, type(None)})


def is_rows(payload: Any) -> bool:
    """Return whether a payload is a list or tuple of mappings.

    >>> is_rows([{"ticker": "AAA"}]), is_rows([]), is_rows([1])
    (True, True, False)
    """
    return isinstance(payload, list | tuple) and all(isinstance(row, Mapping) for row in payload)


def column_names(rows: Sequence[Mapping[Any, Any]]) -> list[str]:
    """Return the keys of all rows in the order in which they are first seen.

    >>> column_names([{"a": 1}, {"b": 2, "a": 3}])
    ['a', 'b']
    """
    names = list(dict.fromkeys(key for row in rows for key in row))
    for name in names:
        if type(name) is not str:
            raise Refusal(f"has the key {name!r}; a row's keys are the column names and must be str")
    if rows and not names:
        raise Refusal("has rows without any key, which leave nothing to keep")
    return names


def rows_to_table(rows: Sequence[Mapping[str, Any]]) -> "pa.Table":
    """Return rows as a table, with null where a row lacks a key.

    >>> rows_to_table([{"ticker": "AAA"}, {"ticker": "BBB", "volume": 7}]).to_pylist()
    [{'ticker': 'AAA', 'volume': None}, {'ticker': 'BBB', 'volume': 7}]
    """
    return columns_to_table({name: [row.get(name) for row in rows] for name in column_names(rows)})


def mapping_to_table(payload: Mapping[str, Any]) -> "pa.Table":
    """Return a dict of columns, or one row, as a table.

    >>> mapping_to_table({"ticker": ["AAA", "BBB"]}).num_rows, mapping_to_table({"ticker": "AAA"}).num_rows
    (2, 1)
    """
    columns = [_is_column(value) for value in payload.values()]
    if all(columns):
        column_names([payload] if payload else [])
        return columns_to_table(payload)
    if any(columns):
        raise Refusal("has some values that are columns and some that are not; give [row] for a row that holds lists")
    return rows_to_table([payload])


def columns_to_table(columns: Mapping[str, Any]) -> "pa.Table":
    """Return named columns of one length as a table; a value that Arrow would change is refused."""
    import pyarrow as pa

    arrays = {name: _to_array(name, values) for name, values in columns.items()}
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise Refusal(f"has columns of different lengths: {lengths}")
    try:
        return pa.table(arrays)
    except UnicodeEncodeError as error:
        raise Refusal(f"has a column whose name is not valid Unicode ({error})") from error


def _is_column(value: Any) -> bool:
    if isinstance(value, str | bytes | bytearray | memoryview | np.generic):
        return False
    return isinstance(value, Sequence) or hasattr(value, "__array__") or hasattr(value, "__arrow_c_array__")


def _to_array(name: str, values: Any) -> Any:
    import pyarrow as pa

    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    as_objects = isinstance(values, Sequence) or getattr(getattr(values, "dtype", None), "kind", "") == "O"
    try:
        if not as_objects:
            return pa.array(values, from_pandas=False)
        given = _without_markers(values)
        array = pa.array(given, from_pandas=False)
        kinds = set(map(type, given))
        kept_values = None if any(kinds <= safe for safe in _SAFE) else array.to_pylist()
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise Refusal(f"has values that do not go into one column: {error}", f"column {name!r}") from error
    for position, kept in enumerate(kept_values or ()):
        if not _same(given[position], kept):
            raise Refusal(
                f"has {given[position]!r} of type {type_name(given[position])} in row {position}, which would become "
                f"{kept!r} among values of type {array.type}",
                f"column {name!r}",
            )
    return array


def _without_markers(values: Any) -> list[Any]:
    """Return values as a list, with None for what a dtype of pandas' own, as of text or categories, has for missing."""
    if not hasattr(getattr(values, "dtype", None), "na_value"):
        return list(values)
    return [None if missing else value for value, missing in zip(values, values.isna(), strict=True)]


def _same(value: Any, kept: Any) -> bool:
    if isinstance(value, Mapping) and isinstance(kept, dict):
        return value.keys() <= kept.keys() and all(_same(value.get(key), item) for key, item in kept.items())
    if isinstance(value, list | tuple) and isinstance(kept, list):
        return len(value) == len(kept) and all(map(_same, value, kept))
    if isinstance(value, bool | np.bool_) is not isinstance(kept, bool):
        return False  # which Python takes for equal to 0 or 1
    if isinstance(value, float) and math.isnan(value):
        return isinstance(kept, float) and math.isnan(kept)
    try:
        return bool(value == kept)
    except (TypeError, ValueError):
        return False

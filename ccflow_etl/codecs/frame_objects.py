"""Columns of Python objects."""

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

from .errors import Refusal
from .frame_columns import ColumnKind, Spec
from .frame_text import text_array
from .tagged import dump_tagged, load_tagged, read_tag, tag_of, write_tag

if TYPE_CHECKING:
    import pyarrow as pa

# Of these types, when a column has no other, other readers see the bare value.
_BARE = frozenset({dt.date, Decimal, bytes, UUID, complex})


class ObjectKind(ColumnKind):
    """``object`` columns: text or one other type as such, any mix as JSON text that says what each cell is.

    Cells may be None, NaN, NA, NaT, bool, int, float, complex, str, bytes, Decimal, UUID, date, time, datetime,
    timedelta, pandas and numpy scalars, numpy arrays, and lists, tuples, sets and dicts of these.

    >>> ObjectKind().encode(np.array(["a", None], dtype=object))[0]
    {'cells': 'text', 'missing': 'None'}
    >>> ObjectKind().encode(np.array([1, "a"], dtype=object))[1].to_pylist()
    ['1', '"a"']
    >>> ObjectKind().encode(np.array([object], dtype=object))
    Traceback (most recent call last):
    ...
    ccflow_etl.codecs.errors.Refusal: it has the dtype object and in row 0 it holds <class 'object'> of type type, \
which has no exact text form
    """

    def accepts(self, dtype: Any) -> bool:
        """Return whether it is ``object``."""
        return isinstance(dtype, np.dtype) and dtype.kind == "O"

    def encode(self, array: Any) -> tuple[Spec, "pa.Array | pa.ChunkedArray"]:
        """Return the text, with nulls for None, and for NaN among nothing but text."""
        import pyarrow as pa

        values = np.asarray(array)
        kinds = set(map(type, values)) - {type(None)}
        holds_none = len(kinds) < len(set(map(type, values)))
        if kinds <= {str}:
            return {"cells": "text", "missing": "None"}, text_array(values)
        if kinds <= {str, float} and not holds_none and all(v != v for v in values if type(v) is float):
            return {"cells": "text", "missing": "nan"}, text_array(values)
        if len(kinds) == 1 and kinds <= _BARE:
            tag = tag_of(next(value for value in values if value is not None))
            if tag == "date":
                return {"cells": tag}, pa.array(values, pa.date32())
            return {"cells": tag}, text_array([None if value is None else write_tag(tag, value) for value in values])
        return {"cells": "json"}, text_array([_cell(row, value) for row, value in enumerate(values)])

    def physical_type(self, spec: Spec) -> "pa.DataType":
        """Return Arrow's text type without a 2 GB limit, or its type of days."""
        import pyarrow as pa

        return pa.date32() if spec["cells"] == "date" else pa.large_string()

    def decode(self, spec: Spec, column: "pa.ChunkedArray") -> Any:
        """Return a numpy array of objects."""
        cells = spec["cells"]
        if cells == "text":
            values = column.to_numpy()
            if spec["missing"] == "nan":
                values[column.is_null().to_numpy()] = np.nan
            return values
        values = np.empty(len(column), dtype=object)
        for row, cell in enumerate(column.to_pylist()):
            if cell is not None:
                values[row] = (
                    cell if cells == "date" else load_tagged(cell) if cells == "json" else read_tag(cells, cell)
                )
        return values


def _cell(row: int, value: Any) -> str | None:
    if value is None:
        return None
    try:
        return dump_tagged(value)
    except Refusal as refusal:
        raise Refusal(f"has the dtype object and in row {row} it {refusal.reason}") from refusal

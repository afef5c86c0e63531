"""The one bridge between tabular payloads and Arrow tables, shared by parquet, arrow and csv."""

import sys
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from .errors import Refusal
from .filter_values import stored_condition
from .filters import Filters
from .rows import is_rows, mapping_to_table, rows_to_table
from .table_part import SPEC_KEY, Part

if TYPE_CHECKING:
    import pyarrow as pa

_ACCEPTED = (
    "takes a pandas DataFrame or Series, a pyarrow Table or RecordBatch, rows (a list of dicts), a dict of columns, "
    "or an object with to_arrow() or __arrow_c_stream__"
)


def to_table(payload: Any) -> "pa.Table":
    """Return a tabular payload as an Arrow table.

    A pandas object leaves a description of itself in the schema metadata, from which ``from_table`` makes an equal
    one; every other payload comes back as a table.

    Raises:
        Refusal: If the payload is not tabular, or holds something that cannot be kept exactly.

    >>> to_table([{"ticker": "AAA", "close": 103.6}]).schema.names
    ['ticker', 'close']
    """
    pandas = sys.modules.get("pandas")  # a pandas object can only exist when pandas has been imported
    if pandas and isinstance(payload, pandas.DataFrame | pandas.Series):
        from .frame_pandas import pandas_to_table

        return pandas_to_table(payload)
    if is_rows(payload):
        return rows_to_table(payload)
    if isinstance(payload, Mapping):
        return mapping_to_table(payload)
    table = _arrow_table(payload)
    metadata = {key: value for key, value in (table.schema.metadata or {}).items() if key != SPEC_KEY}
    if not table.num_columns and table.num_rows:
        raise Refusal(f"has {table.num_rows} rows but no columns, which leave nothing to keep")
    return table.replace_schema_metadata(metadata or None)


def part_of(schema: "pa.Schema", columns: Sequence[Any] | None) -> Part:
    """Return which columns of a table go with the labels that were asked for; the index is always among them.

    Raises:
        ValueError: If there is no such column.
    """
    if SPEC_KEY in (schema.metadata or {}):
        from .frame_parts import frame_part

        return frame_part(schema, columns)
    names = schema.names if columns is None else list(columns)
    for name in columns or ():
        _check_there_is_one(name, schema)
    return Part(names)


def stored_filters(schema: "pa.Schema", filters: Filters) -> Filters:
    """Return filters with the names and values that the columns of a payload have in the table.

    Raises:
        ValueError: If there is no such column, or its values cannot be compared.
    """
    if SPEC_KEY in (schema.metadata or {}):
        from .frame_parts import frame_filters

        return frame_filters(schema, filters)
    for name, _, _ in chain.from_iterable(filters):
        _check_there_is_one(name, schema)
    types = {field.name: field.type for field in schema}
    return tuple(
        tuple((name, *stored_condition(name, types[name], operator, value)) for name, operator, value in alternative)
        for alternative in filters
    )


def from_table(table: "pa.Table", part: Part | None = None) -> Any:
    """Return the DataFrame or Series that a table, or a part of it, was made from, else the table.

    Raises:
        ValueError: If the description and the columns do not fit together.

    >>> import pandas as pd
    >>> from_table(to_table(pd.Series([1, 2], name="volume")))
    0    1
    1    2
    Name: volume, dtype: int64
    """
    if SPEC_KEY not in (table.schema.metadata or {}):
        return table
    from .frame_pandas import table_to_pandas

    return table_to_pandas(table, part)


def _check_there_is_one(name: Any, schema: "pa.Schema") -> None:
    count = schema.names.count(name)
    if count != 1:
        raise ValueError(
            f"there {'are several columns' if count else 'is no column'} {name!r}; there are {schema.names}"
        )


def _arrow_table(payload: Any) -> "pa.Table":
    import pyarrow as pa

    _refuse_addresses(payload)
    if hasattr(payload, "to_arrow"):
        try:
            payload = payload.to_arrow()
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise Refusal(f"has no form as an Arrow table: {error}") from error
    if isinstance(payload, pa.RecordBatch):
        payload = pa.Table.from_batches([payload])
    if isinstance(payload, pa.Table):
        return payload
    if hasattr(payload, "__arrow_c_stream__") and not isinstance(payload, pa.ChunkedArray):
        try:
            return pa.table(payload)
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise Refusal(f"has an Arrow stream that is not a table: {error}") from error
    raise Refusal(_ACCEPTED)


def _refuse_addresses(payload: Any) -> None:
    """Refuse columns of Python objects in polars, which gives their addresses in memory for values."""
    if type(payload).__module__.partition(".")[0] == "polars" and hasattr(payload, "schema"):
        for name, dtype in dict(payload.schema).items():
            if str(dtype) == "Object":
                raise Refusal("holds Python objects, which have no Arrow form; convert it first", f"column {name!r}")

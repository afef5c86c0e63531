"""A pandas DataFrame or Series to an Arrow table that describes it, and back."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .errors import Refusal
from .frame_blocks import decode_columns
from .frame_columns import Spec, decode_column, encode_column
from .frame_index import decode_index, encode_index, inline_index, keep_label, outline_index
from .frame_metadata import pandas_document
from .table_part import SPEC_KEY, Part
from .tagged import from_tagged, to_tagged

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_VERSION = 1

# Readers of Parquet stop at about 100 MB of metadata.
_LARGEST_DESCRIPTION = 32 << 20


def pandas_to_table(payload: "pd.DataFrame | pd.Series") -> "pa.Table":
    """Return a DataFrame or Series as a table with one column for each of its own and of its index.

    The schema metadata holds our own description, and pandas' for readers that know only that.

    Raises:
        Refusal: If something cannot be kept exactly; it names the column and the reason.
    """
    import pandas as pd
    import pyarrow as pa

    if type(payload) not in (pd.DataFrame, pd.Series):
        raise Refusal(f"is a subclass, of which not all parts are known; give pandas.{_pandas_name(payload)}")
    spec = _describe(payload)
    # First, as columns are kept where pandas has compared all instants with those of its freq.
    spec["index"], index_arrays = _part("the index", encode_index, payload.index)
    columns = [
        _part("the Series" if payload.ndim == 1 else f"column {label!r}", encode_column, column.array)
        for label, column in _columns(payload)
    ]
    fields = _unique(str(label) for label, _ in _columns(payload))
    index_fields = _index_fields(spec["index"], taken=fields)
    spec["columns"] = [{"field": field, **column} for field, (column, _) in zip(fields, columns, strict=True)]
    spec["index"]["fields"] = index_fields

    table = pa.table([array for _, array in columns] + index_arrays, names=fields + index_fields)
    documents = {SPEC_KEY: _dump(spec), b"pandas": _dump(pandas_document(payload, spec, table))}
    if len(documents[SPEC_KEY]) > _LARGEST_DESCRIPTION:
        raise Refusal(
            f"has labels, categories or unused index levels that take {len(documents[SPEC_KEY]):,} bytes to describe, "
            f"more than {_LARGEST_DESCRIPTION:,}; turn large categoricals into their values and remove unused levels"
        )
    return table.replace_schema_metadata(documents)


def table_to_pandas(table: "pa.Table", part: Part | None = None) -> "pd.DataFrame | pd.Series":
    """Return the DataFrame or Series that ``pandas_to_table`` was given, or a part of it.

    Raises:
        ValueError: If the description is of a later version or does not fit the columns.
    """
    import pyarrow as pa

    spec = json.loads(table.schema.metadata[SPEC_KEY])
    if spec.get("version") != _VERSION:
        raise ValueError(f"the frame is described in version {spec.get('version')}; this reads version {_VERSION}")
    try:
        return _restore(_spec_of(spec, part) if part else spec, table, part)
    except (LookupError, TypeError, AttributeError, ArithmeticError, pa.ArrowException) as error:
        raise ValueError(f"the description of the frame does not fit its columns: {error!r}") from error


def _describe(payload: "pd.DataFrame | pd.Series") -> Spec:
    spec: Spec = {
        "version": _VERSION,
        "class": _pandas_name(payload),
        "attrs": _part("attrs", keep_attrs, payload.attrs),
        "allows_duplicate_labels": payload.flags.allows_duplicate_labels,
    }
    if payload.ndim == 2:
        spec["labels"] = _part("the Index of columns", inline_index, payload.columns)
    else:
        spec["name"] = _part("the Series", keep_label, payload.name)
    return spec


def _spec_of(spec: Spec, part: Part) -> Spec:
    """Return the description of a part of what a spec describes."""
    if part.columns is not None:
        spec = {**spec, "columns": [spec["columns"][place] for place in part.columns]}
    if part.rows is not None and not isinstance(part.rows, range) and spec["index"].get("freq"):
        spec = {**spec, "index": {**spec["index"], "freq": None}}  # which rows are left says nothing of the steps
    return spec


def _restore(spec: Spec, table: "pa.Table", part: Part | None) -> "pd.DataFrame | pd.Series":
    import pandas as pd

    index = _index(spec["index"], table, part)
    columns = [table.column(column["field"]) for column in spec["columns"]]
    if spec["class"] == "Series":
        array = decode_column(spec["columns"][0], columns[0])
        # copied afterwards, because pandas 2.2 ignores copy=True for integers
        restored = pd.Series(array, index=index, dtype=array.dtype, copy=False).copy().rename(from_tagged(spec["name"]))
    else:
        restored = decode_columns(spec["columns"], columns, rows=len(index))
        restored.index = index
        labels = outline_index(spec["labels"])
        restored.columns = labels if part is None or part.columns is None else labels[part.columns]
    restored.attrs = from_tagged(spec["attrs"]) or {}
    if not spec["allows_duplicate_labels"]:
        restored = restored.set_flags(allows_duplicate_labels=False)
    return restored


def _index(spec: Spec, table: "pa.Table", part: Part | None) -> "pd.Index":
    if spec["class"] != "range":
        return decode_index(spec, [table.column(field) for field in spec["fields"]])
    rows = None if part is None else part.rows
    start, step = spec["start"], spec["step"]
    if isinstance(rows, range):  # one of several batches
        spec = {**spec, "start": start + step * rows.start, "stop": start + step * rows.stop}
    elif spec["stop"] is None:
        count = table.num_rows if rows is None or not len(rows) else int(rows[-1]) + 1
        spec = {**spec, "stop": start + step * count}
    index = decode_index(spec, [])
    return index if rows is None or isinstance(rows, range) else index[rows]


def _pandas_name(payload: Any) -> str:
    return "DataFrame" if payload.ndim == 2 else "Series"


def _columns(payload: Any) -> "Iterable[tuple[Any, pd.Series]]":
    return payload.items() if payload.ndim == 2 else [("value" if payload.name is None else payload.name, payload)]


def _part(where: str, encode: Any, value: Any) -> Any:
    """Encode a part; a refusal names it."""
    try:
        return encode(value)
    except Refusal as refusal:
        refusal.where = where
        raise


def _index_fields(spec: Spec, taken: list[str]) -> list[str]:
    """Return column names for the index: its own names where they are free, else as pandas calls them."""
    names = [
        name if isinstance(name, str) and name not in taken else f"__index_level_{level}__"
        for level, name in enumerate(spec["names"] if spec["class"] != "range" else [])
    ]
    return _unique([*taken, *names])[len(taken) :]


def _unique(names: Iterable[str]) -> list[str]:
    """Return the names, as valid Unicode, with a number after those that were there before."""
    unique: dict[str, None] = {}
    for name in (name.encode(errors="replace").decode() for name in names):
        candidate, number = name, 1
        while candidate in unique:
            number += 1
            candidate = f"{name}_{number}"
        unique[candidate] = None
    return list(unique)


def keep_attrs(attrs: dict[Any, Any]) -> Any:
    """Return attrs as JSON, which ``from_tagged`` undoes."""
    try:
        return to_tagged(dict(attrs)) if attrs else None
    except RecursionError as error:
        raise Refusal("is nested too deeply, or holds itself") from error


def _dump(document: Spec) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()

"""Batches of one large payload: tables of one schema on the way in, pandas objects or tables on the way out."""

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from .errors import Refusal
from .frames import from_table, to_table
from .table_part import SPEC_KEY, Part

if TYPE_CHECKING:
    import pyarrow as pa


def tables_of(batches: Iterable[Any]) -> "tuple[pa.Schema, Iterator[pa.Table]]":
    """Return the schema of all batches and their tables, each made when it is asked for.

    What describes a DataFrame (dtypes, categories, labels, attrs) has to be the same in all batches. A RangeIndex goes
    on from batch to batch, whether each batch has its own from 0 or that of the whole. An index of times that has a
    freq has to go on by it, because the whole has it too.

    Raises:
        Refusal: If there is no batch, one has rows but no columns, or one does not go with the first.
    """
    remaining = iter(batches)
    try:
        batch = next(remaining)
    except StopIteration:
        raise Refusal("has no batches, which leave no columns to keep") from None
    first = to_table(batch)
    _check_columns(first.schema)
    schema = _open_ended(first.schema)
    return schema, _alike(first, _next_time(batch, None), remaining, schema)


def payloads_of(tables: "Iterable[pa.Table]", part: Part) -> Iterator[Any]:
    """Yield what each table was made from; a RangeIndex goes on from one to the next."""
    row = 0
    for table in tables:
        described = not table.num_rows and not part.fields  # a frame without columns, which says itself how long it is
        yield from_table(table, part if described else part.at(range(row, row + table.num_rows)))
        row += table.num_rows


def _check_columns(schema: "pa.Schema") -> None:
    """Refuse a frame of rows without columns: what tells how many there are is written before the last of them come."""
    index = json.loads((schema.metadata or {}).get(SPEC_KEY, b"{}")).get("index", {})
    rows = len(range(*(index[bound] for bound in ("start", "stop", "step")))) if index.get("class") == "range" else 0
    if rows and not schema.names:
        raise Refusal(f"has {rows:,} rows but no columns, which leave batches nothing to keep; give it a column")


def _open_ended(schema: "pa.Schema") -> "pa.Schema":
    """Return the schema of a first batch as that of all, of which nobody knows yet how many rows they have."""
    metadata = schema.metadata or {}
    if SPEC_KEY not in metadata:
        return schema
    spec = json.loads(metadata[SPEC_KEY])
    if spec["index"]["class"] == "range":
        spec["index"]["stop"] = None
    return schema.with_metadata({**metadata, SPEC_KEY: json.dumps(spec, separators=(",", ":")).encode()})


def _alike(first: "pa.Table", due: Any, remaining: Iterator[Any], schema: "pa.Schema") -> "Iterator[pa.Table]":
    yield first.replace_schema_metadata(schema.metadata)
    rows = first.num_rows
    for number, batch in enumerate(remaining, start=1):
        table = to_table(batch)
        try:
            _check_columns(table.schema)
            _compare(first.schema, table.schema, rows)
            due = _next_time(batch, due)
        except Refusal as refusal:
            refusal.where = f"batch {number}: {refusal.where or 'it'}"
            raise
        rows += table.num_rows
        yield table.replace_schema_metadata(schema.metadata)


def _compare(first: "pa.Schema", later: "pa.Schema", rows: int) -> None:
    if not first.equals(later):
        raise Refusal(f"has the columns {dict(zip(later.names, later.types, strict=True))}, not those of the first")
    one, other = (json.loads((schema.metadata or {}).get(SPEC_KEY, b"{}")) for schema in (first, later))
    if bool(one) != bool(other):
        raise Refusal(f"is {'a pandas object' if other else 'a table'} and the first one is not; convert one of them")
    if one.get("index", {}).get("class") == "range" == other.get("index", {}).get("class"):
        goes_on = one["index"]["start"] + rows * one["index"]["step"]
        starts = other["index"].pop("start")
        if starts not in (goes_on, one["index"].pop("start")):
            raise Refusal(f"begins at {starts}; it may begin at {goes_on}, or where the first does", "its index")
        one["index"].pop("stop"), other["index"].pop("stop")
    for key in sorted(one):  # class before columns: what is not of one class has no such columns
        if one[key] != other.get(key):
            where = f"what describes its {key}" if key != "columns" else _first_difference(one[key], other[key])
            raise Refusal("differs from that of the first batch", where)


def _next_time(batch: Any, due: Any) -> Any:
    """Return the time that comes next by the freq of a batch's index; None if it has none.

    Raises:
        Refusal: If the batch does not begin at the time that was due, if one was.
    """
    index: Any = getattr(batch, "index", None)
    if type(index).__name__ not in ("DatetimeIndex", "TimedeltaIndex") or index.freq is None or not len(index):
        return due
    if due is not None and index[0] != due:
        raise Refusal(f"begins at {index[0]}, not at {due} as its freq has it; remove the freq", "its index")
    return index[-1] + index.freq


def _first_difference(first: list[Any], later: list[Any]) -> str:
    names = [one["field"] for one, other in zip(first, later, strict=True) if one != other]
    return f"the dtype, the categories or the kind of values of column {names[0]!r}"

"""Arrow tables as CSV text and a schema, and back."""

import base64
import binascii
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from .arrow_threads import lent
from .errors import Refusal

if TYPE_CHECKING:
    import pyarrow as pa

# The first and last second of the years that have four digits.
_FIRST_SECOND, _LAST_SECOND = -62_167_219_200, 253_402_300_799
_BLOCK, _LARGEST_BLOCK = 1 << 22, 2**31 - 1
_PIECE = 1 << 17
_ROWS = 1 << 14  # are cast at a time, as the text of a category is a copy
_SAMPLES, _SAMPLE = 16, 16  # of how many rows, from which the length of all is told


def write_table(table: "pa.Table", file: BinaryIO, schema_mark: bytes = b"") -> None:
    """Write the schema and the number of rows, as one line of ASCII after a mark (without a mark not), and the rows.

    Text is quoted, missing values are bare, so that ``""`` and nothing stay apart. Instants with a time zone are in
    UTC, durations are counts of their unit.

    Raises:
        Refusal: If a column's type or one of its values has no text form that reads back the same.

    >>> import pyarrow as pa
    >>> import io
    >>> file = io.BytesIO()
    >>> write_table(pa.table({"ticker": ["AAA", ""], "volume": [7, None]}), file)
    >>> file.getvalue()
    b'"ticker","volume"\\n"AAA",7\\n"",\\n'
    """
    import pyarrow as pa
    from pyarrow import csv

    names = table.column_names
    if len(set(names)) < len(names):
        raise Refusal(f"has several columns of the same name: {names}")
    text_types = {name: _checked_type(name, column) for name, column in zip(names, table.columns, strict=True)}
    if schema_mark:
        # pandas' own description is of no use in a CSV
        metadata = {key: value for key, value in (table.schema.metadata or {}).items() if key != b"pandas"}
        schema = table.schema.with_metadata(metadata or None).serialize()
        file.write(b"%b %b %d\n" % (schema_mark, base64.b64encode(schema), table.num_rows))
    text_schema = pa.schema(text_types)
    # Arrow's own pool keeps for a while what it is given back, which is as much as is written in that time.
    with csv.CSVWriter(file, text_schema, memory_pool=pa.system_memory_pool()) as writer:
        for start in range(0, table.num_rows, _ROWS):
            writer.write_table(table.slice(start, _ROWS).cast(text_schema))


def size_of_text(table: "pa.Table") -> int:
    """Return about how many bytes the rows of a long table are as text, by a few from all over it; else 0."""
    import pyarrow as pa

    if table.num_rows <= _ROWS:
        return 0
    places = range(0, table.num_rows, table.num_rows // _SAMPLES)
    sample = pa.concat_tables([table.slice(place, _SAMPLE) for place in places])
    counted = pa.MockOutputStream()
    write_table(sample, counted)
    return counted.size() * table.num_rows // sample.num_rows * 33 // 32  # rather a little more


def read_table(schema_line: bytes, content: "bytes | memoryview") -> "pa.Table":
    """Return the table that ``write_table`` was given.

    Raises:
        ValueError: If the schema cannot be read or the content does not fit it.
    """
    import pyarrow as pa
    from pyarrow import csv

    encoded, _, rows = schema_line.partition(b" ")
    try:
        schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(encoded, validate=True)))
    except (pa.ArrowException, OSError, binascii.Error) as error:
        raise ValueError(f"its schema line is damaged: {error}") from error
    if not schema.names:
        return schema.empty_table()
    text_types = {field.name: _text_type(field.type) for field in schema}
    if None in text_types.values():
        raise ValueError(f"its schema line names types that CSV has no form for: {schema.types}")
    for field in schema:
        if pa.types.is_dictionary(field.type):  # encoded block by block, in parallel
            text_types[field.name] = pa.dictionary(pa.int32(), field.type.value_type)
    # without line ends inside of cells, blocks are found and read in parallel
    one_line = rows == b"%d" % (count_byte(content, b"\n") - 1)
    with lent(content):
        table = _parse(csv.read_csv, content, text_types, ignore_empty_lines=False, newlines_in_values=not one_line)
    if table.column_names != schema.names:
        raise ValueError(f"its columns are {table.column_names}, but by its schema line {schema.names}")
    try:
        return table.cast(schema)
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error


def count_byte(content: "bytes | memoryview", byte: bytes) -> int:
    """Return how often a byte occurs; several times faster than ``bytes.count``.

    >>> count_byte(b"a,b\\nc,d\\n", b"\\n")
    2
    """
    codes = np.frombuffer(content, dtype="u1")
    pieces = (codes[at : at + _PIECE] for at in range(0, len(codes), _PIECE))  # that stay in a core's cache
    return sum(int(np.count_nonzero(piece == ord(byte))) for piece in pieces)


def read_rows(content: bytes) -> list[dict[str, str]]:
    """Return plain CSV as rows of strings; an empty cell is an empty string and an empty line is nothing.

    Raises:
        ValueError: If it is not CSV in UTF-8 with a header, two columns have one name, or a row has too many or too
            few cells.

    >>> read_rows(b"ticker,volume\\nAAA,\\n")
    [{'ticker': 'AAA', 'volume': ''}]
    """
    import pyarrow as pa
    from pyarrow import csv

    if not content or content.isspace():
        return []
    if not content.endswith(b"\n"):
        content += b"\n"
    with lent(content):
        names = _parse(csv.open_csv, content, {}, ignore_empty_lines=True).schema.names
        if len(set(names)) < len(names):
            raise ValueError(f"several columns have the same name: {names}")
        text_types = dict.fromkeys(names, pa.string())
        table = _parse(csv.read_csv, content, text_types, ignore_empty_lines=True)
    rows: list[dict[str, str]] = table.to_pylist()
    return rows


def _parse(
    read: Any,
    content: "bytes | memoryview",
    types: dict[str, Any],
    *,
    ignore_empty_lines: bool,
    newlines_in_values: bool = True,
    block_size: int = _BLOCK,
) -> Any:
    """Return what pyarrow's ``read_csv`` or ``open_csv`` makes of the content, with the given types."""
    import pyarrow as pa
    from pyarrow import csv

    reading = csv.ReadOptions(block_size=block_size)
    parsing = csv.ParseOptions(newlines_in_values=newlines_in_values, ignore_empty_lines=ignore_empty_lines)
    conversion = csv.ConvertOptions(
        column_types=types,
        null_values=[""],
        strings_can_be_null=not ignore_empty_lines,
        quoted_strings_can_be_null=False,
    )
    try:
        return read(pa.BufferReader(content), reading, parsing, conversion)
    except pa.ArrowException as error:
        # A row has to fit into a block: small ones are read in parallel, and the largest holds every row.
        if block_size == _BLOCK < len(content):
            return _parse(read, content, types, ignore_empty_lines=ignore_empty_lines, block_size=_LARGEST_BLOCK)
        raise ValueError(str(error)) from error


def _checked_type(name: str, column: "pa.ChunkedArray") -> "pa.DataType":
    """Return the type by which CSV writes and reads a column, else refuse it."""
    import pyarrow as pa

    text_type = _text_type(column.type)
    if text_type is None:
        raise Refusal(f"of type {column.type} has no CSV form; use 'parquet' or 'arrow'", f"column {name!r}")
    if pa.types.is_timestamp(text_type):
        _check_years(name, column)
    return text_type


def _text_type(kind: "pa.DataType") -> "pa.DataType | None":
    """Return the type by which CSV writes and reads values of a type, or None."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        # only what the cast on reading makes again
        of_text = pa.types.is_string(kind.value_type) or pa.types.is_large_string(kind.value_type)
        return kind.value_type if of_text and pa.types.is_int32(kind.index_type) else None
    if pa.types.is_float16(kind):
        return pa.float32()
    if pa.types.is_duration(kind):
        return pa.int64()
    if pa.types.is_timestamp(kind):
        return pa.timestamp(kind.unit, kind.tz and "UTC")
    readable = (
        pa.types.is_integer,
        pa.types.is_floating,
        pa.types.is_boolean,
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_date32,
        pa.types.is_time,
        pa.types.is_decimal128,
    )
    return kind if any(fits(kind) for fits in readable) else None


def _check_years(name: str, column: "pa.ChunkedArray") -> None:
    """Refuse instants that have no text form: years have four digits, and the very first nanoseconds do not parse."""
    import pyarrow as pa
    import pyarrow.compute as pc

    ticks = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[column.type.unit]
    bounds = pc.min_max(column.cast(pa.int64())).as_py()
    first = max(_FIRST_SECOND * ticks, -(2**63) + ticks)
    if bounds["min"] is not None and not first <= bounds["min"] <= bounds["max"] < (_LAST_SECOND + 1) * ticks:
        raise Refusal("has instants outside of the years 0 to 9999, which have no CSV form", f"column {name!r}")

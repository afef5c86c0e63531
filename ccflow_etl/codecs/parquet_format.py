"""Apache Parquet."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from .errors import Refusal
from .formats import ContentFormat
from .frames import from_table, part_of, to_table
from .options import DecodeOptions
from .parquet_parts import FileBytes, read_groups, read_parts
from .seal import SealedSink, is_sealed
from .table_part import Part
from .written import written

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_MAGIC = b"PAR1"
_ROW_GROUP = 1 << 17  # rows: small enough to read a part of a file, large enough to compress

# A column is dictionary encoded if at most every second of its first rows has a value of its own.
_SAMPLE = 1 << 14


@dataclass(frozen=True, slots=True)
class ParquetFormat(ContentFormat):
    """Parquet, compressed with zstd at level 1, in groups of 131,072 rows.

    Page checksums are written, and a checksum over the whole file is kept before the footer, where other readers do
    not look; that one is verified when it is read, and of files that others wrote the page checksums.

    A pandas DataFrame or Series decodes to an equal one. Rows, a dict of columns, a Table, a RecordBatch and objects
    with ``to_arrow()`` decode to a ``pyarrow.Table``. Files that others wrote decode to a Table too.

    >>> ParquetFormat().decode(ParquetFormat().encode([{"ticker": "AAA", "volume": 7}])).to_pylist()
    [{'ticker': 'AAA', 'volume': 7}]
    """

    name: ClassVar[str] = "parquet"
    suffix: ClassVar[str] = ".parquet"
    media_type: ClassVar[str | None] = "application/vnd.apache.parquet"
    reads_parts: ClassVar[bool] = True
    streams: ClassVar[bool] = True

    def _encode(self, payload: Any) -> bytes:
        table = to_table(payload)
        return written(lambda file: self.write_tables(table.schema, iter([table]), file), table.nbytes)

    def _decode(self, data: bytes, options: DecodeOptions) -> Any:
        import pyarrow as pa

        options = _checked(io.BytesIO(data), options)
        try:
            table, part = read_parts(data, options)
        except (pa.ArrowException, OSError) as error:
            raise ValueError(str(error)) from error
        return from_table(table, part)

    def write_tables(self, schema: "pa.Schema", tables: "Iterator[pa.Table]", file: BinaryIO) -> None:
        """Write tables of one schema into a binary file, one after the other.

        Raises:
            Refusal: If Parquet has no form for them, or would give them back with other types.
        """
        import pyarrow as pa

        _check_schema(schema)
        first = next(tables, schema.empty_table())
        sink = SealedSink(file, _MAGIC)
        with pa.PythonFile(sink, mode="w") as native:
            with _writer(native, schema, _worth_a_dictionary(first)) as writer, sink.sealing():
                for table in chain([first], tables):
                    writer.write_table(table, row_group_size=_ROW_GROUP)
            sink.finish()

    def read_tables(self, file: BinaryIO, options: DecodeOptions) -> "tuple[Iterator[pa.Table], Part]":
        """Return the row groups of a binary file one by one, and which columns they have."""
        import pyarrow.parquet as pq

        options = _checked(file, options)
        source = pq.ParquetFile(file, page_checksum_verification=not options.verified)
        part = part_of(source.schema_arrow, options.columns)
        return (
            read_groups(FileBytes(file), source, [n], part.fields, options) for n in range(source.num_row_groups)
        ), part


def _checked(file: BinaryIO, options: DecodeOptions) -> DecodeOptions:
    """Return the options for a file of which every byte was compared, so that its page checksums need not be too."""
    return replace(options, verified=options.verified or is_sealed(file, _MAGIC))


def _writer(file: Any, schema: "pa.Schema", use_dictionary: "list[str] | bool" = False) -> "pq.ParquetWriter":
    import pyarrow.parquet as pq

    return pq.ParquetWriter(
        file,
        schema,
        compression="zstd",
        compression_level=1,
        write_page_checksum=True,
        use_dictionary=use_dictionary,
        column_encoding=_encodings(schema, use_dictionary),
    )


def _encodings(schema: "pa.Schema", use_dictionary: "list[str] | bool") -> "dict[str, str] | None":
    """Return how the values of columns without a dictionary are laid out, where another way than plain is better."""
    import pyarrow as pa

    if use_dictionary is True:
        return None
    encodings = {}
    for field in schema:
        if field.name in (use_dictionary or ()):
            continue
        if pa.types.is_float32(field.type) or pa.types.is_float64(field.type):
            encodings[field.name] = "BYTE_STREAM_SPLIT"  # a sixth smaller and faster: signs and exponents side by side
        elif pa.types.is_integer(field.type) or pa.types.is_temporal(field.type):
            encodings[field.name] = "DELTA_BINARY_PACKED"  # three times faster, and what ascends is next to nothing
    return encodings or None


def _check_schema(schema: "pa.Schema") -> None:
    """Refuse what Parquet would give back with other types (it has no whole seconds, for example)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = io.BytesIO()
    try:
        _writer(file, schema).close()
    except (pa.ArrowException, OSError) as error:
        raise Refusal(f"has no Parquet form: {error}") from error
    for before, after in zip(schema, pq.read_schema(pa.BufferReader(file.getvalue())), strict=True):
        if not before.equals(after):
            raise Refusal(
                f"of type {before.type} would come back as {after.type}; cast it first, or use 'arrow'",
                f"column {before.name!r}",
            )


def _worth_a_dictionary(table: "pa.Table") -> "list[str] | bool":
    """Return the columns whose first rows repeat their values; a dictionary of values that do not costs time only."""
    import pyarrow as pa

    if any(pa.types.is_nested(kind) for kind in table.schema.types):
        return True  # the names of what is inside are for Parquet to choose
    sample = table.slice(0, _SAMPLE)
    return [name for name, column in zip(sample.column_names, sample.columns, strict=True) if _repeats(column)]


def _repeats(column: "pa.ChunkedArray") -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        return True
    if pa.types.is_boolean(column.type) or pa.types.is_null(column.type):
        return False
    if isinstance(column.type, pa.BaseExtensionType):
        column = pa.chunked_array([chunk.storage for chunk in column.chunks], column.type.storage_type)
    try:
        return bool(pc.count_distinct(column).as_py() * 2 <= len(column))
    except pa.ArrowNotImplementedError:
        return False

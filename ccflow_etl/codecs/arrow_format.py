"""The Arrow IPC file format."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from .arrow_sizes import message_size
from .errors import Refusal
from .formats import ContentFormat
from .frames import from_table, part_of, to_table
from .options import DecodeOptions
from .seal import SealedSink, is_sealed
from .table_part import Part
from .written import written

if TYPE_CHECKING:
    import pyarrow as pa

_MAGIC = b"ARROW1"
_BATCH = 1 << 17  # rows: all of a batch is compressed before any of it is written
_STREAM_AT = 8  # a file is a stream between a magic word, padded, and a footer


@dataclass(frozen=True, slots=True)
class ArrowFormat(ContentFormat):
    """The Arrow IPC file format, compressed with zstd.

    It takes what Parquet takes, and tables of every Arrow type. A checksum over all bytes is kept before the footer,
    where other readers do not look. Unless the caller has verified the bytes, they are read as a stream whose columns
    are validated, because a file's offsets lead a reader anywhere.

    >>> ArrowFormat().decode(ArrowFormat().encode({"ticker": ["AAA", "BBB"]})).to_pydict()
    {'ticker': ['AAA', 'BBB']}
    """

    name: ClassVar[str] = "arrow"
    suffix: ClassVar[str] = ".arrow"
    media_type: ClassVar[str | None] = "application/vnd.apache.arrow.file"
    streams: ClassVar[bool] = True

    def _encode(self, payload: Any) -> bytes:
        table = to_table(payload)
        return written(lambda file: self.write_tables(table.schema, iter([table]), file), table.nbytes)

    def _decode(self, data: bytes, options: DecodeOptions) -> Any:
        import pyarrow as pa

        if not options.verified:
            is_sealed(io.BytesIO(data), _MAGIC)
        try:
            _check_sizes(data, options)
            if options.verified:
                with pa.ipc.open_file(pa.BufferReader(data)) as reader:
                    table = reader.read_all()
            else:
                with pa.ipc.open_stream(_stream(data)) as reader:
                    table = reader.read_all()
                table.validate(full=True)
        except (pa.ArrowException, OSError) as error:
            raise ValueError(str(error)) from error
        return from_table(table)

    def write_tables(self, schema: "pa.Schema", tables: "Iterator[pa.Table]", file: BinaryIO) -> None:
        """Write tables of one schema into a binary file, one after the other."""
        import pyarrow as pa

        settings = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", 1), unify_dictionaries=True)
        sink = SealedSink(file, _MAGIC)
        try:
            with pa.PythonFile(sink, mode="w") as native:
                with pa.ipc.new_file(native, schema, options=settings) as writer, sink.sealing():
                    for table in tables:
                        writer.write_table(table, max_chunksize=_BATCH)
                sink.finish()
        except pa.ArrowException as error:
            raise Refusal(f"has no Arrow form: {error}") from error

    def read_tables(self, file: BinaryIO, options: DecodeOptions) -> "tuple[Iterator[pa.Table], Part]":
        """Return the batches of a binary file one by one, and which columns they have."""
        import pyarrow as pa

        if options.columns is not None:
            raise ValueError("format 'arrow' cannot read some columns only; use 'parquet'")
        if not options.verified:
            is_sealed(file, _MAGIC)
        file.seek(_STREAM_AT)
        for message in pa.ipc.MessageReader.open_stream(file):
            options.check(message_size(message))
        file.seek(_STREAM_AT)
        reader = pa.ipc.open_stream(file)
        part = part_of(reader.schema, None)
        if not part.fields:  # a table without columns has no batches
            return iter([reader.schema.empty_table()]), part
        return map(_validated, reader), part


def _validated(batch: "pa.RecordBatch") -> "pa.Table":
    import pyarrow as pa

    batch.validate(full=True)
    return pa.Table.from_batches([batch])


def _stream(data: bytes) -> "pa.BufferReader":
    import pyarrow as pa

    if data[: len(_MAGIC)] != _MAGIC or data[-len(_MAGIC) :] != _MAGIC:
        raise ValueError("it does not begin and end as an Arrow file does")
    return pa.BufferReader(pa.py_buffer(data)[_STREAM_AT:])


def _check_sizes(data: bytes, options: DecodeOptions) -> None:
    """Compare what the messages would take with the limit before any of them is decoded."""
    import pyarrow as pa

    total = 0
    for message in pa.ipc.MessageReader.open_stream(_stream(data)):
        total += message_size(message)
        options.check(total)

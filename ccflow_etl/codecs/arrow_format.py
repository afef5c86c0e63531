"""The Arrow IPC file format."""

import io
from dataclasses import dataclass
from typing import Any, ClassVar

from .formats import ContentFormat
from .frames import from_table, to_table


@dataclass(frozen=True, slots=True)
class ArrowFormat(ContentFormat):
    """The Arrow IPC file format, compressed with zstd; the columns are validated when it is read.

    It takes what Parquet takes, and tables of every Arrow type.

    >>> ArrowFormat().decode(ArrowFormat().encode({"ticker": ["AAA", "BBB"]})).to_pydict()
    {'ticker': ['AAA', 'BBB']}
    """

    name: ClassVar[str] = "arrow"
    suffix: ClassVar[str] = ".arrow"
    media_type: ClassVar[str | None] = "application/vnd.apache.arrow.file"

    def _encode(self, payload: Any) -> bytes:
        import pyarrow as pa

        table = to_table(payload)
        sink = io.BytesIO()
        options = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", 1), unify_dictionaries=True)
        with pa.ipc.new_file(sink, table.schema, options=options) as writer:
            writer.write_table(table)
        return sink.getvalue()

    def _decode(self, data: bytes) -> Any:
        import pyarrow as pa

        try:
            with pa.ipc.open_file(pa.BufferReader(data)) as reader:
                table = reader.read_all()
            table.validate(full=True)
        except (pa.ArrowException, OSError) as error:
            raise ValueError(str(error)) from error
        return from_table(table)

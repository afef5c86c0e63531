"""Apache Parquet."""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from .errors import Refusal
from .formats import ContentFormat
from .frames import from_table, to_table

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class ParquetFormat(ContentFormat):
    """Parquet, compressed with zstd at level 1, with page checksums that are verified when it is read.

    A pandas DataFrame or Series decodes to an equal one. Rows, a dict of columns, a Table, a RecordBatch and objects
    with ``to_arrow()`` decode to a ``pyarrow.Table``. Files that others wrote decode to a Table too.

    >>> ParquetFormat().decode(ParquetFormat().encode([{"ticker": "AAA", "volume": 7}])).to_pylist()
    [{'ticker': 'AAA', 'volume': 7}]
    """

    name: ClassVar[str] = "parquet"
    suffix: ClassVar[str] = ".parquet"
    media_type: ClassVar[str | None] = "application/vnd.apache.parquet"

    def _encode(self, payload: Any) -> bytes:
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = to_table(payload)
        sink = io.BytesIO()
        try:
            pq.write_table(table, sink, compression="zstd", compression_level=1, write_page_checksum=True)
        except pa.ArrowException as error:
            raise Refusal(f"has no Parquet form: {error}") from error
        data = sink.getvalue()
        _check_schema(table.schema, pq.read_schema(pa.BufferReader(data)))
        return data

    def _decode(self, data: bytes) -> Any:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(pa.BufferReader(data), page_checksum_verification=True)
        except (pa.ArrowException, OSError) as error:
            raise ValueError(str(error)) from error
        return from_table(table)


def _check_schema(given: "pa.Schema", written: "pa.Schema") -> None:
    """Refuse a table that Parquet would give back with other types (it has no whole seconds, for example)."""
    for before, after in zip(given, written, strict=True):
        if not before.equals(after):
            raise Refusal(
                f"of type {before.type} would come back as {after.type}; cast it first, or use 'arrow'",
                f"column {before.name!r}",
            )

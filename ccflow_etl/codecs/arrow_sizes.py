"""How much memory the messages of an Arrow stream take when they are decoded, from their headers alone.

Compressed buffers begin with their size (https://arrow.apache.org/docs/format/Columnar.html#compression); where they
are is said by a flatbuffer, of which this reads the few fields it needs.
"""

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3
_BUFFER = struct.Struct("<qq")


def message_size(message: "pa.ipc.Message") -> int:
    """Return how many bytes the buffers of a message take; 0 for a schema.

    Raises:
        ValueError: If its header cannot be read.
    """
    try:
        return _message_size(memoryview(message.metadata), message.body)
    except (struct.error, LookupError) as error:
        raise ValueError(f"the header of a message is damaged: {error!r}") from error


def _message_size(header: memoryview, body: "pa.Buffer | None") -> int:
    root = _offset(header, 0)
    kind_at, batch_at = _field(header, root, 1), _field(header, root, 2)
    kind = header[kind_at] if kind_at else 0
    if kind not in (_DICTIONARY_BATCH, _RECORD_BATCH) or not batch_at or body is None:
        return 0
    batch = _offset(header, batch_at)
    if kind == _DICTIONARY_BATCH:
        data_at = _field(header, batch, 1)
        if not data_at:
            return 0
        batch = _offset(header, data_at)
    if not _field(header, batch, 3):  # not compressed
        return int(body.size)
    buffers_at = _field(header, batch, 2)
    return _compressed_size(header, _offset(header, buffers_at), memoryview(body)) if buffers_at else 0


def _compressed_size(header: memoryview, buffers: int, body: memoryview) -> int:
    total = 0
    (count,) = struct.unpack_from("<I", header, buffers)
    for number in range(count):
        start, length = _BUFFER.unpack_from(header, buffers + 4 + number * _BUFFER.size)
        if length <= 0:
            continue
        if start < 0:
            raise ValueError("a buffer begins before the message")
        (size,) = struct.unpack_from("<q", body, start)
        if size < -1:
            raise ValueError(f"a buffer has {size} bytes")
        total += length if size == -1 else size
    return total


def _offset(header: memoryview, position: int) -> int:
    return int(position + struct.unpack_from("<I", header, position)[0])


def _field(header: memoryview, table: int, number: int) -> int:
    """Return where a field of a table is, 0 if it is left out."""
    vtable = table - struct.unpack_from("<i", header, table)[0]
    size, _ = struct.unpack_from("<HH", header, vtable)
    at = 4 + 2 * number
    if vtable < 0 or at + 2 > size:
        return 0
    (offset,) = struct.unpack_from("<H", header, vtable + at)
    return table + offset if offset else 0

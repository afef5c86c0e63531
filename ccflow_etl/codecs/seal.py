"""A checksum over a whole file, kept where readers of Parquet and Arrow do not look: right before the footer.

Both formats end in a footer, its length and a magic word, and readers find everything else by offsets from the start.
Page checksums cover the pages of Parquet only, and nothing covers an Arrow file; this covers every byte.
"""

import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from .errors import PayloadIntegrityError

_MARK = b"\xff\xffcc-etl"  # begins with what no footer can begin with
_BLOCK = len(_MARK) + 8  # the mark, the checksum, and zeros that keep what follows aligned
_PIECE = 1 << 18


class SealedSink(io.RawIOBase):
    """A file to write to; what is written after ``sealing`` ends in the footer, and ``finish`` writes it.

    >>> file = io.BytesIO()
    >>> sink = SealedSink(file, b"PAR1")
    >>> with sink.sealing():
    ...     sink.write(b"PAR1pages")
    9
    >>> sink.write(b"footer\\x06\\0\\0\\0PAR1"), sink.finish()
    (14, None)
    >>> is_sealed(file, b"PAR1")
    True
    """

    def __init__(self, file: BinaryIO, magic: bytes) -> None:
        self._file = file
        self._magic = magic
        self._checksum = 0
        self._position = 0
        self._tail: list[bytes] | None = None

    def writable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._position

    def write(self, data: object) -> int:
        """Write bytes and return how many they are."""
        view = memoryview(data)  # type: ignore[arg-type] # a buffer of pyarrow is one
        self._position += view.nbytes
        if self._tail is None:
            self._put(view)
        else:
            self._tail.append(bytes(view))
        return view.nbytes

    @contextmanager
    def sealing(self) -> Iterator[None]:
        """Hold back what is written after this block, so that nothing has a footer that was not finished."""
        try:
            yield
        finally:
            self._tail = []

    def finish(self) -> None:
        """Write what was held back, with the seal before the footer."""
        tail = b"".join(self._tail or [])
        start = _footer_start(tail, self._magic)
        self._put(tail[:start])
        self._checksum = zlib.crc32(tail[start:], self._checksum)
        self._file.write(_block(self._checksum) + tail[start:])

    def _put(self, data: "bytes | memoryview") -> None:
        self._checksum = zlib.crc32(data, self._checksum)
        self._file.write(data)


def is_sealed(file: BinaryIO, magic: bytes) -> bool:
    """Return whether a file has a seal, as files of others have none; takes about 0.25 ms for each MB.

    Raises:
        PayloadIntegrityError: If it has one, and any byte of the file differs from what was written.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - len(magic) - 4))
    end = file.read()
    start = size - len(end) + _footer_start(end, magic) - _BLOCK
    if end[4:] != magic or start < 0:
        return False
    file.seek(start)
    block = file.read(_BLOCK)
    if not block.startswith(_MARK):
        return False
    checksum = _checksum(file, 0, start, 0)
    checksum = _checksum(file, start + _BLOCK, size, checksum)
    if block != _block(checksum):
        raise PayloadIntegrityError(
            f"checksum {block[len(_MARK) :].hex()}", f"checksum {_block(checksum)[len(_MARK) :].hex()}"
        )
    return True


def _checksum(file: BinaryIO, start: int, end: int, checksum: int) -> int:
    piece = memoryview(bytearray(min(_PIECE, end - start)))
    file.seek(start)
    while start < end and (count := file.readinto(piece[: end - start])):  # type: ignore[attr-defined] # the base class of binary files leaves it out
        checksum = zlib.crc32(piece[:count], checksum)
        start += count
    return checksum


def _block(checksum: int) -> bytes:
    return _MARK + checksum.to_bytes(4, "little") + bytes(4)


def _footer_start(tail: bytes, magic: bytes) -> int:
    """Return where in the last bytes of a file its footer begins; negative when it begins before them."""
    length_at = len(tail) - len(magic) - 4
    return length_at - int.from_bytes(tail[max(0, length_at) : length_at + 4], "little")

"""gzip: a filter on bytes, whatever they hold."""

import re
import struct
import zlib
from importlib import import_module
from typing import Any, BinaryIO

from .errors import PayloadDecodeError, PayloadTooLargeError
from .written import written

# Level 1 is ten times faster than gzip's default of 9, for about a tenth more bytes.
_LEVEL = 1
_MAGIC = b"\x1f\x8b\x08"
_HAS_HEADER_CHECKSUM, _HAS_EXTRA, _HAS_NAME, _HAS_COMMENT = 2, 4, 8, 16
_FASTEST, _UNKNOWN_SYSTEM = 4, 255
_RAW, _GZIP = -15, 31

# What unpacks to so much, and to so many times its size, is counted before it is kept.
_PIECE, _SUSPICIOUS, _TIMES = 1 << 24, 1 << 26, 100
_FED = 1 << 20  # at a time, as what an unpacker has not taken yet is copied
_PADDING = re.compile(rb"\x00+")


def compress(data: bytes, comment: bytes = b"") -> bytes:
    """Return the data as one gzip member without a time stamp: equal input gives equal bytes.

    A comment is kept in the header, with a checksum of its own, because gzip's covers only the content. ``isal`` does
    the work when it is installed.

    >>> import gzip
    >>> gzip.decompress(compress(b"hello", comment=b"greeting"))
    b'hello'
    """
    flags = _HAS_HEADER_CHECKSUM | _HAS_COMMENT if comment else 0
    header = _MAGIC + struct.pack("<BIBB", flags, 0, _FASTEST, _UNKNOWN_SYSTEM)
    if comment:
        header += comment + b"\x00"
        header += struct.pack("<H", zlib.crc32(header) & 0xFFFF)
    library = _library()
    trailer = struct.pack("<II", library.crc32(data), len(data) & 0xFFFFFFFF)
    return b"".join((header, library.compress(data, _LEVEL, _RAW), trailer))


def decompress(data: bytes, limit: int) -> tuple[bytes, bytes]:
    """Return the content and the header's comment (empty if there is none).

    Several members one after the other, as ``cat a.gz b.gz`` makes them, are one content.

    Raises:
        PayloadTooLargeError: If the content has more than ``limit`` bytes. A content that is over a hundred times
            larger than its bytes is counted before it is kept, so that this takes little memory.
        PayloadDecodeError: If the data is not gzip, is cut short, or fails its checksums.

    >>> decompress(compress(b"hello", comment=b"greeting"), limit=1_000)
    (b'hello', b'greeting')
    """

    def unpack(file: BinaryIO) -> None:
        size = 0
        counted = False
        for part, taken in _pieces(data, limit):
            size += len(part)
            if size > limit:
                raise PayloadTooLargeError(limit)
            if size > _SUSPICIOUS and size > _TIMES * taken and not counted:
                _count(data, limit)
                counted = True
            file.write(part)

    told = int.from_bytes(data[-4:], "little")  # how many bytes the last member says that it holds
    room = told if told <= min(limit, _TIMES * len(data)) else 0
    return written(unpack, room), _header(data, 0)[0]


def _pieces(data: bytes, limit: int) -> Any:
    """Yield the content in pieces, each with how many bytes have been taken so far."""
    library = _library()
    view, at = memoryview(data), 0
    while True:
        unpacker = library.decompressobj(_GZIP)
        _, end = _header(data, at)  # isal cannot be given a part of one
        rest = view[at : max(end, at + _FED)]
        at += len(rest)
        while not unpacker.eof:
            try:
                part = unpacker.decompress(rest, min(_PIECE, limit + 1))
            except (zlib.error, library.error) as error:
                raise PayloadDecodeError("gzip", len(data), str(error)) from None
            rest = unpacker.unconsumed_tail
            yield part, at - len(rest) - len(unpacker.unused_data)
            if not rest and not unpacker.eof:
                rest = view[at : at + _FED]
                at += len(rest)
                if not part and not rest:
                    raise PayloadDecodeError("gzip", len(data), "it ends too early")
        at -= len(unpacker.unused_data)
        if padding := _PADDING.match(data, at):  # which is allowed after a member
            at = padding.end()
        if at == len(data):
            return


def _count(data: bytes, limit: int) -> None:
    size = 0
    for part, _ in _pieces(data, limit):
        size += len(part)
        if size > limit:
            raise PayloadTooLargeError(limit)


def _library() -> Any:
    """Return ``isal.isal_zlib`` when it is installed, which is several times faster, else Python's ``zlib``."""
    try:
        return import_module("isal.isal_zlib")
    except ImportError:
        return zlib


def _header(data: bytes, at: int) -> tuple[bytes, int]:
    """Return the comment of the header at a place, and where the header ends (RFC 1952, section 2.3), unchecked."""
    flags = data[at + 3] if len(data) > at + 3 else 0
    at += 10
    if flags & _HAS_EXTRA:
        at += 2 + int.from_bytes(data[at : at + 2], "little")
    for flag in (_HAS_NAME, _HAS_COMMENT):
        text = b""
        if flags & flag:
            end = data.find(b"\x00", at)
            if end < 0:
                return b"", len(data)
            text, at = data[at:end], end + 1
    return text, at + 2 if flags & _HAS_HEADER_CHECKSUM else at

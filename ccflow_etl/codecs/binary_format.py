"""Bytes as they are."""

from dataclasses import dataclass
from typing import Any, ClassVar

from .errors import Refusal
from .formats import ContentFormat
from .options import DecodeOptions


@dataclass(frozen=True, slots=True)
class BinaryFormat(ContentFormat):
    """Bytes-like objects (``bytes``, ``bytearray``, ``memoryview``) as they are; they decode to ``bytes``.

    >>> BinaryFormat().decode(BinaryFormat().encode(bytearray(b"\\x00\\x01")))
    b'\\x00\\x01'
    """

    name: ClassVar[str] = "binary"
    suffix: ClassVar[str] = ""
    media_type: ClassVar[str | None] = None

    def _encode(self, payload: Any) -> bytes:
        if not isinstance(payload, bytes | bytearray | memoryview):
            raise Refusal("takes bytes, bytearray or memoryview; use 'text' for str")
        return bytes(payload)

    def _decode(self, data: bytes, options: DecodeOptions) -> bytes:
        return data

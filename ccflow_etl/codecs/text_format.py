"""Text as UTF-8."""

from dataclasses import dataclass
from typing import Any, ClassVar

from .errors import Refusal
from .formats import ContentFormat
from .options import DecodeOptions


@dataclass(frozen=True, slots=True)
class TextFormat(ContentFormat):
    """A ``str`` as UTF-8, without a byte order mark and with its line ends as they are.

    >>> TextFormat().encode("naïve")
    b'na\\xc3\\xafve'
    >>> TextFormat().decode(b'na\\xc3\\xafve')
    'naïve'
    """

    name: ClassVar[str] = "text"
    suffix: ClassVar[str] = ".txt"
    media_type: ClassVar[str | None] = "text/plain; charset=utf-8"

    def _encode(self, payload: Any) -> bytes:
        if not isinstance(payload, str):
            raise Refusal("takes str; use 'binary' for bytes or 'json' for data")
        try:
            return payload.encode()
        except UnicodeEncodeError as error:
            raise Refusal(f"is not valid Unicode ({error})") from error

    def _decode(self, data: bytes, options: DecodeOptions) -> str:
        return str(data, "utf-8")

"""PayloadCodec: a payload to bytes and back in a named format."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from ccflow import BaseModel
from pydantic import AfterValidator, Field, PositiveInt

from . import gzip_filter
from .formats import ContentFormat, content_format

CacheFormatName = Literal["json", "csv", "text", "binary", "parquet", "gzip", "arrow"]


def _content_first(formats: Sequence[CacheFormatName]) -> list[CacheFormatName]:
    return sorted(formats, key=lambda name: name == "gzip")


def _check_format(value: CacheFormatName | list[CacheFormatName]) -> CacheFormatName | list[CacheFormatName]:
    names = _content_first([value] if isinstance(value, str) else value)
    contents = [name for name in names if name != "gzip"]
    if not names:
        raise ValueError("a format list needs at least one name, for example ['json', 'gzip']")
    if len(contents) > 1:
        raise ValueError(
            f"a payload has one content format, not {len(contents)}: {' and '.join(map(repr, contents))}; "
            "a list is one of them plus 'gzip'"
        )
    if len(names) - len(contents) > 1:
        raise ValueError(f"'gzip' is named {len(names) - len(contents)} times in {value}; name it once")
    return value


CacheFormat = Annotated[CacheFormatName | list[CacheFormatName], AfterValidator(_check_format)]
"""A format name, or a list of one content format plus ``gzip`` in either order."""


class PayloadCodec(BaseModel):
    """Turns a payload into bytes and back.

    ``format`` is ``json``, ``csv``, ``text``, ``binary``, ``parquet`` or ``arrow``, or a list of one of these plus
    ``gzip``, in either order. ``gzip`` alone is gzipped binary. Encoding is deterministic and leaves its input
    alone; what a format cannot keep exactly it refuses.

    >>> codec = PayloadCodec(format=["json", "gzip"])
    >>> codec.suffix, codec.media_type
    ('.json.gz', 'application/json')
    >>> codec.decode(codec.encode({"ticker": "AAA", "close": 103.6}))
    {'close': 103.6, 'ticker': 'AAA'}
    """

    format: CacheFormat = Field(description="A content format, or a list of one content format and gzip.")
    max_decoded_bytes: PositiveInt = Field(
        2**32, description="Decompressed content larger than this many bytes is refused."
    )

    @property
    def formats(self) -> list[CacheFormatName]:
        """The format names as a list, the content format first.

        >>> PayloadCodec(format=["gzip", "json"]).formats, PayloadCodec(format="gzip").formats
        (['json', 'gzip'], ['gzip'])
        """
        return _content_first([self.format] if isinstance(self.format, str) else self.format)

    @property
    def content_format(self) -> CacheFormatName:
        """The name of the format of the content, before any compression.

        >>> PayloadCodec(format=["csv", "gzip"]).content_format, PayloadCodec(format="gzip").content_format
        ('csv', 'binary')
        """
        first = self.formats[0]
        return "binary" if first == "gzip" else first

    @property
    def suffix(self) -> str:
        """The file name suffix, empty for bare binary.

        >>> [PayloadCodec(format=format).suffix for format in ("json", ["text", "gzip"], "gzip", "binary")]
        ['.json', '.txt.gz', '.gz', '']
        """
        return self._content.suffix + (".gz" if self._gzipped else "")

    @property
    def media_type(self) -> str | None:
        """The media type of the content, compressed or not; None for binary.

        >>> PayloadCodec(format=["csv", "gzip"]).media_type
        'text/csv; charset=utf-8'
        """
        return self._content.media_type

    def encode(self, payload: Any) -> bytes:
        """Return the payload as bytes.

        Raises:
            PayloadEncodeError: If the format cannot keep the payload exactly. It is both a ``TypeError`` and a
                ``ValueError`` and names the format, the payload's type and the reason.

        >>> PayloadCodec(format="json").encode({"ticker": "AAA", "close": 103.6})
        b'{"close":103.6,"ticker":"AAA"}'
        """
        content = self._content
        data = content.encode(payload)
        if not self._gzipped:
            return data
        note, data = content.detach_note(data)
        return gzip_filter.compress(data, comment=note)

    def decode(self, data: bytes | bytearray | memoryview) -> Any:
        """Return the payload that the bytes were made from.

        Raises:
            PayloadDecodeError: If the bytes are not in this format.
            PayloadTooLargeError: If they unpack to more than ``max_decoded_bytes``.

        >>> PayloadCodec(format="csv").decode(b"ticker,volume\\nAAA,10\\n")
        [{'ticker': 'AAA', 'volume': '10'}]
        """
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"decode takes bytes, not {type(data).__name__}: {data!r:.80}")
        content, data = self._content, bytes(data)
        if self._gzipped:
            data, note = gzip_filter.decompress(data, self.max_decoded_bytes)
            data = content.attach_note(note, data)
        return content.decode(data)

    @property
    def _content(self) -> ContentFormat:
        return content_format(self.content_format)

    @property
    def _gzipped(self) -> bool:
        return "gzip" in self.formats

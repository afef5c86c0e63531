"""PayloadCodec: a payload to bytes and back in a named format."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Any, BinaryIO, Literal, Self, get_args

from ccflow import BaseModel
from pydantic import AfterValidator, AliasChoices, Field, PositiveInt, model_validator

from . import gzip_filter
from .batches import payloads_of, tables_of
from .errors import PayloadEncodeError, Refusal
from .formats import ContentFormat, content_format, content_format_names
from .options import DecodeOptions, default_limit

BuiltinFormatName = Literal["json", "csv", "text", "binary", "parquet", "gzip", "arrow"]
"""The names that are always there, for type checkers."""


def _check_name(name: str) -> str:
    if name in get_args(BuiltinFormatName) or name in content_format_names():
        return name
    *names, last = map(repr, dict.fromkeys([*get_args(BuiltinFormatName), *content_format_names()]))
    raise ValueError(f"unknown format {name!r}; expected {', '.join(names)} or {last}")


CacheFormatName = Annotated[str, AfterValidator(_check_name)]
"""The name of a format: a built-in one, or one that a package registers in the entry point group ccflow_etl.codecs."""


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
    max_decoded_bytes: PositiveInt | None = Field(
        None,
        description="A payload that takes more memory than this when decoded is refused; by default 1 GiB or 64 times "
        "its bytes, whichever is more.",
    )
    csv_schema: Literal["line", "none"] = Field(
        "line",
        validation_alias=AliasChoices("schema", "csv_schema"),
        description="Whether the CSV of a frame holds its schema, given as `schema`: in a line before the header (in "
        "the header of gzip), from which an equal frame is read, or not at all.",
    )

    @model_validator(mode="after")
    def _check_schema(self) -> Self:
        if self.csv_schema == "none" and self.content_format != "csv":
            raise ValueError(f"schema='none' is for CSV; the format is {self.format!r}")
        return self

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

    def decode(
        self,
        data: bytes | bytearray | memoryview,
        *,
        verified: bool = False,
        columns: Sequence[Any] | None = None,
        filters: Any = None,
    ) -> Any:
        """Return the payload that the bytes were made from.

        ``verified`` says that the caller has compared their hash with the one that was returned when they were
        written, so that checks against damage are left out. Parquet reads only the ``columns`` with these labels, in
        this order, and the rows that match ``filters``, which are as ``pyarrow.parquet.read_table`` takes them (with
        the labels of a DataFrame's columns and index levels, and values as they are stored); the index is always read.

        Raises:
            PayloadDecodeError: If the bytes are not in this format.
            PayloadIntegrityError: If a checksum in the bytes says that they are damaged.
            PayloadTooLargeError: If they would take more memory than ``max_decoded_bytes``.

        >>> PayloadCodec(format="csv").decode(b"ticker,volume\\nAAA,10\\n")
        [{'ticker': 'AAA', 'volume': '10'}]
        >>> codec = PayloadCodec(format="parquet")
        >>> data = codec.encode({"ticker": ["AAA", "BBB"], "close": [103.6, 99.1], "volume": [10, 20]})
        >>> codec.decode(data, columns=["ticker"], filters=[("volume", ">", 10)]).to_pylist()
        [{'ticker': 'BBB'}]
        """
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"decode takes bytes, not {type(data).__name__}: {data!r:.80}")
        content, data = self._content, bytes(data)
        limit = self.max_decoded_bytes or default_limit(len(data))
        if self._gzipped:
            data, note = gzip_filter.decompress(data, limit)
            data = content.attach_note(note, data)
        return content.decode(data, DecodeOptions(limit, verified=verified, columns=columns, filters=filters))

    def encode_batches(self, batches: Iterable[Any], file: BinaryIO) -> int:
        """Write a payload that is larger than memory into a binary file, batch by batch, and return its rows.

        The batches are DataFrames, tables or anything else that is a table, all with the same columns; at no time is
        more than one of them in memory. ``decode`` and ``decode_batches`` read the file.

        Raises:
            PayloadEncodeError: If the format has no batches, or a batch cannot be kept or does not go with the first.
            ValueError: If something is in the file already.

        >>> import io, pandas as pd
        >>> codec, file = PayloadCodec(format="parquet"), io.BytesIO()
        >>> codec.encode_batches((pd.DataFrame({"day": [day]}) for day in range(3)), file)
        3
        >>> codec.decode(file.getvalue())["day"].to_list()
        [0, 1, 2]
        """
        content: Any = self._content
        rows = 0
        if file.seekable() and file.tell():
            raise ValueError(f"the file already has {file.tell():,} bytes; give one that is empty")

        def counted(tables: Iterable[Any]) -> Iterator[Any]:
            nonlocal rows
            for table in tables:
                rows += table.num_rows
                yield table

        try:
            self._check_streams()
            schema, tables = tables_of(batches)
            content.write_tables(schema, counted(tables), file)
        except Refusal as refusal:
            raise PayloadEncodeError(content.name, batches, str(refusal)) from refusal.__cause__
        return rows

    def decode_batches(
        self, file: BinaryIO, *, verified: bool = False, columns: Sequence[Any] | None = None
    ) -> Iterator[Any]:
        """Yield the batches of a binary file that can be read and sought; at most one is in memory.

        Parquet has batches of up to 131,072 rows, Arrow those that were written. The limit of ``max_decoded_bytes``
        is on each of them. Unless ``verified``, the whole file is first read once to compare its checksum.

        Raises:
            PayloadDecodeError: If the file is not in this format.
            PayloadIntegrityError: If its checksum says that it is damaged.
            PayloadTooLargeError: If a batch would take more memory than ``max_decoded_bytes``.
            ValueError: If the format has no batches.

        >>> import io, pandas as pd
        >>> codec, file = PayloadCodec(format="arrow"), io.BytesIO()
        >>> codec.encode_batches([pd.DataFrame({"day": [0, 1]}), pd.DataFrame({"day": [2]})], file)
        3
        >>> [frame.index.to_list() for frame in codec.decode_batches(file)]
        [[0, 1], [2]]
        """
        content: Any = self._content
        try:
            self._check_streams()
        except Refusal as refusal:
            raise ValueError(f"format {self.format!r} {refusal.reason}") from None
        size = file.seek(0, 2)
        options = DecodeOptions(self.max_decoded_bytes or default_limit(size), verified=verified, columns=columns)
        with content.reading(size):
            yield from payloads_of(*content.read_tables(file, options))

    def _check_streams(self) -> None:
        if self._gzipped or not self._content.streams:
            raise Refusal("has no batches; use 'parquet' or 'arrow', which are compressed already")

    @property
    def _content(self) -> ContentFormat:
        content = content_format(self.content_format)
        return replace(content, schema="none") if self.csv_schema == "none" else content  # type: ignore[type-var] # what has a schema is a dataclass

    @property
    def _gzipped(self) -> bool:
        return "gzip" in self.formats

"""What every content format offers, and where each one is found by name."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, ClassVar

from .errors import PayloadDecodeError, PayloadEncodeError, PayloadIntegrityError, PayloadTooLargeError, Refusal
from .options import DecodeOptions, default_limit

# Modules are imported on first use: json, text and binary never pay for pandas or pyarrow.
_LOCATIONS = {
    "json": "json_format:JsonFormat",
    "text": "text_format:TextFormat",
    "binary": "binary_format:BinaryFormat",
    "csv": "csv_format:CsvFormat",
    "parquet": "parquet_format:ParquetFormat",
    "arrow": "arrow_format:ArrowFormat",
}

ENTRY_POINTS = "ccflow_etl.codecs"


class ContentFormat(ABC):
    """One way to write a payload as bytes; instances hold no state.

    A subclass has a ``name``, a ``suffix`` and a ``media_type``, and implements ``_encode(payload)``, which returns
    bytes, and ``_decode(data, options)``, which returns the payload. What they cannot take, ``_encode`` refuses with a
    ``ccflow_etl.codecs.errors.Refusal`` and ``_decode`` with a ``ValueError``, both with the reason. An entry point in
    the group ``ccflow_etl.codecs`` makes it a format of every codec.

    A format may keep a *note* beside the content (CSV keeps the schema of a DataFrame). Bare bytes carry it
    inside; a byte filter with a header of its own carries it there, so that the content stays plain.

    >>> class Hexadecimal(ContentFormat):
    ...     name, suffix, media_type = "hex", ".hex", "text/plain"
    ...     def _encode(self, payload):
    ...         if not isinstance(payload, bytes):
    ...             raise Refusal("is not bytes")
    ...         return payload.hex().encode()
    ...     def _decode(self, data, options):
    ...         return bytes.fromhex(data.decode())
    >>> Hexadecimal().encode(b"tea"), Hexadecimal().decode(b"746561")
    (b'746561', b'tea')
    >>> Hexadecimal().decode(b"tea")
    Traceback (most recent call last):
    ...
    ccflow_etl.codecs.errors.PayloadDecodeError: cannot decode 3 bytes as 'hex': non-hexadecimal number found ...
    """

    name: ClassVar[str]
    """The name of the format, as in ``PayloadCodec(format=name)``."""
    suffix: ClassVar[str]
    """The suffix of its files, with the dot."""
    media_type: ClassVar[str | None]
    """The media type of its content, or None."""
    reads_parts: ClassVar[bool] = False
    """Whether ``decode`` can read some columns and rows only."""
    streams: ClassVar[bool] = False
    """Whether there are ``write_tables`` and ``read_tables``, for payloads that are larger than memory."""

    def encode(self, payload: Any) -> bytes:
        """Return the payload as bytes; the payload is left alone.

        Raises:
            PayloadEncodeError: If the format cannot keep the payload exactly.
        """
        try:
            return self._encode(payload)
        except Refusal as refusal:
            raise PayloadEncodeError(self.name, payload, str(refusal)) from refusal.__cause__

    def decode(self, data: bytes, options: DecodeOptions | None = None) -> Any:
        """Return the payload that ``encode`` was given.

        Raises:
            PayloadDecodeError: If the bytes are not in this format.
            PayloadIntegrityError: If a checksum in the bytes says that they are damaged.
            PayloadTooLargeError: If the payload would take more memory than the limit allows.
            ValueError: If only a part of it is asked for and the format cannot read parts.
        """
        options = options or DecodeOptions(limit=default_limit(len(data)))
        self.check_parts(options.columns, options.filters)
        if options.columns is None and options.filters is None:  # a part may take less than all of the bytes
            options.check(len(data))
        with self.reading(len(data)):
            return self._decode(data, options)

    def check_parts(self, columns: Any, filters: Any) -> None:
        """Raise ``ValueError`` if some columns or rows are asked for and the format cannot read them only."""
        if not self.reads_parts and (columns is not None or filters is not None):
            raise ValueError(f"format {self.name!r} cannot read some columns or rows only; use 'parquet'")

    @contextmanager
    def reading(self, size: int) -> Iterator[None]:
        """Give what goes wrong while bytes are read as ``PayloadDecodeError``, with the reason."""
        try:
            yield
        except (PayloadIntegrityError, PayloadTooLargeError):
            raise
        except (ValueError, RuntimeError, MemoryError) as error:  # a RuntimeError is what pyarrow has no name for
            raise PayloadDecodeError(self.name, size, str(error)) from error

    @abstractmethod
    def _encode(self, payload: Any) -> bytes:
        """Return the payload as bytes, or raise ``Refusal`` with the reason."""

    @abstractmethod
    def _decode(self, data: bytes, options: DecodeOptions) -> Any:
        """Return the payload, or raise ``ValueError`` with the reason."""

    def detach_note(self, data: bytes) -> tuple[bytes, bytes]:
        """Split encoded bytes into a note (one line of ASCII, often empty) and the content."""
        return b"", data

    def attach_note(self, note: bytes, content: bytes) -> bytes:
        """Undo ``detach_note``; a note that the format has no use for is dropped."""
        return content


def content_format(name: str) -> ContentFormat:
    """Return the content format with this name: a built-in one, or one that an installed package registers.

    A package registers a subclass of ``ContentFormat`` as an entry point in the group ``ccflow_etl.codecs``; its name
    there is the name of the format.

    Raises:
        ValueError: If there is none (the message lists those that exist), or it cannot be made.

    >>> content_format("text").encode("hello")
    b'hello'
    >>> content_format("yaml")
    Traceback (most recent call last):
    ...
    ValueError: unknown content format 'yaml'; expected one of json, text, binary, csv, parquet, arrow
    """
    location = _LOCATIONS.get(name)
    if location is not None:
        module, _, class_name = location.partition(":")
        built_in: ContentFormat = getattr(import_module(f"{__package__}.{module}"), class_name)()
        return built_in
    registered = {found.value: found for found in entry_points(group=ENTRY_POINTS, name=name)}
    if not registered:
        raise ValueError(f"unknown content format {name!r}; expected one of {', '.join(content_format_names())}")
    if len(registered) > 1:
        raise ValueError(f"several packages register a format {name!r}: {' and '.join(sorted(registered))}; remove one")
    ((value, found),) = registered.items()
    try:
        made = found.load()()
    except Exception as error:
        raise ValueError(f"format {name!r} cannot be made by the entry point {value}: {error!r}") from error
    if not isinstance(made, ContentFormat) or made.name != name:
        raise ValueError(f"the entry point {value} has to be a ContentFormat whose name is {name!r}")
    return made


def content_format_names() -> list[str]:
    """Return the names of all content formats, built-in ones first.

    >>> content_format_names()[:3]
    ['json', 'text', 'binary']
    """
    return list(dict.fromkeys([*_LOCATIONS, *sorted(entry_points(group=ENTRY_POINTS).names)]))

"""What every content format offers, and where each one is found by name."""

from abc import ABC, abstractmethod
from importlib import import_module
from typing import Any, ClassVar

from .errors import PayloadDecodeError, PayloadEncodeError, Refusal

# Modules are imported on first use: json, text and binary never pay for pandas or pyarrow.
_LOCATIONS = {
    "json": "json_format:JsonFormat",
    "text": "text_format:TextFormat",
    "binary": "binary_format:BinaryFormat",
    "csv": "csv_format:CsvFormat",
    "parquet": "parquet_format:ParquetFormat",
    "arrow": "arrow_format:ArrowFormat",
}


class ContentFormat(ABC):
    """One way to write a payload as bytes; instances hold no state.

    A format may keep a *note* beside the content (CSV keeps the schema of a DataFrame). Bare bytes carry it
    inside; a byte filter with a header of its own carries it there, so that the content stays plain.

    >>> content_format("json").suffix
    '.json'
    """

    name: ClassVar[str]
    suffix: ClassVar[str]
    media_type: ClassVar[str | None]

    def encode(self, payload: Any) -> bytes:
        """Return the payload as bytes; the payload is left alone.

        Raises:
            PayloadEncodeError: If the format cannot keep the payload exactly.
        """
        try:
            return self._encode(payload)
        except Refusal as refusal:
            raise PayloadEncodeError(self.name, payload, str(refusal)) from refusal.__cause__

    def decode(self, data: bytes) -> Any:
        """Return the payload that ``encode`` was given.

        Raises:
            PayloadDecodeError: If the bytes are not in this format.
        """
        try:
            return self._decode(data)
        except (ValueError, RecursionError) as error:
            raise PayloadDecodeError(self.name, data, str(error)) from error

    @abstractmethod
    def _encode(self, payload: Any) -> bytes:
        """Return the payload as bytes, or raise ``Refusal`` with the reason."""

    @abstractmethod
    def _decode(self, data: bytes) -> Any:
        """Return the payload, or raise ``ValueError`` with the reason."""

    def detach_note(self, data: bytes) -> tuple[bytes, bytes]:
        """Split encoded bytes into a note (one line of ASCII, often empty) and the content."""
        return b"", data

    def attach_note(self, note: bytes, content: bytes) -> bytes:
        """Undo ``detach_note``; a note that the format has no use for is dropped."""
        return content


def content_format(name: str) -> ContentFormat:
    """Return the content format with this name.

    Raises:
        ValueError: If there is none; the message lists those that exist.

    >>> content_format("text").encode("hello")
    b'hello'
    >>> content_format("yaml")
    Traceback (most recent call last):
    ...
    ValueError: unknown content format 'yaml'; expected one of json, text, binary, csv, parquet, arrow
    """
    location = _LOCATIONS.get(name)
    if location is None:
        raise ValueError(f"unknown content format {name!r}; expected one of {', '.join(_LOCATIONS)}")
    module, _, class_name = location.partition(":")
    found: ContentFormat = getattr(import_module(f"{__package__}.{module}"), class_name)()
    return found

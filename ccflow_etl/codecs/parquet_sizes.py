"""How much memory a Parquet file takes when it is decoded, from its headers alone.

What the footer says of sizes need not be true, and a page that repeats one long string a million times is tiny by
every size that is written down. The bound here comes from the headers that the decoder goes by.
https://parquet.apache.org/docs/file-format/data-pages/
"""

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pyarrow.parquet as pq

_WIDTHS = {"BOOLEAN": 1, "INT32": 8, "INT64": 8, "INT96": 8, "FLOAT": 4, "DOUBLE": 8}
_OFFSET = 8  # bytes for each value beside its text
_DICTIONARY_PAGE = 2
_LENGTH = struct.Struct("<I")
_LARGEST_DICTIONARY = 1 << 24  # writers stop at 1 MB
_PREFIXED = "DELTA_BYTE_ARRAY"  # a value repeats the beginning of the one before


class Page(NamedTuple):
    """The header of a page: its kind, its size when decompressed, and where its bytes are."""

    kind: int
    size: int
    start: int
    end: int


class Bound(NamedTuple):
    """How many bytes a column chunk takes at least and at most, and how many one value of it takes at most."""

    least: int
    most: int
    value: int


def column_bound(data: Any, column: "pq.ColumnChunkMetaData", *, as_codes: bool, exact: bool) -> Bound:
    """Return bounds for the decoded bytes of one column chunk.

    With ``as_codes`` the values stay codes into a dictionary. With ``exact`` the dictionary is looked at, else all of
    it is taken for one value, which is quicker.

    Raises:
        ValueError: If the headers of its pages cannot be read.
    """
    values, kind = column.num_values, column.physical_type
    if kind in _WIDTHS:
        return Bound(0, values * _WIDTHS[kind], _WIDTHS[kind])
    found = pages(data, column)
    dictionaries = [page for page in found if page.kind == _DICTIONARY_PAGE]
    dictionary = sum(page.size for page in dictionaries)
    plain = sum(page.size for page in found) - dictionary
    if as_codes:
        return Bound(dictionary, values * _OFFSET + plain + dictionary, _OFFSET + plain + dictionary)
    if _PREFIXED in column.encodings:
        return Bound(plain, values * (plain + _OFFSET), plain)
    longest = dictionary
    if exact and dictionary <= _LARGEST_DICTIONARY:
        longest = max((_longest(data, page, column) for page in dictionaries), default=0)
    largest_page = max((page.size for page in found if page.kind != _DICTIONARY_PAGE), default=0)
    return Bound(
        plain + dictionary - _OFFSET * values, values * (longest + _OFFSET) + plain, max(longest, largest_page)
    )


def pages(data: Any, column: "pq.ColumnChunkMetaData") -> list[Page]:
    """Return the headers of the pages of a column chunk, which are what the decoder goes by."""
    # without values there may be a dictionary and no page after it
    position = min(filter(None, (column.data_page_offset, column.dictionary_page_offset)), default=0)
    end = position + column.total_compressed_size
    found: list[Page] = []
    try:
        while position < end:
            header, start = _read_struct(data, position)
            position = start + header[3]
            if min(header[2], header[3]) < 0:
                raise ValueError("a page has a negative size")
            found.append(Page(header[1], header[2], start, position))
    except (LookupError, RecursionError) as error:
        raise ValueError(f"the header of a page is damaged: {error!r}") from error
    return found


def _longest(data: Any, page: Page, column: "pq.ColumnChunkMetaData") -> int:
    """Return the length of the longest value in a dictionary page; all of the page if it cannot be read here."""
    import pyarrow as pa

    if column.physical_type != "BYTE_ARRAY":
        return min(page.size, 1 << 10)
    content: Any = data[page.start : page.end]
    try:
        if column.compression != "UNCOMPRESSED":
            content = memoryview(pa.Codec(column.compression.lower()).decompress(content, page.size))
        longest = position = 0
        while position < page.size:
            (length,) = _LENGTH.unpack_from(content, position)
            longest = max(longest, length)
            position += 4 + length
    except (pa.ArrowException, ValueError, OSError, struct.error):
        return page.size
    return longest


# Thrift's compact protocol: the types of fields.
_TRUE, _FALSE, _BYTE, _INTEGERS, _DOUBLE, _BINARY, _LISTS, _STRUCT = 1, 2, 3, (4, 5, 6), 7, 8, (9, 10), 12


def _read_struct(data: Any, position: int) -> tuple[dict[int, Any], int]:
    """Return the whole numbers among a struct's fields by their ids, and where the struct ends."""
    fields: dict[int, Any] = {}
    field = 0
    while head := data[position]:
        position += 1
        if head >> 4:
            field += head >> 4
        else:
            field, position = _read_integer(data, position)
        kind = head & 15
        if kind in _INTEGERS:
            fields[field], position = _read_integer(data, position)
        else:
            position = _skip(data, position, kind)
    return fields, position + 1


def _skip(data: Any, position: int, kind: int, *, element: bool = False) -> int:
    if kind in (_TRUE, _FALSE):
        return position + element
    if kind == _BYTE:
        return position + 1
    if kind in _INTEGERS:
        return _read_integer(data, position)[1]
    if kind == _DOUBLE:
        return position + 8
    if kind == _BINARY:
        size, position = _read_varint(data, position)
        return position + size
    if kind == _STRUCT:
        return _read_struct(data, position)[1]
    if kind in _LISTS:
        head, position = data[position], position + 1
        size = head >> 4
        if size == 15:
            size, position = _read_varint(data, position)
        for _ in range(size):
            position = _skip(data, position, head & 15, element=True)
        return position
    raise ValueError(f"the header of a page has a field of type {kind}")


def _read_varint(data: Any, position: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = data[position]
        value |= (byte & 127) << shift
        position += 1
        if byte < 128:
            return value, position
        shift += 7
    raise ValueError("the header of a page has a number without an end")


def _read_integer(data: Any, position: int) -> tuple[int, int]:
    value, position = _read_varint(data, position)
    return (value >> 1) ^ -(value & 1), position

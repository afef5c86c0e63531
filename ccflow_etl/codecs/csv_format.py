"""CSV: plain for rows, and lossless for frames and tables."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from .csv_table import count_byte, read_rows, read_table, size_of_text, write_table
from .errors import Refusal, type_name
from .formats import ContentFormat
from .frames import from_table, to_table
from .options import DecodeOptions
from .rows import column_names, is_rows
from .scalars import plain_scalar
from .written import written

# What the first line of a CSV with a schema begins with.
_MARK = b"#ccflow-etl:"

# Bytes of memory that a cell takes beside its text, in a table and in rows of Python objects.
_TABLE_CELL, _ROW_CELL = 24, 100

# A byte order mark is one at the very beginning only, where readers take it away unless it is quoted.
_NEEDS_QUOTES = re.compile('[",\r\n\ufeff]')


@dataclass(frozen=True, slots=True)
class CsvFormat(ContentFormat):
    """CSV in UTF-8, with a header line, commas, and ``\\n`` at the end of lines.

    One row (a dict) or rows (a list of dicts) become plain CSV: the columns are the keys of all rows in the order in
    which they are first seen, None and a missing key are empty, nested values are refused. They decode to a list of
    dicts of strings.

    A pandas DataFrame or Series, a Table, a RecordBatch and objects with ``to_arrow()`` keep their schema in a
    comment line before the header (gzip keeps it in its own header), and decode to what they were: read such a file
    elsewhere with ``pandas.read_csv(..., comment="#")``. With ``schema="none"`` they are written without it, and come
    back as rows.

    >>> CsvFormat().encode([{"ticker": "AAA", "volume": 10}, {"ticker": "BBB", "note": "x,y"}])
    b'ticker,volume,note\\nAAA,10,\\nBBB,,"x,y"\\n'
    >>> CsvFormat().decode(b"ticker,volume\\nAAA,10\\n")
    [{'ticker': 'AAA', 'volume': '10'}]
    """

    schema: Literal["line", "none"] = "line"

    name: ClassVar[str] = "csv"
    suffix: ClassVar[str] = ".csv"
    media_type: ClassVar[str | None] = "text/csv; charset=utf-8"

    def _encode(self, payload: Any) -> bytes:
        if isinstance(payload, Mapping):
            return _rows_to_csv([payload])
        if is_rows(payload):
            return _rows_to_csv(payload)
        table, mark = to_table(payload), b"" if self.schema == "none" else _MARK
        return written(lambda file: write_table(table, file, mark), size_of_text(table))

    def _decode(self, data: bytes, options: DecodeOptions) -> Any:
        content_at = _content_at(data)
        cell = _TABLE_CELL if content_at else _ROW_CELL
        if len(data) * cell > options.limit:  # counted only when it could be too much
            options.check(len(data) + cell * (count_byte(data, b",") + count_byte(data, b"\n")))
        if not content_at:
            return read_rows(data)
        return from_table(read_table(_note(data, content_at), memoryview(data)[content_at:]))

    def detach_note(self, data: bytes) -> tuple[bytes, bytes]:
        """Split off the schema, which is in the first line if there is one."""
        content_at = _content_at(data)
        return _note(data, content_at), data[content_at:]

    def attach_note(self, note: bytes, content: bytes) -> bytes:
        """Put the schema into the first line."""
        return b"".join((_MARK, b" ", note, b"\n", content)) if note else content


def _content_at(data: bytes) -> int:
    """Return where the content begins: at once, or after the line of the schema."""
    return (data.find(b"\n") + 1 or len(data)) if data.startswith(_MARK) else 0


def _note(data: bytes, content_at: int) -> bytes:
    return data[len(_MARK) : content_at].strip()


def _rows_to_csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    names = column_names(rows)
    lines = [_line(names)] if names else []
    lines += [_line([_cell(position, name, row.get(name)) for name in names]) for position, row in enumerate(rows)]
    try:
        data = "".join(lines).encode()
    except UnicodeEncodeError as error:
        raise Refusal(f"holds text that is not valid Unicode ({error})") from error
    if data.startswith(_MARK):
        raise Refusal(f"begins with the mark that this format keeps for itself, {_MARK.decode()!r}", "the first key")
    return data


def _line(cells: Sequence[str]) -> str:
    # Not by the csv module, which in some versions of Python leaves a lone carriage return unquoted.
    quoted = ['"' + cell.replace('"', '""') + '"' if _NEEDS_QUOTES.search(cell) else cell for cell in cells]
    return (",".join(quoted) or '""') + "\n"  # a bare empty line would be no row


def _cell(position: int, name: str, value: Any) -> str:
    where = f"row {position}, key {name!r}"
    if value is None:
        return ""
    if isinstance(value, bytes | bytearray | memoryview | Mapping | list | tuple | set | frozenset):
        raise Refusal(f"has a value of type {type_name(value)}, which does not fit into one cell; use 'json'", where)
    if isinstance(value, bool | str):
        return str(value)
    try:
        return str(value if type(value) in (int, float) else plain_scalar(value))
    except ValueError as error:
        raise Refusal(f"has a value that cannot be kept: {error}", where) from error
    except TypeError:
        raise Refusal(f"has a value of type {type_name(value)}, which has no text form here", where) from None

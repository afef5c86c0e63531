"""The headers of a Parquet file's pages, by hand from the compact protocol of Thrift, and the bounds that they give.

https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

import io
import struct
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ccflow_etl.codecs.parquet_sizes import _read_struct, column_bound, pages


def varint(value: int) -> bytes:
    low, value = value & 127, value >> 7
    return bytes([low | 128]) + varint(value) if value else bytes([low])


def integer(value: int) -> bytes:
    return varint(value * 2 if value >= 0 else -value * 2 - 1)


STOP = b"\x00"
BEFORE = b"\x15" + integer(-3)  # field 1, a 32-bit number
AFTER = b"\x16" + integer(300)  # the next field, a 64-bit number
FIELDS = {
    "true": b"\x11",
    "false": b"\x12",
    "byte": b"\x13\x07",
    "16 bits": b"\x14" + integer(1 << 14),
    "double": b"\x17" + struct.pack("<d", 1.5),
    "no text": b"\x18" + varint(0),
    "text": b"\x18" + varint(200) + b"\xff" * 200,
    "no list": b"\x19\x05",
    "list": b"\x19\x35" + integer(1) + integer(-1000) + integer(70_000),
    "long list": b"\x19\xf3" + varint(20) + bytes(range(1, 21)),
    "list of 15": b"\x19\xf3" + varint(15) + bytes(range(1, 16)),
    "list of 14": b"\x19\xe3" + bytes(range(1, 15)),
    "flags": b"\x19\x31\x01\x02\x01",
    "set of texts": b"\x1a\x28" + varint(1) + b"a" + varint(2) + b"bc",
    "struct": b"\x1c" + BEFORE + b"\x18" + varint(1) + b"a" + STOP,
    "list of structs": b"\x19\x2c" + BEFORE + STOP + STOP,
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_of_any_kind_is_passed_over(name: str) -> None:
    data = BEFORE + FIELDS[name] + AFTER + STOP
    fields, end = _read_struct(data + b"what follows", 0)
    assert {number: fields[number] for number in (1, 3)} == {1: -3, 3: 300}
    assert end == len(data)
    assert _read_struct(b"??" + data, 2) == (fields, end + 2)


def test_a_field_may_have_a_number_of_its_own() -> None:
    assert _read_struct(b"\x05" + integer(200) + integer(7) + STOP, 0) == ({200: 7}, 5)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x1d" + STOP, "a field of type 13"),
        (b"\x10" + STOP, "a field of type 0"),
        (b"\x15" + b"\xff" * 11, "a number without an end"),
    ],
)
def test_what_is_no_header_is_an_error(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _read_struct(data, 0)


def chunk(**changes: Any) -> Any:
    return SimpleNamespace(
        **{"data_page_offset": 0, "dictionary_page_offset": None, "total_compressed_size": 0, **changes}
    )


def test_a_column_without_values_may_have_no_page() -> None:
    assert pages(b"PAR1", chunk()) == []
    assert pages(b"PAR1", chunk(dictionary_page_offset=0)) == []


def test_pages_follow_one_another() -> None:
    def page(kind: int, size: int, content: bytes) -> bytes:
        return b"\x15" + integer(kind) + b"\x15" + integer(size) + b"\x15" + integer(len(content)) + STOP + content

    dictionary, values = page(2, 30, b"d" * 10), page(0, 500, b"v" * 40)
    data = b"PAR1" + dictionary + values
    found = pages(
        data, chunk(data_page_offset=4 + len(dictionary), dictionary_page_offset=4, total_compressed_size=len(data) - 4)
    )
    assert [(one.kind, one.size, data[one.start : one.end]) for one in found] == [
        (2, 30, b"d" * 10),
        (0, 500, b"v" * 40),
    ]
    with pytest.raises(ValueError, match="a page has a negative size"):
        pages(page(0, -1, b"v"), chunk(total_compressed_size=3))
    with pytest.raises(ValueError, match="the header of a page is damaged"):
        pages(data, chunk(data_page_offset=4, total_compressed_size=len(data)))


TEXTS = ["a" * 5_000, "b", None, ""] * 50
COLUMNS = {
    "int32": (pa.array(range(200), pa.int32()), 4),
    "int64": (pa.array(range(200), pa.int64()), 8),
    "float": (pa.array([0.5] * 200, pa.float32()), 4),
    "flag": (pa.array([True, None] * 100), 1),
    "text": (pa.array(TEXTS), 5_000),
    "distinct": (pa.array([f"{number:0500}" for number in range(200)]), 500),
    "bytes": (pa.array([b"x" * 16] * 200, pa.binary(16)), 16),
    "nothing": (pa.array([None] * 200, pa.string()), 0),
}


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("settings", [{}, {"use_dictionary": False}, {"data_page_version": "2.0"}], ids=str)
@pytest.mark.parametrize(
    ("name", "as_codes"),
    [*((name, False) for name in COLUMNS), *((name, True) for name in ("text", "distinct", "nothing"))],
)
def test_a_column_takes_what_the_bounds_say(name: str, settings: dict[str, Any], as_codes: bool, exact: bool) -> None:
    values, widest = COLUMNS[name]
    file = io.BytesIO()
    pq.write_table(pa.table({"a": values}), file, compression="zstd", **settings)
    column = pq.ParquetFile(file).metadata.row_group(0).column(0)
    if as_codes:
        values, widest = values.dictionary_encode(), 4
    bound = column_bound(file.getvalue(), column, as_codes=as_codes, exact=exact)
    assert bound.least <= values.nbytes <= bound.most
    assert bound.value >= widest


def test_a_dictionary_that_is_looked_at_bounds_the_rest_far_better() -> None:
    file = io.BytesIO()
    pq.write_table(pa.table({"a": ["a" * 100, *(f"{number:099}" for number in range(1_000))] * 10}), file)
    column = pq.ParquetFile(file).metadata.row_group(0).column(0)
    rough, exact = (column_bound(file.getvalue(), column, as_codes=False, exact=exact) for exact in (False, True))
    assert 10_010 * 100 < exact.most < 10_010 * 120 + 100_000
    assert rough.most > 10_010 * 100_000


@pytest.mark.parametrize(
    "more",
    [{"compression": "ZSTD"}, {"compression": "NO_SUCH_CODEC"}, {"physical_type": "FIXED_LEN_BYTE_ARRAY"}],
    ids=["bytes that are not compressed", "a codec that is not known", "values of a fixed length"],
)
def test_a_dictionary_that_cannot_be_looked_at_counts_as_one_value(more: dict[str, str]) -> None:
    headers = [b"\x15" + integer(kind) + b"\x15" + integer(40) + b"\x15" + integer(40) + STOP for kind in (2, 0)]
    data = headers[0] + bytes(range(40)) + headers[1] + bytes(40)
    described = {
        "num_values": 10,
        "physical_type": "BYTE_ARRAY",
        "encodings": ("PLAIN",),
        "compression": "UNCOMPRESSED",
    }
    column = chunk(total_compressed_size=len(data), **described | more)
    assert column_bound(data, column, as_codes=False, exact=True).value == 40

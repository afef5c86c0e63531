"""The headers of Parquet pages and of Arrow messages: what of them is read, and that damage is told, not followed."""

import struct
from types import SimpleNamespace

import pyarrow as pa
import pytest

from ccflow_etl.codecs.arrow_sizes import message_size
from ccflow_etl.codecs.parquet_sizes import column_bound, pages

# Thrift's compact protocol, by hand: a field is (difference of its id << 4 | type), and its value.
# https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
DATA_PAGE, DICTIONARY_PAGE = 0, 2
TRUE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, STRUCT, MAP = 1, 3, 4, 5, 6, 7, 8, 9, 10, 12, 11


def varint(value: int) -> bytes:
    digits = bytearray()
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    return bytes([*digits, value])


def zigzag(value: int) -> bytes:
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


def header(kind: int, size: int, stored: int, more: bytes = b"") -> bytes:
    """A PageHeader: 1 type, 2 uncompressed_page_size, 3 compressed_page_size, and whatever fields come after."""
    return b"".join(bytes([1 << 4 | I32]) + zigzag(value) for value in (kind, size, stored)) + more + b"\0"


def column(data: bytes, **more: object) -> SimpleNamespace:
    described = {
        "data_page_offset": 4,  # after the magic bytes
        "dictionary_page_offset": None,
        "total_compressed_size": len(data) - 4,
        "num_values": 10,
        "physical_type": "BYTE_ARRAY",
        "encodings": ("PLAIN",),
        "compression": "UNCOMPRESSED",
    }
    return SimpleNamespace(**described | more)


def short(kind: int, value: bytes = b"") -> bytes:
    return bytes([1 << 4 | kind]) + value


FIELDS = {
    "a boolean": short(TRUE),
    "a byte": short(BYTE, b"\x07"),
    "numbers of 16 and 64 bits": short(I16, zigzag(-3)) + short(I64, zigzag(1 << 60)),
    "a double": short(DOUBLE, struct.pack("<d", 1.5)),
    "a text": short(BINARY, varint(200) + b"x" * 200),
    "a struct in a struct": short(STRUCT, short(STRUCT, short(I32, zigzag(9)) + b"\0") + b"\0"),
    "a list of numbers": short(LIST, bytes([2 << 4 | I32]) + zigzag(1) + zigzag(300)),
    "a set of texts": short(SET, bytes([1 << 4 | BINARY]) + varint(3) + b"abc"),
    "a list of booleans": short(LIST, bytes([3 << 4 | TRUE]) + b"\1\2\1"),
    "a list of more than 14": short(LIST, bytes([15 << 4 | BYTE]) + varint(40) + bytes(40)),
    "a field far away": bytes([I32]) + zigzag(4_000) + zigzag(5),
}


@pytest.mark.parametrize("more", FIELDS.values(), ids=FIELDS.keys())
def test_the_next_page_is_found_behind_any_field(more):
    data = b"PAR1" + header(DICTIONARY_PAGE, 70, 3, more) + b"abc" + header(DATA_PAGE, 50, 2) + b"de"
    assert [(page.kind, page.size, data[page.start : page.end]) for page in pages(data, column(data))] == [
        (DICTIONARY_PAGE, 70, b"abc"),
        (DATA_PAGE, 50, b"de"),
    ]


DAMAGED = {
    "a negative size": (header(DATA_PAGE, -1, 2), "negative size"),
    "a negative length": (header(DATA_PAGE, 1, -200), "negative size"),
    "a map, which no header has": (header(DATA_PAGE, 1, 2, short(MAP, b"\0")), "field of type 11"),
    "a number without an end": (bytes([1 << 4 | I32]) + b"\xff" * 12, "number without an end"),
    "an end in the middle": (header(DATA_PAGE, 1, 2)[:3], "damaged"),
    "no sizes": (short(I32, zigzag(0)) + b"\0", "damaged"),
    "structs without an end": (short(STRUCT) * 5_000, "damaged"),
}


@pytest.mark.parametrize(("damaged", "told"), DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_page_header_is_told(damaged, told):
    data = b"PAR1" + damaged
    with pytest.raises(ValueError, match=told):
        pages(data, column(data))


def test_the_longest_value_of_a_dictionary_bounds_the_column():
    values = [b"a", b"abcdefghij"]
    dictionary = b"".join(struct.pack("<I", len(value)) + value for value in values)
    data = b"PAR1" + header(DICTIONARY_PAGE, len(dictionary), len(dictionary)) + dictionary
    data += header(DATA_PAGE, 6, 6) + bytes(6)
    bound = column_bound(data, column(data), as_codes=False, exact=True)
    assert bound.value == 10
    assert 10 * 10 <= bound.most < 10 * len(dictionary) + 100


@pytest.mark.parametrize(
    "more",
    [{"compression": "ZSTD"}, {"compression": "NO_SUCH_CODEC"}, {"physical_type": "FIXED_LEN_BYTE_ARRAY"}],
    ids=["bytes that are not compressed", "a codec that is not known", "values of a fixed length"],
)
def test_a_dictionary_that_cannot_be_looked_at_counts_as_one_value(more):
    data = b"PAR1" + header(DICTIONARY_PAGE, 40, 40) + bytes(range(40)) + header(DATA_PAGE, 6, 6) + bytes(6)
    assert column_bound(data, column(data, **more), as_codes=False, exact=True).value == 40


def messages(table: pa.Table, **options: object) -> list[pa.ipc.Message]:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return list(pa.ipc.MessageReader.open_stream(sink.getvalue()))


def test_a_message_says_what_its_buffers_take():
    table = pa.table({"a": ["x" * 100_000] * 3, "b": [1, 2, None]})
    for options in ({}, {"compression": "zstd"}, {"compression": "lz4"}):
        schema, batch = messages(table, **options)
        assert message_size(schema) == 0
        assert table.nbytes <= message_size(batch) <= table.nbytes + 1_000


def test_a_dictionary_is_a_message_of_its_own():
    table = pa.table({"a": pa.DictionaryArray.from_arrays(pa.array([0, 0]), pa.array(["y" * 50_000]))})
    _, dictionary, batch = messages(table, compression="zstd")
    assert message_size(dictionary) >= 50_000
    assert message_size(batch) < 1_000


def test_damage_to_a_message_is_told_or_bounds_what_is_read():
    table = pa.table({"a": ["x" * 1_000] * 3, "b": [1, 2, None]})
    for message in messages(table, compression="zstd"):
        header, told = message.metadata.to_pybytes(), 0
        for place in range(len(header) * 8):
            damaged = bytearray(header)
            damaged[place // 8] ^= 1 << place % 8
            try:
                assert message_size(SimpleNamespace(metadata=bytes(damaged), body=message.body)) >= 0
            except ValueError as error:
                told += "message" in str(error) or "buffer" in str(error)
        assert told

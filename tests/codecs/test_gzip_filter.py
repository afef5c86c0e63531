"""The gzip filter against Python's own gzip and the rules of RFC 1952."""

import gzip
import random
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccflow_etl.codecs.errors import PayloadDecodeError, PayloadTooLargeError
from ccflow_etl.codecs.gzip_filter import compress, decompress

COMMENTS = st.binary(max_size=50).map(lambda data: data.replace(b"\x00", b""))


@given(st.binary(), COMMENTS)
def test_content_and_comment_come_back(data: bytes, comment: bytes) -> None:
    packed = compress(data, comment)
    assert decompress(packed, 10_000) == (data, comment)
    assert gzip.decompress(packed) == data


@given(st.binary(), st.integers(0, 9))
def test_gzip_of_others_is_read(data: bytes, level: int) -> None:
    assert decompress(gzip.compress(data, level), 10_000) == (data, b"")


def test_there_is_no_time_stamp_and_no_comment_unless_asked_for() -> None:
    packed = compress(b"hello")
    assert packed[:4] == b"\x1f\x8b\x08\x00"
    assert packed[4:8] == bytes(4)


def test_members_and_padding_are_one_content() -> None:
    assert decompress(gzip.compress(b"one") + bytes(3) + compress(b"two", b"note") + bytes(512), 100) == (
        b"onetwo",
        b"",
    )


def test_members_and_padding_larger_than_what_is_unpacked_at_a_time() -> None:
    noise = random.Random(5).randbytes(3_000_000)
    packed = gzip.compress(noise, 1) + bytes(2_500_000) + gzip.compress(b"", 1) + compress(noise[::-1])
    assert decompress(packed, 6_000_000) == (noise + noise[::-1], b"")
    for length in (1 << 20, 2 << 20, 3_000_000, len(packed) - 1):
        with pytest.raises(PayloadDecodeError, match="it ends too early"):
            decompress(packed[:length], 6_000_000)


@pytest.mark.parametrize("before", [0, 1, 5, 9, 20, (1 << 20) - 1])
def test_a_header_wherever_it_lies_among_what_is_unpacked_at_a_time(before: int) -> None:
    first = zlib.compressobj(0, zlib.DEFLATED, 31)
    stored = first.compress(bytes((1 << 20) - before)) + first.flush()
    comment = b"note" * 600_000
    assert decompress(compress(b"x", comment) + stored, 1 << 21) == (b"x" + bytes((1 << 20) - before), comment)
    assert decompress(stored + compress(b"x", comment), 1 << 21) == (bytes((1 << 20) - before) + b"x", b"")


def test_content_is_unpacked_where_it_stays() -> None:
    content = b"".join(b"%d,%d\n" % (number, number * 7919) for number in range(3_000_000))
    packed = compress(content)
    tracemalloc.start()
    assert decompress(packed, len(content))[0] == content
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.5 * len(content)


def test_a_name_and_an_extra_field_come_before_the_comment() -> None:
    body = zlib.compressobj(1, zlib.DEFLATED, -15)
    deflated = body.compress(b"x") + body.flush()
    trailer = zlib.crc32(b"x").to_bytes(4, "little") + (1).to_bytes(4, "little")
    header = b"\x1f\x8b\x08\x1c" + bytes(6) + b"\x03\x00abc" + b"name\x00" + b"note\x00"
    assert decompress(header + deflated + trailer, 100) == (b"x", b"note")


def test_the_limit_holds_over_all_members() -> None:
    packed = compress(bytes(600)) + compress(bytes(600))
    assert len(decompress(packed, 1_200)[0]) == 1_200
    with pytest.raises(PayloadTooLargeError, match="1,199 bytes"):
        decompress(packed, 1_199)


def test_a_bomb_is_refused_in_little_memory() -> None:
    bomb = compress(bytes(200_000_000))
    tracemalloc.start()
    with pytest.raises(PayloadTooLargeError):
        decompress(bomb, 1_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_every_truncation_is_an_error() -> None:
    packed = compress(b"hello " * 20, b"note")
    for length in range(len(packed)):
        with pytest.raises(PayloadDecodeError):
            decompress(packed[:length], 1_000)


def test_no_flipped_bit_goes_unseen_with_a_comment() -> None:
    packed = compress(b"hello " * 20, b"a note that matters")
    for position in range(len(packed) * 8):
        damaged = bytearray(packed)
        damaged[position // 8] ^= 1 << position % 8
        try:
            found = decompress(bytes(damaged), 1_000)
        except (PayloadDecodeError, PayloadTooLargeError):
            continue
        assert found == (b"hello " * 20, b"a note that matters")


def test_no_flipped_bit_of_the_content_goes_unseen() -> None:
    packed = compress(b"hello " * 20)
    for position in range(len(packed) * 8):
        damaged = bytearray(packed)
        damaged[position // 8] ^= 1 << position % 8
        try:
            found, _ = decompress(bytes(damaged), 1_000)
        except (PayloadDecodeError, PayloadTooLargeError):
            continue
        assert found == b"hello " * 20


@pytest.mark.parametrize("data", [b"", b"plain text", b"\x1f\x8b", compress(b"x") + b"garbage"])
def test_what_is_not_gzip_is_an_error(data: bytes) -> None:
    with pytest.raises(PayloadDecodeError, match="'gzip'"):
        decompress(data, 100)

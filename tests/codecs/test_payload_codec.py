"""PayloadCodec: which formats there are, what they are called, and what it refuses."""

import gzip
import pickle

import pytest
from ccflow import BaseModel
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ccflow_etl import CacheFormat, CacheFormatName, PayloadCodec
from ccflow_etl.codecs.errors import PayloadDecodeError, PayloadEncodeError, PayloadTooLargeError

CONTENTS = {
    "json": (".json", "application/json"),
    "csv": (".csv", "text/csv; charset=utf-8"),
    "text": (".txt", "text/plain; charset=utf-8"),
    "parquet": (".parquet", "application/vnd.apache.parquet"),
    "arrow": (".arrow", "application/vnd.apache.arrow.file"),
    "binary": ("", None),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_a_content_format_has_a_suffix_and_a_media_type(name: str) -> None:
    suffix, media_type = CONTENTS[name]
    codec = PayloadCodec(format=name)
    assert (codec.format, codec.formats, codec.content_format) == (name, [name], name)
    assert (codec.suffix, codec.media_type) == (suffix, media_type)


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("gzip_first", [False, True])
def test_gzip_goes_with_each_in_either_order(name: str, gzip_first: bool) -> None:
    suffix, media_type = CONTENTS[name]
    codec = PayloadCodec(format=["gzip", name] if gzip_first else [name, "gzip"])
    assert (codec.formats, codec.content_format) == ([name, "gzip"], name)
    assert (codec.suffix, codec.media_type) == (f"{suffix}.gz", media_type)


@pytest.mark.parametrize("kind", ["gzip", ["gzip"]])
def test_gzip_alone_is_gzipped_binary(kind: CacheFormat) -> None:
    codec = PayloadCodec(format=kind)
    assert (codec.formats, codec.content_format) == (["gzip"], "binary")
    assert (codec.suffix, codec.media_type) == (".gz", None)
    assert gzip.decompress(codec.encode(b"hello")) == b"hello"
    assert codec.decode(gzip.compress(b"hello")) == b"hello"


def test_a_list_of_one_is_that_format() -> None:
    assert PayloadCodec(format=["json"]).encode([1]) == PayloadCodec(format="json").encode([1]) == b"[1]"


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ([], "needs at least one name"),
        (["json", "csv"], "'json' and 'csv'"),
        (["json", "gzip", "csv"], "'json' and 'csv'"),
        (["json", "json"], "'json' and 'json'"),
        (["gzip", "json", "gzip"], "'gzip' is named 2 times"),
        ("yaml", "'json', 'csv', 'text', 'binary', 'parquet', 'gzip' or 'arrow'"),
        (["yaml"], "'json', 'csv', 'text', 'binary', 'parquet', 'gzip' or 'arrow'"),
    ],
)
def test_a_format_that_is_none_names_what_was_given(kind: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        PayloadCodec(format=kind)


def test_a_field_of_another_model_is_checked_too() -> None:
    class Sink(BaseModel):
        format: CacheFormat = "json"
        name: CacheFormatName = "csv"

    assert Sink(format=["gzip", "text"]).format == ["gzip", "text"]
    with pytest.raises(ValidationError, match="'text' and 'csv'"):
        Sink(format=["text", "csv"])


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("text", b"bytes"),
        ("binary", "text"),
        ("binary", [1]),
        ("json", {1, 2}),
        ("parquet", 5),
        ("csv", "a,b"),
        ("arrow", None),
    ],
)
def test_a_payload_that_does_not_fit_names_both(kind: CacheFormatName, payload: object) -> None:
    with pytest.raises(
        PayloadEncodeError, match=rf"format '{kind}' cannot take a payload of type {type(payload).__name__}"
    ):
        PayloadCodec(format=kind).encode(payload)


def test_a_refusal_is_a_type_error_and_a_value_error() -> None:
    assert issubclass(PayloadEncodeError, TypeError)
    assert issubclass(PayloadEncodeError, ValueError)
    assert issubclass(PayloadDecodeError, ValueError)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("json", b"{"),
        ("json", b"\xff"),
        ("json", b""),
        ("text", b"\xff\xfe"),
        ("parquet", b"PAR1"),
        ("parquet", b""),
        ("arrow", b"ARROW1\x00\x00"),
        ("arrow", b""),
        ("csv", b"a,b\n1\n"),
        ("csv", b"a\n\xff\n"),
        ("gzip", b"plain"),
        ("gzip", b""),
    ],
)
def test_bytes_of_something_else_are_an_error(kind: CacheFormatName, data: bytes) -> None:
    with pytest.raises(PayloadDecodeError, match=rf"cannot decode {len(data)} bytes as '{kind}'"):
        PayloadCodec(format=kind).decode(data)


def test_decode_takes_bytes_only() -> None:
    with pytest.raises(TypeError, match="decode takes bytes, not str"):
        PayloadCodec(format="json").decode("{}")  # type: ignore[arg-type] # a mistake


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_decode_takes_anything_like_bytes(kind: type) -> None:
    assert PayloadCodec(format="json").decode(kind(b'{"a":1}')) == {"a": 1}
    assert PayloadCodec(format=["text", "gzip"]).decode(kind(gzip.compress(b"abc"))) == "abc"
    assert PayloadCodec(format="binary").decode(kind(b"abc")) == b"abc"
    assert PayloadCodec(format="binary").encode(kind(b"abc")) == b"abc"


def test_the_limit_on_decompressed_bytes_is_of_the_codec() -> None:
    data = gzip.compress(bytes(1_000_000))
    assert PayloadCodec(format="gzip", max_decoded_bytes=1_000_000).decode(data) == bytes(1_000_000)
    with pytest.raises(PayloadTooLargeError, match="999,999 bytes"):
        PayloadCodec(format="gzip", max_decoded_bytes=999_999).decode(data)
    with pytest.raises(ValidationError):
        PayloadCodec(format="gzip", max_decoded_bytes=0)


@pytest.mark.parametrize("kind", [["json", "gzip"], ["csv", "gzip"], "gzip"])
def test_gzip_is_readable_elsewhere_and_deterministic(kind: CacheFormat) -> None:
    payload = b"abc" if kind == "gzip" else [{"ticker": "AAA"}]
    first, second = (PayloadCodec(format=kind).encode(payload) for _ in range(2))
    assert first == second
    assert gzip.decompress(first) in (b"abc", b'[{"ticker":"AAA"}]', b"ticker\nAAA\n")


@given(st.text())
def test_text_comes_back(text: str) -> None:
    for kind in ("text", ["text", "gzip"]):
        codec = PayloadCodec(format=kind)
        assert codec.decode(codec.encode(text)) == text


def test_text_that_is_not_unicode_is_refused() -> None:
    with pytest.raises(PayloadEncodeError, match="not valid Unicode"):
        PayloadCodec(format="text").encode("a\ud800")


@given(st.binary())
def test_bytes_come_back(data: bytes) -> None:
    for kind in ("binary", "gzip"):
        codec = PayloadCodec(format=kind)
        assert codec.decode(codec.encode(data)) == data


def test_a_codec_is_a_ccflow_model() -> None:
    codec = PayloadCodec(format=["csv", "gzip"])
    assert PayloadCodec.model_validate(codec.model_dump()) == codec
    assert pickle.loads(pickle.dumps(codec)) == codec


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ({}, "1,234 bytes"),
        ({"key": "daily/AAA"}, "the payload of 'daily/AAA' (1,234 bytes)"),
        ({"key": "AAA", "uri": "s3://b/AAA"}, "the payload of 'AAA' at s3://b/AAA (1,234 bytes)"),
    ],
)
def test_an_error_of_decoding_says_where_the_bytes_are(where, what):
    error = PayloadDecodeError("json", 1234, "it ends too early", **where)
    assert str(error) == f"cannot decode {what} as 'json': it ends too early"


def test_text_and_binary_say_which_format_is_meant_for_what_they_refuse():
    for payload in (b"bytes", {"a": 1}, None):
        with pytest.raises(PayloadEncodeError, match="takes str; use 'binary' for bytes or 'json' for data"):
            PayloadCodec(format="text").encode(payload)

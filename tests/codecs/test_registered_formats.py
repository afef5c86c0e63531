"""Formats that another installed package brings."""

import sys
from pathlib import Path

import pytest
from ccflow import BaseModel
from pydantic import ValidationError

from ccflow_etl import CacheFormat, CacheFormatName, PayloadCodec
from ccflow_etl.codecs.formats import content_format_names

MODULE = """
from ccflow_etl.codecs.formats import ContentFormat

class Shout(ContentFormat):
    name = "shout"
    suffix = ".shout"
    media_type = "text/shout"

    def _encode(self, payload):
        return payload.upper().encode()

    def _decode(self, data, options):
        return data.decode()
"""
ENTRY_POINTS = (
    "[ccflow_etl.codecs]\nshout = shout_format:Shout\nother = shout_format:Shout\njson = shout_format:Shout\n"
    "gone = no_such_module:Format\nabstract = ccflow_etl.codecs.formats:ContentFormat\n"
)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shout_format.py").write_text(MODULE)
    info = tmp_path / "shout_format-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shout-format\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "shout_format", raising=False)


@pytest.mark.usefixtures("installed")
def test_a_registered_format_works_as_a_built_in_one() -> None:
    codec = PayloadCodec(format=["shout", "gzip"])
    assert codec.decode(codec.encode("hello")) == "HELLO"
    assert (codec.suffix, codec.media_type) == (".shout.gz", "text/shout")

    class Sink(BaseModel):
        format: CacheFormat = "shout"
        name: CacheFormatName = "shout"

    assert Sink.model_validate(Sink(format="shout").model_dump()) == Sink()
    assert PayloadCodec(format="json").encode("a") == b'"a"', "built-in names stay what they are"


@pytest.mark.usefixtures("installed")
def test_an_entry_point_under_another_name_is_an_error() -> None:
    with pytest.raises(ValueError, match="shout_format:Shout has to be a ContentFormat whose name is 'other'"):
        _ = PayloadCodec(format="other").suffix


@pytest.mark.usefixtures("installed")
def test_an_unknown_name_lists_registered_ones() -> None:
    assert "shout" in content_format_names()
    with pytest.raises(ValidationError, match=r"unknown format 'yaml'; expected .*'shout'"):
        PayloadCodec(format="yaml")


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("name", "reason"),
    [("gone", "no_such_module:Format: ModuleNotFoundError"), ("abstract", "ContentFormat: TypeError")],
)
def test_an_entry_point_that_cannot_be_used_is_named(name: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"format '{name}' cannot be made by the entry point .*{reason}"):
        PayloadCodec(format=name).encode("a")
    assert PayloadCodec(format=["shout", "gzip"]).suffix == ".shout.gz", "the others go on"


@pytest.mark.usefixtures("installed")
def test_two_packages_with_one_name_are_an_error(tmp_path: Path) -> None:
    info = tmp_path / "whisper_format-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: whisper-format\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ccflow_etl.codecs]\nshout = whisper_format:Whisper\n")
    with pytest.raises(ValueError, match="several packages register a format 'shout': shout_format:Shout and whisper"):
        PayloadCodec(format="shout").encode("a")

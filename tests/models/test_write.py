"""LocalWriteModel: a payload in a file, whole or not at all."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from ccflow import BaseModel, FlowOptionsOverride
from ccflow.evaluators import GraphEvaluator, MemoryCacheEvaluator, MultiEvaluator
from pydantic import ValidationError

from ccflow_etl import (
    CacheFormat,
    LocalWriteContext,
    LocalWriteModel,
    LocalWriteResult,
    PayloadCodec,
    WriteContext,
    WriteModel,
    WriteResult,
)
from ccflow_etl.codecs.errors import PayloadEncodeError


def test_it_writes_json_by_default(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "stats.json"
    result = LocalWriteModel()(LocalWriteContext(path=path, payload={"message": "hi", "at": 1}))
    assert result == LocalWriteResult(path=path, status="written")
    assert path.read_bytes() == b'{"at":1,"message":"hi"}'
    assert [file.name for file in path.parent.iterdir()] == ["stats.json"]


@pytest.mark.parametrize("given", ["keywords", "dict", "list", "text path"])
def test_a_context_may_be_given_in_every_form(tmp_path: Path, given: str) -> None:
    path = tmp_path / "stats.json"
    model = LocalWriteModel()
    result = {
        "keywords": lambda: model(path=path, payload=[1]),
        "dict": lambda: model({"path": path, "payload": [1]}),
        "list": lambda: model([path, [1], True]),
        "text path": lambda: model(path=str(path), payload=[1]),
    }[given]()
    assert (result.path, result.status) == (path, "written")
    assert path.read_bytes() == b"[1]"


@pytest.mark.parametrize(
    ("format_", "payload"),
    [
        ("text", "hello"),
        ("binary", b"hello"),
        ("gzip", b"hello"),
        (["json", "gzip"], [1]),
        ("csv", [{"a": "1"}]),
        ("parquet", pd.DataFrame({"a": [1]})),
        ("arrow", pd.DataFrame({"a": [1]})),
    ],
)
def test_it_writes_every_format(tmp_path: Path, format_: CacheFormat, payload: Any) -> None:
    path = tmp_path / "out"
    LocalWriteModel(format=format_)(path=path, payload=payload)
    found = PayloadCodec(format=format_).decode(path.read_bytes())
    assert found.equals(payload) if isinstance(payload, pd.DataFrame) else found == payload


def test_a_file_that_exists_is_left_alone_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "stats.json"
    model = LocalWriteModel()
    model(path=path, payload=1)
    assert model(path=path, payload=2).status == "exists"
    assert path.read_bytes() == b"1"
    assert model(path=path, payload=3, overwrite=True).status == "written"
    assert path.read_bytes() == b"3"


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_payload_that_does_not_fit_changes_nothing(tmp_path: Path, overwrite: bool) -> None:
    path = tmp_path / "stats.json"
    if overwrite:
        path.write_bytes(b"old")
    context = LocalWriteContext(path=path, payload={"a": float("nan")}, overwrite=overwrite)
    with pytest.raises(PayloadEncodeError, match="format 'json' cannot take a payload of type dict"):
        LocalWriteModel()(context)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == ([b"old"] if overwrite else [])
    with pytest.raises(PayloadEncodeError):
        LocalWriteModel()(path=tmp_path / "new" / "a.json", payload={1, 2})
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_folder_is_an_error(tmp_path: Path, overwrite: bool) -> None:
    with pytest.raises(IsADirectoryError, match="give the path of a file in it"):
        LocalWriteModel()(path=tmp_path, payload=1, overwrite=overwrite)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"format": ["json", "csv"]}, "'json' and 'csv'"),
        ({"format": "yaml"}, "'json', 'csv'"),
        ({"formt": "csv"}, "formt"),
    ],
)
def test_a_model_that_cannot_work_is_refused_when_it_is_made(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        LocalWriteModel(**settings)


def test_a_context_needs_a_path_and_a_payload() -> None:
    for settings in ({"path": "a"}, {"payload": 1}):
        with pytest.raises(ValidationError, match="Field required"):
            LocalWriteContext(**settings)
    assert LocalWriteContext(path="a", payload=None).payload is None


def test_the_bases_are_those_of_every_write() -> None:
    assert issubclass(LocalWriteModel, WriteModel)
    assert issubclass(LocalWriteContext, WriteContext)
    assert issubclass(LocalWriteResult, WriteResult)
    with pytest.raises(TypeError, match="abstract"):
        WriteModel()
    with pytest.raises(ValidationError, match="status"):
        LocalWriteResult(path="a", status="upserted")


def test_an_evaluator_that_caches_does_not_answer_for_a_write(tmp_path: Path) -> None:
    """The third write has the context of the first, and has to be made all the same."""
    path = tmp_path / "stats.json"
    evaluator = MultiEvaluator(evaluators=[GraphEvaluator(), MemoryCacheEvaluator()])
    with FlowOptionsOverride(options={"evaluator": evaluator, "cacheable": True}):
        for payload in ({"v": 1}, {"v": 2}, {"v": 1}):
            assert LocalWriteModel()(path=path, payload=payload, overwrite=True).status == "written"
            assert json.loads(path.read_bytes()) == payload
        assert LocalWriteModel()(path=path, payload={"v": 1}).status == "exists"


def test_a_model_comes_from_a_config() -> None:
    model = BaseModel.model_validate({"_target_": "ccflow_etl.LocalWriteModel", "format": ["csv", "gzip"]})
    assert model == LocalWriteModel(format=["csv", "gzip"])


def test_writing_json_loads_nothing_heavy(tmp_path: Path) -> None:
    code = """
        import sys
        from ccflow_etl import LocalWriteModel
        LocalWriteModel(format="json")(path=sys.argv[1], payload={"message": "hi"})
        print(sorted({"pandas", "pyarrow", "hydra", "rich"} & set(sys.modules)))
    """
    path = tmp_path / "stats.json"
    command = [sys.executable, "-c", textwrap.dedent(code), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert path.read_bytes() == b'{"message":"hi"}'


@pytest.mark.parametrize("format_", ["text", "binary", ["json", "gzip"]])
def test_neither_do_the_other_plain_formats(format_: CacheFormat) -> None:
    code = """
        import sys
        from ccflow_etl import PayloadCodec
        codec = PayloadCodec(format=eval(sys.argv[1]))
        codec.decode(codec.encode(b"a" if codec.content_format == "binary" else "a"))
        codec.suffix, codec.media_type
        print(sorted({"pandas", "pyarrow", "hydra", "rich"} & set(sys.modules)))
    """
    command = [sys.executable, "-c", textwrap.dedent(code), repr(format_)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"

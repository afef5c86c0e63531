"""The report's lines in a file, written as the steps end."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from ccflow import CallableModel, DateContext, DateRangeContext, Flow, GenericResult
from pydantic import PrivateAttr, ValidationError

from ccflow_etl import BackfillError, BackfillModel, LocalCheckpointStore, SerialExecutor, ThreadExecutor

RANGE = ["2024-01-01", "2024-01-06"]


class Day(CallableModel):
    """Fails on the third day, and keeps what was in the file when each day began."""

    path: Path | None = None
    _seen: list = PrivateAttr(default_factory=list)

    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        if self.path is not None:
            self._seen.append(len(self.path.read_text().splitlines()))
        if context.date.day == 3:
            raise LookupError("no data")
        return GenericResult[int](value=context.date.day)


class Span(CallableModel):
    @Flow.call
    def __call__(self, context: DateRangeContext) -> GenericResult[int]:
        return GenericResult[int](value=1)


class Unreadable(CallableModel):
    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        raise FileNotFoundError("no " + os.fsdecode(b"caf\xe9.csv"))


def read(path):
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    frame = pd.DataFrame([json.loads(line) for line in path.read_text().splitlines()])
    for name in ("step", "end", "started"):
        frame[name] = pd.to_datetime(frame[name], format="ISO8601").astype(
            f"datetime64[us{', UTC' * (name == 'started')}]"
        )
    return frame


def agree(path, report):
    """The lines of a file, in the order of the steps, are those of the report."""
    lines = read(path).sort_values("step", ignore_index=True)
    assert lines.columns.tolist() == report.columns.tolist()
    for name in lines:
        told, expected = lines[name], report[name]
        if name in ("seconds", "started"):
            assert told.isna().tolist() == expected.isna().tolist()
            kind = "int64" if name == "started" else "float64"
            told, expected = told.dropna().astype(kind), expected.dropna().astype(kind)
            assert told.tolist() == pytest.approx(expected.tolist(), abs=1e-6)
        else:
            assert [None if pd.isna(value) else value for value in told] == [
                None if pd.isna(value) else value for value in expected
            ]


@pytest.mark.parametrize("name", ["run.jsonl", "deep/er/run.parquet"])
@pytest.mark.parametrize("executor", [None, SerialExecutor(), ThreadExecutor(max_workers=3)])
def test_the_file_is_the_report(tmp_path, name, executor):
    path, store = tmp_path / name, LocalCheckpointStore(path=tmp_path / "marks.sqlite")
    fields = {"model": Day(), "executor": executor, "report_path": path, "raise_on_failure": False}
    first = BackfillModel(**fields, on_error="continue", checkpoint_store=store)(["2024-01-01", "2024-01-04"])
    agree(path, first.report)
    again = BackfillModel(**fields, on_error="continue", checkpoint_store=store)(RANGE)
    assert again.report["status"].tolist() == ["checkpoint"] * 2 + ["failed", "checkpoint"] + ["succeeded"] * 2
    agree(path, again.report)
    assert [entry.name for entry in path.parent.iterdir() if "unfinished" in entry.name] == []


@pytest.mark.parametrize("name", ["run.jsonl", "run.parquet"])
def test_a_run_that_stops_leaves_a_line_for_every_step(tmp_path, name):
    path = tmp_path / name
    with pytest.raises(BackfillError) as caught:
        BackfillModel(model=Day(), max_failures=0, report_path=path)(RANGE)
    assert caught.value.result.report["status"].tolist() == ["succeeded"] * 2 + ["failed"] + ["cancelled"] * 3
    agree(path, caught.value.result.report)


class Full:
    """A store that takes two marks."""

    marks = 0

    def should_skip(self, key):
        return False

    def mark(self, key, status, metadata=None):
        self.marks += 1
        if self.marks == 3:
            raise OSError("the disk is full")


class Exits(Day):
    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        if context.date.day == 3:
            raise SystemExit(3)
        return GenericResult[int](value=context.date.day)


@pytest.mark.parametrize("name", ["run.jsonl", "run.parquet"])
@pytest.mark.parametrize("executor", [None, SerialExecutor(), ThreadExecutor(max_workers=1)])
@pytest.mark.parametrize(
    ("model", "error", "statuses"),
    [
        (Day(), OSError, ["succeeded"] * 2 + ["failed"] + ["cancelled"] * 3),
        (Exits(), SystemExit, ["succeeded"] * 2 + ["cancelled"] * 4),
    ],
)
def test_a_run_that_breaks_leaves_a_line_for_every_step(tmp_path, name, executor, model, error, statuses):
    path = tmp_path / name
    backfill = BackfillModel(
        model=model, executor=executor, on_error="continue", checkpoint_store=Full(), report_path=path
    )
    with pytest.raises(error) as caught:
        backfill(RANGE)
    lines = read(path).sort_values("step", ignore_index=True)
    assert lines["status"].tolist() == statuses
    counts = "3 cancelled, 1 failed, 2 succeeded" if error is OSError else "4 cancelled, 2 succeeded"
    assert caught.value.__notes__ == [f"the backfill ended with this error: 6 steps: {counts}"]


@pytest.mark.parametrize("name", ["run.jsonl", "run.parquet"])
def test_an_error_that_no_file_can_hold_is_escaped(tmp_path, name):
    backfill = BackfillModel(model=Unreadable(), on_error="continue", report_path=tmp_path / name)
    with pytest.raises(BackfillError, match="2 of 2 steps failed"):
        backfill(["2024-01-01", "2024-01-02"])
    assert read(tmp_path / name)["error"].tolist() == [r"FileNotFoundError: no caf\udce9.csv"] * 2


@pytest.mark.parametrize("name", ["run.jsonl", "run.parquet"])
def test_chunks_and_no_outputs(tmp_path, name):
    path = tmp_path / name
    result = BackfillModel(model=Span(), chunk=1000, collect=False, report_path=path)(["1990-01-01", "2019-12-31"])
    assert result.value["outputs"] == []
    assert len(result.report) == 10957
    agree(path, result.report)


def test_lines_can_be_read_while_the_run_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr("ccflow_etl.models.report_file._SECONDS", 0.0)
    path = tmp_path / "run.jsonl"
    model = Day(path=path)
    BackfillModel(model=model, report_path=path)(["2024-01-04", "2024-01-06"])
    assert model._seen == [0, 1, 2]


KILLED = """\
import os, signal, sys
from ccflow import CallableModel, DateContext, Flow, GenericResult
from ccflow_etl import BackfillModel
import ccflow_etl.models.report_file as report_file

report_file._SECONDS = 0.0


class Mortal(CallableModel):
    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        if context.date.day == 4:
            os.kill(os.getpid(), signal.SIGKILL)
        return GenericResult[int](value=context.date.day)


BackfillModel(model=Mortal(), report_path=sys.argv[1])(["2024-01-01", "2024-01-06"])
"""


def test_what_is_left_of_a_killed_run_can_be_read(tmp_path):
    path = tmp_path / "run.jsonl"
    killed = subprocess.run([sys.executable, "-c", KILLED, path], capture_output=True, text=True, check=False)
    assert killed.returncode == -9, killed.stderr
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["step"][:10], line["status"]) for line in lines] == [
        (f"2024-01-0{day}", "succeeded") for day in (1, 2, 3)
    ]


def test_an_ending_that_is_no_format_is_refused():
    with pytest.raises(ValidationError, match=r"report_path 'run.csv' must end in \.jsonl or \.parquet"):
        BackfillModel(model=Day(), report_path="run.csv")


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match=r"expected a folder, found a file; .*'.*/file'"):
        BackfillModel(model=Day(), report_path=tmp_path / "file" / "run.jsonl")(RANGE)


@pytest.mark.parametrize("name", ["run.jsonl", "run.parquet"])
def test_a_folder_in_the_place_of_the_file_is_seen_before_the_first_step(tmp_path, name):
    (tmp_path / name).mkdir()
    store = LocalCheckpointStore(path=tmp_path / "marks.sqlite")
    with pytest.raises(IsADirectoryError, match=name):
        BackfillModel(model=Day(), checkpoint_store=store, report_path=tmp_path / name)(RANGE)
    assert store.list() == []
    assert [*(tmp_path / name).iterdir()] == []


@pytest.mark.parametrize("name", ["run.jsonl", "run.parquet"])
def test_a_run_of_no_steps_replaces_the_file_of_the_last_one(tmp_path, name):
    path = tmp_path / name
    backfill = BackfillModel(model=Day(), report_path=path)
    backfill(["2024-01-04", "2024-01-06"])
    assert len(read(path)) == 3
    backfill(["2024-01-06", "2024-01-04"])
    assert path.read_text() == "" if path.suffix == ".jsonl" else len(read(path)) == 0

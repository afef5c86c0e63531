"""`--json`: the result alone on stdout, whatever else is said."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest


def test_stdout_is_the_result_and_the_logs_are_on_stderr(project):
    done = project("cc-etl -cp config -cn text_stats context.input_path=notes.txt --json")
    assert json.loads(done.out) == {"value": {"words": 4}, "_target_": "ccflow.result.generic.GenericResult"}
    assert done.out.count("\n") == 1
    assert "counting" in done.err
    assert "said by the model" in done.err


def test_without_json_a_model_may_print(project):
    done = project("cc-etl -cp config -cn text_stats context.input_path=notes.txt")
    assert "said by the model" in done.out


def test_a_sweep_prints_a_line_per_job(shell):
    done = shell("cc-etl --json -m context.path=a.json,b.json")
    assert [json.loads(line)["path"] for line in done.out.splitlines()] == ["a.json", "b.json"]


def test_a_failure_leaves_stdout_empty(project):
    done = project("cc-etl -cp config -cn text_stats context.input_path=nowhere.txt --json")
    assert (done.code, done.out) == (1, "")


def test_explain_as_json(shell):
    done = shell("cc-etl-explain --json context.path=x.json")
    assert json.loads(done.out)["context"]["path"] == "x.json"


LOUD = """\
import logging
import os
import subprocess
import sys

from ccflow import CallableModel, DateContext, Flow, GenericResult

print("said at import")
logging.getLogger("loud").addHandler(logging.StreamHandler(sys.stdout))


class Loud(CallableModel):
    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        print("said by the step")
        print("said past the redirection", file=sys.__stdout__)
        logging.getLogger("loud").warning("logged by the step")
        os.write(1, b"written by the step\\n")
        subprocess.run([sys.executable, "-c", "print('said by its program')"], check=True)
        return GenericResult[int](value=context.date.day)
"""
LOUD_CONFIG = """\
defaults:
  - /backfill: default
  - _self_
model:
  _target_: loud.Loud
context: {start_datetime: 2024-01-01, end_datetime: 2024-01-02}
backfill:
  checkpoint_store: {_target_: ccflow_etl.LocalCheckpointStore, path: marks.sqlite}
"""
SAID = ("by the step", "past the redirection", "by its program")


@pytest.fixture
def loud(shell):
    return shell.with_config("loud", LOUD_CONFIG, loud=LOUD)


@pytest.mark.parametrize("executor", ["serial", "processes"])
def test_what_workers_and_programs_print_goes_to_stderr(loud, executor):
    done = loud(f"cc-etl -cp config -cn loud --json backfill.executor=/executors/{executor}")
    assert done.code == 0
    assert [output["value"] for output in json.loads(done.out)["value"]["outputs"]] == [1, 2]
    for said in (*SAID, "at import"):
        assert f"said {said}" in done.err
    for said in ("logged by the step", "written by the step"):
        assert done.err.splitlines().count(said) == 2


@pytest.mark.parametrize("arguments", ["", "--status", "--clear-failed --yes"])
def test_what_a_module_prints_is_no_part_of_a_plan(loud, arguments):
    done = loud(f"cc-etl-plan -cp config -cn loud --json {arguments}")
    assert done.code == 0
    assert json.loads(done.out)
    assert "said at import" in done.err


def test_without_json_all_of_it_is_on_stdout(loud):
    done = loud("cc-etl -cp config -cn loud")
    for said in SAID:
        assert done.out.count(f"said {said}") == 2


CLOSED = """
import os
import sys

os.close(int(sys.argv[1]))
os.execv(sys.argv[2], sys.argv[2:])
"""


@pytest.mark.parametrize("stream", [0, 1, 2])
@pytest.mark.parametrize("arguments", ["--json", "backfill.executor=/executors/processes"])
def test_a_stream_that_is_closed_ends_no_run(loud, scripts, stream, arguments):
    """Whoever prints in it prints nowhere, and not into a file that has its number."""
    command = [sys.executable, "-c", CLOSED, str(stream), str(scripts / "cc-etl"), "-cp", "config", "-cn", "loud"]
    done = subprocess.run(
        [*command, arguments], cwd=loud.folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert stream == 2 or ("--json" in arguments) == ("said by its program" in done.stderr)
    with closing(sqlite3.connect(loud.folder / "marks.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM checkpoints").fetchone() == (2,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)

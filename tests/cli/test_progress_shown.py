"""In a terminal `cc-etl` shows the progress of runs that leave it open; anywhere else it does not."""

import json
import os
import signal

import pytest

SLOW = """\
import os

from ccflow import CallableModel, Flow, GenericResult, NullContext

from ccflow_etl.execution.progress import open_progress


class Slow(CallableModel):
    @Flow.call
    def __call__(self, context: NullContext) -> GenericResult[int]:
        with open_progress("3 steps", 3) as progress:
            progress.ended("succeeded", 2)
            print("said by the model")
            os.read(int(os.environ["GO"]), 1)
        return GenericResult[int](value=2)
"""
ARGUMENTS = ["model._target_=slow.Slow", "~model.format", "~context"]


@pytest.fixture
def start(terminal, scripts, tmp_path):
    (tmp_path / "slow.py").write_text(SLOW)
    return lambda *arguments, **options: terminal([str(scripts / "cc-etl"), *ARGUMENTS, *arguments], **options)


def test_a_terminal_shows_it(start):
    run = start()
    run.until("said by the model")
    said, bar = run.until("2/3")
    assert said == "said by the model"
    assert bar.startswith("3 steps  ━━━")
    run.go()
    assert run.end()[2:] == ["GenericResult[int]", "  value: 2"]
    assert not run.screen.cursor.hidden
    assert run.process.returncode == 0


def test_the_result_in_a_pipe_is_the_result_alone(start):
    ours, theirs = os.pipe()
    run = start("--json", stdout=theirs)
    os.close(theirs)
    run.until("2/3")
    run.go()
    assert "said by the model" in run.end()
    with open(ours) as stdout:
        assert json.load(stdout)["value"] == 2


def test_a_log_is_left_alone(shell):
    (shell.folder / "slow.py").write_text(SLOW)
    done = shell(f"cc-etl {' '.join(ARGUMENTS)} </dev/null", GO="0")
    assert (done.code, done.err) == (0, "")


def test_ctrl_c_gives_the_cursor_back(start):
    run = start()
    run.until("2/3")
    run.process.send_signal(signal.SIGINT)
    assert run.end()[-1].startswith("3 steps  ━━━")
    assert not run.screen.cursor.hidden
    assert run.process.returncode == 130

"""Ctrl-C and a closed pipe are quiet."""

import signal
import subprocess

WAITING = """\
import sys
import time

from ccflow import CallableModel, Flow, GenericResult, NullContext


class Waiting(CallableModel):
    @Flow.call
    def __call__(self, context: NullContext) -> GenericResult:
        print("started", flush=True)
        time.sleep(60)


class Broken(CallableModel):
    @Flow.call
    def __call__(self, context: NullContext) -> GenericResult:
        raise BrokenPipeError("the other side hung up")
"""


def arguments(name):
    return ["model._target_=waiting." + name, "~model.format", "~context"]


def test_ctrl_c(shell):
    (shell.folder / "waiting.py").write_text(WAITING)
    with subprocess.Popen(
        ["cc-etl", *arguments("Waiting")],
        cwd=shell.folder,
        env=shell.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "")


def test_a_reader_that_goes_away(shell):
    for command in ("cc-etl", "cc-etl-explain", "cc-etl -c job", "cc-etl --help"):
        # the reader closes its end before the command can write
        done = shell(f"{{ sleep 0.1; {command}; echo $? >&2; }} | exec 0<&-")
        assert done.err == "141\n", command


def test_a_broken_pipe_of_the_model_is_its_failure(shell):
    (shell.folder / "waiting.py").write_text(WAITING)
    quoted = " ".join(f"'{argument}'" for argument in arguments("Broken"))
    done = shell(f"cc-etl {quoted}")
    assert done.code == 1
    assert "BrokenPipeError: the other side hung up" in done.err

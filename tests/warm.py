"""Runs commands in forks of a process that has imported pandas, pyarrow, ccflow and Hydra, and nothing of this package.

Importing those is most of what a command takes, and the tests run hundreds. In a fork a command has its own arguments,
environment, working folder and files, imports this package itself, and ends as any process does. What has to begin as a
process does (signals, terminals, pipelines, the built wheel) is started as one.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import re
import runpy
import shlex
import signal
import subprocess
import sys
import tempfile
import types
from pathlib import Path

NEEDED = ("ccflow", "coverage", "hydra.compose", "hydra.main", "pandas", "pyarrow.parquet", "rich.console")
COMMANDS = ("cc-etl", "cc-etl-explain", "cc-etl-plan")
MEASURED = "COVERAGE_PROCESS_"  # the variables that tell a process to measure itself


def single_command(line: str) -> list[str] | None:
    """The arguments of a line that is one of the commands and nothing that a shell would have to do; else None."""
    unquoted = re.sub("'[^']*'", "", line)
    if line.split(" ", 1)[0] not in COMMANDS or set(unquoted) & set('|&;<>$`*?[](){}#!\\\n"'):
        return None
    return shlex.split(line)


def run_warm(
    argv: list[str], folder: Path, environment: dict[str, str], *, merged: bool = False, seconds: int = 120
) -> subprocess.CompletedProcess[str]:
    """Run one of the commands, or ``python -c CODE``, and wait for it.

    Args:
        argv: The command and its arguments.
        folder: Its working folder.
        environment: All of its environment.
        merged: Whether stderr goes where stdout goes.
        seconds: After how many it is killed.
    """
    warm = _warm_process()
    assert warm.stdin
    assert warm.stdout
    with tempfile.NamedTemporaryFile("r") as out, tempfile.NamedTemporaryFile("r") as err:
        asked = [argv, str(folder), environment, out.name, None if merged else err.name, seconds]
        warm.stdin.write(json.dumps(asked) + "\n")
        warm.stdin.flush()
        code = int(warm.stdout.readline())
        return subprocess.CompletedProcess(argv, code, out.read(), err.read())


@functools.cache
def _warm_process() -> subprocess.Popen[str]:
    """The one of this test process; it ends with it, when its input does. Its commands are measured, where they are,
    not it.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith(MEASURED)}
    return subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )


def _serve() -> None:
    for name in NEEDED:
        __import__(name)
    assert not any(name.partition(".")[0] == "ccflow_etl" for name in sys.modules), "the package is imported already"
    gc.collect()
    gc.freeze()  # or the collections of a fork would copy all that it shares with this process
    for line in sys.stdin:
        asked = json.loads(line)
        process = os.fork()
        if not process:
            _become(*asked)
            return
        _, status = os.waitpid(process, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _become(argv: list[str], folder: str, environment: dict[str, str], out: str, err: str | None, seconds: int) -> None:
    """Be the command: what it raises, `SystemExit` too, goes on to the interpreter."""
    signal.alarm(seconds)
    _redirect(0, os.devnull, os.O_RDONLY)
    _redirect(1, out, os.O_WRONLY)
    if err is None:
        os.dup2(1, 2)
    else:
        _redirect(2, err, os.O_WRONLY)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    if any(name.startswith(MEASURED) for name in environment):
        import coverage

        coverage.process_startup()
    if argv[0] == "python":
        sys.argv, sys.path[0] = ["-c", *argv[3:]], ""
        main = sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(argv[2], "<string>", "exec", dont_inherit=True), main.__dict__)
    else:
        script = str(Path(sys.executable).with_name(argv[0]))
        sys.argv, sys.path[0] = [script, *argv[1:]], str(Path(script).parent)
        runpy.run_path(script, run_name="__main__")


def _redirect(descriptor: int, path: str, flags: int) -> None:
    opened = os.open(path, flags)
    os.dup2(opened, descriptor)
    os.close(opened)


if __name__ == "__main__":
    _serve()

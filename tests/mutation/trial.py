"""One mutant against its tests, in a process of its own.

The mutant lies in a copy of the package that comes first on the path, so that the processes which a test starts import
it as well. The process is a fork of this one, which has imported what all tests need, but nothing of the package.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mutants import Mutant

NEEDED = ("ccflow", "hydra", "hypothesis.strategies", "pandas", "pyarrow.csv", "pyarrow.parquet", "pytest", "rich")
QUIET = ["-q", "--tb=line", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov"]
INTERRUPTED = 2  # what pytest ends with
SURVIVED, KILLED, TIMEOUT = "survived", "killed", "timeout"


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant, and the test that failed."""

    mutant: Mutant
    status: str
    killer: str = ""

    def __str__(self) -> str:
        return f"{self.status:8} {self.mutant.name}" + (f"  [{self.killer}]" if self.killer else "")


class Bench:
    """A copy of the package in a folder, to try mutants on."""

    def __init__(self, folder: Path, root: Path) -> None:
        self._folder, self._root = folder, root
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(root / "ccflow_etl", folder / "ccflow_etl")
        for module in NEEDED:
            __import__(module)
        assert not any(name.split(".")[0] == "ccflow_etl" for name in sys.modules), "the package is imported already"

    def start(self, mutant: Mutant, tests: dict[str, float]) -> Trial:
        """Start the tests, in this order until one fails, given how many seconds each takes."""
        (self._folder / mutant.path).write_bytes(mutant.source((self._root / mutant.path).read_bytes()))
        return Trial(self, mutant, self._fork(tests, "-x"), time.monotonic() + 60 + 3 * sum(tests.values()))

    def restore(self, mutant: Mutant) -> None:
        """Undo a mutant."""
        shutil.copy2(self._root / mutant.path, self._folder / mutant.path)

    def failing(self, tests: dict[str, float]) -> set[str]:
        """The tests that fail here without a mutant, such as those that measure their own process."""
        process = self._fork(tests)
        os.waitpid(process, 0)
        return set(self.failed())

    def failed(self) -> list[str]:
        """The tests that have failed."""
        found: list[str] = json.loads(self._report.read_text())
        return found

    @property
    def _report(self) -> Path:
        return self._folder / "failed.json"

    def _fork(self, tests: dict[str, float], *arguments: str) -> int:
        self._report.unlink(missing_ok=True)
        process = os.fork()
        if process:
            return process
        status = 1
        try:
            os.setsid()
            with open(self._folder / "output.txt", "wb") as output:
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
            signal.setitimer(signal.ITIMER_PROF, 30)
            os.chdir(self._root)
            os.environ["PYTHONPATH"] = str(self._folder)
            os.environ["PYTHONSAFEPATH"] = "1"  # python -c would find the package in the working folder first
            os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
            os.environ["HYPOTHESIS_PROFILE"] = "mutation"
            sys.dont_write_bytecode = True
            import pytest

            chosen, files = Chosen(tests), dict.fromkeys(test.split("::")[0] for test in tests)
            path = f"pythonpath={self._folder} {self._root}"
            found = int(pytest.main([*arguments, *QUIET, "-o", path, *files], plugins=[chosen]))
            imported = sys.modules["ccflow_etl"].__file__ or ""
            assert imported.startswith(f"{self._folder}/"), f"the tests ran {imported}, not the mutant"
            self._report.write_text(json.dumps(chosen.failed))
            status = found
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)


class Chosen:
    """The tests to run, in their order. A parameter that a mutant gives another name stands for all of its function."""

    def __init__(self, tests: dict[str, float]) -> None:
        self._tests = tests
        self.failed: list[str] = []

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Keep these tests."""
        found = {item.nodeid: item for item in items}
        lost = {test.split("[")[0] for test in self._tests if test not in found}
        others = [item for item in items if item.nodeid.split("[")[0] in lost or item.nodeid.split("::")[0] in lost]
        items[:] = dict.fromkeys([*(found[test] for test in self._tests if test in found), *others])

    def pytest_runtest_setup(self, item: Any) -> None:
        """Give a test some seconds of processor time, after which the process dies."""
        signal.setitimer(signal.ITIMER_PROF, 5 + 5 * self._tests.get(item.nodeid, 1))

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note a test that fails."""
        if report.failed:
            self.failed.append(report.nodeid)

    pytest_collectreport = pytest_runtest_logreport


class Trial:
    """A mutant whose tests run."""

    def __init__(self, bench: Bench, mutant: Mutant, process: int, deadline: float) -> None:
        self.bench = bench
        self._mutant, self._process, self._deadline = mutant, process, deadline

    def outcome(self) -> Outcome | None:
        """What became of it, and nothing while it runs."""
        ended, status = os.waitpid(self._process, os.WNOHANG)
        if not ended and time.monotonic() < self._deadline:
            return None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process, signal.SIGKILL)
        self.bench.restore(self._mutant)
        if not ended:
            os.waitpid(self._process, 0)
        if not ended or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF):
            return Outcome(self._mutant, TIMEOUT)
        if os.WIFSIGNALED(status):
            return Outcome(self._mutant, KILLED, f"signal {os.WTERMSIG(status)}")
        if not status:
            return Outcome(self._mutant, SURVIVED)
        failed = self.bench.failed()
        assert failed or os.WEXITSTATUS(status) == INTERRUPTED, f"{self._mutant.name} was not tried"
        return Outcome(self._mutant, KILLED, failed[0] if failed else "interrupted")

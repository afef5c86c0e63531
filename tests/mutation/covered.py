"""Which tests run which lines of the package, and how long each takes: one run of the tests under coverage.

As a pytest plugin (``-p covered``) this module writes down how long each test took, and has every test and every
process that one starts measured, those marked ``no_cover`` too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

SETTINGS = """\
[run]
source = ccflow_etl
parallel = true
data_file = {folder}/data
# a process that a test starts says which test that was
context = ${{PYTEST_CURRENT_TEST-}}
patch = _exit
sigterm = true
disable_warnings =
    no-data-collected
    module-not-measured
    already-imported
"""
FOLDER = "MUTATION_FOLDER"

_seconds: dict[str, float] = defaultdict(float)


def pytest_runtest_logstart() -> None:  # not before: the workers of xdist would be measured twice
    os.environ["COVERAGE_PROCESS_START"] = f"{os.environ[FOLDER]}/coverage.ini"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.own_markers = [mark for mark in item.own_markers if mark.name != "no_cover"]


def pytest_runtest_logreport(report) -> None:  # type: ignore[no-untyped-def] # a hook of pytest
    _seconds[report.nodeid] += report.duration


def pytest_sessionfinish(session) -> None:  # type: ignore[no-untyped-def] # a hook of pytest
    if not hasattr(session.config, "workerinput"):
        Path(os.environ[FOLDER], "seconds.json").write_text(json.dumps(_seconds))


class Covered:
    """What one run of the tests has covered."""

    def __init__(self, folder: Path, root: Path) -> None:
        from coverage import CoverageData

        self.seconds: dict[str, float] = json.loads((folder / "seconds.json").read_text())
        self._root = root
        self._data = CoverageData(str(folder / "data"))
        self._data.read()
        self._lines: dict[str, dict[int, set[str]]] = {}

    def tests(self, path: str, first: int, last: int) -> tuple[set[str], set[str]]:
        """The tests that run one of these lines, and all that run any line of the module."""
        lines = self._module(path)
        on_lines = set().union(*(lines.get(line, set()) for line in range(first, last + 1)))
        return on_lines, set().union(*lines.values())

    def _module(self, path: str) -> dict[int, set[str]]:
        if path not in self._lines:
            contexts = self._data.contexts_by_lineno(str(self._root / path))
            self._lines[path] = {
                line: {test for context in found if (test := _test(context)) in self.seconds}
                for line, found in contexts.items()
            }
        return self._lines[path]


def _test(context: str) -> str:
    """The test that a context names: ``node|run`` in this process, ``node (call)`` in one that it has started."""
    context = context.split("||")[0].removesuffix("|")
    for phase in ("|setup", "|run", "|teardown", " (setup)", " (call)", " (teardown)"):
        context = context.removesuffix(phase)
    return context.removeprefix("|")


def cover(folder: Path, root: Path, tests: list[str]) -> None:
    """Run the tests, which must pass, and keep what they cover in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "coverage.ini").write_text(SETTINGS.format(folder=folder))
    command = [sys.executable, "-m", "pytest", "-p", "covered", "-q", "-n", "2", "--benchmark-disable", *tests]
    command += ["--cov", f"--cov-config={folder / 'coverage.ini'}", "--cov-context=test", "--cov-report="]
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    told = {FOLDER: str(folder), "PYTHONPATH": path, "HYPOTHESIS_PROFILE": "mutation"}
    subprocess.run(command, cwd=root, env=os.environ | told, check=True)

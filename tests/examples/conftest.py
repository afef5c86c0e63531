"""A folder as a user has it (his config, his notes, nothing on PYTHONPATH), and a count of what is evaluated."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ccflow import FlowOptionsOverride
from ccflow.callable import EvaluatorBase, ModelEvaluationContext
from ccflow.evaluators import MultiEvaluator
from pydantic import PrivateAttr

from tests.warm import run_warm, single_command

CONFIG = Path(__file__).parents[2] / "config"
NOTES = "To be, or not to be: that is the question.\nWhether 'tis nobler in the mind to suffer\n"


class Project:
    """A folder with config/ and notes.txt, and commands run in it."""

    def __init__(self, folder: Path, scripts: Path):
        self.folder = folder
        self._environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        self._environment["PATH"] = f"{scripts}{os.pathsep}{os.environ['PATH']}"
        self._installed_here = scripts == Path(sys.executable).parent

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        argv = single_command(command)
        if argv is not None and self._installed_here:
            return run_warm(argv, self.folder, self._environment)
        return subprocess.run(
            command, shell=True, cwd=self.folder, env=self._environment, capture_output=True, text=True, check=False
        )

    def succeed(self, command: str) -> str:
        done = self.run(command)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def files(self) -> set[str]:
        """Every file besides config/ and notes.txt."""
        found = {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file()}
        return {name for name in found if name != "notes.txt" and not name.startswith("config/")}


def make_project(folder: Path, scripts: Path) -> Project:
    shutil.copytree(CONFIG, folder / "config")
    (folder / "notes.txt").write_text(NOTES)
    return Project(folder, scripts)


@pytest.fixture
def project(tmp_path: Path, scripts: Path) -> Project:
    return make_project(tmp_path, scripts)


@pytest.fixture(scope="module")
def shared_project(tmp_path_factory: pytest.TempPathFactory, scripts: Path) -> Project:
    """One project for all tests of a module."""
    return make_project(tmp_path_factory.mktemp("project"), scripts)


class CallCounter(EvaluatorBase):
    """Counts the calls that reach a model, by its class."""

    _calls: Counter[str] = PrivateAttr(default_factory=Counter)

    def is_transparent(self, context: ModelEvaluationContext) -> bool:
        return True

    def __call__(self, context: ModelEvaluationContext):
        if context.fn == "__call__":
            self._calls[type(context.model).__name__] += 1
        return context()

    def __deepcopy__(self, memo):
        # ccflow copies evaluators, and all copies count together
        return self


@pytest.fixture
def count_calls():
    @contextmanager
    def counting(*evaluators: EvaluatorBase) -> Iterator[Counter[str]]:
        counter = CallCounter()
        # the first of the list is the closest to the model
        evaluator = MultiEvaluator(evaluators=[counter, *evaluators])
        with FlowOptionsOverride(options={"evaluator": evaluator}):
            yield counter._calls

    return counting

"""Start-up of the package and of the command, each beside what it cannot do without."""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from benchmarks.ratios import Case

FIRST_CALL = """\
import os

from ccflow import CallableModel, Flow, GenericResult, NullContext


class FirstCall(CallableModel):
    @Flow.call
    def __call__(self, context: NullContext) -> GenericResult:
        os._exit(0)
"""

OVERRIDES = ["model._target_=first_call.FirstCall", "~model.format", "~context"]

COMPOSE = """\
import os

import ccflow
from hydra import compose, initialize_config_dir

with initialize_config_dir(config_dir={folder!r}, version_base=None):
    compose("base", overrides={overrides!r})
os._exit(0)
"""


def running(folder: Path, *command: str) -> Callable[[], object]:
    def run() -> None:
        subprocess.run(command, cwd=folder, env=os.environ | {"PYTHONPATH": ""}, check=True)

    return run


def test_importing_the_package_beside_importing_ccflow(compare, tmp_path):
    ours = running(tmp_path, sys.executable, "-c", "import ccflow_etl, ccflow")
    bare = running(tmp_path, sys.executable, "-c", "import ccflow")
    compare(Case("import ccflow_etl, ccflow", ours, "import ccflow", bare, 1.15, quiet=True), by="clock")


def test_the_first_model_call_beside_importing_ccflow_and_composing(compare, tmp_path):
    (tmp_path / "first_call.py").write_text(FIRST_CALL)
    spec = find_spec("ccflow_etl.config")
    compose = COMPOSE.format(folder=str(Path(spec.origin).parent), overrides=OVERRIDES)
    command = running(tmp_path, str(Path(sys.executable).parent / "cc-etl"), *OVERRIDES)
    bare = running(tmp_path, sys.executable, "-c", compose)
    what = "cc-etl, to its first model call"
    compare(Case(what, command, "import ccflow, hydra.compose", bare, 1.2, quiet=True), by="clock")

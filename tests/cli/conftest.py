"""A folder as a user has it, and the installed commands run in it: alone in a warm process, else from a shell."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.warm import run_warm, single_command

MODELS = """\
import datetime as dt
import json
import logging
from pathlib import Path

from ccflow import CallableModel, ContextBase, Flow, GenericResult

log = logging.getLogger(__name__)


class StatsContext(ContextBase):
    input_path: Path
    output_path: Path
    min_length: int = 1
    date: dt.date | None = None


class Stats(CallableModel):
    top: int = 3

    @Flow.call
    def __call__(self, context: StatsContext) -> GenericResult[dict]:
        log.info("counting")
        print("said by the model")
        words = [word for word in context.input_path.read_text().split() if len(word) >= context.min_length]
        path = context.output_path
        if context.date is not None:
            path = path.with_name(f"{path.stem}-{context.date:%Y-%m-%d}{path.suffix}")
        path.write_text(json.dumps({"words": len(words)}))
        return GenericResult[dict](value={"words": len(words)})
"""

DAYS_MODULE = """\
import datetime as dt
from pathlib import Path

from ccflow import BaseModel, CallableModel, ContextBase, Flow, GenericResult


class DayContext(ContextBase):
    date: dt.date
    shop: str = "Harbour"


class Days(CallableModel):
    \"\"\"Logs that it ran. A file `bad-DATE` has what it fails with, a pipe `gate-DATE` is what it waits for.\"\"\"

    currency: str = "EUR"

    @Flow.call
    def __call__(self, context: DayContext) -> GenericResult[str]:
        with open("runs.log", "a") as log:
            log.write(f"{context.date}\\n")
        bad, gate = (Path(f"{name}-{context.date}") for name in ("bad", "gate"))
        if bad.exists():
            raise LookupError(bad.read_text())
        if gate.exists():
            gate.read_text()
        return GenericResult[str](value=f"{context.shop} {context.date}")
"""

DAYS_CONFIG = """\
defaults:
  - _self_
  - /backfill: default
model:
  _target_: my_days.Days
backfill:
  checkpoint_store:
    _target_: ccflow_etl.LocalCheckpointStore
    path: ./marks.sqlite
  key: "days/{step}"
context:
"""

SIX_DAYS = """\
  start_datetime: 2024-01-01
  end_datetime: 2024-01-06
"""

CONFIGS = {
    "text_stats": """\
model:
  _target_: my_models.Stats
callable: /model
context:
  input_path: ???
  output_path: ./stats.json
  min_length: 1
""",
    "backfill_text_stats": """\
defaults:
  - _self_
  - /backfill: default
model:
  _target_: my_models.Stats
context:
  start_datetime: 2024-01-31
  end_datetime: 2024-04-30
  interval: 1M
  context:
    input_path: ./notes.txt
    output_path: ./stats.json
""",
    "text_stats_runner": """\
defaults:
  - _self_
  - /callable: callable
  - optional /backfill: null
model:
  _target_: my_models.Stats
""",
}


@dataclass(frozen=True)
class Finished:
    code: int
    out: str
    err: str


class Shell:
    """Runs a command line in a folder, with the commands of this environment on the path and no PYTHONPATH."""

    def __init__(self, folder: Path, measured: dict[str, str]) -> None:
        self.folder = folder
        self._measured = measured

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "HYDRA_FULL_ERROR")}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return kept | {"PATH": path} | more

    def __call__(self, command: str, **environment: str) -> Finished:
        argv = None if environment else single_command(command)
        if argv is not None:
            measured, self._measured = self._measured, {}  # the first of a test: the others run the same lines
            done = run_warm(argv, self.folder, self.environment() | measured)
        else:
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=self.folder,
                env=self.environment(**environment),
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        return Finished(done.returncode, done.stdout, done.stderr)

    def with_days(self, *, context: str = SIX_DAYS, config: str = "", module: str = "") -> "Shell":
        """Itself, with a backfill of days as `-cp config -cn days`, and with what a test needs besides."""
        return self.with_config("days", DAYS_CONFIG + context + config, my_days=DAYS_MODULE + module)

    def with_config(self, name: str, config: str, **modules: str) -> "Shell":
        """Itself, with a config as `-cp config -cn NAME`, and the modules that it names."""
        for module, code in modules.items():
            (self.folder / f"{module}.py").write_text(code)
        (self.folder / "config").mkdir()
        (self.folder / "config" / f"{name}.yaml").write_text(config)
        return self

    def runs(self) -> list[str]:
        """The days that were run since it was last asked."""
        log = self.folder / "runs.log"
        told = log.read_text().split() if log.exists() else []
        log.unlink(missing_ok=True)
        return told

    def files(self) -> list[str]:
        """All files and empty folders, without compiled modules."""
        found = self.folder.rglob("*")
        return sorted(
            str(path.relative_to(self.folder))
            for path in found
            if "__pycache__" not in path.parts and (path.is_file() or not any(path.iterdir()))
        )


@pytest.fixture(scope="session")
def shell_in(measured: dict[str, str]) -> Callable[[Path], Shell]:
    """Makes a shell in a folder."""
    return partial(Shell, measured=measured)


@pytest.fixture
def shell(tmp_path: Path, shell_in: Callable[[Path], Shell]) -> Shell:
    """A shell in an empty folder."""
    return shell_in(tmp_path)


@pytest.fixture
def project(shell: Shell) -> Shell:
    """A shell in a folder that holds config/, the user's own module and his notes, and nothing else."""
    (shell.folder / "my_models.py").write_text(MODELS)
    (shell.folder / "notes.txt").write_text("the quick brown fox")
    (shell.folder / "config").mkdir()
    for name, text in CONFIGS.items():
        (shell.folder / "config" / f"{name}.yaml").write_text(text)
    return shell

"""Start-up of the package and of the command, each against what it cannot do without, in alternating subprocesses.

python -m pytest benchmarks/bench_startup.py -s
"""

import os
import statistics
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

ROUNDS = 9

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


def seconds(command: list[str], folder: Path) -> float:
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, env=os.environ | {"PYTHONPATH": ""}, check=True)
    return time.perf_counter() - started


def ratio(ours: list[str], theirs: list[str], folder: Path) -> float:
    """Return the median time of `ours` over that of `theirs`, run in turns after one run of each for the caches."""
    seconds(ours, folder), seconds(theirs, folder)
    pairs = [(seconds(ours, folder), seconds(theirs, folder)) for _ in range(ROUNDS)]
    mine, other = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"{mine * 1000:.0f} ms / {other * 1000:.0f} ms = {mine / other:.3f}")  # noqa: T201 - shown by -s
    return mine / other


def test_importing_the_package_costs_at_most_1_15_times_ccflow(tmp_path):
    ours = [sys.executable, "-c", "import ccflow_etl, ccflow"]
    assert ratio(ours, [sys.executable, "-c", "import ccflow"], tmp_path) <= 1.15


def test_the_first_model_call_comes_within_1_2_times_importing_ccflow_and_composing(tmp_path):
    (tmp_path / "first_call.py").write_text(FIRST_CALL)
    spec = find_spec("ccflow_etl.config")
    compose = COMPOSE.format(folder=str(Path(spec.origin).parent), overrides=OVERRIDES)
    ours = [str(Path(sys.executable).parent / "cc-etl"), *OVERRIDES]
    assert ratio(ours, [sys.executable, "-c", compose], tmp_path) <= 1.2

"""`cc-etl`: run a configured callable."""

import sys
from contextlib import nullcontext, redirect_stdout
from typing import TYPE_CHECKING

from ccflow_etl.cli.arguments import Arguments
from ccflow_etl.cli.command import run_command

if TYPE_CHECKING:
    from omegaconf import DictConfig


def main() -> int:
    """Run the callable of the composed config and print its result; return the exit code."""
    return run_command("cc-etl", _run, options={"--from-plan": "FILE"})


def _run(arguments: Arguments) -> None:
    from ccflow_etl.cli.from_plan import FROM_PLAN
    from ccflow_etl.cli.hydra_app import launch
    from ccflow_etl.cli.job import prepare
    from ccflow_etl.cli.output import summary, to_json
    from ccflow_etl.execution.progress import progress_by_default

    as_json = "--json" in arguments.flags

    def task(cfg: "DictConfig") -> None:
        # with --json stdout is for the result alone, whatever a model prints
        with redirect_stdout(sys.stderr) if as_json else nullcontext(), progress_by_default(sys.stderr.isatty()):
            result = prepare(cfg, arguments.options.get(FROM_PLAN)).run()
        print(to_json(result) if as_json else summary(result), flush=True)

    launch(arguments, task)

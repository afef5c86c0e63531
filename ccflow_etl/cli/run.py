"""`cc-etl`: run a configured callable."""

import sys
from typing import TYPE_CHECKING

from ccflow_etl.cli.arguments import Arguments
from ccflow_etl.cli.command import run_command

if TYPE_CHECKING:
    from omegaconf import DictConfig


def main() -> int:
    """Run the callable of the composed config and print its result; return the exit code."""
    return run_command("cc-etl", _run, options={"--from-plan": "FILE", "--report": "FILE"})


def _run(arguments: Arguments) -> None:
    from ccflow_etl.cli.from_plan import given_plan
    from ccflow_etl.cli.hydra_app import launch
    from ccflow_etl.cli.job import prepare
    from ccflow_etl.cli.output import print_result
    from ccflow_etl.cli.report_page import REPORT, check_report, check_single, reported
    from ccflow_etl.cli.streams import kept_for_result
    from ccflow_etl.execution.progress import progress_by_default

    as_json, plan = "--json" in arguments.flags, given_plan(arguments)
    page = check_report(arguments.options.get(REPORT))

    def task(cfg: "DictConfig") -> None:
        check_single(page)
        with kept_for_result(as_json), progress_by_default(sys.stderr.isatty()):
            job = prepare(cfg, plan)
            with reported(job, cfg, page) as run:
                run.result = run.job.run()
        print_result(run.result, as_json)
        run.check()
        job.check(run.result)

    launch(arguments, task)

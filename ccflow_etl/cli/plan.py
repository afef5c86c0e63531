"""`cc-etl-plan`: print what `cc-etl` would do with the same arguments, without doing it."""

from typing import TYPE_CHECKING, Any

from ccflow_etl.cli.arguments import Arguments
from ccflow_etl.cli.command import run_command

if TYPE_CHECKING:
    from omegaconf import DictConfig


def main() -> int:
    """Print the plan of the composed config's callable, or the marks of its steps; return the exit code."""
    return run_command(
        "cc-etl-plan",
        _plan,
        flags=("--status", "--clear-failed", "--yes"),
        options={"--output": "FILE", "--from-plan": "FILE", "--clear": "KEY-GLOB"},
    )


def _plan(arguments: Arguments) -> None:
    from ccflow_etl.cli.from_plan import given_plan
    from ccflow_etl.cli.hydra_app import inspect
    from ccflow_etl.cli.job import prepare
    from ccflow_etl.cli.marks import about_marks, show_marks
    from ccflow_etl.cli.streams import kept_for_result

    marks, as_json, saved = about_marks(arguments), "--json" in arguments.flags, given_plan(arguments)

    def look(cfg: "DictConfig", _loader: object) -> None:
        with kept_for_result(as_json):
            job = prepare(cfg, saved)
            plan = None if marks else job.plan()
        if marks:
            show_marks(job, arguments)
        else:
            _show(plan, as_json, arguments.options.get("--output"))

    return inspect(arguments, look)


def _show(plan: Any, as_json: bool, file: str | None) -> None:
    """Print a plan, and save it where a file is named."""
    from ccflow_etl.cli.from_plan import FROM_PLAN, save_plan
    from ccflow_etl.cli.streams import write_stdout

    if file is not None:
        save_plan(plan, file)
    write_stdout(_json(plan) if as_json else str(plan))
    if file is not None and not as_json:
        write_stdout(f"saved to {file}; cc-etl ... {FROM_PLAN} {file} runs it")


def _json(plan: Any) -> str:
    from ccflow_etl import BackfillPlan
    from ccflow_etl.cli.json_text import to_json

    return to_json(plan.to_dict() if isinstance(plan, BackfillPlan) else plan)

"""`cc-etl-plan`: print what `cc-etl` would do with the same arguments, without doing it."""

from typing import TYPE_CHECKING

from ccflow_etl.cli.arguments import Arguments
from ccflow_etl.cli.command import run_command
from ccflow_etl.cli.errors import CommandError

if TYPE_CHECKING:
    from omegaconf import DictConfig


def main() -> int:
    """Print the plan of the composed config's callable; return the exit code."""
    return run_command("cc-etl-plan", _plan)


def _plan(arguments: Arguments) -> None:
    from ccflow_etl.cli.hydra_app import inspect
    from ccflow_etl.cli.job import prepare
    from ccflow_etl.cli.output import to_json

    def look(cfg: "DictConfig", _loader: object) -> None:
        job = prepare(cfg)
        plan = getattr(job.model, "plan", None)
        if not callable(plan):
            name = type(job.model).__name__
            raise CommandError(
                f"callable {job.path!r} is a {name}, which has no plan",
                "a backfill has one: backfill=daily, or +backfill=daily",
            )
        planned = plan(job.context)
        print(to_json(planned) if "--json" in arguments.flags else planned, flush=True)

    inspect(arguments, look)

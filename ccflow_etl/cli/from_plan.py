"""`--from-plan`: a saved plan in the place of the config's context; and `--output`, which saves one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf, open_dict

from ccflow_etl.cli.errors import CommandError
from ccflow_etl.cli.import_errors import shorten
from ccflow_etl.cli.missing import missing_keys

if TYPE_CHECKING:
    from ccflow import CallableModel

    from ccflow_etl import BackfillPlan
    from ccflow_etl.cli.arguments import Arguments

FROM_PLAN = "--from-plan"


@dataclass(frozen=True)
class SavedPlan:
    """A plan from a file, and what it is run by.

    Attributes:
        plan: The plan.
        path: The registry path of the callable.
        model: The callable.
        given: The context in the config, which has to go with the plan's.
    """

    plan: "BackfillPlan"
    path: str
    model: "CallableModel"
    given: Any

    def run(self) -> Any:
        """Return the result of the plan's run."""
        with _told():
            return plan_method(self.path, self.model, "run_plan")(self.plan, self.given)

    def remaining(self) -> "BackfillPlan":
        """Return what would still be run of the plan."""
        with _told():
            rest: BackfillPlan = plan_method(self.path, self.model, "remaining")(self.plan, self.given)
            return rest


def plan_method(path: str, model: "CallableModel", name: str = "plan") -> Callable[..., Any]:
    """Return a callable's method of plans.

    Raises:
        CommandError: It has none.
    """
    method: Callable[..., Any] | None = getattr(model, name, None)
    if not callable(method):
        raise CommandError(
            f"callable {path!r} is a {type(model).__name__}, which has no plan",
            "a backfill has one: backfill=daily, or +backfill=daily",
        )
    return method


def given_plan(arguments: "Arguments") -> str | None:
    """Return the absolute path of the plan to run, if one is given: a job may change the working folder."""
    file = arguments.options.get(FROM_PLAN)
    return None if file is None else str(Path(file).absolute())


def read_plan(file: str) -> "BackfillPlan":
    """Return the plan in a file.

    Raises:
        CommandError: There is none, or it cannot be read.
    """
    from ccflow_etl import BackfillPlan

    file = shorten(file)
    try:
        with _told():
            return BackfillPlan.read_parquet(file)
    except FileNotFoundError:
        raise CommandError(
            f"there is no plan {file}", f"cc-etl-plan makes it, with the same arguments and --output {file}"
        ) from None
    except OSError as error:
        raise CommandError(f"the plan {file} cannot be read: {error.strerror}") from error


def save_plan(plan: Any, file: str) -> None:
    """Write a plan into a file.

    Raises:
        CommandError: It is no plan of a backfill, or cannot be written.
    """
    from ccflow_etl import BackfillPlan

    if not isinstance(plan, BackfillPlan):
        raise CommandError(f"--output saves the plan of a backfill, and this is a {type(plan).__name__}")
    try:
        with _told():
            plan.to_parquet(file)
    except OSError as error:
        raise CommandError(f"the plan cannot be written to {file}: {error.strerror}") from error


def without_missing_context(cfg: DictConfig) -> DictConfig:
    """Return a config without the parts of its context that have no value, which the plan has.

    >>> cfg = OmegaConf.create({"context": {"start_datetime": "???", "context": {"shop": "Harbour"}}})
    >>> without_missing_context(cfg)
    {'context': {'context': {'shop': 'Harbour'}}}
    """
    cfg = cfg.copy()
    with open_dict(cfg):
        for key in missing_keys(cfg):
            parent, _, name = key.rpartition(".")
            if key == "context":
                cfg.context = None
            elif key.startswith("context."):
                del OmegaConf.select(cfg, parent)[name]
    return cfg


@contextmanager
def _told() -> Iterator[None]:
    """Tell an error of a plan as one of the command."""
    from ccflow_etl import PlanError

    try:
        yield
    except PlanError as error:
        raise CommandError(error.message, error.hint) from error

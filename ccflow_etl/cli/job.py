"""A composed config made into what is run: the callable, its validated context and the flow options."""

import gc
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from ccflow import CallableModel, EvaluatorBase, FlowOptions, FlowOptionsOverride, ModelRegistry
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import TypeAdapter, ValidationError

from ccflow_etl.cli.errors import CommandError, RunFailed, did_you_mean
from ccflow_etl.cli.from_plan import SavedPlan, plan_method, read_plan, without_missing_context
from ccflow_etl.cli.import_errors import raised_in
from ccflow_etl.cli.invalid import explain_invalid
from ccflow_etl.cli.missing import keys_that_are_no_text, missing_keys
from ccflow_etl.config.registry import replace_config
from ccflow_etl.execution.error_text import error_text

if TYPE_CHECKING:
    from ccflow_etl import BackfillStatus
    from ccflow_etl.models.report import StepReport


@dataclass(frozen=True)
class Job:
    """What a config asks for, checked and not yet run.

    Attributes:
        path: The registry path of the callable.
        model: The callable itself.
        context: Its context.
        saved: The plan that is run in the place of the context, if any.
        options: `/cli/global` and `/cli/model`, the second on top.
    """

    path: str
    model: CallableModel
    context: Any
    saved: SavedPlan | None
    options: tuple[FlowOptions, FlowOptions]

    def plan(self) -> Any:
        """Return what the callable would do, or what it would still do of a saved plan.

        Raises:
            CommandError: The callable has no plan, or a saved plan does not go with the config.
        """
        return plan_method(self.path, self.model)(self.context) if self.saved is None else self.saved.remaining()

    def status(self) -> "BackfillStatus":
        """Return how the steps of the callable, a backfill, are marked.

        Raises:
            CommandError: The callable is no backfill, or has no checkpoint store.
        """
        from ccflow_etl import BackfillModel

        if not isinstance(self.model, BackfillModel):
            raise CommandError(
                f"callable {self.path!r} is a {type(self.model).__name__}, which has no steps to be marked",
                "a backfill has them: backfill=daily, or +backfill=daily",
            )
        if self.model.checkpoint_store is None:
            raise CommandError(
                f"the backfill {self.path!r} has no checkpoint_store, so none of its steps is marked",
                "set it in the config, as backfill.checkpoint_store",
            )
        return self.model.status(self.context)

    def followed(self) -> "tuple[Job, list[StepReport]]":
        """Return a job whose backfill puts its runs into a list, and the list, which stays empty without a backfill."""
        from ccflow_etl import BackfillModel

        if not isinstance(self.model, BackfillModel):
            return self, []
        model, runs = self.model.followed()
        saved = None if self.saved is None else replace(self.saved, model=model)
        return replace(self, model=model, saved=saved), runs

    def run(self) -> Any:
        """Return the result of the callable.

        Raises:
            CommandError: A saved plan does not go with the config.
            RunFailed: The model, or a model that it depends on, raised, or would have ended the process.
        """
        outer, inner = self.options
        try:
            with FlowOptionsOverride(options=outer), FlowOptionsOverride(options=inner):
                return self.model(self.context) if self.saved is None else self.saved.run()
        except (CommandError, KeyboardInterrupt):
            raise
        except BaseException as error:  # SystemExit, and what a library raises that is no Exception
            hint = None
            if isinstance(error, SystemExit):
                told = f"the model ended the process with {error!r}"
                hint = "to fail, a model raises an exception; to succeed, it returns a result"
            else:
                told = " ".join(error_text(error).split())
            # A note says where in the run it happened; only its first line, as a note may hold a traceback.
            noted = "".join(f" ({note.splitlines()[0]})" for note in getattr(error, "__notes__", [])[:1])
            raise RunFailed(f"{self.path} failed{_raised_by(error)}: {told}{noted}", hint) from error

    def check(self, result: Any) -> None:
        """See that a result that was returned in the place of a failure does not pass for success.

        Raises:
            RunFailed: It is that of a backfill of which too many steps failed.
        """
        from ccflow_etl import BackfillResult

        if isinstance(result, BackfillResult) and result.failure is not None:
            raise RunFailed(f"{self.path} failed: {result.failure}")


def prepare(cfg: DictConfig, from_plan: str | None = None) -> Job:
    """Load the config's models into the root registry, find the callable and validate the context.

    It ends the start-up: garbage is collected again.

    Args:
        cfg: The composed config.
        from_plan: The file of a saved plan; the context is then the plan's, and the config's is compared with it.

    Raises:
        CommandError: A value or the name of a key is missing, a module of a model ends the process, there is no such
            callable, the context does not fit it, or there is no such plan.
        hydra.errors.InstantiationException: A model cannot be built.
        omegaconf.errors.OmegaConfBaseException: A value is made of another one, and cannot be.
    """
    if "" in cfg:
        hint = "a --config-name with ./ or ../ makes one: give --config-path instead"
        raise CommandError("the config has a key without a name", hint)
    if from_plan is not None:
        cfg = without_missing_context(cfg)
    missing = missing_keys(cfg)
    if missing:
        hint = f"set it on the command line: {' '.join(f'{key}=...' for key in missing)}"
        raise CommandError("\n".join(f"{key} has no value" for key in missing), hint)
    try:
        registry = replace_config(cfg)
    except SystemExit as error:
        raise CommandError(f"loading the models ended the process with {error!r}{raised_in(error)}") from error
    except OmegaConfBaseException:
        OmegaConf.to_container(cfg, resolve=True)  # fails too, and knows the key
        raise
    except AttributeError as error:
        odd = keys_that_are_no_text(cfg)
        if not odd:
            raise
        told = "\n".join(f"{key}: the last part of this key is no text, and ccflow takes text alone" for key in odd)
        raise CommandError(told, "write it in quotes, or keep it inside of a model, which may have others") from error
    path = cfg.get("callable")
    model = _find_callable(registry, path)
    given = cfg.get("context")
    given = OmegaConf.to_container(given, resolve=True) if OmegaConf.is_config(given) else given
    saved = None if from_plan is None else SavedPlan(read_plan(from_plan), path, model, given)
    context = _validate_context(model, given) if saved is None else saved.plan.context
    gc.enable()
    return Job(path, model, context, saved, (_options(cfg, "global"), _options(cfg, "model")))


def _find_callable(registry: ModelRegistry, path: Any) -> CallableModel:
    found = registry[path] if isinstance(path, str) and "." not in path and path in registry else None
    if _is_runnable(found):
        return cast("CallableModel", found)
    paths = [f"/{name}" for name, model in registry.items() if _is_runnable(model)]
    if not paths:
        raise CommandError("the config has no model to run", "it needs model, callable and context: see --help")
    known = f"the config has {', '.join(paths)}"
    if path is None:
        raise CommandError(f"the config does not say which model to run; {known}", f"add callable={paths[0]}")
    if found is not None:
        raise CommandError(f"callable {path!r} is a {type(found).__name__}, which cannot be run; {known}")
    raise CommandError(f"no callable {path!r}; {known}", did_you_mean(f"/{str(path).lstrip('/')}", paths))


def _is_runnable(model: Any) -> bool:
    return isinstance(model, CallableModel) and not isinstance(model, EvaluatorBase)


def _validate_context(model: CallableModel, given: Any) -> Any:
    declared = model.context_type
    try:
        # a context type may also be a union with None
        return TypeAdapter(declared).validate_python(given)
    except ValidationError as error:
        name = getattr(declared, "__name__", str(declared))
        what = f"the config has no context, it needs a {name}" if given is None else f"the context does not fit {name}"
        raise explain_invalid(error, what, "context") from error


def _options(cfg: DictConfig, name: str) -> FlowOptions:
    """The options that the config has under `cli`; what is no model there has not come into the registry."""
    options = ModelRegistry.root().get(f"/cli/{name}")
    if isinstance(options, FlowOptions):
        return options
    if options is not None:
        raise CommandError(f"/cli/{name} is a {type(options).__name__}, not a ccflow.FlowOptions")
    cli = cfg.get("cli")
    if cli is not None and not OmegaConf.is_dict(cli):
        raise CommandError(f"cli is {cli!r}, and has to hold cli.model")
    given = None if cli is None else cli.get(name)
    if given is not None:
        hint = "it needs _target_: ccflow.FlowOptions"
        raise CommandError(f"cli.{name} is {given!r}, not a ccflow.FlowOptions", hint)
    return FlowOptions()


def _raised_by(error: BaseException) -> str:
    """Name the innermost model that was running, and its line."""
    import traceback
    from pathlib import Path

    found = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        owner = frame.f_locals.get("self")
        if _is_runnable(owner):
            found = f" in {type(owner).__name__} ({Path(frame.f_code.co_filename).name}, line {line})"
    return found

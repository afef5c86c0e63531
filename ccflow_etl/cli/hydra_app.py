"""Composing and launching through Hydra's own machinery, with exceptions left to the caller."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, cast

from hydra import version
from hydra._internal.callbacks import Callbacks
from hydra._internal.hydra import Hydra
from hydra._internal.utils import get_args_parser
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.object_type import ObjectType
from hydra.core.utils import run_job
from hydra.errors import ConfigCompositionException, MissingConfigException
from hydra.main import _get_rerun_conf
from hydra.plugins.config_source import ConfigSource
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig, open_dict

from ccflow_etl.cli.arguments import Arguments
from ccflow_etl.cli.command import warn
from ccflow_etl.cli.errors import CommandError, did_you_mean
from ccflow_etl.cli.quiet import QuietLoader, use_quiet_defaults
from ccflow_etl.cli.streams import write_stdout
from ccflow_etl.config.search_path import search_path

Task = Callable[[DictConfig], None]


def launch(arguments: Arguments, task: Task) -> None:
    """Do what Hydra's flags ask for; without them, call `task` on the composed config, or once per job of a sweep.

    Raises:
        CommandError: The primary config is missing.
        hydra.errors.HydraException: The config cannot be composed.
        Exception: Whatever `task` raises.
    """
    if arguments.hydra.experimental_rerun:
        return task(_get_rerun_conf(arguments.hydra.experimental_rerun, arguments.hydra.overrides))
    with _hydra(arguments) as hydra:
        if not _show(hydra, arguments):
            _run(hydra, arguments, task)
    return None


def inspect(arguments: Arguments, look: Callable[[DictConfig, QuietLoader], None]) -> None:
    """Do what Hydra's flags ask for; without them, call `look` on the composed config, running nothing.

    Raises:
        CommandError: The primary config is missing, or `--multirun` was given.
        hydra.errors.HydraException: The config cannot be composed.
    """
    if arguments.hydra.multirun:
        raise CommandError("--multirun runs jobs; this command runs nothing", "give the values of one job")
    with _hydra(arguments) as hydra:
        if not _show(hydra, arguments):
            cfg = hydra.compose_config(arguments.config_name, arguments.hydra.overrides, RunMode.RUN)
            # what ${hydra:...} resolves against
            HydraConfig.instance().set_config(cfg)
            cfg = cfg.copy()
            with open_dict(cfg):
                del cfg["hydra"]
            look(cfg, cast("QuietLoader", hydra.config_loader))


def _show(hydra: Hydra, arguments: Arguments) -> bool:
    """Serve Hydra's own flags that print something, and return whether there was one."""
    args, name = arguments.hydra, arguments.config_name
    with redirect_stdout(StringIO()) as shown:
        if args.hydra_help:
            hydra.hydra_help(config_name=name, args_parser=get_args_parser(), args=args)
        elif args.cfg:
            hydra.show_cfg(name, args.overrides, cfg_type=args.cfg, package=args.package, resolve=args.resolve)
        elif args.info:
            hydra.show_info(args.info, config_name=name, overrides=args.overrides)
        elif args.shell_completion:
            hydra.shell_completion(config_name=name, overrides=args.overrides)
        else:
            return False
    write_stdout(shown.getvalue(), end="")
    return True


@contextmanager
def _hydra(arguments: Arguments) -> Iterator[Hydra]:
    version.setbase(None)
    use_quiet_defaults()
    extra = None if arguments.hydra.config_dir is None else Path(arguments.hydra.config_dir)
    loader = QuietLoader(search_path(arguments.main, extra, warn))
    hydra = Hydra(task_name="cc-etl", config_loader=loader)
    GlobalHydra.instance().initialize(hydra)
    try:
        main = next(source for source in loader.get_sources() if source.provider == "main")
        if arguments.hydra.config_name is None and not main.is_config(arguments.config_name):
            # the packaged base is on the search path too, and is not what a folder of configs is given for
            raise _no_such_config(arguments, main)
        with _one_line_warnings():
            yield hydra
    except MissingConfigException as error:
        if error.missing_cfg_file != arguments.config_name:
            raise
        raise _no_such_config(arguments, main) from error
    finally:
        GlobalHydra.instance().clear()


def _run(hydra: Hydra, arguments: Arguments, task: Task) -> None:
    name, overrides = arguments.config_name, arguments.hydra.overrides
    if arguments.hydra.multirun:
        return _sweep(hydra, arguments, task)
    try:
        cfg = hydra.compose_config(name, overrides, RunMode.RUN, with_log_configuration=True)
    except ConfigCompositionException:
        # a config may ask for a sweep itself, and only then are values such as a=1,2 legal
        if hydra.get_mode(name, overrides) is RunMode.MULTIRUN:
            return _sweep(hydra, arguments, task)
        raise
    if cfg.hydra.mode is RunMode.MULTIRUN:
        return _sweep(hydra, arguments, task)
    cfg.hydra.mode = RunMode.RUN
    failures: list[Exception] = []

    def job(job_cfg: DictConfig) -> None:
        try:
            task(job_cfg)
        except Exception as error:
            failures.append(error)
            raise

    callbacks = Callbacks(cfg)
    callbacks.on_run_start(config=cfg, config_name=name)
    context = HydraContext(config_loader=hydra.config_loader, callbacks=callbacks)
    done = run_job(job, cfg, "hydra.run.dir", None, context)
    callbacks.on_run_end(config=cfg, config_name=name, job_return=done)
    if failures:
        raise failures[0]
    return None


def _sweep(hydra: Hydra, arguments: Arguments, task: Task) -> None:
    overrides = [*arguments.hydra.overrides, "hydra.mode=MULTIRUN"]
    hydra.multirun(arguments.config_name, task, overrides)


@contextmanager
def _one_line_warnings() -> Iterator[None]:
    """Show Hydra's warnings, which are about the config, without Hydra's own file and line."""
    with warnings.catch_warnings():
        show = warnings.showwarning

        def show_shorter(message: Any, category: Any, filename: str, *rest: Any) -> None:
            if "hydra" in Path(filename).parts:
                warn(" ".join(str(message).split()))
            else:
                show(message, category, filename, *rest)

        warnings.showwarning = show_shorter  # type: ignore[assignment] # the rest is passed on as it comes
        yield


def _no_such_config(arguments: Arguments, main: ConfigSource) -> CommandError:
    name, folder = arguments.config_name.removesuffix(".yaml"), arguments.hydra.config_path
    names = main.list("", ObjectType.CONFIG)
    if folder is None:
        hint = f"your own configs need --config-path: --config-path ./config --config-name {name}"
        return CommandError(f"no packaged config named {name!r}, there is only {', '.join(names)}", hint)
    if not names:
        return CommandError(f"no config named {name!r} in {folder}, which has no .yaml file")
    choose = "name one of them with --config-name"
    return CommandError(
        f"no config named {name!r} in {folder}: it has {', '.join(names)}", did_you_mean(name, names) or choose
    )

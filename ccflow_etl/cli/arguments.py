"""The command line: our own flags taken out, the rest read by Hydra's own parser."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

from ccflow_etl.cli.errors import CommandError, did_you_mean
from ccflow_etl.config.search_path import PACKAGED

DEFAULT_CONFIG = "base"
_SEE_HELP = "--help shows examples, --hydra-help shows Hydra's own flags"


@dataclass(frozen=True)
class Arguments:
    """One command's arguments.

    Attributes:
        flags: Those of our own flags that were given.
        options: Our own flags that have a value, with the value that was given.
        hydra: What Hydra's parser made of the others.
        main: Where the primary config is: an absolute folder or a `pkg://` package.
        config_name: The primary config's name.
    """

    flags: frozenset[str]
    options: dict[str, str]
    hydra: Namespace
    main: str
    config_name: str


def read_arguments(
    argv: Sequence[str], flags: Iterable[str], options: Mapping[str, str] = MappingProxyType({})
) -> Arguments:
    """Split `argv` into our own and Hydra's arguments; a relative `--config-path` is in the working folder.

    Args:
        argv: The arguments.
        flags: Our flags without a value.
        options: Our flags with a value, which is given as `--flag=value` or `--flag value`, and what the value is.

    Raises:
        CommandError: A value is missing, Hydra's parser refuses an argument, or the config folder does not exist.

    >>> argv = ["context.path=x.json", "--json", "-m", "--output", "plan.parquet"]
    >>> arguments = read_arguments(argv, flags=["--json", "--debug"], options={"--output": "FILE"})
    >>> sorted(arguments.flags), arguments.options
    (['--json'], {'--output': 'plan.parquet'})
    >>> arguments.hydra.overrides, arguments.hydra.multirun, arguments.config_name
    (['context.path=x.json'], True, 'base')
    """
    flags = set(flags)
    given, rest = _take_options(argv, options)
    ours = frozenset(argument for argument in rest if argument in flags)
    parsed = _parse([argument for argument in rest if argument not in flags], flags | options.keys())
    place = PACKAGED if parsed.config_path is None else parsed.config_path
    main = place if "://" in place else _folder(place)
    if parsed.config_dir is not None:
        parsed.config_dir = _folder(parsed.config_dir)
    name = DEFAULT_CONFIG if parsed.config_name is None else parsed.config_name
    return Arguments(ours, given, parsed, main, name)


def _take_options(argv: Sequence[str], options: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Our options with their values, the last of each, and the other arguments."""
    given: dict[str, str] = {}
    rest: list[str] = []
    waiting = iter(argv)
    for argument in waiting:
        name, has_value, value = argument.partition("=")
        if name not in options:
            rest.append(argument)
            continue
        given[name] = value if has_value else next(waiting, "")
        if not given[name] or (not has_value and given[name].startswith("-")):
            raise CommandError(f"{name} needs a value", f"write {name} {options[name]} or {name}={options[name]}")
    return given, rest


def _parse(argv: list[str], known: set[str]) -> Namespace:
    from hydra._internal.utils import get_args_parser

    parser: ArgumentParser = get_args_parser()
    options = [*known, *(option for action in parser._actions for option in action.option_strings)]

    def refuse(message: str) -> NoReturn:
        text, _, names = message.partition("unrecognized arguments: ")
        if not names:
            raise CommandError(text, _SEE_HELP)
        first = names.split()[0]
        raise CommandError(f"unknown flag {first}", did_you_mean(first, options) or _SEE_HELP)

    parser.error = refuse  # type: ignore[method-assign] # it would print Hydra's usage and exit
    # overrides may stand before, between and after the flags
    arguments: Namespace = parser.parse_intermixed_args(argv)
    for action in parser._actions:
        if action.option_strings and getattr(arguments, action.dest, None) == "":
            raise CommandError(f"{action.option_strings[0]} needs a value", _SEE_HELP)
    if arguments.resolve and arguments.cfg is None:
        raise CommandError("--resolve goes with --cfg (-c job, -c hydra or -c all)")
    commands = [arguments.run, arguments.multirun, arguments.shell_completion, arguments.cfg, arguments.info]
    if sum(map(bool, commands)) > 1:
        raise CommandError("only one of --run, --multirun, --cfg, --info and --shell-completion can be given")
    return arguments


def _folder(name: str) -> str:
    folder = Path(name)
    if folder.is_dir():
        return str(folder.resolve())
    if folder.suffix in (".yaml", ".yml"):
        hint = f"--config-path is the folder: --config-path {folder.parent} --config-name {folder.stem}"
    else:
        hint = f"a relative path starts in the working folder, {Path.cwd()}"
    raise CommandError(f"no config folder {name!r}", hint)

"""Why a `_target_` cannot be imported, or nothing can because of one distribution, in one line."""

import importlib
import importlib.metadata
import sys
import traceback
from pathlib import Path

import hydra

from ccflow_etl.cli.errors import CommandError, did_you_mean


def explain_import(target: str, key: str, error: BaseException) -> CommandError:
    """Return what to tell about a `_target_` that cannot be imported: the module's own error, and where it is.

    Args:
        target: The `_target_`.
        key: The config key that holds it.
        error: What importing it raised; the first of its causes is the module's own error.
    """
    while error.__cause__ is not None:
        error = error.__cause__
    if not all(part.isidentifier() for part in target.split(".")):
        return CommandError(f"{key}: _target_ is {target!r}, and not a dotted path such as my_models.Stats")
    start = f"{key}: cannot import {target}: "
    match error:
        case SyntaxError():
            place = f"{shorten(error.filename or '?')}, line {error.lineno}"
            return CommandError(f"{start}{type(error).__name__}: {error.msg} ({place})")
        case ModuleNotFoundError() if error.name and f"{target}.".startswith(f"{error.name}."):
            return _explain_missing(start, error.name)
        case _:
            return CommandError(f"{start}{type(error).__name__}: {error}{raised_in(error)}")


def explain_unreadable(error: BaseException) -> CommandError | None:
    """Return which distribution has an entry_points.txt that cannot be read, if that is what was raised.

    Plugins are looked for in all distributions at once, by pydantic too, and the error does not say which it was in.
    """
    files = {frame.filename for frame in traceback.extract_tb(error.__traceback__)}
    if importlib.metadata.__file__ not in files:
        return None
    for distribution in importlib.metadata.distributions():
        try:
            _ = distribution.entry_points
        except Exception as unreadable:
            name = distribution.metadata["Name"]
            return CommandError(
                f"the entry_points.txt of {name} cannot be read: {type(unreadable).__name__}: {unreadable}",
                f"install {name} anew, or remove it",
            )
    return None


def _explain_missing(start: str, name: str) -> CommandError:
    parent, _, last = name.rpartition(".")
    if parent:
        return CommandError(f"{start}{parent} has no {last!r}", did_you_mean(last, dir(sys.modules.get(parent))))
    here = Path.cwd()
    hint = did_you_mean(name, [path.stem for path in here.glob("*.py")])
    return CommandError(
        f"{start}No module named {name!r}", hint or f"is it installed, or is {name}.py in the working folder {here}?"
    )


def raised_in(error: BaseException) -> str:
    """Name the last line of the traceback that is not in the import machinery of Python or Hydra."""
    machinery = ("<frozen", str(Path(importlib.__file__).parent), str(Path(hydra.__file__).parent))
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(machinery)]
    return f" ({shorten(frames[-1].filename)}, line {frames[-1].lineno})" if frames else ""


def shorten(filename: str) -> str:
    """Return a file's path, relative to the working folder when it is in it.

    >>> shorten(str(Path.cwd() / "my_models.py"))
    'my_models.py'
    """
    path = Path(filename)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else filename

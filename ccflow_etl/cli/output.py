"""Results on stdout: a short summary for a person, JSON for a program."""

import reprlib
from pathlib import PurePath
from typing import Any

from ccflow import BaseModel

from ccflow_etl.cli.errors import RunFailed
from ccflow_etl.cli.json_text import to_json
from ccflow_etl.cli.streams import write_stdout

_LONGEST = 300  # characters of a field's value


def print_result(result: Any, as_json: bool) -> None:
    """Print what a run returned.

    Raises:
        BrokenPipeError: Nobody reads stdout any more.
        RunFailed: It cannot be printed, whoever's fault that is: the result has no such form, or stdout is full.
    """
    try:
        write_stdout(to_json(result) if as_json else summary(result))
    except BrokenPipeError:
        raise
    except Exception as error:
        told = str(error) if isinstance(error, RunFailed) else f"{type(error).__name__}: {error}"
        raise RunFailed(
            f"the run is over, and its result could not be printed: {told}",
            "what was run is done; only printing it failed",
        ) from error


def summary(result: Any) -> str:
    r"""Return what to print of a result: its own `str` when its class has one, else a line per field, long values cut.

    >>> from ccflow import GenericResult
    >>> print(summary(GenericResult(value={"words": 4})))
    GenericResult
      value: {'words': 4}
    """
    if not isinstance(result, BaseModel) or type(result).__str__ is not BaseModel.__str__:
        return str(result)
    lines = [f"  {name}: {_short(getattr(result, name))}" for name in type(result).model_fields]
    return "\n".join([type(result).__name__, *lines])


def _short(value: Any) -> str:
    if isinstance(value, (str, PurePath)) and len(str(value)) <= _LONGEST:
        return str(value)
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return f"{type(value).__name__} of shape {shape}"
    short = reprlib.Repr()
    short.maxstring = short.maxother = _LONGEST
    text = short.repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... (--json prints all)"

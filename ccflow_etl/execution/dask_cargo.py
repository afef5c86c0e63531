"""What a Dask worker holds for the calls of a run, and how they use it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import cloudpickle
from distributed import WorkerPlugin, get_worker

__all__ = ["NOT_BEGUN", "Cargo", "Exited", "call_pickled", "call_with_cargo"]


class _Answer(Enum):
    NOT_BEGUN = "not begun"


NOT_BEGUN = _Answer.NOT_BEGUN
"""The answer of a call that arrived after its run was stopped."""


class Cargo(WorkerPlugin):
    """A function and its first argument, which a worker holds under a name."""

    def __init__(self, name: str, fn: Callable[..., Any], cargo: bytes):
        self.name = name
        self.fn = fn
        self.cargo = cargo
        self.stopped = False


def call_with_cargo(name: str, *args: Any) -> Any:
    """Call what the worker holds, unless it is stopped."""
    held: Cargo = get_worker().plugins[name]
    return NOT_BEGUN if held.stopped else held.fn(held.cargo, *args)


@dataclass
class Exited:
    """The answer of a call that ended with what is no ``Exception``, and would end its worker: ``SystemExit``, say.

    Its parts, as distributed has exceptions pickled without what their constructors make of them.
    """

    kind: type[BaseException]
    args: tuple[Any, ...]


def call_pickled(call: bytes) -> Any:
    """Call what was pickled."""
    try:
        return cloudpickle.loads(call)()
    except Exception:
        raise
    except BaseException as error:
        return Exited(type(error), error.args)

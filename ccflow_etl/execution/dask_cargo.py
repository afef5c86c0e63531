"""What a Dask worker holds for the calls of a run, and how they use it."""

from collections.abc import Callable
from enum import Enum
from typing import Any

import cloudpickle
from distributed import WorkerPlugin, get_worker

__all__ = ["NOT_BEGUN", "Cargo", "call_pickled", "call_with_cargo"]


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


def call_pickled(call: bytes) -> Any:
    """Call what was pickled."""
    return cloudpickle.loads(call)()

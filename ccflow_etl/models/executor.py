"""An executor as an optional field of a model, and its pool for the length of a run."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Annotated, Any

from pydantic import BeforeValidator, WrapSerializer

from ..execution.executors import BaseExecutor
from .stores import dump_store

__all__ = ["OptionalExecutor", "opened"]


def _validated(value: Any) -> Any:
    return value if value is None or isinstance(value, Executor) else BaseExecutor.model_validate(value)


OptionalExecutor = Annotated[Any, BeforeValidator(_validated), WrapSerializer(dump_store)]
"""A field type: an executor's configuration, its registry path, an open ``concurrent.futures.Executor``, or None."""


@contextmanager
def opened(executor: BaseExecutor | Executor | None) -> Iterator[Executor | None]:
    """The pool of an executor: opened for the run, or the caller's own, which stays open."""
    if isinstance(executor, BaseExecutor):
        with executor.open() as pool:
            yield pool
    else:
        yield executor

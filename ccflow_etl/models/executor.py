"""An executor as an optional field of a model."""

from concurrent.futures import Executor
from typing import Annotated, Any

from pydantic import BeforeValidator, SerializerFunctionWrapHandler, WrapSerializer

from ..execution.executors import BaseExecutor

__all__ = ["OptionalExecutor"]


def _validated(value: Any) -> Any:
    return value if value is None or isinstance(value, Executor) else BaseExecutor.model_validate(value)


def _dumped(executor: Any, default: SerializerFunctionWrapHandler) -> Any:
    # A live pool cannot be dumped; its identity is all that the key of a cache needs.
    if isinstance(executor, Executor):
        return f"{type(executor).__module__}.{type(executor).__qualname__}@{id(executor):x}"
    return default(executor)


OptionalExecutor = Annotated[Any, BeforeValidator(_validated), WrapSerializer(_dumped)]
"""A field type: an executor's configuration, its registry path, an open ``concurrent.futures.Executor``, or None."""

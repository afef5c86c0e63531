"""An executor as an optional field of a model."""

from concurrent.futures import Executor
from typing import Annotated, Any

from pydantic import BeforeValidator, WrapSerializer

from ..execution.executors import BaseExecutor
from .stores import dump_store

__all__ = ["OptionalExecutor"]


def _validated(value: Any) -> Any:
    return value if value is None or isinstance(value, Executor) else BaseExecutor.model_validate(value)


OptionalExecutor = Annotated[Any, BeforeValidator(_validated), WrapSerializer(dump_store)]
"""A field type: an executor's configuration, its registry path, an open ``concurrent.futures.Executor``, or None."""

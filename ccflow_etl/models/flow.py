"""ccflow's decorator of calls with types: its own hides from type checkers what a model returns."""

from collections.abc import Callable
from typing import Any, TypeVar

from ccflow import ContextType, Flow, ResultType

Model = TypeVar("Model")


def flow_call(**options: bool) -> Callable[[Callable[[Model, ContextType], ResultType]], Callable[..., ResultType]]:
    """Return ``Flow.call`` with these options; a call takes a context or whatever ccflow makes one of.

    >>> from ccflow import CallableModel, GenericResult, NullContext
    >>> class Answer(CallableModel):
    ...     @flow_call()
    ...     def __call__(self, context: NullContext) -> GenericResult[int]:
    ...         return GenericResult[int](value=42)
    >>> Answer()({}).value
    42
    """
    decorator: Any = Flow.call(**options)
    return decorator

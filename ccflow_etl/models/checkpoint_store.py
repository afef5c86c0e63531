"""A checkpoint store as an optional field of a model or context."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, SerializerFunctionWrapHandler, WrapSerializer

from .stores import require_methods, resolve_store


def _validated(value: Any) -> Any:
    return None if value is None else require_methods(resolve_store(value), ("should_skip",))


def _dumped(store: Any, default: SerializerFunctionWrapHandler) -> Any:
    if store is None or isinstance(store, BaseModel):
        return default(store)
    # Evaluators hash the dump of every context, and a plain store may hold a connection or a lock that cannot be
    # dumped or pickled. Its identity is all that a key needs.
    return f"{type(store).__module__}.{type(store).__qualname__}@{id(store):x}"


OptionalCheckpointStore = Annotated[Any, BeforeValidator(_validated), WrapSerializer(_dumped)]
"""A field type: any object with ``should_skip(key)``, its registry path, its config with ``_target_``, or None."""

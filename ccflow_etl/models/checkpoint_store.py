"""A checkpoint store as an optional field of a model or context."""

from typing import Annotated, Any

from pydantic import BeforeValidator, WrapSerializer

from .stores import dump_store, require_methods, resolve_store


def _validated(value: Any) -> Any:
    return None if value is None else require_methods(resolve_store(value), ("should_skip",))


OptionalCheckpointStore = Annotated[Any, BeforeValidator(_validated), WrapSerializer(dump_store)]
"""A field type: any object with ``should_skip(key)``, its registry path, its config with ``_target_``, or None."""

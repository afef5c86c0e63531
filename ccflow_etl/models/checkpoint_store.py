"""What a decision looks into, as fields of a model or context: an object, a path in the registry, or a config."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, WrapSerializer

from .stores import dump_store, require_methods, resolve_store


def _having(*methods: str) -> Callable[[Any], Any]:
    return lambda value: require_methods(resolve_store(value), methods)


def _none_or(validate: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else validate(value)


AnyCheckpointStore = Annotated[Any, BeforeValidator(_having("should_skip")), WrapSerializer(dump_store)]
"""A field type: any object with ``should_skip(key)``."""

OptionalCheckpointStore = Annotated[Any, BeforeValidator(_none_or(_having("should_skip"))), WrapSerializer(dump_store)]
"""A field type: any object with ``should_skip(key)``, or None."""

OptionalByteStore = Annotated[
    Any, BeforeValidator(_none_or(_having("exists", "get_bytes"))), WrapSerializer(dump_store)
]
"""A field type: any byte store that can be looked into, or None."""

AnyDatabase = Annotated[Any, BeforeValidator(_having("exists")), WrapSerializer(dump_store)]
"""A field type: any object with ``exists(key)``."""

OptionalDatabase = Annotated[Any, BeforeValidator(_none_or(_having("exists"))), WrapSerializer(dump_store)]
"""A field type: any object with ``exists(key)``, or None."""

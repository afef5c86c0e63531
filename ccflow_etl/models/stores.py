"""A byte store as a field of a model: an object, a path in ccflow's registry, or a config with ``_target_``."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from ccflow import ObjectConfig, PyObjectPath
from ccflow.base import resolve_str
from pydantic import AfterValidator, BaseModel, BeforeValidator, SerializerFunctionWrapHandler, WrapSerializer


def resolve_store(value: Any) -> Any:
    """Return the store that a configured value stands for.

    Text is a path in ccflow's registry, such as ``/cache/store`` (an ``ObjectConfig`` there stands for its object).
    A mapping with ``_target_`` is made into that object. Anything else is the store itself.

    Raises:
        ValueError: If the registry has no such path, or the mapping has no ``_target_``.

    >>> resolve_store({"_target_": "ccflow_etl.LocalCacheStore", "root": "cache"}).uri("AAA")[-10:]
    '/cache/AAA'
    """
    if isinstance(value, str):
        value = _registered(value)
    elif isinstance(value, Mapping):
        value = _configured(value)
    return value.object if isinstance(value, ObjectConfig) else value


def require_methods(store: Any, methods: tuple[str, ...]) -> Any:
    """Return the store if it has these methods.

    Raises:
        ValueError: If one is missing; the message names it.

    >>> require_methods({}, ("get", "put_bytes"))
    Traceback (most recent call last):
    ...
    ValueError: store {} of type dict has no method put_bytes; a store here needs get, put_bytes
    """
    missing = [name for name in methods if not callable(getattr(store, name, None))]
    if missing:
        raise ValueError(
            f"store {store!r:.80} of type {type(store).__name__} has no method {', '.join(missing)}; "
            f"a store here needs {', '.join(methods)}"
        )
    return store


def store_method(store: Any, name: str) -> Callable[..., Any] | None:
    """Return an optional method of a store, or None if it has none.

    >>> store_method({}, "put_bytes_new") is None
    True
    """
    method = getattr(store, name, None)
    return method if callable(method) else None


def dump_store(store: Any, default: SerializerFunctionWrapHandler) -> Any:
    """Return what stands for a store in the dump of a model: its settings, or its identity if it is a plain object.

    Evaluators hash the dump of every model. A plain store may hold a lock or a connection that cannot be hashed, or
    its payloads, which change; which object it is tells it from others as long as it lives.

    >>> dump_store({}, default=str).startswith("builtins.dict@")
    True
    """
    if store is None or isinstance(store, BaseModel):
        return default(store)
    return f"{type(store).__module__}.{type(store).__qualname__}@{id(store):x}"


def _registered(path: str) -> Any:
    try:
        return resolve_str(path)
    except KeyError as error:
        raise ValueError(f"no store {path!r} in the registry: {error.args[0]}") from None


def _configured(config: Mapping[str, Any]) -> Any:
    settings = dict(config)
    target = settings.pop("_target_", None) or settings.pop("type_", None)  # as configured, or as dumped by ccflow
    if target is None:
        raise ValueError(f"a store config needs '_target_', the class to make; it has {sorted(settings)}")
    made_by = PyObjectPath.validate(target).object
    if isinstance(made_by, type) and issubclass(made_by, BaseModel):
        return made_by.model_validate(settings)
    return made_by(**settings)


ReadableStore = Annotated[
    Any,
    BeforeValidator(resolve_store),
    AfterValidator(lambda store: require_methods(store, ("exists", "get_bytes", "uri"))),
    WrapSerializer(dump_store),
]
"""A field type: any object that payloads can be read from, its registry path, or its config with ``_target_``."""

WritableStore = Annotated[
    Any,
    BeforeValidator(resolve_store),
    AfterValidator(lambda store: require_methods(store, ("exists", "put_bytes", "uri"))),
    WrapSerializer(dump_store),
]
"""A field type: any object that payloads can be written to, its registry path, or its config with ``_target_``."""

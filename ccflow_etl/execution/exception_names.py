"""Exceptions by the names of their classes, so that no client library is imported to name its errors."""

import contextlib
import logging
import sys
from collections.abc import Collection, Iterator
from importlib import import_module

__all__ = ["CONNECTION_NAMES", "TIMEOUT_NAMES", "classes_named", "is_named"]

log = logging.getLogger(__name__)

# The names under which the standard library and the common HTTP, cloud and RPC clients raise these.
TIMEOUT_NAMES = (
    "TimeoutException",
    "TimeoutError",
    "Timeout",
    "ConnectTimeout",
    "ReadTimeout",
    "WriteTimeout",
    "PoolTimeout",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ServerTimeoutError",
    "DeadlineExceeded",
)
CONNECTION_NAMES = (
    "ConnectError",
    "ConnectionError",
    "NetworkError",
    "ClientConnectionError",
    "NewConnectionError",
)


def is_named(exception: BaseException, names: Collection[str]) -> bool:
    """Whether a class in the exception's MRO has one of these names.

    >>> is_named(ConnectionResetError(), ["OSError"]), is_named(ConnectionResetError(), ["TimeoutError"])
    (True, False)
    """
    return any(_names(names, cls) for cls in type(exception).__mro__)


def _names(names: Collection[str], cls: type) -> bool:
    """Whether this very class has one of these names, which are with or without the module that defines it."""
    return cls.__name__ in names or f"{cls.__module__}.{cls.__qualname__}" in names


def classes_named(names: Collection[str]) -> list[type[Exception]]:
    """The importable exception classes of these names: those in memory, and those that a full name imports.

    >>> classes_named(["BlockingIOError", "json.decoder.JSONDecodeError"])
    [<class 'BlockingIOError'>, <class 'json.decoder.JSONDecodeError'>]
    """
    for name in names:
        module, _, _ = name.rpartition(".")
        if module:
            with contextlib.suppress(ImportError):
                import_module(module)
    loaded = set(_subclasses(Exception))
    found: list[type[Exception]] = []
    for name in names:
        matching = [cls for cls in loaded if _names([name], cls) and _is_importable(cls)]
        found += sorted(set(matching).difference(found), key=lambda cls: (cls.__module__, cls.__qualname__))
        if not matching:
            log.warning("no importable exception class is named %r: import its module first, or name it in full", name)
    return found


def _subclasses(cls: type[Exception]) -> Iterator[type[Exception]]:
    yield cls
    for subclass in type.__subclasses__(cls):
        yield from _subclasses(subclass)


def _is_importable(cls: type) -> bool:
    found: object = sys.modules.get(cls.__module__)
    for part in cls.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is cls

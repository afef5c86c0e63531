"""What travels to another process: the call, and as much of ccflow's registry and options as pickles."""

import io
import logging
import os
import socket
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import cloudpickle
from ccflow import GlobalState, ModelEvaluationContext, ModelRegistry

from .retry import RetryPolicy

__all__ = ["pack", "unpack"]

log = logging.getLogger(__name__)

Work = tuple[Callable[[Any], Any], RetryPolicy | None]


def pack(call: Callable[[Any], Any], policy: RetryPolicy | None, destination: str) -> bytes:
    """A call as bytes for :func:`unpack`, which are the same for each step of a run.

    What the registry and the open options hold that does not pickle (an open pool, a connection) stays here.

    Raises:
        TypeError: the call itself does not pickle; the message names it and its ``destination``.

    >>> unpack(pack(abs, None, "nowhere"))[0](-1)
    1
    """
    try:
        work = _pickled((call, policy))
    except Exception as error:
        raise TypeError(
            f"{type(call).__name__} cannot be sent to the workers of {destination}: it does not pickle "
            f"({type(error).__name__}: {error}). Run it in threads, or make what it holds when it is called."
        ) from error
    models = {name: _bytes(name, model) for name, model in ModelRegistry.root().models.items()}
    options = [_bytes("options", override) for override in GlobalState().open_overrides.values()]
    return cloudpickle.dumps((os.getpid(), type(call).__name__, work, models, options))


def _bytes(name: str, value: Any) -> bytes | None:
    try:
        return _pickled(value)
    except Exception as error:
        log.debug("%s does not travel to other processes: %s", name, error)
        return None


class _Pickler(cloudpickle.Pickler):
    """Every registered model refers to the root registry: the one there stands for the one here, with all it holds."""

    def reducer_override(self, obj: Any) -> Any:
        return (_root, ()) if obj is ModelRegistry.root() else super().reducer_override(obj)


def _root() -> ModelRegistry:
    return ModelRegistry.root()


def _pickled(value: Any) -> bytes:
    file = io.BytesIO()
    _Pickler(file).dump(value)
    return file.getvalue()


_ONE_AT_A_TIME = threading.Lock()


def unpack(packed: bytes) -> Work:
    """The call; in another process than its own, also sets ccflow's registry and options as they were there.

    Raises:
        ImportError: The call cannot be made here; the message says what is missing, and where.
    """
    with _ONE_AT_A_TIME:  # the first calls of several threads
        return _unpacked(packed)


@lru_cache(maxsize=1)  # the state that was set last is the state of this process
def _unpacked(packed: bytes) -> Work:
    process, name, work, models, options = cloudpickle.loads(packed)
    try:
        if process != os.getpid():
            _set_state(models, options)
        call, policy = cloudpickle.loads(work)
    except (ImportError, AttributeError) as error:  # no such module, or another version of it
        raise ImportError(
            f"{name} cannot be made by the worker on {socket.gethostname()}: {error}. Install there what is installed "
            "here, or start the workers where its modules can be imported.",
            name=getattr(error, "name", None),
        ) from error
    return call, policy


def _set_state(models: dict[str, bytes | None], options: list[bytes | None]) -> None:
    # pydantic 2.11 leaves this to the first call, and the first calls of several threads would do it at once.
    ModelEvaluationContext.model_rebuild()
    registry = ModelRegistry(name="_")
    for name, model in models.items():
        if model is not None:
            registry.add(name, cloudpickle.loads(model))
    overrides = [cloudpickle.loads(override) for override in options if override is not None]
    GlobalState.set(
        GlobalState(root_registry=registry, open_overrides={id(override): override for override in overrides})
    )

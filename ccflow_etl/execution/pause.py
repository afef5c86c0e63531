"""Waiting between attempts, in a way that the run around them can end."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["Wait", "interruptible", "pause"]

Wait = Callable[[float], bool | None]
"""Waits so many seconds, and says true at once when there is to be no more waiting: ``threading.Event().wait``, say."""

_wait: ContextVar[Wait] = ContextVar("wait", default=time.sleep)


def pause(seconds: float) -> bool:
    """Wait, and say whether a stop was asked for meanwhile; ``time.sleep`` unless the context is :func:`interruptible`.

    >>> pause(0.0)
    False
    """
    return bool(_wait.get()(seconds))


@contextmanager
def interruptible(wait: Wait) -> Iterator[None]:
    """Let every :func:`pause` of this context wait by ``wait``: in this thread, and in threads that copy its context.

    >>> from threading import Event
    >>> stop = Event()
    >>> with interruptible(stop.wait):
    ...     before = pause(0.0)
    ...     stop.set()
    ...     before, pause(3600.0)
    (False, True)
    """
    token = _wait.set(wait)
    try:
        yield
    finally:
        _wait.reset(token)

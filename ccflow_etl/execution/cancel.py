"""Stopping a run on Ctrl-C: the first lets what is running end, the second does not wait."""

import queue
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Self

__all__ = ["Cancellation"]

# Python hears a signal that comes just before a wait begins, or in another thread, when the wait is over.
_SECONDS_BETWEEN_LOOKS = 0.5


class Cancellation:
    """While it is entered, the first SIGINT is a request to stop, and the second raises ``KeyboardInterrupt``.

    So does SIGTERM, where a program has it handled as Python does SIGINT: by ``signal.default_int_handler``.
    Only the main thread can say what a signal does: entered in another one, it never asks for anything.

    Args:
        on_request: Called once, when the request comes.

    >>> with Cancellation() as cancellation:
    ...     cancellation.requested
    False
    """

    def __init__(self, on_request: Callable[[], None] = lambda: None):
        self.requested = False
        self._on_request = on_request
        # Not an Event: a handler that sets one waits for ever for the lock of the wait that it interrupted.
        self._stop: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._taken: list[signal.Signals] = []

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            # A program that ignores a signal, or has a handler of its own, keeps it.
            signals = (signal.SIGINT, signal.SIGTERM)
            self._taken = [each for each in signals if signal.getsignal(each) is signal.default_int_handler]
        for each in self._taken:
            signal.signal(each, self._receive)
        return self

    def __exit__(self, *error: object) -> None:
        for each in self._taken:
            signal.signal(each, signal.default_int_handler)

    def wait(self, seconds: float) -> bool:
        """Wait so many seconds, or until a stop is requested; whether it was."""
        until = time.monotonic() + seconds
        while not self.requested and (left := until - time.monotonic()) > 0:
            with suppress(queue.Empty):
                self._stop.get(timeout=min(left, _SECONDS_BETWEEN_LOOKS))
                self._stop.put(None)  # for whoever else waits
        return self.requested

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        self._stop.put(None)
        self._on_request()

"""An attempt that may take only so long."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextvars import copy_context
from typing import TypeVar

__all__ = ["AttemptTimeoutError", "call_within"]

T = TypeVar("T")


class AttemptTimeoutError(TimeoutError):
    """An attempt took longer than ``attempt_timeout_seconds`` and was abandoned. It is retried as a matter of course.

    >>> from ccflow_etl import RetryPolicy
    >>> RetryPolicy(max_attempts=2).should_retry_exception(AttemptTimeoutError("slow"), attempt=1)
    True
    """


def call_within(call: Callable[[], T], seconds: float) -> T:
    """What a call returns or raises, if that is within so many seconds.

    The call runs in a thread of its own, with the caller's context variables. A thread cannot be interrupted: a call
    that takes longer is abandoned, which means that nobody waits for it or hears of its result, while the call itself
    goes on, with whatever it writes, holds and uses. It does not keep the process from ending.

    Raises:
        AttemptTimeoutError: the call had not ended.

    >>> call_within(lambda: 42, seconds=60)
    42
    """
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:  # raised where the outcome is asked for
            outcome.set_exception(error)

    threading.Thread(target=copy_context().run, args=(run,), name="attempt", daemon=True).start()
    if not wait([outcome], seconds).done:
        raise AttemptTimeoutError(f"no result within {seconds:g} s; the attempt was abandoned and its thread goes on")
    return outcome.result()

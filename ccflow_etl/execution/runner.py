"""Running one call for each item of a sequence: here, or in a pool with a sliding window of submitted work."""

import os
import queue
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from .attempts import run_with_retry
from .executors import CallingThread
from .retry import RetryEvent, RetryExecutionError, RetryPolicy

__all__ = ["Outcome", "run_calls"]

# What a pool is given ahead of its workers, so that none of them waits and no queue grows with the run.
_AHEAD = 2
_WORKERS_OF_UNKNOWN_POOL = 16


@dataclass(slots=True)
class Outcome:
    """What became of one call.

    ``item`` is what was called with, ``error`` the exception it ended with, and ``trace`` its traceback as text, which
    survives another process. ``started`` is in seconds since 1970, ``seconds`` is what it took with all its attempts.
    """

    index: int
    item: Any = None
    result: Any = None
    error: Exception | None = None
    trace: str = ""
    attempts: int = 1
    started: float = 0.0
    seconds: float = 0.0


def run_calls(
    call: Callable[[Any], Any],
    items: Iterable[Any],
    *,
    pool: Executor | None = None,
    policy: RetryPolicy | None = None,
    ahead: int | None = None,
    go_on: Callable[[], bool] = lambda: True,
) -> Iterator[Outcome]:
    """Call once for each item and yield the outcomes as they come; an exception of a call is an outcome.

    Without a pool the calls take place here, one after the other, as the outcomes are asked for. With one, a few calls
    more than it has workers are submitted at a time, or ``ahead`` of them. ``go_on`` is asked before each call: once it
    says no, calls that are under way end and none begins.

    >>> [outcome.result for outcome in run_calls(abs, [-1, -2])]
    [1, 2]
    """
    if pool is None:
        for index, item in enumerate(items):
            if not go_on():
                return
            outcome = _attempt(call, policy, index, item)
            outcome.item = item
            yield outcome
    else:
        yield from _run_in_pool(_submitter(call, policy, pool), items, ahead or _AHEAD * _workers(pool), go_on)


def _run_in_pool(
    submit: Callable[[int, Any], "Future[Outcome]"], items: Iterable[Any], window: int, go_on: Callable[[], bool]
) -> Iterator[Outcome]:
    done: queue.SimpleQueue[Future[Outcome]] = queue.SimpleQueue()
    running: dict[Future[Outcome], tuple[int, Any]] = {}
    waiting = enumerate(items)
    while True:
        while len(running) < window and go_on() and (entry := next(waiting, None)) is not None:
            future = submit(*entry)
            running[future] = entry
            future.add_done_callback(done.put)
        if not running:
            return
        future = done.get()
        index, item = running.pop(future)
        error = future.exception()
        if error is None:
            outcome = future.result()
        elif isinstance(error, Exception):  # of the pool itself: a worker that died, say
            outcome = Outcome(index, error=error, trace="".join(traceback.format_exception(error)))
        else:
            raise error
        outcome.item = item
        yield outcome


def _workers(pool: Executor) -> int:
    return getattr(pool, "_max_workers", None) or _WORKERS_OF_UNKNOWN_POOL


def _attempt(call: Callable[[Any], Any], policy: RetryPolicy | None, index: int, item: Any) -> Outcome:
    outcome = Outcome(index, started=time.time())
    began = time.perf_counter()
    try:
        if policy is None:
            outcome.result = call(item)
        else:
            events: list[RetryEvent] = []
            try:
                outcome.result = run_with_retry(partial(call, item), policy, events.append)
            finally:
                outcome.attempts = len(events)
    except Exception as error:
        # What the attempts ended with, unless it was no exception but a status code.
        cause = error.__cause__ if isinstance(error, RetryExecutionError) else None
        outcome.error = cause if isinstance(cause, Exception) else error
        outcome.trace = traceback.format_exc()
    outcome.seconds = time.perf_counter() - began
    return outcome


def _submitter(
    call: Callable[[Any], Any], policy: RetryPolicy | None, pool: Executor
) -> "Callable[[int, Any], Future[Outcome]]":
    """How a call is submitted: with this context's variables to threads, as bytes to whatever may be elsewhere."""
    if isinstance(pool, ThreadPoolExecutor | CallingThread):
        return lambda index, item: pool.submit(copy_context().run, _attempt, call, policy, index, item)
    import cloudpickle
    from ccflow import GlobalState

    # The same bytes each time, which each worker reads once.
    work = cloudpickle.dumps((os.getpid(), GlobalState(), call, policy))

    def submit(index: int, item: Any) -> "Future[Outcome]":
        travelling = pool.submit(_attempt_elsewhere, work, index, cloudpickle.dumps(item))
        future: Future[Outcome] = Future()
        travelling.add_done_callback(lambda arrived: _arrive(arrived, future))
        return future

    return submit


def _arrive(arrived: "Future[bytes]", future: "Future[Outcome]") -> None:
    import cloudpickle

    try:
        future.set_result(cloudpickle.loads(arrived.result()))
    except BaseException as error:
        future.set_exception(error)


def _attempt_elsewhere(work: bytes, index: int, item: bytes) -> bytes:
    import cloudpickle

    call, policy = _unpack(work)
    outcome = _attempt(call, policy, index, cloudpickle.loads(item))
    try:
        return cloudpickle.dumps(outcome)
    except Exception as error:
        told = f"step {index} ended, but what it ended with cannot be sent back: {type(error).__name__}: {error}"
        outcome.result, outcome.error, outcome.trace = None, TypeError(told), outcome.trace or told
        return cloudpickle.dumps(outcome)


@lru_cache(maxsize=8)
def _unpack(work: bytes) -> tuple[Callable[[Any], Any], RetryPolicy | None]:
    """The call, and the ccflow registry and options of the process that sent it."""
    import cloudpickle
    from ccflow import GlobalState

    process, state, call, policy = cloudpickle.loads(work)
    if process != os.getpid():
        GlobalState.set(state)
    return call, policy

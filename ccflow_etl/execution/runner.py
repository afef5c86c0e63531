"""Running one call for each item of a sequence: here, or in a pool with a sliding window of submitted work."""

import os
import queue
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any

import cloudpickle

from .attempts import run_with_retry
from .executors import CallingThread
from .retry import RetryCancelled, RetryEvent, RetryExecutionError, RetryPolicy
from .travel import pack, unpack

__all__ = ["Outcome", "attempt", "run_calls"]

_WORKERS_OF_UNKNOWN_POOL = 16


@dataclass(slots=True)
class Outcome:
    """What became of one call.

    ``item`` is what was called with, ``error`` the exception it ended with. ``told`` is its type and message and
    ``trace`` its traceback, as texts, which survive another process even where the exception does not. ``started`` is
    in seconds since 1970, ``seconds`` is what it took with all its attempts, ``process`` the process it took place in.
    """

    index: int
    item: Any = None
    result: Any = None
    error: Exception | None = None
    told: str = ""
    trace: str = ""
    attempts: int = 1
    started: float = 0.0
    seconds: float = 0.0
    process: int = 0

    @property
    def failed(self) -> bool:
        """Whether it ended with an exception of its own."""
        return self.error is not None and not self.cancelled

    @property
    def cancelled(self) -> bool:
        """Whether it was cut short between two attempts, and so neither succeeded nor failed."""
        return isinstance(self.error, RetryCancelled)


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

    Without a pool the calls take place here, one after the other, as the outcomes are asked for. With one, as many
    calls are submitted as it has workers, or ``ahead`` of them: what waited in the pool could begin when nothing should
    any more. ``go_on`` is asked before each call: once it says no, calls that are under way end and none begins.

    >>> [outcome.result for outcome in run_calls(abs, [-1, -2])]
    [1, 2]
    """
    if pool is None or isinstance(pool, CallingThread):
        for index, item in enumerate(items):
            if not go_on():
                return
            outcome = attempt(call, policy, index, item)
            outcome.item = item
            yield outcome
    else:
        yield from _run_in_pool(_submitter(call, policy, pool), items, ahead or _workers(pool), go_on)


def _run_in_pool(submit: "Submit", items: Iterable[Any], window: int, go_on: Callable[[], bool]) -> Iterator[Outcome]:
    done: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
    running: dict[Future[Any], tuple[int, Any]] = {}
    waiting = enumerate(items)
    while True:
        while len(running) < window and go_on() and (entry := next(waiting, None)) is not None:
            try:
                future = submit(*entry)
            except BrokenExecutor as broken:  # a worker died, and the pool takes no more calls
                yield _failure(*entry, broken)
                window = 0
            else:
                running[future] = entry
                future.add_done_callback(done.put)
        if not go_on():
            for future in [future for future in running if future.cancel()]:
                del running[future]
        if not running:
            return
        future = done.get()
        if future not in running:  # cancelled here
            continue
        index, item = running.pop(future)
        error = CancelledError("the pool cancelled the call") if future.cancelled() else future.exception()
        if error is None:
            arrived = future.result()
            outcome: Outcome = cloudpickle.loads(arrived) if isinstance(arrived, bytes) else arrived
            outcome.item = item
            yield outcome
        elif isinstance(error, Exception):  # of the pool itself: a worker that died, say
            yield _failure(index, item, error)
        else:
            raise error


def _failure(index: int, item: Any, error: Exception) -> Outcome:
    trace = "".join(traceback.format_exception(error))
    return Outcome(index, item, error=error, told=_told(error), trace=trace)


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _workers(pool: Executor) -> int:
    return getattr(pool, "_max_workers", None) or _WORKERS_OF_UNKNOWN_POOL


def attempt(call: Callable[[Any], Any], policy: RetryPolicy | None, index: int, item: Any) -> Outcome:
    """Call once, or as often as the policy has it, here and now; an exception is part of the outcome.

    >>> attempt(int, None, 0, "seven").told
    "ValueError: invalid literal for int() with base 10: 'seven'"
    """
    outcome = Outcome(index, started=time.time(), process=os.getpid())
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
        # What the attempts ended with, unless it was no exception but a status code, or they were cut short.
        ended = isinstance(error, RetryExecutionError) and not isinstance(error, RetryCancelled)
        cause = error.__cause__ if ended else None
        outcome.error = cause if isinstance(cause, Exception) else error
        outcome.told = _told(outcome.error)
        outcome.trace = traceback.format_exc()
    outcome.seconds = time.perf_counter() - began
    return outcome


Submit = Callable[[int, Any], "Future[Any]"]
"""Submits the n-th call with its item; the future gives an Outcome, or one as bytes from elsewhere."""


def _submitter(call: Callable[[Any], Any], policy: RetryPolicy | None, pool: Executor) -> Submit:
    """How a call is submitted: with this context's variables to threads, as bytes to whatever may be elsewhere."""
    if isinstance(pool, ThreadPoolExecutor):
        return lambda index, item: pool.submit(copy_context().run, attempt, call, policy, index, item)
    work = pack(call, policy, type(pool).__name__)
    return lambda index, item: pool.submit(_attempt_elsewhere, work, index, cloudpickle.dumps(item))


def _attempt_elsewhere(work: bytes, index: int, item: bytes) -> bytes:
    call, policy = unpack(work)
    outcome = attempt(call, policy, index, cloudpickle.loads(item))
    try:
        # Some exceptions pickle, and cannot be read again.
        cloudpickle.loads(cloudpickle.dumps(outcome.error))
    except Exception:
        outcome.error = RuntimeError(outcome.told)
    try:
        return cloudpickle.dumps(outcome)
    except Exception as error:
        outcome.told = f"TypeError: the result of step {index} cannot be sent back: {_told(error)}"
        outcome.result, outcome.error, outcome.trace = None, TypeError(outcome.told), outcome.told
        return cloudpickle.dumps(outcome)

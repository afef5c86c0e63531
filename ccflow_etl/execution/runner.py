"""Running one call for each item of a sequence: here, or in a pool with a sliding window of submitted work."""

import os
import queue
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import copy_context
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import cloudpickle

from .attempts import run_with_retry
from .error_text import error_text
from .executors import CallingThread
from .retry import RetryCancelled, RetryEvent, RetryExecutionError, RetryPolicy
from .travel import pack, unpack

__all__ = ["Outcome", "attempt", "run_calls"]

_WORKERS_OF_UNKNOWN_POOL = 16

# Whatever else a call raises is its own failure: a panic of a library in Rust is no Exception, nor is a cancelled task.
_ENDS_THE_RUN = (KeyboardInterrupt, SystemExit, GeneratorExit)

# While no call ends: workers of a cluster come and go, and a stop may be requested.
_SECONDS_BETWEEN_LOOKS = 0.5


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
    error: BaseException | None = None
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

    def noted(self, note: str) -> BaseException:
        """Its error with a note, and with its traceback as another where that stayed in another process.

        >>> Outcome(0, error=KeyError("monday"), trace="Traceback ...").noted("in the first step").__notes__
        ['in the first step', 'Traceback ...']
        """
        assert self.error is not None
        self.error.add_note(note)
        if self.error.__traceback__ is None:
            self.error.add_note(self.trace)
        return self.error


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
    any more. ``go_on`` is asked before each call: once it says no, calls that are under way end and none begins. So do
    they once one has raised ``SystemExit``, which is raised when the last has ended.

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
        with _submitting(call, policy, pool) as submit:
            yield from _run_in_pool(submit, items, _window(pool, ahead), go_on)


def _run_in_pool(
    submit: "Submit", items: Iterable[Any], window: "Window", go_on: Callable[[], bool]
) -> Iterator[Outcome]:
    done: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
    running: dict[Future[Any], tuple[int, Any, float]] = {}
    waiting = enumerate(items)
    seconds: float | None = None
    refused: Outcome | None = None
    is_told = False  # by a call that had begun, that there are no more
    exited: SystemExit | None = None

    def goes_on() -> bool:
        return exited is None and go_on()

    while True:
        while len(running) < window(seconds) and goes_on() and (entry := next(waiting, None)) is not None:
            try:
                future = submit(*entry)
            except BrokenExecutor as broken:  # a worker died, and the pool takes no more calls
                refused = replace(_failure(*entry, time.time(), broken), attempts=0)
                window = _nothing
            else:
                running[future] = (*entry, time.time())
                future.add_done_callback(done.put)
        if not goes_on():
            for future in [future for future in running if future.cancel()]:
                del running[future]
        if not running:
            if exited is not None:
                raise exited
            if refused is not None and not is_told:
                yield refused
            return
        try:
            future = done.get(timeout=_SECONDS_BETWEEN_LOOKS)
        except queue.Empty:  # more may be submitted now, or nothing should begin any more
            continue
        if future not in running:  # cancelled here
            continue
        index, item, submitted = running.pop(future)
        if future.cancelled() and not goes_on():  # it had not begun
            continue
        error = CancelledError("the pool cancelled the call") if future.cancelled() else future.exception()
        if error is None:
            outcome = _arrived(future.result())
            outcome.item = item
            seconds = outcome.seconds if seconds is None else 0.9 * seconds + 0.1 * outcome.seconds
            yield outcome
        elif isinstance(error, Exception):  # of the pool itself: a worker that died, say
            is_told = is_told or isinstance(error, BrokenExecutor)
            yield _failure(index, item, submitted, error)
        elif isinstance(error, SystemExit):
            exited = error
        else:
            raise error


def _arrived(outcome: Any) -> Outcome:
    """The outcome of a call in a thread as it is, and that of one elsewhere, which comes as bytes, read again."""
    if not isinstance(outcome, bytes):
        return outcome
    found: Outcome = cloudpickle.loads(outcome)
    try:
        found.result = cloudpickle.loads(found.result)
    except Exception as error:
        _lose_result(found, "was sent back and cannot be read", error)
    return found


def _lose_result(outcome: Outcome, what: str, error: Exception) -> None:
    outcome.told = f"TypeError: the result of step {outcome.index} {what}: {error_text(error)}"
    outcome.result, outcome.error, outcome.trace = None, TypeError(outcome.told), outcome.told


def _failure(index: int, item: Any, submitted: float, error: Exception) -> Outcome:
    """What becomes of a call that cannot tell: it took the time since it was submitted."""
    trace = "".join(traceback.format_exception(error))
    seconds = max(time.time() - submitted, 0.0)
    return Outcome(index, item, error=error, told=error_text(error), trace=trace, started=submitted, seconds=seconds)


Window = Callable[[float | None], int]
"""How many calls to have submitted at a time, given how many seconds they have taken of late."""


def _window(pool: Executor, ahead: int | None) -> Window:
    if ahead is None and hasattr(pool, "ahead"):
        return pool.ahead
    workers = ahead or getattr(pool, "_max_workers", None) or _WORKERS_OF_UNKNOWN_POOL
    return lambda seconds: workers


def _nothing(seconds: float | None) -> int:
    return 0


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
    except _ENDS_THE_RUN:
        raise
    except BaseException as error:
        # What the attempts ended with, unless it was no exception but a status code, or they were cut short.
        ended = isinstance(error, RetryExecutionError) and not isinstance(error, RetryCancelled)
        cause = error.__cause__ if ended else None
        outcome.error = cause if isinstance(cause, Exception) else error
        outcome.told = error_text(outcome.error)
        outcome.trace = traceback.format_exc()
        if policy is not None and not isinstance(error, Exception):
            outcome.attempts += 1  # of which the policy is told nothing
    outcome.seconds = time.perf_counter() - began
    return outcome


Submit = Callable[[int, Any], "Future[Any]"]
"""Submits the n-th call with its item; the future gives an Outcome, or one as bytes from elsewhere."""


@contextmanager
def _submitting(call: Callable[[Any], Any], policy: RetryPolicy | None, pool: Executor) -> Iterator[Submit]:
    """How a call is submitted: with this context's variables to threads, as bytes to whatever may be elsewhere.

    What is the same for each step goes once to each worker of a pool that can see to that, by its ``carrying``.
    """
    if isinstance(pool, ThreadPoolExecutor):
        yield lambda index, item: pool.submit(copy_context().run, attempt, call, policy, index, item)
        return
    carrying = getattr(pool, "carrying", partial(_resending, pool))
    with carrying(_attempt_elsewhere, pack(call, policy, type(pool).__name__)) as submit:
        yield lambda index, item: submit(index, cloudpickle.dumps(item))


def _resending(pool: Executor, fn: Callable[..., Any], work: bytes) -> "AbstractContextManager[Submit]":
    """What a pool knows nothing of goes with each call."""
    return nullcontext(lambda *args: pool.submit(fn, work, *args))


def _attempt_elsewhere(work: bytes, index: int, item: bytes) -> bytes:
    call, policy = unpack(work)
    outcome = attempt(call, policy, index, cloudpickle.loads(item))
    try:
        # Some exceptions pickle, and cannot be read again.
        cloudpickle.loads(cloudpickle.dumps(outcome.error))
    except Exception:
        outcome.error = RuntimeError(outcome.told)
    try:
        outcome.result = cloudpickle.dumps(outcome.result)  # by itself: where it cannot be read, all else can
    except Exception as error:
        _lose_result(outcome, "cannot be sent back", error)
        outcome.result = cloudpickle.dumps(None)
    return cloudpickle.dumps(outcome)

"""Attempting a call under a retry policy."""

import math
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from .attempt_timeout import call_within
from .error_text import error_text
from .pause import Wait, pause
from .rate_limit import RateLimit
from .retry import AttemptOutcome, RetryCancelled, RetryEvent, RetryExecutionError, RetryPolicy
from .retry_after import retry_after_seconds

T = TypeVar("T")

# A delay may be any number, and what waits takes no more than some hundred years.
_LONGEST_WAIT = 1e9


def retry_summary(events: Sequence[RetryEvent]) -> dict[str, int]:
    """How many attempts there were, and how many of them were retried, succeeded and failed for good.

    >>> retry_summary([RetryEvent(attempt=1, outcome="retry"), RetryEvent(attempt=2, outcome="success")])
    {'attempts': 2, 'retried': 1, 'succeeded': 1, 'failed': 0}
    """
    counts = Counter(event.outcome for event in events)
    return {
        "attempts": len(events),
        "retried": counts["retry"],
        "succeeded": counts["success"],
        "failed": counts["failed"],
    }


def run_with_retry(
    call: Callable[[], T],
    policy: RetryPolicy,
    on_event: Callable[[RetryEvent], None] = lambda event: None,
    *,
    sleep: Wait = pause,
    clock: Callable[[], float] = time.monotonic,
    jitter: Callable[[], float] = random.random,
) -> T:
    """Call until it succeeds or the policy is exhausted, and return the result.

    A result fails if it has a ``status_code`` that is one of the policy's ``retry_status_codes``; any other status code
    is the caller's business and comes back as it is. ``on_event`` is told of each attempt as it ends, before the wait
    that follows it.

    Args:
        call: Called without arguments; in a thread of its own for each attempt if the policy has an
            ``attempt_timeout_seconds``.
        policy: What to retry, how often, and the delays.
        on_event: Told of each attempt.
        sleep: Waits so many seconds, before each attempt but the first (and before that one if a rate limit says so). A
            true answer, as that of ``threading.Event().wait``, ends the attempts.
        clock: Seconds, never going back; the same for all who share a rate limit.
        jitter: The random part of a delay, in [0, 1].

    Raises:
        RetryExecutionError: the last attempt failed in a way that is worth a retry; from its exception.
        RetryCancelled: the same, as ``sleep`` asked for a stop.
        Exception: whatever the call raised, unchanged and at once, if its type is not one to retry. What is not an
            ``Exception`` (``KeyboardInterrupt``, ``SystemExit``) is never caught.

    >>> answers = iter([ConnectionResetError("gone"), "done"])
    >>> def call():
    ...     answer = next(answers)
    ...     if isinstance(answer, Exception):
    ...         raise answer
    ...     return answer
    >>> policy = RetryPolicy(max_attempts=3, retry_exception_types=["ConnectionError"])
    >>> run_with_retry(call, policy, lambda event: print(event.attempt, event.outcome, event.exception_type))
    1 retry ConnectionResetError
    2 success None
    'done'
    """
    events: list[RetryEvent] = []

    def record(outcome: AttemptOutcome, **details: Any) -> None:
        events.append(RetryEvent(attempt=len(events) + 1, outcome=outcome, **details))
        on_event(events[-1])

    timeout, limit = policy.attempt_timeout_seconds, policy.requests_per_interval
    bounded = call if timeout is None else partial(call_within, call, timeout)
    if limit is not None and (wait := limit.reserve(clock())) and sleep(wait):
        raise RetryCancelled("stopped before the first attempt", events, retry_summary(events))
    deadline = math.inf if policy.max_elapsed_seconds is None else clock() + policy.max_elapsed_seconds
    while True:
        attempt = len(events) + 1
        ended: Any
        error: Exception | None = None
        try:
            ended = result = bounded()
        except Exception as raised:
            ended = error = raised
            failure = _exception_failure(error, policy)
            again = policy.should_retry_exception(error, attempt)
            if not policy.is_retryable(error):
                record("failed", **failure)
                raise
        else:
            status_code = _status_code(result)
            if status_code is None or status_code not in policy.retry_status_codes:
                record("success", status_code=status_code)
                return result
            failure = _status_failure(status_code, policy)
            again = policy.should_retry_status(status_code, attempt)
        told = f"attempt {attempt} of {policy.max_attempts} failed: {failure['message']}"
        wait = None
        if again:
            now, delay = clock(), _delay(policy, attempt, ended, jitter())
            wait = _reserve(limit, now, delay, deadline - now)
            if wait is None:
                told += f"; max_elapsed_seconds={policy.max_elapsed_seconds} leaves no time for another"
        if wait is None:
            record("failed", **failure)
            raise RetryExecutionError(told, events, retry_summary(events)) from error
        record("retry", delay_seconds=delay, **failure)
        if sleep(min(wait, _LONGEST_WAIT)):
            events[-1] = RetryEvent(attempt=attempt, outcome="failed", **failure)
            raise RetryCancelled(f"{told}; stopped before the next", events, retry_summary(events)) from error


def _reserve(limit: RateLimit | None, now: float, delay: float, left: float) -> float | None:
    """How long to wait for the next attempt; None if it could not begin in the time that is left."""
    if limit is None:
        return delay if delay < left else None
    return limit.reserve(now, after=delay, before=left)


def _delay(policy: RetryPolicy, attempt: int, ended: object, jitter: float) -> float:
    """The policy's own delay, or the one asked for by what the attempt ended with, if longer."""
    cap = math.inf if policy.max_delay_seconds is None else policy.max_delay_seconds
    return max(policy.delay_seconds(attempt, jitter), min(retry_after_seconds(ended) or 0.0, cap))


def _exception_failure(error: Exception, policy: RetryPolicy) -> dict[str, Any]:
    category = policy.exception_category(error)
    return {"exception_type": type(error).__name__, "category": category, "message": error_text(error)}


def _status_failure(status_code: int, policy: RetryPolicy) -> dict[str, Any]:
    category = policy.status_category(status_code)
    return {"status_code": status_code, "category": category, "message": f"status code {status_code}"}


def _status_code(result: object) -> int | None:
    status_code = getattr(result, "status_code", None)
    return status_code if isinstance(status_code, int) else None

"""Attempting a call under a retry policy."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from .retry import AttemptOutcome, RetryEvent, RetryExecutionError, RetryPolicy

T = TypeVar("T")


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
    sleep: Callable[[float], None] = time.sleep,
    jitter: Callable[[], float] = random.random,
) -> T:
    """Call until it succeeds or the policy is exhausted, and return the result.

    A result fails if it has a ``status_code`` that is one of the policy's ``retry_status_codes``; any other status code
    is the caller's business and comes back as it is. ``on_event`` is told of each attempt as it ends, before the wait
    that follows it. ``jitter`` gives the random part of a delay, in [0, 1].

    Raises:
        RetryExecutionError: the last attempt failed in a way that is worth a retry; from its exception.
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

    while True:
        attempt = len(events) + 1
        cause: Exception | None = None
        try:
            result = call()
        except Exception as error:
            cause = error
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
        if not again:
            record("failed", **failure)
            message = f"attempt {attempt} of {policy.max_attempts} failed: {failure['message']}"
            raise RetryExecutionError(message, events, retry_summary(events)) from cause
        delay = policy.delay_seconds(attempt, jitter())
        record("retry", delay_seconds=delay, **failure)
        if delay:
            sleep(delay)


def _exception_failure(error: Exception, policy: RetryPolicy) -> dict[str, Any]:
    name = type(error).__name__
    category = policy.exception_category(error)
    return {"exception_type": name, "category": category, "message": f"{name}: {error}" if str(error) else name}


def _status_failure(status_code: int, policy: RetryPolicy) -> dict[str, Any]:
    category = policy.status_category(status_code)
    return {"status_code": status_code, "category": category, "message": f"status code {status_code}"}


def _status_code(result: object) -> int | None:
    status_code = getattr(result, "status_code", None)
    return status_code if isinstance(status_code, int) else None

"""When to try again: the policy, and what is told about each attempt."""

import random
import sys
from collections.abc import Sequence
from typing import Any, Literal

from ccflow import BaseModel
from ccflow.utils.retry import RetryPolicy as CcflowRetryPolicy
from pydantic import ConfigDict, Field

from .attempt_timeout import AttemptTimeoutError
from .exception_names import CONNECTION_NAMES, TIMEOUT_NAMES, classes_named, is_named
from .rate_limit import RateLimit

AttemptOutcome = Literal["retry", "success", "failed"]
RetryCategory = Literal["timeout", "connection", "exception", "rate_limit", "server_error", "status"]


class RetryPolicy(BaseModel):
    """When to try again, and how long to wait first. Immutable; one policy may serve many threads.

    Exception types are class names and match any class in the exception's MRO, with or without its module
    (``"ConnectError"``, ``"httpx.ConnectError"``), so no client library is imported to name its errors.

    A failed result or exception that says how long to wait (``Retry-After``) is waited for that long, if that is longer
    than the policy's own delay, up to ``max_delay_seconds``.

    A policy is plain data, in YAML as in a pickle. What a rate limit counts stays in the process that counts it.

    >>> policy = RetryPolicy(max_attempts=4, initial_delay_seconds=1.0, max_delay_seconds=3.0)
    >>> [policy.delay_seconds(attempt) for attempt in (1, 2, 3)]
    [1.0, 2.0, 3.0]
    >>> policy.should_retry_status(503, attempt=1), policy.should_retry_status(503, attempt=4)
    (True, False)
    """

    model_config = ConfigDict(frozen=True)

    max_attempts: int = Field(1, ge=1, description="Attempts in all, the first one included.")
    retry_status_codes: list[int] = Field(
        default=[429, 500, 502, 503, 504], description="Values of a result's status_code that are worth a retry."
    )
    retry_exception_types: list[str] = Field(
        default=["TimeoutException", "ConnectError"], description="Names of exception classes that are worth a retry."
    )
    no_retry_exception_types: list[str] = Field(
        default=[], description="Names of exception classes that are never retried, whatever else matches them."
    )
    timeout_exception_types: list[str] = Field(
        default=list(TIMEOUT_NAMES),
        description="Names of exception classes reported as 'timeout'; whether they are retried is decided above.",
    )
    initial_delay_seconds: float = Field(0.0, ge=0, allow_inf_nan=False, description="The delay after attempt 1.")
    backoff_multiplier: float = Field(
        2.0, ge=0, allow_inf_nan=False, description="Factor from one delay to the next; 1 keeps it constant."
    )
    max_delay_seconds: float | None = Field(None, ge=0, allow_inf_nan=False, description="Cap on every delay.")
    jitter_ratio: float = Field(
        0.0, ge=0, le=1, description="Delays vary at random by up to this share of themselves, up or down."
    )
    max_elapsed_seconds: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="Time for all attempts and waits, from the start of the first attempt: no attempt begins, and "
        "nothing is waited for, once it is over. An attempt that is under way then is not cut short.",
    )
    attempt_timeout_seconds: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="Time for one attempt, which then runs in a thread of its own. One that takes longer is abandoned "
        "and retried; its thread cannot be interrupted and goes on, so give it only what may run twice at once.",
    )
    requests_per_interval: RateLimit | None = Field(
        None, description="How many attempts may begin in a stretch of time, in all calls that share this policy."
    )

    def should_retry_status(self, status_code: int | None, attempt: int) -> bool:
        """Whether a result with this status code, from the ``attempt``-th attempt (from 1), deserves another.

        >>> RetryPolicy(max_attempts=2).should_retry_status(404, attempt=1)
        False
        """
        return attempt < self.max_attempts and status_code in self.retry_status_codes

    def should_retry_exception(self, exception: BaseException, attempt: int) -> bool:
        """Whether this exception, from the ``attempt``-th attempt (from 1), deserves another.

        >>> policy = RetryPolicy(max_attempts=2, retry_exception_types=["OSError"])
        >>> policy.should_retry_exception(ConnectionResetError(), attempt=1)
        True
        """
        return attempt < self.max_attempts and self.is_retryable(exception)

    def is_retryable(self, exception: BaseException) -> bool:
        """Whether this exception is of a type to retry, however many attempts are left.

        >>> policy = RetryPolicy(retry_exception_types=["OSError"], no_retry_exception_types=["FileNotFoundError"])
        >>> policy.is_retryable(PermissionError()), policy.is_retryable(FileNotFoundError())
        (True, False)
        """
        if is_named(exception, self.no_retry_exception_types):
            return False
        return isinstance(exception, AttemptTimeoutError) or is_named(exception, self.retry_exception_types)

    def delay_seconds(self, attempt: int, jitter_value: float | None = None) -> float:
        """Seconds to wait after the ``attempt``-th attempt (from 1); finite, at least 0 and at most the cap.

        ``initial * multiplier ** (attempt - 1)``, then jitter, then the cap. ``jitter_value`` in [0, 1] places the
        delay within plus or minus ``jitter_ratio``, 0.5 being the middle; None draws it at random.

        >>> policy = RetryPolicy(initial_delay_seconds=10.0, jitter_ratio=0.5)
        >>> [policy.delay_seconds(1, jitter_value=value) for value in (0.0, 0.5, 1.0)]
        [5.0, 10.0, 15.0]
        """
        if attempt < 1:
            raise ValueError(f"attempt {attempt} does not exist: attempts count from 1")
        if jitter_value is None:
            jitter_value = random.random()
        longest = sys.float_info.max
        try:
            growth = self.backoff_multiplier ** (attempt - 1)
        except OverflowError:
            growth = longest
        delay = min(self.initial_delay_seconds * growth, longest)
        delay *= 1.0 + self.jitter_ratio * (2.0 * jitter_value - 1.0)
        cap = longest if self.max_delay_seconds is None else self.max_delay_seconds
        return max(0.0, min(delay, cap))

    def exception_category(self, exception: BaseException) -> Literal["timeout", "connection", "exception"]:
        """What kind of failure an exception is.

        >>> RetryPolicy().exception_category(ConnectionRefusedError())
        'connection'
        """
        if is_named(exception, self.timeout_exception_types):
            return "timeout"
        return "connection" if is_named(exception, CONNECTION_NAMES) else "exception"

    def status_category(self, status_code: int) -> Literal["rate_limit", "timeout", "server_error", "status"]:
        """What kind of failure a status code is.

        >>> [RetryPolicy().status_category(code) for code in (429, 408, 503, 404)]
        ['rate_limit', 'timeout', 'server_error', 'status']
        """
        if status_code == 429:
            return "rate_limit"
        if status_code == 408:
            return "timeout"
        return "server_error" if 500 <= status_code <= 599 else "status"

    def to_ccflow(self) -> CcflowRetryPolicy:
        """The ``ccflow.utils.retry.RetryPolicy`` that comes closest, for ccflow's own evaluator and model.

        Attempts, delays and their cap are the same. Exhaustion raises its ``RetryError`` from the last exception.

        - Its exception types are classes: names become the classes of that name that are importable by now, and a full
          name (``"httpx.ConnectError"``) is imported. A warning in the log has the names that stand for none.
        - ``max_elapsed_seconds`` becomes ``max_delay``, which counts the waits and not the attempts.
        - Jitter becomes up to ``jitter_ratio`` of the first delay, added to each delay after the cap; ours grows with
          the delay, goes both ways and stays below the cap.
        - A ``backoff_multiplier`` below 1 becomes 1: its delays never shrink.
        - It knows nothing like status codes, ``Retry-After``, ``attempt_timeout_seconds``, ``requests_per_interval``.

        >>> policy = RetryPolicy(max_attempts=4, initial_delay_seconds=1.0, retry_exception_types=["BlockingIOError"])
        >>> theirs = policy.to_ccflow()
        >>> theirs.max_attempts, theirs.wait_initial, theirs.retry_exceptions
        (4, 1.0, ['builtins.BlockingIOError'])
        """
        return CcflowRetryPolicy(
            max_attempts=self.max_attempts,
            max_delay=self.max_elapsed_seconds,
            retry_exceptions=classes_named(self.retry_exception_types),
            no_retry_exceptions=classes_named(self.no_retry_exception_types),
            wait_initial=self.initial_delay_seconds,
            wait_multiplier=max(1.0, self.backoff_multiplier),
            wait_max=self.max_delay_seconds,
            wait_jitter=self.jitter_ratio * self.initial_delay_seconds,
            reraise=False,
        )


class RetryEvent(BaseModel):
    """How one attempt ended: ``retry`` (another follows after the delay), ``success`` or ``failed``.

    >>> RetryEvent(attempt=1, outcome="retry", delay_seconds=2.0, status_code=429, category="rate_limit").outcome
    'retry'
    """

    model_config = ConfigDict(frozen=True)

    attempt: int = Field(ge=1, description="The attempt, counted from 1.")
    outcome: AttemptOutcome = Field(description="What became of it.")
    delay_seconds: float = Field(
        0.0, ge=0, description="The back-off after it, which a rate limit may extend; 0 unless the outcome is 'retry'."
    )
    status_code: int | None = Field(None, description="The result's status_code, if there was a result that has one.")
    exception_type: str | None = Field(None, description="Class name of the exception, if there was one.")
    category: RetryCategory | None = Field(None, description="The kind of failure; None for a success.")
    message: str | None = Field(None, description="The failure in words; None for a success.")


class RetryExecutionError(RuntimeError):
    """The last attempt that the policy allows failed too. ``__cause__`` is its exception, if it raised one.

    ``events`` has one :class:`RetryEvent` for each attempt; ``summary`` counts them: ``attempts``, ``retried``,
    ``succeeded``, ``failed``.

    >>> error = RetryExecutionError("gave up", [RetryEvent(attempt=1, outcome="failed")], {"attempts": 1})
    >>> str(error), error.events[0].outcome, error.summary
    ('gave up', 'failed', {'attempts': 1})
    """

    def __init__(self, message: str, events: Sequence[RetryEvent], summary: dict[str, int]) -> None:
        super().__init__(message)
        self.events = list(events)
        self.summary = summary

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.events, self.summary)


class RetryCancelled(RetryExecutionError):
    """A stop was asked for during a wait, so no further attempt was made. ``__cause__`` is the last exception, if any.

    The last of its ``events`` is ``failed``, although ``retry`` was told of it before the wait.

    >>> try:
    ...     raise RetryCancelled("stopped", [], {"attempts": 0})
    ... except RetryExecutionError as error:
    ...     print(error)
    stopped
    """

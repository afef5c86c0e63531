import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccflow_etl import RetryEvent, RetryExecutionError, RetryPolicy
from ccflow_etl.execution.attempts import retry_summary, run_with_retry


class TimeoutException(Exception):
    """Named as httpx names it."""


class PoolTimeout(TimeoutException):
    pass


class ConnectError(Exception):
    pass


class Response:
    def __init__(self, status_code: Any) -> None:
        self.status_code = status_code


class Script:
    """A callable that raises or returns what it is given, in turn, and counts its calls."""

    def __init__(self, *answers: Any) -> None:
        self.answers = iter(answers)
        self.calls = 0

    def __call__(self) -> Any:
        self.calls += 1
        answer = next(self.answers)
        if isinstance(answer, BaseException):
            raise answer
        return answer


def never_sleep(seconds: float) -> None:
    assert seconds == 0


def test_a_first_success_is_one_event_and_no_wait():
    events: list[RetryEvent] = []
    assert run_with_retry(Script("value"), RetryPolicy(max_attempts=3), events.append, sleep=never_sleep) == "value"
    assert events == [RetryEvent(attempt=1, outcome="success")]


def test_an_error_without_words_is_retried_and_raised():
    class Unspeakable(TimeoutException):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    events: list[RetryEvent] = []
    policy = RetryPolicy(max_attempts=2)
    with pytest.raises(RetryExecutionError, match=r"attempt 2 of 2 failed: Unspeakable: <exception str\(\) failed>"):
        run_with_retry(Script(Unspeakable(), Unspeakable()), policy, events.append)
    assert [event.outcome for event in events] == ["retry", "failed"]
    assert {event.message for event in events} == {"Unspeakable: <exception str() failed>"}


def test_each_failure_is_told_before_its_wait():
    log: list[Any] = []
    policy = RetryPolicy(max_attempts=4, initial_delay_seconds=1, jitter_ratio=0.5)
    call = Script(TimeoutException("slow"), ConnectError(), Response(503), Response(200))
    result = run_with_retry(call, policy, log.append, sleep=log.append, jitter=lambda: 1.0)
    assert result.status_code == 200
    assert log == [
        RetryEvent(
            attempt=1,
            outcome="retry",
            delay_seconds=1.5,
            exception_type="TimeoutException",
            category="timeout",
            message="TimeoutException: slow",
        ),
        1.5,
        RetryEvent(
            attempt=2,
            outcome="retry",
            delay_seconds=3.0,
            exception_type="ConnectError",
            category="connection",
            message="ConnectError",
        ),
        3.0,
        RetryEvent(
            attempt=3,
            outcome="retry",
            delay_seconds=6.0,
            status_code=503,
            category="server_error",
            message="status code 503",
        ),
        6.0,
        RetryEvent(attempt=4, outcome="success", status_code=200),
    ]


def test_exhaustion_raises_from_the_last_exception():
    first, last = TimeoutException("first"), ConnectError("last")
    call = Script(first, last)
    with pytest.raises(RetryExecutionError, match="attempt 2 of 2 failed: ConnectError: last") as error:
        run_with_retry(call, RetryPolicy(max_attempts=2), sleep=never_sleep)
    assert error.value.__cause__ is last
    assert [event.outcome for event in error.value.events] == ["retry", "failed"]
    assert error.value.summary == {"attempts": 2, "retried": 1, "succeeded": 0, "failed": 1}


def test_the_default_policy_makes_one_attempt():
    with pytest.raises(RetryExecutionError, match="attempt 1 of 1 failed: TimeoutException"):
        run_with_retry(Script(TimeoutException()), RetryPolicy())


def test_a_bad_status_code_to_the_end_raises_without_a_cause():
    with pytest.raises(RetryExecutionError, match="attempt 2 of 2 failed: status code 429") as error:
        run_with_retry(Script(TimeoutException(), Response(429)), RetryPolicy(max_attempts=2))
    assert error.value.__cause__ is None
    assert error.value.events[-1].category == "rate_limit"


def test_an_exception_that_is_not_to_be_retried_comes_through_unchanged():
    events: list[RetryEvent] = []
    bad = ValueError("bad input")
    call = Script(TimeoutException(), bad, "never")
    with pytest.raises(ValueError, match="bad input") as error:
        run_with_retry(call, RetryPolicy(max_attempts=5), events.append)
    assert error.value is bad
    assert call.calls == 2
    assert [(event.outcome, event.exception_type) for event in events] == [
        ("retry", "TimeoutException"),
        ("failed", "ValueError"),
    ]


@pytest.mark.parametrize("attempts", [1, 3])
@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_interruption_is_never_caught(stop: type[BaseException], attempts: int):
    events: list[RetryEvent] = []
    policy = RetryPolicy(max_attempts=attempts, retry_exception_types=["BaseException"])
    with pytest.raises(stop):
        run_with_retry(Script(stop(), "never"), policy, events.append)
    assert events == []


def test_an_interrupted_wait_ends_the_call():
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    call = Script(TimeoutException(), "never")
    with pytest.raises(KeyboardInterrupt):
        run_with_retry(call, RetryPolicy(max_attempts=2, initial_delay_seconds=1), sleep=interrupted)
    assert call.calls == 1


@pytest.mark.parametrize("status_code", [404, 201, None, "503", object()])
def test_a_status_code_that_is_not_listed_is_the_callers_business(status_code: Any):
    response = Response(status_code)
    assert run_with_retry(Script(response), RetryPolicy(max_attempts=3)) is response


def test_the_default_wait_takes_the_time():
    policy = RetryPolicy(max_attempts=2, initial_delay_seconds=0.02)
    start = time.perf_counter()
    assert run_with_retry(Script(ConnectError(), "value"), policy) == "value"
    assert time.perf_counter() - start >= 0.02


@given(
    failures=st.lists(st.sampled_from([TimeoutException, PoolTimeout, ConnectError, 429, 503]), max_size=6),
    ending=st.sampled_from(["value", ValueError]),
    max_attempts=st.integers(1, 6),
)
def test_there_is_one_event_for_each_call_made(failures: list[Any], ending: Any, max_attempts: int):
    answers = [Response(answer) if isinstance(answer, int) else answer() for answer in failures]
    call = Script(*answers, ending("bad") if ending is ValueError else ending)
    events: list[RetryEvent] = []
    policy = RetryPolicy(max_attempts=max_attempts)
    exhausted = len(failures) >= max_attempts
    expected: Any = RetryExecutionError if exhausted else ending
    if expected == "value":
        assert run_with_retry(call, policy, events.append) == "value"
    else:
        with pytest.raises(expected) as error:
            run_with_retry(call, policy, events.append)
        if exhausted:
            assert error.value.events == events
    assert call.calls == min(len(failures) + 1, max_attempts)
    assert [event.attempt for event in events] == list(range(1, call.calls + 1))
    assert [event.outcome for event in events[:-1]] == ["retry"] * (call.calls - 1)
    assert events[-1].outcome == ("success" if expected == "value" else "failed")
    assert retry_summary(events) == {
        "attempts": call.calls,
        "retried": call.calls - 1,
        "succeeded": int(expected == "value"),
        "failed": int(expected != "value"),
    }


@given(attempts=st.integers(2, 8), initial=st.floats(0, 1e3), ratio=st.floats(0, 1), cap=st.none() | st.floats(0, 1e3))
def test_the_waits_are_the_delays_of_the_events(attempts, initial, ratio, cap):
    waits: list[float] = []
    policy = RetryPolicy(
        max_attempts=attempts, initial_delay_seconds=initial, jitter_ratio=ratio, max_delay_seconds=cap
    )
    with pytest.raises(RetryExecutionError) as error:
        run_with_retry(Script(*[ConnectError()] * attempts), policy, sleep=waits.append)
    told = [event.delay_seconds for event in error.value.events]
    assert told == [*waits, 0]
    assert all(0 <= delay <= (cap if cap is not None else delay) for delay in told)

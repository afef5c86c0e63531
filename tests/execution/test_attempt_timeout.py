import subprocess
import sys
import threading
from contextvars import ContextVar

import pytest

from ccflow_etl import AttemptTimeoutError, RetryEvent, RetryExecutionError, RetryPolicy
from ccflow_etl.execution.attempt_timeout import call_within
from ccflow_etl.execution.attempts import run_with_retry


@pytest.fixture
def release():
    """Lets the calls end that wait for it, at the end of the test at the latest."""
    event = threading.Event()
    yield event
    event.set()


def test_a_call_that_ends_in_time_gives_what_it_gives():
    assert call_within(lambda: "value", 60) == "value"
    bad = ValueError("bad")

    def fail() -> None:
        raise bad

    with pytest.raises(ValueError, match="bad") as error:
        call_within(fail, 60)
    assert error.value is bad


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_an_interruption_comes_through(stop: type[BaseException]):
    def fail() -> None:
        raise stop

    with pytest.raises(stop):
        run_with_retry(fail, RetryPolicy(max_attempts=3, attempt_timeout_seconds=60))


def test_a_timeout_of_the_calls_own_is_not_taken_for_ours():
    def fail() -> None:
        raise TimeoutError("the server's")

    with pytest.raises(TimeoutError, match="the server's") as error:
        run_with_retry(fail, RetryPolicy(max_attempts=3, attempt_timeout_seconds=60))
    assert not isinstance(error.value, AttemptTimeoutError)


def test_a_slow_attempt_is_abandoned_and_retried_and_goes_on(release: threading.Event):
    calls, went_on = [], threading.Event()

    def call() -> str:
        calls.append(threading.current_thread())
        if len(calls) == 1:
            release.wait()
            went_on.set()
            return "too late"
        return "value"

    events: list[RetryEvent] = []
    policy = RetryPolicy(max_attempts=2, attempt_timeout_seconds=0.05)
    assert run_with_retry(call, policy, events.append) == "value"
    assert [(event.outcome, event.exception_type, event.category) for event in events] == [
        ("retry", "AttemptTimeoutError", "timeout"),
        ("success", None, None),
    ]
    assert "no result within 0.05 s; the attempt was abandoned and its thread goes on" in events[0].message
    assert calls[0].is_alive()
    release.set()
    assert went_on.wait(60)


def test_exhaustion_by_slow_attempts_is_a_timeout(release: threading.Event):
    with pytest.raises(RetryExecutionError, match="attempt 2 of 2 failed: AttemptTimeoutError") as error:
        run_with_retry(release.wait, RetryPolicy(max_attempts=2, attempt_timeout_seconds=0.01))
    assert isinstance(error.value.__cause__, TimeoutError)
    assert error.value.summary["attempts"] == 2


@pytest.mark.parametrize("name", ["AttemptTimeoutError", "TimeoutError"])
def test_a_slow_attempt_is_not_retried_where_its_type_is_excluded(release: threading.Event, name: str):
    policy = RetryPolicy(max_attempts=5, attempt_timeout_seconds=0.01, no_retry_exception_types=[name])
    events: list[RetryEvent] = []
    with pytest.raises(AttemptTimeoutError):
        run_with_retry(release.wait, policy, events.append)
    assert [event.outcome for event in events] == ["failed"]


def test_the_attempt_sees_the_callers_context():
    here: ContextVar[str] = ContextVar("here", default="nowhere")
    here.set("caller")
    assert run_with_retry(here.get, RetryPolicy(attempt_timeout_seconds=60)) == "caller"


def test_without_a_timeout_the_call_stays_in_its_thread():
    assert run_with_retry(threading.current_thread, RetryPolicy()) is threading.current_thread()


def test_an_abandoned_attempt_does_not_keep_the_process_alive():
    script = """
import threading
from ccflow_etl.execution.attempt_timeout import AttemptTimeoutError, call_within
try:
    call_within(threading.Event().wait, 0.01)
except AttemptTimeoutError:
    print("abandoned")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    assert (done.stdout, done.stderr) == ("abandoned\n", "")

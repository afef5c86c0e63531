"""A stop that is asked for ends the waits of a run, wherever in it they are."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest
from ccflow import CallableModel, Flow, GenericResult, NullContext

from ccflow_etl import RateLimit, RetryCancelled, RetryEvent, RetryModel, RetryPolicy
from ccflow_etl.execution.attempts import run_with_retry
from ccflow_etl.execution.pause import interruptible, pause

HOURS = RetryPolicy(max_attempts=5, retry_exception_types=["ConnectionError"], initial_delay_seconds=7200)


def refuse() -> Any:
    raise ConnectionRefusedError("closed")


class Refusing(CallableModel):
    @Flow.call
    def __call__(self, context: NullContext) -> GenericResult[int]:
        return refuse()


class Waiting(threading.Event):
    """An event that tells when it is first waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.waited_for = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.waited_for.set()
        return super().wait(timeout)


def test_a_stop_ends_a_back_off_at_once_and_no_attempt_follows():
    stop, events = Waiting(), []
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(run_with_retry, refuse, HOURS, events.append, sleep=stop.wait)
        assert stop.waited_for.wait(60)
        stop.set()
        with pytest.raises(RetryCancelled, match=r"attempt 1 of 5 failed.*closed; stopped before the next") as error:
            call.result(60)
    assert isinstance(error.value.__cause__, ConnectionRefusedError)
    assert [event.outcome for event in events] == ["retry"]
    assert [(event.attempt, event.outcome, event.delay_seconds) for event in error.value.events] == [(1, "failed", 0)]
    assert error.value.summary == {"attempts": 1, "retried": 0, "succeeded": 0, "failed": 1}


@pytest.mark.parametrize("policy", [HOURS, HOURS.model_copy(update={"initial_delay_seconds": 1e308})])
def test_a_wait_is_never_longer_than_what_waits_can_take(policy: RetryPolicy):
    failure = ConnectionRefusedError()
    failure.retry_after = 1e300

    def call() -> None:
        raise failure

    def stop(seconds: float) -> bool:
        return threading.Lock().acquire(timeout=seconds)  # true at once; raises OverflowError where Event.wait does

    with pytest.raises(RetryCancelled):
        run_with_retry(call, policy, sleep=stop)


def test_a_stop_ends_attempts_that_follow_each_other_without_a_wait():
    stop, calls = threading.Event(), []

    def call() -> None:
        calls.append(1)
        if len(calls) == 3:
            stop.set()
        refuse()

    policy = HOURS.model_copy(update={"initial_delay_seconds": 0.0, "max_attempts": 1000})
    with pytest.raises(RetryCancelled, match="attempt 3 of 1000"):
        run_with_retry(call, policy, sleep=stop.wait)
    assert len(calls) == 3


def test_a_stop_ends_the_wait_for_a_rate_before_the_first_attempt():
    policy = RetryPolicy(requests_per_interval=RateLimit(requests=1, seconds=7200))
    assert run_with_retry(lambda: "first", policy) == "first"
    events: list[RetryEvent] = []
    stop = threading.Event()
    stop.set()
    with pytest.raises(RetryCancelled, match="stopped before the first attempt") as error:
        run_with_retry(lambda: "second", policy, events.append, sleep=stop.wait)
    assert events == []
    assert error.value.summary == {"attempts": 0, "retried": 0, "succeeded": 0, "failed": 0}


def test_a_stop_after_a_bad_status_code_has_no_cause():
    response = GenericResult(value=1)
    object.__setattr__(response, "status_code", 503)
    with pytest.raises(RetryCancelled, match="status code 503; stopped") as error:
        run_with_retry(lambda: response, HOURS, sleep=lambda seconds: True)
    assert error.value.__cause__ is None


def test_a_last_attempt_is_exhausted_whatever_is_asked_for():
    stop = threading.Event()
    stop.set()
    with pytest.raises(Exception, match="attempt 1 of 1 failed") as error:
        run_with_retry(refuse, HOURS.model_copy(update={"max_attempts": 1}), sleep=stop.wait)
    assert not isinstance(error.value, RetryCancelled)


def test_models_below_an_interruptible_context_stop_in_the_threads_that_copy_it():
    stop = Waiting()
    model = RetryModel(model=RetryModel(model=Refusing(), policy=HOURS), policy=HOURS)
    with interruptible(stop.wait), ThreadPoolExecutor(1) as pool:
        call = pool.submit(copy_context().run, model, NullContext())
        assert stop.waited_for.wait(60)
        stop.set()
        with pytest.raises(RetryCancelled):
            call.result(60)


def test_a_stop_reaches_an_attempt_in_a_thread_of_its_own():
    stop = Waiting()
    outer = RetryPolicy(attempt_timeout_seconds=120)
    with interruptible(stop.wait), ThreadPoolExecutor(1) as pool:
        model = RetryModel(model=RetryModel(model=Refusing(), policy=HOURS), policy=outer)
        call = pool.submit(copy_context().run, model, NullContext())
        assert stop.waited_for.wait(60)
        stop.set()
        with pytest.raises(RetryCancelled):
            call.result(60)


def test_a_context_is_interruptible_only_inside():
    with interruptible(lambda seconds: True):
        assert pause(7200.0) is True
        with interruptible(lambda seconds: None):
            assert pause(7200.0) is False
        assert pause(7200.0) is True
    assert pause(0.0) is False

"""How long the attempts may take in all: on a clock that only calls and waits move, nothing is exceeded."""

import datetime as dt
import math
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccflow_etl import RateLimit, RetryEvent, RetryExecutionError, RetryPolicy
from ccflow_etl.execution.attempts import run_with_retry


class ConnectError(Exception):
    def __init__(self, retry_after: float | None = None) -> None:
        self.retry_after = retry_after


class Response:
    status_code = 503

    def __init__(self, **headers: str) -> None:
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Day:
    """A clock, and calls that take their time on it; each ends as it is told to, the last one again and again."""

    def __init__(self, *calls: tuple[float, Any]) -> None:
        self.now = 1000.0
        self.calls = list(calls)
        self.begun: list[float] = []
        self.ended: list[float] = []
        self.waits: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def call(self) -> Any:
        seconds, answer = self.calls[min(len(self.begun), len(self.calls) - 1)]
        self.begun.append(self.now)
        self.now += seconds
        self.ended.append(self.now)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def run(self, policy: RetryPolicy, events: list[RetryEvent] | None = None, jitter: float = 0.5) -> Any:
        tell = (lambda event: None) if events is None else events.append
        return run_with_retry(self.call, policy, tell, sleep=self.sleep, clock=self.clock, jitter=lambda: jitter)


def test_no_attempt_begins_after_the_deadline_and_no_wait_leads_past_it():
    day = Day((2.0, ConnectError()))
    policy = RetryPolicy(max_attempts=100, initial_delay_seconds=4, backoff_multiplier=1, max_elapsed_seconds=15)
    with pytest.raises(RetryExecutionError) as error:
        day.run(policy)
    assert [begun - 1000 for begun in day.begun] == [0, 6, 12]
    assert day.waits == [4, 4]
    assert day.now == 1014
    assert str(error.value) == (
        "attempt 3 of 100 failed: ConnectError; max_elapsed_seconds=15.0 leaves no time for another"
    )
    assert error.value.summary == {"attempts": 3, "retried": 2, "succeeded": 0, "failed": 1}
    assert isinstance(error.value.__cause__, ConnectError)


@pytest.mark.parametrize(("deadline", "attempts"), [(4.9, 1), (5.0, 1), (5.1, 2)])
def test_an_attempt_begins_before_the_deadline_or_not_at_all(deadline: float, attempts: int):
    day = Day((1.0, ConnectError()))
    with pytest.raises(RetryExecutionError):
        day.run(RetryPolicy(max_attempts=2, initial_delay_seconds=4, max_elapsed_seconds=deadline))
    assert len(day.begun) == attempts


def test_an_attempt_that_is_under_way_at_the_deadline_may_succeed():
    assert Day((60.0, "value")).run(RetryPolicy(max_elapsed_seconds=1)) == "value"


def test_the_first_attempt_is_made_however_long_the_rate_limit_keeps_it():
    limit = RateLimit(requests=1, seconds=60)
    limit.reserve(now=1000.0)
    day = Day((1.0, "value"))
    assert day.run(RetryPolicy(max_elapsed_seconds=5, requests_per_interval=limit)) == "value"
    assert day.begun == [1060]


def test_a_rate_limit_that_leads_past_the_deadline_ends_the_attempts():
    limit = RateLimit(requests=1, seconds=60)
    day = Day((1.0, ConnectError()))
    with pytest.raises(RetryExecutionError, match=r"attempt 1 of 3 failed.*max_elapsed_seconds=30.0"):
        day.run(RetryPolicy(max_attempts=3, max_elapsed_seconds=30, requests_per_interval=limit))
    assert day.waits == []
    assert limit.reserve(now=1060.0) == 0  # what was refused is not taken


@pytest.mark.parametrize(
    ("answer", "waits"),
    [
        (ConnectError(retry_after=7), 7),
        (Response(Retry_After="7"), 7),
        (Response(retry_after="Fri, 03 May 2024 12:00:09 GMT", date="Fri, 03 May 2024 12:00:00 GMT"), 9),
        (ConnectError(retry_after=1), 2),  # the policy's own delay is longer
        (ConnectError(retry_after=3600), 20),  # capped
        (ConnectError(retry_after=-5), 2),
        (Response(Retry_After="soon"), 2),
    ],
)
def test_the_wait_that_is_asked_for_is_waited_up_to_the_cap(answer: Any, waits: float):
    day, events = Day((1.0, answer), (1.0, "value")), []
    policy = RetryPolicy(max_attempts=2, initial_delay_seconds=2, max_delay_seconds=20)
    assert day.run(policy, events) == "value"
    assert day.waits == [waits]
    assert events[0].delay_seconds == waits


def test_a_wait_without_end_is_no_reason_to_fail_or_to_wait_past_the_deadline():
    day = Day((1.0, ConnectError(retry_after=1e300)))
    with pytest.raises(RetryExecutionError, match="leaves no time for another"):
        day.run(RetryPolicy(max_attempts=2, max_elapsed_seconds=10))
    assert day.waits == []


_durations = st.floats(0, 100, allow_subnormal=False)
_answers = st.one_of(
    st.just(ConnectError()),
    st.floats(0, 50).map(ConnectError),
    st.just(Response()),
    st.integers(0, 50).map(lambda seconds: Response(Retry_After=str(seconds))),
    st.just("value"),
)


@given(
    calls=st.lists(st.tuples(_durations, _answers), min_size=1, max_size=8),
    attempts=st.integers(1, 8),
    initial=st.floats(0, 20),
    multiplier=st.floats(0, 3),
    cap=st.none() | st.floats(0, 30),
    ratio=st.floats(0, 1),
    jitter=st.floats(0, 1),
    deadline=st.none() | st.floats(0.001, 300),
    limit=st.none() | st.builds(RateLimit, requests=st.integers(1, 3), seconds=st.floats(0.1, 50)),
    taken=st.integers(0, 3),
)
def test_no_bound_is_exceeded_and_the_events_are_the_calls(
    calls, attempts, initial, multiplier, cap, ratio, jitter, deadline, limit, taken
):
    day, events = Day(*calls), []
    if limit is not None:
        limit = RateLimit(**limit.model_dump(include={"requests", "seconds"}))
        for _ in range(taken):
            limit.reserve(day.now)
    policy = RetryPolicy(
        max_attempts=attempts,
        initial_delay_seconds=initial,
        backoff_multiplier=multiplier,
        max_delay_seconds=cap,
        jitter_ratio=ratio,
        max_elapsed_seconds=deadline,
        requests_per_interval=limit,
    )
    failure = None
    try:
        day.run(policy, events, jitter)
    except RetryExecutionError as error:
        failure = error
    if failure is not None:
        assert failure.events == events
        assert failure.summary["attempts"] == len(day.begun)
    # one event for each call, and none after the one that ended it
    assert [event.attempt for event in events] == list(range(1, len(day.begun) + 1))
    assert len(day.begun) <= attempts
    assert all(event.outcome == "retry" for event in events[:-1])
    assert events[-1].outcome in {"success", "failed"}
    # delays and waits
    assert all(0 <= event.delay_seconds <= (math.inf if cap is None else cap) for event in events)
    assert all(wait >= 0 for wait in day.waits)
    pauses = [begun - ended for begun, ended in zip(day.begun[1:], day.ended, strict=False)]
    assert all(pause >= event.delay_seconds - 1e-9 for pause, event in zip(pauses, events, strict=False))
    # the deadline: every attempt begins before it, and only the last one can end behind it
    if deadline is not None:
        assert all(begun <= day.begun[0] + deadline + 1e-9 for begun in day.begun)
        assert all(ended <= day.begun[0] + deadline + 1e-9 for ended in day.ended[:-1])
        assert day.now == day.ended[-1]  # nothing is waited for behind the last one
    if limit is not None:
        for first, last in zip(day.begun, day.begun[limit.requests :], strict=False):
            assert last - first >= limit.seconds - 1e-9


def test_a_date_counts_from_now_where_the_response_has_no_date():
    in_a_minute = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=60)
    answer = Response(Retry_After=in_a_minute.strftime("%a, %d %b %Y %H:%M:%S GMT"))
    day = Day((1.0, answer), (1.0, "value"))
    day.run(RetryPolicy(max_attempts=2))
    assert 50 < day.waits[0] <= 60


def test_without_jitter_the_attempts_begin_as_the_formula_says():
    day = Day((1.0, ConnectError()))
    with pytest.raises(RetryExecutionError):
        day.run(RetryPolicy(max_attempts=5, initial_delay_seconds=1, backoff_multiplier=3, max_delay_seconds=10))
    assert day.begun == list(accumulate([1000, 1 + 1, 1 + 3, 1 + 9, 1 + 10]))

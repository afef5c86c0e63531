import copy
import multiprocessing
import pickle
import sys
import threading
import time
from bisect import bisect_left
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ccflow_etl import RateLimit, RetryPolicy
from ccflow_etl.execution.attempts import run_with_retry
from ccflow_etl.execution.runner import run_calls


def most_in_a_stretch(moments: list[float], seconds: float) -> int:
    moments = sorted(moments)
    return max(bisect_left(moments, moment + seconds) - index for index, moment in enumerate(moments))


_asked = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 60), st.none() | st.integers(0, 60)), max_size=40)


@given(requests=st.integers(1, 4), seconds=st.integers(1, 20), asked=_asked)
def test_no_stretch_has_more_than_its_requests_and_none_waits_longer_than_it_must(requests, seconds, asked):
    limit, now, taken = RateLimit(requests=requests, seconds=seconds), 0, []
    for later, after, before in asked:
        now += later
        wait = limit.reserve(now, after) if before is None else limit.reserve(now, after, before)
        # by trial: the first whole second that leaves every stretch within its bounds
        free = after
        while most_in_a_stretch([*taken, now + free], seconds) > requests:
            free += 1
        if before is not None and free >= before:
            assert wait is None
        else:
            assert wait == free
            taken.append(now + wait)


def test_calls_come_in_the_order_in_which_they_asked():
    limit = RateLimit(requests=3, seconds=10)
    waits = [limit.reserve(now=0.0) for _ in range(9)]
    assert waits == [0, 0, 0, 10, 10, 10, 20, 20, 20]


def test_a_call_that_is_due_later_keeps_nobody_waiting():
    limit = RateLimit(requests=1, seconds=1)
    assert limit.reserve(now=0.0, after=60.0) == 60
    assert [limit.reserve(now=0.0) for _ in range(3)] == [0, 1, 2]
    assert limit.reserve(now=59.5) == 1.5  # neither too close before it nor after it


def test_what_is_over_is_forgotten():
    limit = RateLimit(requests=2, seconds=1)
    for second in range(1000):
        assert limit.reserve(now=second * 0.5) == 0
    assert len(limit._starts.moments) <= 3


@pytest.fixture
def hasty_threads():
    """Threads that take turns as often as they can, which brings out what is not locked."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty_threads")
def test_threads_share_one_rate():
    limit = RateLimit(requests=5, seconds=1)
    together = threading.Barrier(8)

    def ask(number: int) -> list[float | None]:
        together.wait()
        return [limit.reserve(now=0.0) for _ in range(100)]

    with ThreadPoolExecutor(8) as pool:
        waits = sorted(wait for waits in pool.map(ask, range(8)) for wait in waits)
    assert waits == [number // 5 for number in range(800)]


def test_the_calls_of_one_policy_share_its_rate_and_those_of_two_by_one_limit():
    limit = RateLimit(requests=2, seconds=10)
    waits: list[float] = []
    for policy in (RetryPolicy(requests_per_interval=limit), RetryPolicy(requests_per_interval=limit, max_attempts=2)):
        for _ in range(2):
            run_with_retry(lambda: "value", policy, sleep=waits.append, clock=lambda: 0.0)
    assert waits == [10, 10]


def test_each_attempt_counts():
    answers = iter([TimeoutError(), TimeoutError(), "value"])
    now, begun = [0.0], []

    def call() -> str:
        begun.append(now[0])
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def sleep(seconds: float) -> None:
        now[0] += seconds

    policy = RetryPolicy(
        max_attempts=3, retry_exception_types=["TimeoutError"], requests_per_interval=RateLimit(requests=1, seconds=7)
    )
    assert run_with_retry(call, policy, sleep=sleep, clock=lambda: now[0]) == "value"
    assert [later - earlier for earlier, later in pairwise(begun)] == [7, 7]


def test_what_was_taken_stays_in_the_process_and_is_no_part_of_the_value():
    policy = RetryPolicy(requests_per_interval=RateLimit(requests=1, seconds=60))
    assert policy.requests_per_interval.reserve(now=0.0) == 0
    there = pickle.loads(pickle.dumps(policy))
    assert there == policy
    assert there.requests_per_interval.reserve(now=0.0) == 0
    assert there.model_dump() == policy.model_dump()
    assert pickle.dumps(policy) == pickle.dumps(RetryPolicy(requests_per_interval=RateLimit(requests=1, seconds=60)))


def test_a_worker_process_counts_for_itself():
    policy = RetryPolicy(requests_per_interval=RateLimit(requests=2, seconds=30), attempt_timeout_seconds=60)
    begun = time.monotonic()
    for _ in range(2):
        policy.requests_per_interval.reserve(begun)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        outcomes = list(run_calls(abs, [-1, -2], pool=pool, policy=policy))
    assert sorted(outcome.result for outcome in outcomes) == [1, 2]
    assert all(outcome.seconds < 30 for outcome in outcomes)
    assert policy.requests_per_interval.reserve(begun) == 30


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda limit: limit.model_copy()])
def test_a_copy_in_the_process_shares_the_rate(copied):
    limit = RateLimit(requests=1, seconds=60)
    assert limit.reserve(now=0.0) == 0
    assert copied(limit).reserve(now=0.0) == 60


def test_a_count_is_a_rate_per_second():
    policy = RetryPolicy.model_validate({"requests_per_interval": 10})
    assert policy.requests_per_interval == RateLimit(requests=10, seconds=1.0)


@pytest.mark.parametrize(
    "value",
    [0, -1, True, {"requests": 0}, {"seconds": 1}, 1.5]
    + [{"requests": 1, "seconds": seconds} for seconds in (0, -1, float("inf"), float("nan"))],
)
def test_a_rate_out_of_range_is_refused(value):
    with pytest.raises(ValidationError, match="requests_per_interval"):
        RetryPolicy.model_validate({"requests_per_interval": value})


def test_calls_that_are_a_whole_stretch_apart_do_not_push_each_other():
    limit = RateLimit(requests=1, seconds=1.0)
    assert limit.reserve(now=0.0, after=10.0) == 10.0
    assert limit.reserve(now=0.0, after=9.0) == 9.0
    assert limit.reserve(now=0.0, after=11.0) == 11.0
    assert limit.reserve(now=0.0, after=9.5) == 12.0

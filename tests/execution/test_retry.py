import json
import pickle
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ccflow_etl import RateLimit, RetryCancelled, RetryEvent, RetryExecutionError, RetryPolicy


class TimeoutException(Exception):
    """Named as httpx names it."""


class PoolTimeout(TimeoutException):
    pass


class ConnectError(Exception):
    pass


def test_the_defaults_are_the_published_ones():
    policy = RetryPolicy()
    assert policy.max_attempts == 1
    assert policy.retry_status_codes == [429, 500, 502, 503, 504]
    assert policy.retry_exception_types == ["TimeoutException", "ConnectError"]
    assert {"TimeoutException", "TimeoutError", "ConnectTimeout", "ReadTimeout", "WriteTimeout", "PoolTimeout"} <= set(
        policy.timeout_exception_types
    )
    assert (policy.initial_delay_seconds, policy.backoff_multiplier) == (0.0, 2.0)
    assert (policy.max_delay_seconds, policy.jitter_ratio) == (None, 0.0)
    assert policy.no_retry_exception_types == []
    assert (policy.max_elapsed_seconds, policy.attempt_timeout_seconds) == (None, None)
    assert policy.requests_per_interval is None


@pytest.mark.parametrize(
    "field",
    [
        {"max_attempts": 0},
        {"initial_delay_seconds": -1},
        {"initial_delay_seconds": float("inf")},
        {"backoff_multiplier": -1},
        {"max_delay_seconds": float("nan")},
        {"jitter_ratio": 1.5},
        {"max_elapsed_seconds": 0},
        {"max_elapsed_seconds": float("inf")},
        {"attempt_timeout_seconds": 0},
        {"attempt_timeout_seconds": float("nan")},
        {"max_tries": 3},
    ],
)
def test_a_policy_out_of_range_is_refused(field: dict[str, Any]):
    with pytest.raises(ValidationError, match=next(iter(field))):
        RetryPolicy(**field)


def test_a_policy_is_immutable_configuration():
    policy = RetryPolicy(
        max_attempts=3, retry_status_codes=[503], max_elapsed_seconds=60, requests_per_interval=RateLimit(requests=5)
    )
    with pytest.raises(ValidationError, match="frozen"):
        policy.max_attempts = 4
    assert RetryPolicy.model_validate(json.loads(policy.model_dump_json(by_alias=True))) == policy
    assert pickle.loads(pickle.dumps(policy)) == policy


@pytest.mark.parametrize(
    ("names", "exception", "matches"),
    [
        (["TimeoutException"], TimeoutException(), True),
        (["TimeoutException"], PoolTimeout(), True),  # a base class in the MRO
        (["PoolTimeout"], TimeoutException(), False),  # a derived class is not
        (["OSError"], ConnectionResetError(), True),
        (["builtins.OSError"], ConnectionResetError(), True),
        (["json.decoder.JSONDecodeError"], json.JSONDecodeError("no", "", 0), True),
        (["json.JSONDecodeError"], json.JSONDecodeError("no", "", 0), False),  # the module that defines it
        (["Timeout"], TimeoutException(), False),  # not a part of a name
        (["Exception"], ValueError(), True),
        ([], ValueError(), False),
    ],
)
def test_exceptions_match_by_name_anywhere_in_the_mro(names: list[str], exception: Exception, matches: bool):
    policy = RetryPolicy(max_attempts=2, retry_exception_types=names)
    assert policy.is_retryable(exception) is matches
    assert policy.should_retry_exception(exception, 1) is matches
    assert policy.should_retry_exception(exception, 2) is False


@pytest.mark.parametrize(
    ("names", "exception", "matches"),
    [
        (["PoolTimeout"], PoolTimeout(), False),
        (["PoolTimeout"], TimeoutException(), True),
        (["TimeoutException"], PoolTimeout(), False),  # a base class excludes its subclasses
        ([], PoolTimeout(), True),
    ],
)
def test_types_that_are_not_to_be_retried_win(names: list[str], exception: Exception, matches: bool):
    policy = RetryPolicy(
        max_attempts=2, retry_exception_types=["TimeoutException", "PoolTimeout"], no_retry_exception_types=names
    )
    assert policy.is_retryable(exception) is matches
    assert policy.should_retry_exception(exception, 1) is matches


def test_a_timeout_is_retried_only_if_its_type_is_listed_for_retry():
    policy = RetryPolicy(max_attempts=2)
    assert policy.exception_category(TimeoutError()) == "timeout"
    assert policy.should_retry_exception(TimeoutError(), 1) is False


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_listed_status_codes_are_retried_while_attempts_are_left(code: int):
    policy = RetryPolicy(max_attempts=3)
    assert [policy.should_retry_status(code, attempt) for attempt in (1, 2, 3, 4)] == [True, True, False, False]


@pytest.mark.parametrize("code", [200, 404, 408, 501, None])
def test_other_status_codes_are_not_retried(code: int | None):
    assert RetryPolicy(max_attempts=3).should_retry_status(code, 1) is False


@pytest.mark.parametrize(
    ("exception", "category"),
    [
        (TimeoutException(), "timeout"),
        (PoolTimeout(), "timeout"),
        (TimeoutError(), "timeout"),
        (type("ConnectTimeout", (ConnectionError,), {})(), "timeout"),  # requests derives it from both
        (ConnectError(), "connection"),
        (ConnectionResetError(), "connection"),
        (ValueError(), "exception"),
    ],
)
def test_exceptions_have_a_category(exception: Exception, category: str):
    assert RetryPolicy().exception_category(exception) == category


@pytest.mark.parametrize(
    ("code", "category"),
    [
        (429, "rate_limit"),
        (408, "timeout"),
        (500, "server_error"),
        (599, "server_error"),
        (600, "status"),
        (404, "status"),
    ],
)
def test_status_codes_have_a_category(code: int, category: str):
    assert RetryPolicy().status_category(code) == category


def test_delays_grow_from_the_initial_one_up_to_the_cap():
    policy = RetryPolicy(initial_delay_seconds=0.5, backoff_multiplier=3, max_delay_seconds=10)
    assert [policy.delay_seconds(attempt) for attempt in range(1, 6)] == [0.5, 1.5, 4.5, 10, 10]


def test_jitter_comes_before_the_cap():
    policy = RetryPolicy(initial_delay_seconds=10, jitter_ratio=0.2, max_delay_seconds=11)
    assert [policy.delay_seconds(1, value) for value in (0.0, 0.25, 0.5, 1.0)] == pytest.approx([8, 9, 10, 11])


def test_jitter_is_drawn_at_random_when_not_given():
    policy = RetryPolicy(initial_delay_seconds=10, jitter_ratio=0.5)
    delays = {policy.delay_seconds(1) for _ in range(50)}
    assert len(delays) > 1
    assert all(5 <= delay <= 15 for delay in delays)


def test_there_is_no_attempt_zero():
    with pytest.raises(ValueError, match="attempt 0 does not exist"):
        RetryPolicy().delay_seconds(0)


_seconds = st.floats(0, sys.float_info.max)


@given(
    initial=_seconds,
    multiplier=_seconds,
    cap=st.none() | _seconds,
    ratio=st.floats(0, 1),
    jitter=st.none() | st.floats(0, 1),
    attempt=st.integers(1, 10**9),
)
def test_delays_are_finite_and_between_zero_and_the_cap(initial, multiplier, cap, ratio, jitter, attempt):
    policy = RetryPolicy(
        initial_delay_seconds=initial, backoff_multiplier=multiplier, max_delay_seconds=cap, jitter_ratio=ratio
    )
    delay = policy.delay_seconds(attempt, jitter)
    assert 0 <= delay <= (sys.float_info.max if cap is None else cap)


@given(initial=st.integers(0, 1000), multiplier=st.integers(1, 5), attempt=st.integers(1, 15), ratio=st.floats(0, 1))
def test_without_jitter_delays_follow_the_formula(initial, multiplier, attempt, ratio):
    policy = RetryPolicy(initial_delay_seconds=initial, backoff_multiplier=multiplier, jitter_ratio=ratio)
    expected = initial
    for _ in range(attempt - 1):
        expected *= multiplier
    assert policy.delay_seconds(attempt, jitter_value=0.5) == expected


@pytest.mark.parametrize("kind", [RetryExecutionError, RetryCancelled])
def test_the_error_can_be_pickled(kind: type[RetryExecutionError]):
    event = RetryEvent(attempt=1, outcome="failed", category="timeout", message="slow")
    error = pickle.loads(pickle.dumps(kind("gave up", [event], {"attempts": 1})))
    assert type(error) is kind
    assert (str(error), error.events, error.summary) == ("gave up", [event], {"attempts": 1})


@pytest.mark.parametrize(
    ("name", "category"),
    [
        # httpx, requests and urllib3, aiohttp, botocore, grpc
        *(("ConnectError", "connection"), ("NetworkError", "connection"), ("ConnectTimeout", "timeout")),
        *(("ReadTimeout", "timeout"), ("WriteTimeout", "timeout"), ("PoolTimeout", "timeout"), ("Timeout", "timeout")),
        *(("ConnectionError", "connection"), ("NewConnectionError", "connection"), ("ReadTimeoutError", "timeout")),
        *(("ClientConnectionError", "connection"), ("ServerTimeoutError", "timeout")),
        *(("ConnectTimeoutError", "timeout"), ("DeadlineExceeded", "timeout"), ("TimeoutException", "timeout")),
        *(("ConnectErrors", "exception"), ("Error", "exception")),
    ],
)
def test_the_errors_of_usual_clients_have_a_category(name, category):
    error = type("Derived", (type(name, (Exception,), {}),), {})()
    assert RetryPolicy().exception_category(error) == category


@pytest.mark.parametrize("value", [float("inf"), float("nan"), -1.0])
@pytest.mark.parametrize(
    "name",
    [
        *("initial_delay_seconds", "backoff_multiplier", "max_delay_seconds", "jitter_ratio", "max_elapsed_seconds"),
        "attempt_timeout_seconds",
    ],
)
def test_numbers_of_a_policy_are_finite_and_not_negative(name, value):
    with pytest.raises(ValidationError, match=name):
        RetryPolicy(**{name: value})

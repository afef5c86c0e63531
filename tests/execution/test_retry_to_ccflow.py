"""The policy as ccflow's own: run by ccflow, it waits and gives up as ours does."""

import logging
import multiprocessing
from pathlib import Path
from typing import Any

import pytest
from ccflow import CallableModel, Flow, GenericResult, NullContext
from ccflow.evaluators import RetryEvaluator
from ccflow.models.retry import RetryModel as CcflowRetryModel
from ccflow.utils.reporting import InMemoryReporter
from ccflow.utils.retry import RetryError
from hypothesis import given
from hypothesis import strategies as st

from ccflow_etl import RetryPolicy


class Failing(CallableModel):
    failure: Any

    @Flow.call
    def __call__(self, context: NullContext) -> GenericResult[int]:
        raise self.failure


def delays(policy: RetryPolicy, failure: Exception) -> list[float]:
    """What ccflow's model waits under the policy, to its end."""
    reporter = InMemoryReporter()
    fields = policy.to_ccflow().model_dump(exclude={"type_", "reporter"})
    model = CcflowRetryModel(model=Failing(failure=failure), reporter=reporter, **fields)
    with pytest.raises((RetryError, type(failure))):
        model(NullContext())
    return [event.extra["delay"] for event in reporter.events if event.phase.value == "RETRY"]


@given(
    attempts=st.integers(1, 4),
    initial=st.floats(0, 1e-4),
    multiplier=st.floats(1, 2),
    cap=st.none() | st.floats(0, 1e-4),
)
def test_ccflow_makes_the_same_attempts_with_the_same_delays(attempts, initial, multiplier, cap):
    policy = RetryPolicy(
        max_attempts=attempts,
        retry_exception_types=["ConnectionError"],
        initial_delay_seconds=initial,
        backoff_multiplier=multiplier,
        max_delay_seconds=cap,
    )
    expected = [policy.delay_seconds(attempt) for attempt in range(1, attempts)]
    assert delays(policy, ConnectionResetError()) == pytest.approx(expected)


def test_exhaustion_is_an_error_from_the_last_exception():
    failure = ConnectionResetError("gone")
    theirs = RetryPolicy(max_attempts=2, retry_exception_types=["ConnectionError"]).to_ccflow()
    model = CcflowRetryModel(model=Failing(failure=failure), **theirs.model_dump(exclude={"type_"}))
    with pytest.raises(RetryError, match="2/2") as error:
        model(NullContext())
    assert error.value.__cause__ is failure


def test_an_evaluator_takes_it():
    theirs = RetryPolicy(max_attempts=3, retry_exception_types=["OSError"]).to_ccflow()
    assert RetryEvaluator(**theirs.model_dump(exclude={"type_"})).max_attempts == 3


def test_types_that_are_not_to_be_retried_win_there_as_well():
    policy = RetryPolicy(
        max_attempts=3, retry_exception_types=["OSError"], no_retry_exception_types=["FileNotFoundError"]
    )
    assert len(delays(policy, PermissionError())) == 2
    assert delays(policy, FileNotFoundError()) == []


def test_names_become_the_importable_classes_that_have_them():
    names = ["BlockingIOError", "json.decoder.JSONDecodeError", "zipfile.BadZipFile"]
    theirs = RetryPolicy(retry_exception_types=names).to_ccflow()
    assert theirs.retry_exceptions == ["builtins.BlockingIOError", *names[1:]]


def test_a_full_name_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "errors_of_a_client.py").write_text("class Refused(Exception):\n    class Harder(Exception): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    theirs = RetryPolicy(retry_exception_types=["errors_of_a_client.Refused"]).to_ccflow()
    assert theirs.retry_exceptions == ["errors_of_a_client.Refused"]
    nested = RetryPolicy(retry_exception_types=["errors_of_a_client.Refused.Harder"]).to_ccflow()
    assert nested.retry_exceptions == ["errors_of_a_client.Refused.Harder"]


def test_a_name_that_several_libraries_use_stands_for_all_of_their_classes():
    policy = RetryPolicy(retry_exception_types=["TimeoutError", "OSError", "builtins.OSError"])
    found = policy.to_ccflow().retry_exceptions
    assert {TimeoutError, multiprocessing.TimeoutError, OSError} <= {path.object for path in found}
    assert len(found) == len(set(found))


def test_a_name_that_stands_for_no_class_is_told(caplog: pytest.LogCaptureFixture):
    class NobodysError(Exception):
        """Local, so that no other process could import it."""

    with caplog.at_level(logging.WARNING):
        policy = RetryPolicy(retry_exception_types=["NobodysError", "no_such_module.Error", "OSError"]).to_ccflow()
    assert policy.retry_exceptions == ["builtins.OSError"]
    assert "'NobodysError'" in caplog.text
    assert "'no_such_module.Error'" in caplog.text
    assert "OSError'" not in caplog.text.replace("builtins.OSError", "")


def test_what_ccflow_has_in_another_form_comes_as_close_as_it_can():
    theirs = RetryPolicy(
        initial_delay_seconds=10, jitter_ratio=0.2, backoff_multiplier=0.5, max_elapsed_seconds=60, max_delay_seconds=30
    ).to_ccflow()
    assert (theirs.wait_initial, theirs.wait_jitter, theirs.wait_multiplier) == (10, 2, 1)
    assert (theirs.max_delay, theirs.wait_max, theirs.reraise) == (60, 30, False)

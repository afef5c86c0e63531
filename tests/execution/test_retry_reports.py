import logging

import pytest
from ccflow import CallableModel, Flow, FlowOptions, FlowOptionsOverride, GenericResult, NullContext
from ccflow.evaluators import ReportingEvaluator
from ccflow.utils.reporting import InMemoryReporter, Reporter, ReportEvent, ReportingStateStore, ReportPhase, run_scope

from ccflow_etl import RetryExecutionError, RetryPolicy
from ccflow_etl.execution.attempts import run_with_retry
from ccflow_etl.execution.retry_reports import reporting_to

THRICE = RetryPolicy(max_attempts=3, retry_exception_types=["ConnectionError"], initial_delay_seconds=2)


class Response:
    status_code = 503


def told(reporter: Reporter, *answers: object) -> None:
    remaining = iter(answers)

    def call() -> object:
        answer = next(remaining)
        if isinstance(answer, Exception):
            raise answer
        return answer

    run_with_retry(call, THRICE, reporting_to(reporter, THRICE, "Fetch", "day 1"), sleep=lambda seconds: None)


def test_each_attempt_is_told_as_ccflow_tells_its_own():
    reporter = InMemoryReporter()
    told(reporter, ConnectionResetError("gone"), Response(), "value")
    events = reporter.events
    assert [(event.phase.value, event.attempt) for event in events] == [
        ("ERROR", 1),
        ("RETRY", 1),
        ("ERROR", 2),
        ("RETRY", 2),
        ("SUCCESS", 3),
    ]
    assert len({event.span_id for event in events}) == 1
    assert len(events[0].span_id) == 16, "eight bytes, as all tracing has it"
    assert {(event.model_name, event.context_repr, event.max_attempts) for event in events} == {("Fetch", "day 1", 3)}
    assert (events[1].exception_type, events[1].exception_message) == (
        "ConnectionResetError",
        "ConnectionResetError: gone",
    )
    assert [event.extra for event in events] == [
        {"category": "connection"},
        {"category": "connection", "delay": 2.0},
        {"category": "server_error", "status_code": 503},
        {"category": "server_error", "status_code": 503, "delay": 4.0},
        {},
    ]


@pytest.mark.parametrize(
    ("answers", "error", "errors"),
    [([ConnectionResetError()] * 3, RetryExecutionError, 3), ([ValueError("bad")], ValueError, 1)],
)
def test_giving_up_is_told(answers: list[Exception], error: type[Exception], errors: int):
    reporter = InMemoryReporter()
    with pytest.raises(error):
        told(reporter, *answers)
    phases = [event.phase.value for event in reporter.events]
    assert phases.count("ERROR") == errors
    assert phases[-1] == "GIVE_UP"
    assert phases.count("RETRY") == errors - 1


def test_ccflows_own_state_store_follows():
    reporter = InMemoryReporter()
    with run_scope("the run"):
        told(reporter, ConnectionResetError(), "value")
        with pytest.raises(ValueError, match="bad"):
            told(reporter, ValueError("bad"))
    store = ReportingStateStore()
    store.apply_all(reporter.events)
    assert [(node.phase, node.attempt) for node in store.nodes.values()] == [
        (ReportPhase.SUCCESS, 2),
        (ReportPhase.GIVE_UP, 1),
    ]
    assert {event.run_id for event in reporter.events} == {"the run"}


class Broken(Reporter):
    def emit(self, event: ReportEvent) -> None:
        raise OSError("disk full")


def test_a_reporter_that_fails_changes_nothing(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.ERROR):
        told(Broken(), ConnectionResetError(), "value")
    assert "Broken failed to take the event RETRY" in caplog.text
    assert "disk full" in caplog.text


class Fetch(CallableModel):
    """Tells of its attempts."""

    @Flow.call
    def __call__(self, context: NullContext) -> GenericResult[int]:
        told(FETCHED, Response(), "value")
        return GenericResult[int](value=1)


FETCHED = InMemoryReporter()


def test_attempts_are_told_one_level_below_the_call_that_makes_them():
    reporter = InMemoryReporter()
    FETCHED.clear()
    with FlowOptionsOverride(options=FlowOptions(evaluator=ReportingEvaluator(reporter=reporter))):
        Fetch()(NullContext())
    (call,) = {(event.span_id, event.depth) for event in reporter.events}
    assert {(event.parent_span_id, event.depth - 1) for event in FETCHED.events} == {call}

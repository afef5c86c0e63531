"""A run of many steps as ccflow's reporters see it, wherever its steps are evaluated."""

import datetime as dt
import time
from collections import Counter

import pytest
from ccflow import CallableModel, DateContext, Flow, FlowOptions, FlowOptionsOverride, GenericResult
from ccflow.evaluators import (
    AlertsReportingEvaluator,
    GraphEvaluator,
    LoggingEvaluator,
    MetricsReportingEvaluator,
    MultiEvaluator,
    ReportingEvaluator,
)
from ccflow.utils.reporting import (
    CompositeReporter,
    InMemoryReporter,
    Reporter,
    ReportingStateStore,
    ReportPhase,
    UIReporter,
    current_run_id,
    run_scope,
)
from pydantic import PrivateAttr

from ccflow_etl import BackfillContext, ProcessExecutor, RetryPolicy, ThreadExecutor
from ccflow_etl.execution.runner import run_calls
from ccflow_etl.models.run_events import RunEvents

CONTEXT = {"start_datetime": "2024-01-01", "end_datetime": "2024-01-04"}
OF_A_STEP = ["START", "SUCCESS", "END"]


class Step(CallableModel):
    """Fails on 3 January."""

    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[str]:
        if context.date.day == 3:
            raise LookupError("no data")
        return GenericResult[str](value=str(context.date))


class Loop(CallableModel):
    """Skips the first step of a range, runs the others and tells of them, and fails in the end if one did."""

    step: Step = Step()
    executor: ThreadExecutor | ProcessExecutor | None = None
    retry: RetryPolicy | None = None
    _truth: dict = PrivateAttr(default_factory=dict)

    @Flow.call
    def __call__(self, context: BackfillContext[DateContext]) -> GenericResult[int]:
        first, *others = context.step_contexts()
        counts = Counter({"checkpoint": 1})
        with RunEvents(self, context, self.step) as events:
            events.begin(counts + Counter(planned=len(others)))
            events.skipped([first], "checkpoint")
            here = not isinstance(self.executor, ProcessExecutor)
            if self.executor is None:
                self.run(events, run_calls(self.step, others, policy=self.retry), counts, here)
            else:
                with self.executor.open() as pool:
                    self.run(events, run_calls(self.step, others, pool=pool, policy=self.retry), counts, here)
            events.finish(counts)
            if counts["failed"]:
                raise RuntimeError("a step failed")
        return GenericResult[int](value=len(others))

    def run(self, events, outcomes, counts, here):
        for outcome in outcomes:
            counts["failed" if outcome.error else "succeeded"] += 1
            self._truth[outcome.item.date] = outcome
            events.ended(
                outcome.item,
                here=here,
                seconds=outcome.seconds,
                started=outcome.started,
                attempts=outcome.attempts,
                error=outcome.error,
            )


def through(evaluator, **options):
    return FlowOptionsOverride(options=FlowOptions(evaluator=evaluator), **options)


def run(loop, context=CONTEXT):
    with pytest.raises(RuntimeError, match="a step failed"):
        loop(context)


@pytest.fixture
def reporter():
    return InMemoryReporter()


def phases_by_context(events):
    found = {}
    for event in events:
        found.setdefault((event.model_name, event.context_repr), []).append(event.phase.value)
    return {name[1] if name[0] == "Step" else name[0]: phases for name, phases in found.items()}


@pytest.mark.parametrize("executor", [None, ThreadExecutor(max_workers=2), ProcessExecutor(max_workers=1)], ids=repr)
def test_each_step_is_told_once_wherever_it_is_evaluated(reporter, executor):
    with through(LoggingEvaluator(reporter=reporter)):
        run(Loop(executor=executor))
    days = {day: repr(DateContext(date=dt.date(2024, 1, day))) for day in range(1, 5)}
    assert phases_by_context(reporter.events) == {
        "Loop": ["START", "RUN_STARTED", "RUN_FINISHED", "ERROR", "END"],
        days[1]: ["SKIPPED"],
        days[2]: OF_A_STEP,
        days[3]: ["START", "ERROR", "END"],
        days[4]: OF_A_STEP,
    }
    (loop,) = {event.span_id for event in reporter.events if event.model_name == "Loop"}
    steps = [event for event in reporter.events if event.model_name == "Step"]
    assert {(event.parent_span_id, event.depth) for event in steps} == {(loop, 1)}
    assert len({event.span_id for event in steps}) == 4
    assert {len(event.span_id) for event in steps} == {16}, "eight bytes, as all tracing has it"
    run_ids = {event.run_id for event in reporter.events[1:-2]}  # the evaluator's own are outside of the run
    assert len(run_ids) == 1
    assert None not in run_ids


def test_the_run_tells_its_range_its_counts_and_how_it_ended(reporter):
    with through(LoggingEvaluator(reporter=reporter)):
        run(Loop())
    started, finished = (event for event in reporter.events if event.phase.value.startswith("RUN_"))
    bounds = {"start": "2024-01-01T00:00:00", "end": "2024-01-04T00:00:00", "steps": 4}
    assert started.extra == bounds | {"counts": {"checkpoint": 1, "planned": 3}}
    assert finished.extra == bounds | {"counts": {"checkpoint": 1, "succeeded": 2, "failed": 1}}
    assert (finished.exception_type, finished.exception_message) == ("RuntimeError", "a step failed")
    assert finished.duration == pytest.approx((finished.timestamp - started.timestamp).total_seconds(), abs=0.1)
    assert started.exception_type is None
    assert started.model_type == finished.model_type == f"{Loop.__module__}.Loop"


def test_a_step_elsewhere_has_its_times_attempts_and_error(reporter):
    loop = Loop(
        executor=ProcessExecutor(max_workers=1),
        retry=RetryPolicy(max_attempts=2, retry_exception_types=["LookupError"]),
    )
    with through(LoggingEvaluator(reporter=reporter)):
        run(loop)
    day = dt.date(2024, 1, 3)
    start, error, end = (event for event in reporter.events if event.context_repr == repr(DateContext(date=day)))
    truth = loop._truth[day]
    assert start.timestamp.timestamp() == pytest.approx(truth.started)
    assert error.timestamp.timestamp() == end.timestamp.timestamp() == pytest.approx(truth.started + truth.seconds)
    assert error.duration == end.duration == truth.seconds
    assert (error.attempt, error.exception_type, error.exception_message) == (2, "LookupError", "no data")
    assert (start.attempt, end.exception_type) == (None, None)


def test_a_call_for_many_steps_says_of_how_many(reporter):
    loop, context = Loop(), DateContext(date="2024-01-01")
    with through(LoggingEvaluator(reporter=reporter)), RunEvents(loop, context, loop.step) as events:
        before = time.time()
        events.ended(context, here=False, seconds=5, steps=30)
    assert current_run_id() is None
    start, success, _ = (event for event in reporter.events if event.model_name == "Step")
    assert start.extra == success.extra == {"steps": 30}
    assert start.timestamp.timestamp() == pytest.approx(before - 5, abs=1)


def test_a_run_that_breaks_in_the_middle_is_finished(reporter):
    def interrupted():
        with RunEvents(Loop(), DateContext(date="2024-01-01"), Step()) as events:
            events.begin({"planned": 4})
            raise KeyboardInterrupt

    with through(LoggingEvaluator(reporter=reporter)), pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [(event.phase.value, event.exception_type) for event in reporter.events] == [
        ("RUN_STARTED", None),
        ("RUN_FINISHED", "KeyboardInterrupt"),
    ]


def test_steps_of_another_evaluator_are_told_by_the_run(reporter):
    loop, quiet = Loop(), LoggingEvaluator()
    with through(LoggingEvaluator(reporter=reporter)), through(quiet, model_types=(Step,)):
        run(loop)
    phases = Counter(event.phase.value for event in reporter.events if event.model_name == "Step")
    assert phases == {"SKIPPED": 1, "START": 3, "SUCCESS": 2, "ERROR": 1, "END": 3}


def of_the_run(events):
    return [event.phase.value for event in events if event.phase.value.startswith("RUN_")]


@pytest.mark.parametrize("wrap", [lambda sink: sink, lambda sink: CompositeReporter(reporters=[sink])])
def test_a_reporter_is_found_wherever_it_is_among_the_evaluators(wrap):
    sink = UIReporter()
    inner = MultiEvaluator(evaluators=[ReportingEvaluator(reporter=wrap(sink))])
    with through(MultiEvaluator(evaluators=[GraphEvaluator(), inner])):
        run(Loop())
    assert of_the_run(sink.drain()) == ["RUN_STARTED", "RUN_FINISHED"]


def test_a_reporter_of_several_evaluators_hears_of_the_run_once(reporter):
    kinds = AlertsReportingEvaluator, LoggingEvaluator, MetricsReportingEvaluator
    with through(MultiEvaluator(evaluators=[kind(reporter=reporter) for kind in kinds])):
        run(Loop())
    assert of_the_run(reporter.events) == ["RUN_STARTED", "RUN_FINISHED"]


def test_alerts_are_steps_that_failed_elsewhere_and_nothing_else(reporter):
    with through(AlertsReportingEvaluator(reporter=reporter, priority="P1")):
        run(Loop(executor=ProcessExecutor(max_workers=1)))
    told = [(event.model_name, event.phase.value, event.priority.value) for event in reporter.events]
    assert told == [("Step", "ERROR", "P1"), ("Loop", "ERROR", "P1")]


def test_metrics_of_steps_elsewhere_are_those_of_steps_here():
    told = {}
    for executor in (None, ProcessExecutor(max_workers=1)):
        reporter = InMemoryReporter()
        with through(MetricsReportingEvaluator(reporter=reporter, metric_prefix="etl")):
            run(Loop(executor=executor))
        told[executor] = sorted(
            (event.phase.value, event.extra["metric"], event.phase is ReportPhase.END or event.extra["value"])
            for event in reporter.events
            if event.model_name == "Step" and "metric" in event.extra
        )
    here, elsewhere = told.values()
    assert here == elsewhere != []


def test_the_text_of_a_context_is_as_long_as_the_evaluator_says():
    for settings, expected in [({"max_context_repr": 12}, "DateContext…"), ({"capture_context_repr": False}, "")]:
        reporter = InMemoryReporter()
        with through(LoggingEvaluator(reporter=reporter, **settings)):
            run(Loop(executor=ProcessExecutor(max_workers=1)))
        assert {event.context_repr for event in reporter.events if event.model_name == "Step"} == {expected}


def test_an_outer_run_is_kept(reporter):
    with through(LoggingEvaluator(reporter=reporter)), run_scope("nightly"):
        run(Loop())
    assert {event.run_id for event in reporter.events} == {"nightly"}


def test_the_events_fold_into_the_state_of_the_run(reporter):
    with through(LoggingEvaluator(reporter=reporter)):
        run(Loop(executor=ProcessExecutor(max_workers=1)))
    store = ReportingStateStore()
    store.apply_all(reporter.events)
    assert [*store.runs.values()] == [ReportPhase.RUN_FINISHED]
    (root,) = store.roots()
    assert [child.phase.value for child in store.children(root.span_id)] == ["SKIPPED", "SUCCESS", "ERROR", "SUCCESS"]


class Broken(Reporter):
    def emit(self, event):
        raise OSError("nobody takes events")


def test_a_broken_reporter_does_not_change_the_run(caplog):
    with through(LoggingEvaluator(reporter=Broken())):
        run(Loop(executor=ProcessExecutor(max_workers=1)))
    assert "Broken failed to take the event RUN_FINISHED" in caplog.text


def test_nothing_is_looked_at_when_nobody_listens():
    loop = Loop()
    with RunEvents(loop, DateContext(date="2024-01-01"), loop.step) as events:
        events.skipped(iter([None]), "checkpoint")
        events.ended(None, here=False, seconds=None)
    assert not events

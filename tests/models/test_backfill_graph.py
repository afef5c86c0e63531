"""Backfills with marks, attempts and failures under ccflow's evaluators: each step is a dependency, and runs once."""

import subprocess
import sys
from collections import Counter

import pytest
from ccflow import CallableModel, DateContext, Flow, FlowOptions, FlowOptionsOverride, GenericResult
from ccflow.evaluators import (
    DryRunEvaluator,
    GraphEvaluator,
    LoggingEvaluator,
    MemoryCacheEvaluator,
    MultiEvaluator,
    RetryEvaluator,
    get_dependency_graph,
)
from ccflow.utils.reporting import InMemoryReporter, ReportingPolicy
from pydantic import Field, PrivateAttr

from ccflow_etl import BackfillError, BackfillModel, LocalCheckpointStore, RetryPolicy, SerialExecutor

RANGE = ["2024-01-01", "2024-01-06"]
DAYS = [1, 2, 3, 4, 5, 6]
ALWAYS = 1_000
EVALUATORS = {
    "graph": [GraphEvaluator],
    "packaged": [GraphEvaluator, MemoryCacheEvaluator, LoggingEvaluator],
    "cache": [MemoryCacheEvaluator],
    "none": [LoggingEvaluator],
}


@pytest.fixture(params=EVALUATORS)
def evaluated(request):
    """Options that open these evaluators anew at each call."""

    def options():
        evaluators = [make() for make in EVALUATORS[request.param]]
        return FlowOptionsOverride(options=FlowOptions(evaluator=MultiEvaluator(evaluators=evaluators), cacheable=True))

    return options


@pytest.fixture
def store(tmp_path):
    return LocalCheckpointStore(path=tmp_path / "marks.sqlite")


class Day(CallableModel):
    """Answers with its day; the days in ``bad`` fail, as often as they are given there."""

    bad: dict[int, int] = Field(default_factory=dict)
    store: object = None
    _runs: list = PrivateAttr(default_factory=list)
    _marked: list = PrivateAttr(default_factory=list)

    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        day = context.date.day
        self._runs.append(day)
        if self.store is not None:
            self._marked.append(marked(self.store))
        if self._runs.count(day) <= self.bad.get(day, 0):
            raise ConnectionError(f"no data for day {day}")
        return GenericResult[int](value=day)


def backfill_of(model, store=None, **fields):
    return BackfillModel(model=model, checkpoint_store=store, key="{step}", **fields)


def marked(store, status="succeeded"):
    return sorted(int(record.key[-2:]) for record in store.list() if record.status == status)


def statuses(result):
    return result.report["status"].tolist()


def values(result):
    return [output["value"] for output in result.value["outputs"]]


def test_steps_run_once_and_are_reported_as_run(evaluated, store):
    model = Day()
    with evaluated():
        result = backfill_of(model, store)(RANGE)
    assert sorted(model._runs) == DAYS
    assert statuses(result) == ["succeeded"] * 6
    assert values(result) == DAYS
    assert (result.report["seconds"] >= 0).all()
    assert result.report["started"].notna().all()


def test_every_step_is_marked_before_the_next_begins(evaluated, store):
    model = Day(store=store)
    with evaluated():
        backfill_of(model, store)(RANGE)
    assert model._marked == [sorted(model._runs[:count]) for count in range(6)]


def test_done_steps_are_no_dependencies_and_do_not_run(evaluated, store):
    first, second = Day(), Day()
    with evaluated():
        backfill_of(first, store)(["2024-01-01", "2024-01-04"])
    backfill = backfill_of(second, store)
    context = backfill.context_type.model_validate(RANGE)
    [(_, declared)] = backfill.__deps__(context)
    assert [step.context.date.day for step in declared] == [5, 6]
    with evaluated():
        result = backfill(context)
    assert sorted(second._runs) == [5, 6]
    assert statuses(result) == ["checkpoint"] * 4 + ["succeeded"] * 2
    with evaluated():
        assert statuses(backfill(context)) == ["checkpoint"] * 6
    assert [calls for _, calls in backfill.__deps__(context)] == [[]]


def test_the_same_evaluators_see_new_marks(store):
    """One cache serves both runs, and does not answer the second with what was left to do in the first."""
    model = Day()
    evaluators = [GraphEvaluator(), MemoryCacheEvaluator()]
    backfill = backfill_of(model, store)
    with FlowOptionsOverride(options=FlowOptions(evaluator=MultiEvaluator(evaluators=evaluators), cacheable=True)):
        assert statuses(backfill(RANGE)) == ["succeeded"] * 6
        assert statuses(backfill(RANGE)) == ["checkpoint"] * 6
    assert sorted(model._runs) == DAYS


@pytest.mark.parametrize("on_error", ["raise", "continue"])
def test_the_same_evaluators_run_what_failed_and_nothing_else(store, on_error):
    """One cache serves all runs, and has none of them begin where the first had stopped."""
    model = Day(bad={2: 1, 5: 1})
    evaluators = [GraphEvaluator(), MemoryCacheEvaluator()]
    backfill = backfill_of(model, store, on_error=on_error)
    with FlowOptionsOverride(options=FlowOptions(evaluator=MultiEvaluator(evaluators=evaluators), cacheable=True)):
        for _ in range(2 if on_error == "raise" else 1):
            with pytest.raises((BackfillError, ConnectionError)):
                backfill(RANGE)
        failed = set(DAYS) - set(marked(store))
        assert statuses(backfill(RANGE)) == ["succeeded" if day in failed else "checkpoint" for day in DAYS]
        assert statuses(backfill(RANGE)) == ["checkpoint"] * 6
    assert sorted(model._runs) == sorted([*DAYS, 2, 5])


def test_failures_are_lived_with(evaluated, store):
    model = Day(bad={2: ALWAYS, 5: ALWAYS})
    with evaluated(), pytest.raises(BackfillError) as caught:
        backfill_of(model, store, on_error="continue")(RANGE)
    told = caught.value.result
    assert statuses(told) == ["succeeded", "failed", "succeeded", "succeeded", "failed", "succeeded"]
    assert told.report["error"][1] == "ConnectionError: no data for day 2"
    assert (marked(store), marked(store, "failed")) == ([1, 3, 4, 6], [2, 5])
    assert isinstance(caught.value.__cause__, ConnectionError)


def test_a_failed_run_is_resumed(evaluated, store):
    with evaluated(), pytest.raises(ConnectionError, match="day 3"):
        backfill_of(Day(bad={3: ALWAYS}), store)(RANGE)
    done = marked(store)
    assert marked(store, "failed") == [3]
    model = Day()
    with evaluated():
        result = backfill_of(model, store)(RANGE)
    assert sorted(model._runs) == sorted(set(DAYS) - set(done))
    assert statuses(result) == ["checkpoint" if day in done else "succeeded" for day in DAYS]


def test_the_first_failure_stops_the_others(evaluated):
    model = Day(bad=dict.fromkeys(DAYS, ALWAYS))
    with evaluated(), pytest.raises(ConnectionError):
        backfill_of(model, retry=RetryPolicy(max_attempts=1))(RANGE)
    assert len(set(model._runs)) == 1


def test_a_limit_stops_the_others(evaluated):
    model = Day(bad=dict.fromkeys(DAYS, ALWAYS))
    with evaluated():
        result = backfill_of(model, max_failures=2, raise_on_failure=False)(RANGE)
    assert Counter(statuses(result)) == {"failed": 3, "cancelled": 3}


def test_attempts_are_counted_and_the_step_once(evaluated):
    retry = RetryPolicy(max_attempts=3, retry_exception_types=["ConnectionError"])
    with evaluated():
        result = backfill_of(Day(bad={4: 2}), retry=retry)(RANGE)
    assert statuses(result) == ["succeeded"] * 6
    assert result.report["attempts"].tolist() == [1, 1, 1, 3, 1, 1]
    assert (result.summary.succeeded, result.summary.retried) == (6, 1)


@pytest.mark.parametrize("order", [1, -1])
def test_a_retry_evaluator_tries_the_step_again_and_no_other(store, order):
    model = Day(bad={2: 1})
    evaluators = [GraphEvaluator(), RetryEvaluator(max_attempts=2)][::order]
    with FlowOptionsOverride(options=FlowOptions(evaluator=MultiEvaluator(evaluators=evaluators))):
        result = backfill_of(model, store)(RANGE)
    assert Counter(model._runs) == Counter([2, *DAYS])
    assert statuses(result) == ["succeeded"] * 6
    assert marked(store) == DAYS


def test_a_dry_run_lists_what_would_run_and_runs_none(store):
    done = backfill_of(Day(), store)
    done(["2024-01-01", "2024-01-04"])
    model, reporter = Day(), InMemoryReporter()
    with FlowOptionsOverride(
        options=FlowOptions(evaluator=DryRunEvaluator(reporting=ReportingPolicy(reporter=reporter)))
    ):
        backfill_of(model, store)(RANGE)
    assert model._runs == []
    assert Counter(event.model_name for event in reporter.events)["BackfillStep"] == 2 * 2
    assert len(store.list()) == 4


def test_the_graph_has_a_node_for_each_step(store):
    backfill = backfill_of(Day(), store)
    context = backfill.context_type.model_validate(RANGE)
    graph = get_dependency_graph(backfill.__call__.get_evaluation_context(backfill, context))
    nodes = Counter(type(evaluation.context.model).__name__ for evaluation in graph.ids.values())
    assert nodes == {"BackfillModel": 1, "BackfillDecisions": 1, "BackfillStep": 6}


def test_who_schedules_its_steps_declares_none(store):
    backfill = backfill_of(Day(), store, executor=SerialExecutor())
    assert backfill.__deps__(backfill.context_type.model_validate(RANGE)) == []


KILLED = """\
import os, signal, sys
from ccflow import CallableModel, DateContext, Flow, FlowOptions, FlowOptionsOverride, GenericResult
from ccflow.evaluators import GraphEvaluator, MemoryCacheEvaluator, MultiEvaluator
from ccflow_etl import BackfillModel, LocalCheckpointStore


class Mortal(CallableModel):
    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        runs.append(context.date.day)
        if len(runs) == 4:
            os.kill(os.getpid(), signal.SIGKILL)
        return GenericResult[int](value=context.date.day)


runs = []
store = LocalCheckpointStore(path=sys.argv[1])
evaluators = MultiEvaluator(evaluators=[GraphEvaluator(), MemoryCacheEvaluator()])
with FlowOptionsOverride(options=FlowOptions(evaluator=evaluators, cacheable=True)):
    BackfillModel(model=Mortal(), checkpoint_store=store, key="{step}")(["2024-01-01", "2024-01-06"])
"""


def test_a_graph_that_was_killed_is_resumed(tmp_path):
    path = tmp_path / "marks.sqlite"
    killed = subprocess.run([sys.executable, "-c", KILLED, path], capture_output=True, text=True, check=False)
    assert killed.returncode == -9, killed.stderr
    store = LocalCheckpointStore(path=path)
    assert len(store.list()) == 3
    model = Day()
    with FlowOptionsOverride(options=FlowOptions(evaluator=GraphEvaluator())):
        result = backfill_of(model, store)(RANGE)
    assert len(model._runs) == 3
    assert Counter(statuses(result)) == {"checkpoint": 3, "succeeded": 3}

"""Backfills that are followed: by the progress that is shown, and by ccflow's reporters."""

import contextlib
from collections import Counter

import pytest
from ccflow import CallableModel, DateContext, Flow, FlowOptions, FlowOptionsOverride, GenericResult
from ccflow.evaluators import LoggingEvaluator
from ccflow.utils.reporting import InMemoryReporter

from ccflow_etl import (
    BackfillError,
    BackfillModel,
    MemoryCheckpointStore,
    ProcessExecutor,
    SerialExecutor,
    ThreadExecutor,
)

RANGE = ["2024-01-01", "2024-01-06"]


class Day(CallableModel):
    bad: frozenset[int] = frozenset()

    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        if context.date.day in self.bad:
            raise LookupError(f"no data for day {context.date.day}")
        return GenericResult[int](value=context.date.day)


def told_to_a_reporter(backfill, context):
    """The events of a run, without those of the backfill's own evaluation."""
    reporter = InMemoryReporter()
    options = FlowOptions(evaluator=LoggingEvaluator(reporter=reporter))
    with FlowOptionsOverride(options=options), contextlib.suppress(BackfillError):
        backfill(context)
    return [
        event for event in reporter.events if event.phase.name.startswith("RUN") or "Backfill" not in event.model_name
    ]


@pytest.mark.parametrize("kind", [None, "serial", "threads", "processes", "dask"])
def test_a_reporter_sees_the_run_and_each_step_once(kind, request):
    executor = {
        "serial": SerialExecutor(),
        "threads": ThreadExecutor(max_workers=2),
        "processes": ProcessExecutor(max_workers=1),
    }.get(kind)
    if kind == "dask":
        executor = request.getfixturevalue("dask_pool")
    events = told_to_a_reporter(BackfillModel(model=Day(), executor=executor), RANGE)
    assert Counter(event.phase.name for event in events) == {
        "RUN_STARTED": 1,
        "START": 6,
        "SUCCESS": 6,
        "END": 6,
        "RUN_FINISHED": 1,
    }
    assert (events[0].phase.name, events[-1].phase.name) == ("RUN_STARTED", "RUN_FINISHED")
    assert events[-1].extra["counts"] == {"succeeded": 6}
    assert len({event.run_id for event in events}) == 1


def test_a_reporter_sees_what_is_skipped_and_what_failed():
    store = MemoryCheckpointStore()
    BackfillModel(model=Day(), checkpoint_store=store)(["2024-01-01", "2024-01-02"])
    backfill = BackfillModel(
        model=Day(bad=frozenset({5})), checkpoint_store=store, on_error="continue", executor=SerialExecutor()
    )
    events = told_to_a_reporter(backfill, RANGE)
    counts = Counter(event.phase.name for event in events)
    assert (counts["SKIPPED"], counts["SUCCESS"], counts["ERROR"]) == (2, 3, 1)
    [error] = [event for event in events if event.phase.name == "ERROR"]
    assert (error.exception_type, error.exception_message) == ("LookupError", "no data for day 5")
    finished = events[-1]
    assert finished.extra["counts"] == {"checkpoint": 2, "failed": 1, "succeeded": 3}
    assert finished.exception_type == "BackfillError"


def test_progress_is_told_line_by_line_in_a_log(capsys):
    store = MemoryCheckpointStore()
    BackfillModel(model=Day(), checkpoint_store=store)(["2024-01-01", "2024-01-02"])
    assert capsys.readouterr().err == ""
    BackfillModel(
        model=Day(bad=frozenset({4})),
        checkpoint_store=store,
        progress=True,
        on_error="continue",
        raise_on_failure=False,
    )(RANGE)
    lines = capsys.readouterr().err.splitlines()
    assert "6 steps, 2 not to be run" in lines[0]
    assert "4" in lines[-1]
    assert "1 failed" in lines[-1]


def test_the_progress_of_one_step_is_that_of_a_step(capsys):
    BackfillModel(model=Day(), progress=True)(["2024-01-01", "2024-01-01"])
    assert capsys.readouterr().err.splitlines()[-1].startswith("1 step: 1/1, 100%")


def test_who_shows_progress_runs_its_steps_itself():
    context = BackfillModel(model=Day()).context_type.model_validate(RANGE)
    assert BackfillModel(model=Day(), progress=True).__deps__(context) == []
    assert len(BackfillModel(model=Day(), progress=False).__deps__(context)[0][1]) == 6

"""The report of a backfill: a line for every step, whatever became of it."""

import datetime as dt
import json
import pickle
import time

import numpy as np
import pandas as pd
import pytest
from ccflow import CallableModel, ContextBase, DateContext, DatetimeRangeContext, Flow, GenericResult
from hypothesis import given
from hypothesis import strategies as st

from ccflow_etl import (
    BackfillError,
    BackfillModel,
    BackfillResult,
    LocalCheckpointStore,
    RunSummary,
    ThreadExecutor,
    WeekdayCalendar,
)

COLUMNS = ["step", "end", "key", "status", "attempts", "started", "seconds", "error"]
RANGE = ["2024-01-01", "2024-01-06"]


class Failing(CallableModel):
    bad: tuple[int, ...] = ()

    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        if context.date.day in self.bad:
            raise LookupError(f"no data for {context.date}")
        return GenericResult[int](value=context.date.day)


class Span(CallableModel):
    @Flow.call
    def __call__(self, context: DatetimeRangeContext) -> GenericResult[str]:
        return GenericResult[str](value="")


class Waiting(CallableModel):
    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        time.sleep(0.02 * context.date.day)
        return GenericResult[int](value=1)


@pytest.fixture
def store(tmp_path):
    return LocalCheckpointStore(path=tmp_path / "marks.sqlite")


def test_steps_that_have_not_begun_have_no_start_whatever_memory_held_before():
    """pandas 2.2 multiplies what happens to be in memory in their place, which can overflow."""
    for _ in range(20):
        huge = [np.full(100, 1e308) for _ in range(20)]
        del huge
        frame = BackfillModel(model=Failing()).plan(["2024-01-01", "2024-04-09"]).frame
        assert len(frame) == 100


def mixed(store):
    """A run that has steps of every status: done before, failed, succeeded and cancelled."""
    BackfillModel(model=Failing(), checkpoint_store=store)(["2024-01-02", "2024-01-03"])
    return BackfillModel(
        model=Failing(bad=(4,)),
        checkpoint_store=store,
        on_error="continue",
        max_failures=0,
        raise_on_failure=False,
    )(RANGE)


def test_the_columns_and_their_types(store):
    report = mixed(store).report
    assert report.columns.tolist() == COLUMNS
    assert report.index.equals(pd.RangeIndex(6))
    kinds = {name: str(kind) for name, kind in report.dtypes.items()}
    assert kinds == {
        "step": "datetime64[us]",
        "end": "datetime64[us]",
        "key": "object",
        "status": "category",
        "attempts": "int64",
        "started": "datetime64[us, UTC]",
        "seconds": "float64",
        "error": "object",
    }


def test_every_line_tells_what_became_of_its_step(store):
    began = pd.Timestamp.now("UTC")
    result = mixed(store)
    report = result.report
    assert report["step"].tolist() == list(pd.date_range(*RANGE))
    assert report["status"].tolist() == ["succeeded", "checkpoint", "checkpoint", "failed", "cancelled", "cancelled"]
    assert report["attempts"].tolist() == [1, 0, 0, 1, 0, 0]
    assert report["error"].tolist() == [None, None, None, "LookupError: no data for 2024-01-04", None, None]
    ran = report["attempts"] > 0
    assert (report["started"].notna() == ran).all()
    assert (report["seconds"].notna() == ran).all()
    assert (report["seconds"][ran] >= 0).all()
    # The clock of the day may be set back by a little while a test runs.
    assert report["started"][ran].between(began - pd.Timedelta("1min"), began + pd.Timedelta("10min")).all()
    assert result.summary == RunSummary.from_statuses(report["status"])
    assert str(result) == "6 steps: 2 cancelled, 2 checkpoint, 1 failed, 1 succeeded"


def test_a_run_of_one_step_is_told_in_the_singular():
    result = BackfillModel(model=Waiting())(["2024-01-01", "2024-01-01"])
    assert str(result) == "1 step: 1 succeeded"


def test_the_seconds_are_those_of_the_step():
    report = BackfillModel(model=Waiting(), executor=ThreadExecutor(max_workers=3))(RANGE).report
    for day, seconds in enumerate(report["seconds"], start=1):
        assert 0.02 * day <= seconds < 0.02 * day + 5


def test_without_a_store_there_are_no_keys():
    assert BackfillModel(model=Failing())(RANGE).report["key"].tolist() == [None] * 6


def test_the_keys_are_those_in_the_store(store):
    report = BackfillModel(model=Failing(), checkpoint_store=store)(RANGE).report
    assert sorted(report["key"]) == sorted(mark.key for mark in store.list())


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_the_windows_are_those_of_the_context(direction):
    backfill = BackfillModel(model=Span())
    context = backfill.context_type.model_validate(["2024-01-01", "2024-02-15", None, direction, WeekdayCalendar()])
    report = backfill(context).report
    expected = [(step.start_datetime, step.end_datetime) for step in context.step_contexts()]
    assert list(zip(report["step"], report["end"], strict=True)) == expected


def test_a_report_keeps_the_time_zone():
    day = dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=5)))
    report = BackfillModel(model=Span())([day, day + dt.timedelta(days=2)]).report
    assert [step.isoformat() for step in report["step"]] == [f"2024-01-0{day}T00:00:00+05:00" for day in (1, 2, 3)]
    assert report["end"][0] == report["step"][1]


def test_an_empty_range_has_an_empty_report():
    result = BackfillModel(model=Failing())(RANGE[::-1])
    assert result.report.columns.tolist() == COLUMNS
    assert len(result.report) == 0
    assert result.summary == RunSummary()


def test_outputs_need_not_be_kept():
    result = BackfillModel(model=Failing(), collect=False)(RANGE)
    assert result.value == {"steps": 6, "outputs": []}
    assert result.report["status"].tolist() == ["succeeded"] * 6
    assert result.summary.succeeded == 6


def test_a_report_is_carried_over_in_a_pickle(store):
    result = mixed(store)
    assert pickle.loads(pickle.dumps(result)).report.equals(result.report)


def test_json_has_the_value_and_the_summary(store):
    result = mixed(store)
    read = BackfillResult.model_validate_json(result.model_dump_json())
    assert (read.value, read.summary) == (result.value, result.summary)
    assert read.report.columns.tolist() == COLUMNS
    assert len(read.report) == 0
    assert json.loads(result.model_dump_json())["summary"]["cancelled"] == 2


def test_a_report_goes_to_parquet_and_back(store, tmp_path):
    report = mixed(store).report
    report.to_parquet(tmp_path / "report.parquet")
    read = pd.read_parquet(tmp_path / "report.parquet")
    for name in COLUMNS:
        ours, theirs = report[name].astype(object), read[name].astype(object)
        assert ours.isna().tolist() == theirs.isna().tolist()
        assert ours.dropna().tolist() == theirs.dropna().tolist()


@given(days=st.integers(0, 40), bad=st.sets(st.integers(1, 31)), stop=st.booleans())
def test_the_summary_is_that_of_the_lines(days, bad, stop):
    first = dt.date(2024, 1, 1)
    backfill = BackfillModel(model=Failing(bad=tuple(bad)), on_error="continue", max_failures=1 if stop else None)
    try:
        result = backfill([first, first + dt.timedelta(days=days - 1)])
    except BackfillError as error:
        result = error.result
    report = result.report
    assert len(report) == result.value["steps"] == days
    assert result.summary == RunSummary.from_statuses(report["status"])
    succeeded = report["step"][report["status"] == "succeeded"]
    assert [output["context"]["date"] for output in result.value["outputs"]] == succeeded.dt.strftime(
        "%Y-%m-%d"
    ).tolist()
    assert (report["error"].notna() == (report["status"] == "failed")).all()


class FrameContext(ContextBase):
    date: dt.date
    frame: object


class Rows(CallableModel):
    @Flow.call
    def __call__(self, context: FrameContext) -> GenericResult[int]:
        return GenericResult[int](value=len(context.frame))


@pytest.mark.parametrize("with_store", [False, True])
def test_a_context_may_hold_what_has_no_json(store, with_store):
    backfill = BackfillModel(model=Rows(), checkpoint_store=store if with_store else None)
    result = backfill([*RANGE, {"frame": pd.DataFrame({"price": [1.5, 2.5]})}])
    assert [output["value"] for output in result.value["outputs"]] == [2] * 6
    assert [output["context"]["date"] for output in result.value["outputs"]] == result.report["step"].dt.strftime(
        "%Y-%m-%d"
    ).tolist()


def test_a_report_is_the_callers_own():
    result = BackfillModel(model=Failing())(RANGE)
    report = result.report
    report.loc[0, "attempts"] = 99
    assert result.report["attempts"][0] == 1

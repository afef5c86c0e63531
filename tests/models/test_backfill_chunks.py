"""Chunks: a model with a range context is called for blocks of consecutive steps, and the report keeps its lines."""

import datetime as dt
from itertools import chain

import numpy as np
import pandas as pd
import pytest
from ccflow import CallableModel, DateContext, DateRangeContext, DatetimeRangeContext, Flow, GenericResult
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ccflow_etl import (
    BackfillError,
    BackfillModel,
    BackfillResult,
    LocalCheckpointStore,
    ThreadExecutor,
    WeekdayCalendar,
)


class Days(CallableModel):
    """Answers with the days it was called for, and fails for some."""

    bad: tuple[dt.date, ...] = ()

    @Flow.call
    def __call__(self, context: DateRangeContext) -> GenericResult[list]:
        days = pd.date_range(context.start_date, context.end_date).date.tolist()
        for day in self.bad:
            if day in days:
                raise LookupError(f"no data for {day}")
        return GenericResult[list](value=days)


class Hours(CallableModel):
    @Flow.call
    def __call__(self, context: DatetimeRangeContext) -> GenericResult[tuple]:
        return GenericResult[tuple](value=(context.start_datetime, context.end_datetime))


class OneDay(CallableModel):
    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[str]:
        return GenericResult[str](value=str(context.date))


RANGE = ["2024-01-15", "2024-03-10"]
DAYS = pd.date_range(*RANGE).date.tolist()


def values(result):
    return [output["value"] for output in result.value["outputs"]]


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize(
    ("chunk", "sizes"),
    [
        *((1, [1] * 56), (20, [20, 20, 16]), (1000, [56]), ("20D", [20, 20, 16]), ("2W", [14] * 4)),
        *(("1M", [31, 25]), ("MS", [17, 29, 10]), ("YS", [56])),
    ],
)
def test_every_step_is_called_for_once(chunk, sizes, direction):
    result = BackfillModel(model=Days(), chunk=chunk)([*RANGE, None, direction])
    blocks = values(result)
    if direction == "backward":
        blocks = blocks[::-1]
        sizes = sizes if isinstance(chunk, str) else sizes[::-1]
    assert [len(block) for block in blocks] == sizes
    assert list(chain.from_iterable(blocks)) == DAYS
    assert result.value["steps"] == len(result.report) == 56
    assert (result.report["status"] == "succeeded").all()


def test_a_block_of_half_open_windows_is_one_half_open_window():
    result = BackfillModel(model=Hours(), chunk=10)(["2024-01-01", "2024-01-01T23:00", None, "forward", "1h"])
    assert values(result) == [
        (dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 1, 10)),
        (dt.datetime(2024, 1, 1, 10), dt.datetime(2024, 1, 1, 20)),
        (dt.datetime(2024, 1, 1, 20), dt.datetime(2024, 1, 2)),
    ]


def test_a_weekend_does_not_part_a_block_of_weekdays():
    """Friday's window lasts until Monday."""
    result = BackfillModel(model=Days(), chunk=6)(["2024-03-01", "2024-03-08", None, "forward", WeekdayCalendar()])
    assert [(block[0].day, block[-1].day) for block in values(result)] == [(1, 10)]


def test_done_steps_part_blocks(tmp_path):
    store = LocalCheckpointStore(path=tmp_path / "done.sqlite")
    model = BackfillModel(model=Days(), chunk=10, checkpoint_store=store)
    model(["2024-01-20", "2024-01-22"])
    result = model(["2024-01-15", "2024-01-31"])
    assert [(block[0].day, block[-1].day) for block in values(result)] == [(15, 19), (23, 31)]
    assert result.summary.by_status == {"checkpoint": 3, "succeeded": 14}
    assert model(["2024-01-15", "2024-01-31"]).summary.by_status == {"checkpoint": 17}


@settings(deadline=None)
@given(st.sets(st.sampled_from(DAYS), min_size=1, max_size=4), st.integers(1, 60), st.booleans(), st.booleans())
def test_a_failed_chunk_is_split_down_to_the_failing_steps(bad, chunk, backward, threads):
    model = BackfillModel(
        model=Days(bad=tuple(bad)),
        chunk=chunk,
        split_failed=True,
        on_error="continue",
        executor=ThreadExecutor(max_workers=3) if threads else None,
    )
    with pytest.raises(BackfillError) as failed:
        model([*RANGE, None, "backward" if backward else "forward"])
    report = failed.value.result.report
    assert {step.date() for step in report.loc[report["status"] == "failed", "step"]} == bad
    assert sorted(chain.from_iterable(values(failed.value.result))) == sorted(set(DAYS) - bad)


def test_a_failed_chunk_fails_all_its_steps_unless_it_is_split():
    with pytest.raises(BackfillError, match=r"10 of 56 steps failed, first 2024-01-25 00:00:00: LookupError"):
        BackfillModel(model=Days(bad=(dt.date(2024, 1, 30),)), chunk=10, on_error="continue")(RANGE)


def test_a_model_of_single_steps_cannot_be_called_for_chunks():
    with pytest.raises(ValidationError, match=r"chunk needs .* OneDay"):
        BackfillModel(model=OneDay(), chunk=2)


@pytest.mark.parametrize("chunk", ["CBME", "2bh", "ns"])
def test_an_interval_that_cannot_cut_is_refused(chunk):
    with pytest.raises(ValidationError, match=r"chunk \d+\w+ cannot be cut: give a number of steps, or an interval"):
        BackfillModel(model=Days(), chunk=chunk)


@pytest.mark.parametrize("chunk", [0, -1, "2Q", "0D"])
def test_a_chunk_is_a_positive_count_or_an_interval(chunk):
    with pytest.raises(ValidationError, match="chunk"):
        BackfillModel(model=Days(), chunk=chunk)


@pytest.mark.parametrize("executor", [None, ThreadExecutor(max_workers=4)], ids=["here", "threads"])
def test_what_depends_on_the_past_runs_in_order_and_not_past_a_failure(executor):
    model = BackfillModel(
        model=Days(bad=(DAYS[3],)), depends_on_past=True, on_error="continue", executor=executor, raise_on_failure=False
    )
    report = model(RANGE).report
    assert report["status"].tolist() == ["succeeded"] * 3 + ["failed"] + ["cancelled"] * 52
    assert report["started"].dropna().is_monotonic_increasing


@pytest.mark.parametrize("executor", [None, ThreadExecutor(max_workers=4)], ids=["here", "threads"])
def test_a_chunk_that_is_split_does_not_run_past_a_failure_either(executor):
    model = BackfillModel(
        model=Days(bad=(DAYS[3],)),
        depends_on_past=True,
        on_error="continue",
        executor=executor,
        chunk=8,
        split_failed=True,
        raise_on_failure=False,
    )
    report = model(RANGE).report
    assert report["status"].tolist() == ["succeeded"] * 3 + ["failed"] + ["cancelled"] * 52
    assert report["started"].dropna().is_monotonic_increasing


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"min_success_ratio": 0.9}, "1 of 56 steps failed and 52 did not run, first 2024-01-18 00:00:00: "),
        ({"max_failures": 52}, "1 of 56 steps failed and 52 did not run, first"),
        ({"max_failures": 53}, None),
        ({"min_success_ratio": 0.05}, None),
    ],
)
def test_steps_that_a_failure_has_kept_from_running_have_not_succeeded(limits, told):
    model = BackfillModel(model=Days(bad=(DAYS[3],)), depends_on_past=True, on_error="continue", **limits)
    if told is None:
        assert model(RANGE).summary.by_status == {"succeeded": 3, "failed": 1, "cancelled": 52}
    else:
        with pytest.raises(BackfillError, match=told):
            model(RANGE)


def test_nothing_is_declared_for_a_graph_that_runs_in_chunks():
    model = BackfillModel(model=Days(), chunk=10)
    assert model.__deps__(model.context_type.model_validate(RANGE)) == []


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_coverage_tells_what_is_done_and_what_is_missing(direction):
    bad = (DAYS[0], DAYS[17], DAYS[18])
    model = BackfillModel(model=Days(bad=bad), on_error="continue", raise_on_failure=False)
    coverage = model([*RANGE, None, direction]).coverage
    midnights = np.array(DAYS, dtype="M8[us]")
    assert coverage["start"].tolist() == pd.to_datetime(midnights[[0, 1, 17, 19]]).tolist()
    assert coverage["end"].tolist() == pd.to_datetime([*midnights[[1, 17, 19]], np.datetime64("2024-03-11")]).tolist()
    assert coverage["done"].tolist() == [False, True, False, True]
    assert coverage["steps"].tolist() == [1, 16, 2, 37]


def test_nothing_covers_nothing():
    assert BackfillModel(model=Days())(["2024-01-02", "2024-01-01"]).coverage.empty
    assert BackfillResult(value={"steps": 0, "outputs": []}).coverage.empty
    assert BackfillResult(value={"steps": 0, "outputs": []}).report.empty

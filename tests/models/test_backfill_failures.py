"""Backfills with failing steps: where they stop, what they say, and what is recorded of every step."""

import datetime as dt
import pickle
import threading
import traceback
from collections import Counter
from fractions import Fraction

import ccflow
import pytest
from ccflow import CallableModel, DateContext, Flow, FlowOptions, FlowOptionsOverride, GenericResult
from ccflow.evaluators import GraphEvaluator, LoggingEvaluator, MemoryCacheEvaluator, MultiEvaluator
from hypothesis import given
from hypothesis import strategies as st
from pydantic import PrivateAttr, ValidationError

from ccflow_etl import (
    BackfillError,
    BackfillModel,
    BackfillResult,
    LocalCheckpointStore,
    RetryPolicy,
    SerialExecutor,
    ThreadExecutor,
)

FIRST = dt.date(2024, 1, 1)
RANGE = ["2024-01-01", "2024-01-06"]
DATES = [f"2024-01-0{day}" for day in range(1, 7)]
HERE = [None, SerialExecutor(), ThreadExecutor(max_workers=3)]
here = pytest.mark.parametrize("executor", HERE, ids=repr)


class Failing(CallableModel):
    """Fails on the bad days, for good or a number of times, and remembers every run."""

    bad: frozenset[str] = frozenset()
    times: int | None = None
    _runs: list = PrivateAttr(default_factory=list)

    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[str]:
        day = str(context.date)
        self._runs.append(day)
        if day in self.bad and (self.times is None or self._runs.count(day) <= self.times):
            self.refuse(day)
        return GenericResult[str](value=day)

    def refuse(self, day):
        raise LookupError(f"no data for {day}")


class Status(ccflow.ResultBase):
    status_code: int


class Answering(CallableModel):
    """Has a status code for an answer, a bad one on the second day."""

    @Flow.call
    def __call__(self, context: DateContext) -> Status:
        return Status(status_code=503 if context.date.day == 2 else 200)


class SkipNothing:
    """Remembers the marks, and never has anything done."""

    def __init__(self):
        self.marks = []

    def should_skip(self, key):
        return False

    def mark(self, key, status, metadata=None):
        self.marks.append((key, status))


def fails(*days):
    return Failing(bad=frozenset(f"2024-01-0{day}" for day in days))


def statuses(result):
    return result.report["status"].astype(str).tolist()


# --- on_error="raise"


class Unspeakable(LookupError):
    def __str__(self):
        raise RuntimeError("no words")


class Speechless(Failing):
    def refuse(self, day):
        raise Unspeakable


@here
def test_an_error_without_words_is_raised_as_it_is(executor):
    with pytest.raises(Unspeakable) as caught:
        BackfillModel(model=Speechless(bad=frozenset({"2024-01-02"})), executor=executor)(RANGE)
    [note] = caught.value.__notes__
    assert "the backfill's step 2024-01-02" in note


@pytest.mark.parametrize("executor", HERE[:2], ids=repr)
def test_the_first_failure_is_the_end_and_everything_is_recorded(executor):
    model, store = fails(3, 5), SkipNothing()
    with pytest.raises(LookupError, match="no data for 2024-01-03") as caught:
        BackfillModel(model=model, executor=executor, checkpoint_store=store, key="{step}")(RANGE)
    assert str(caught.value) == "no data for 2024-01-03"
    assert model._runs == DATES[:3]
    assert store.marks == [(DATES[0], "succeeded"), (DATES[1], "succeeded"), (DATES[2], "failed")]
    [note] = caught.value.__notes__
    assert "2024-01-03" in note
    assert "2 succeeded" in note
    assert "1 failed" in note
    assert "3 cancelled" in note


def test_threads_end_what_is_under_way():
    """The first step fails while others wait for that to be recorded: they end, and no more begin."""
    recorded = threading.Event()
    began = []

    class Telling(SkipNothing):
        def mark(self, key, status, metadata=None):
            super().mark(key, status, metadata)
            if status == "failed":
                recorded.set()

    class Patient(CallableModel):
        @Flow.call
        def __call__(self, context: DateContext) -> GenericResult[int]:
            began.append(str(context.date))
            if context.date == FIRST:
                raise LookupError("no data")
            assert recorded.wait(30)
            return GenericResult[int](value=1)

    store = Telling()
    with pytest.raises(LookupError) as caught:
        BackfillModel(model=Patient(), executor=ThreadExecutor(max_workers=2), checkpoint_store=store, key="{step}")(
            ["2024-01-01", "2024-12-31"]
        )
    # Everything that was run is recorded, and that is no more than a pool of two is given.
    assert sorted(key for key, _ in store.marks) == sorted(began)
    assert Counter(status for _, status in store.marks)["failed"] == 1
    assert len(began) <= 4
    assert f"{366 - len(began)} cancelled" in caught.value.__notes__[0]


@here
@pytest.mark.parametrize("on_error", ["raise", "continue"])
def test_an_error_keeps_its_type_message_traceback_and_step(executor, on_error):
    with pytest.raises((LookupError, BackfillError)) as caught:
        BackfillModel(model=fails(2), executor=executor, on_error=on_error)(RANGE)
    told = "".join(traceback.format_exception(caught.value))
    for part in ("LookupError", "no data for 2024-01-02", "in refuse"):
        assert part in told
    assert "step 2024-01-02" in told or "first 2024-01-02" in told


def test_raise_on_failure_is_not_for_the_error_of_a_step():
    with pytest.raises(LookupError):
        BackfillModel(model=fails(2), raise_on_failure=False)(RANGE)


def test_what_is_no_exception_is_not_a_failure():
    class Leaving(CallableModel):
        @Flow.call
        def __call__(self, context: DateContext) -> GenericResult[int]:
            raise SystemExit(3)

    for executor in HERE:
        with pytest.raises(SystemExit):
            BackfillModel(model=Leaving(), executor=executor, on_error="continue")(RANGE)


# --- on_error="continue"


@here
def test_a_run_goes_on_and_then_fails_with_the_whole_report(executor):
    model, store = fails(2, 5), SkipNothing()
    backfill = BackfillModel(model=model, executor=executor, on_error="continue", checkpoint_store=store, key="{step}")
    with pytest.raises(BackfillError, match=r"^2 of 6 steps failed, first 2024-01-02.*LookupError: no data") as caught:
        backfill(RANGE)
    result = caught.value.result
    assert sorted(model._runs) == DATES
    expected = ["failed" if date in model.bad else "succeeded" for date in DATES]
    assert statuses(result) == expected
    assert sorted(store.marks) == list(zip(DATES, expected, strict=True))
    assert result.report["error"].tolist() == [
        f"LookupError: no data for {date}" if date in model.bad else None for date in DATES
    ]
    assert [output["value"] for output in result.value["outputs"]] == [date for date in DATES if date not in model.bad]
    assert (result.summary.succeeded, result.summary.failed, result.summary.cancelled) == (4, 2, 0)
    assert str(result) == "6 steps: 2 failed, 4 succeeded"


def test_the_result_is_returned_where_that_is_asked_for():
    fields = {"on_error": "continue", "raise_on_failure": False}
    assert statuses(BackfillModel(model=fails(1), **fields)(RANGE)) == ["failed", *["succeeded"] * 5]
    stopped = BackfillModel(model=fails(1, 2, 3), max_failures=1, **fields)(RANGE)
    assert isinstance(stopped, BackfillResult)
    assert statuses(stopped) == ["failed"] * 2 + ["cancelled"] * 4
    assert stopped.failure.startswith("2 of 6 steps failed and 4 did not run, first 2024-01-01")
    assert BackfillModel(model=fails(1), max_failures=1)(RANGE).failure is None


def test_a_failed_step_is_the_only_one_run_again(tmp_path):
    store = LocalCheckpointStore(path=tmp_path / "marks.sqlite")
    model = Failing(bad=frozenset({DATES[1], DATES[3]}), times=1)
    backfill = BackfillModel(model=model, checkpoint_store=store, on_error="continue", raise_on_failure=False)
    backfill(RANGE)
    again = backfill(RANGE)
    assert model._runs == [*DATES, DATES[1], DATES[3]]
    assert statuses(again) == ["succeeded" if date in model.bad else "checkpoint" for date in DATES]
    assert again.summary.skipped == 4


def test_an_error_is_carried_over():
    with pytest.raises(BackfillError) as caught:
        BackfillModel(model=fails(2), on_error="continue")(RANGE)
    carried = pickle.loads(pickle.dumps(caught.value))
    assert str(carried) == str(caught.value)
    assert carried.result.report.equals(caught.value.result.report)


@pytest.mark.parametrize("on_error", ["raise", "continue"])
def test_policies_hold_under_the_packaged_evaluators(on_error):
    evaluators = [GraphEvaluator(), MemoryCacheEvaluator(), LoggingEvaluator()]
    model = fails(2, 4)
    with (
        FlowOptionsOverride(options=FlowOptions(evaluator=MultiEvaluator(evaluators=evaluators), cacheable=True)),
        pytest.raises((LookupError, BackfillError)) as caught,
    ):
        BackfillModel(model=model, on_error=on_error)(RANGE)
    assert "2024-01-0" in str(caught.value)
    assert max(Counter(model._runs).values()) == 1
    if on_error == "continue":
        assert sorted(model._runs) == DATES
        assert Counter(statuses(caught.value.result)) == {"succeeded": 4, "failed": 2}


# --- limits


def expected_statuses(failing, max_failures, percent):
    """What becomes of each step of a plain loop that stops once more steps failed than may."""
    may_fail = []
    if max_failures is not None:
        may_fail.append(max_failures)
    if percent is not None:
        # The most steps that may fail while the share of the others is at least the percentage.
        count = len(failing)
        may_fail.append(
            max(k for k in range(count + 1) if Fraction(count - k, max(count, 1)) >= Fraction(percent, 100))
        )
    told, failed = [], 0
    for bad in failing:
        if may_fail and failed > min(may_fail):
            told.append("cancelled")
        else:
            told.append("failed" if bad else "succeeded")
            failed += bad
    return told, failed > min(may_fail, default=0)


@given(
    failing=st.lists(st.booleans(), min_size=1, max_size=25),
    max_failures=st.none() | st.integers(0, 8),
    percent=st.none() | st.integers(0, 100),
)
def test_limits_stop_and_decide(failing, max_failures, percent):
    days = [str(FIRST + dt.timedelta(days=number)) for number in range(len(failing))]
    model = Failing(bad=frozenset(day for day, bad in zip(days, failing, strict=True) if bad))
    backfill = BackfillModel(
        model=model,
        on_error="continue",
        max_failures=max_failures,
        min_success_ratio=None if percent is None else percent / 100,
    )
    told, fails = expected_statuses(failing, max_failures, percent)
    try:
        result = backfill([days[0], days[-1]])
        assert not fails
    except BackfillError as error:
        assert fails
        result = error.result
    assert statuses(result) == told
    assert model._runs == days[: len(days) - told.count("cancelled")]
    assert result.report["step"].astype(str).tolist() == days
    assert result.summary.by_status == dict(Counter(told))


@given(
    failing=st.lists(st.booleans(), min_size=1, max_size=40),
    max_failures=st.none() | st.integers(0, 5),
    workers=st.integers(1, 4),
)
def test_limits_with_threads_lose_no_step(failing, max_failures, workers):
    days = [str(FIRST + dt.timedelta(days=number)) for number in range(len(failing))]
    model = Failing(bad=frozenset(day for day, bad in zip(days, failing, strict=True) if bad))
    result = BackfillModel(
        model=model,
        executor=ThreadExecutor(max_workers=workers),
        on_error="continue",
        max_failures=max_failures,
        raise_on_failure=False,
    )([days[0], days[-1]])
    told = statuses(result)
    assert len(told) == len(days)
    ran = [day for day, status in zip(days, told, strict=True) if status != "cancelled"]
    assert sorted(model._runs) == ran
    assert [status == "failed" for status in told if status != "cancelled"] == [day in model.bad for day in ran]
    if max_failures is None or sum(failing) <= max_failures:
        assert "cancelled" not in told
    else:
        assert told.count("failed") > max_failures
    assert [output["value"] for output in result.value["outputs"]] == [day for day in ran if day not in model.bad]


def test_limits_count_the_steps_to_run(tmp_path):
    """Two of the three that are left may not fail, however many were done before."""
    store = LocalCheckpointStore(path=tmp_path / "marks.sqlite")
    BackfillModel(model=Failing(), checkpoint_store=store)(["2024-01-01", "2024-01-03"])
    limits = {"on_error": "continue", "min_success_ratio": 0.5, "checkpoint_store": store}
    with pytest.raises(BackfillError, match="2 of 3 steps failed"):
        BackfillModel(model=fails(4, 5), **limits)(RANGE)


@pytest.mark.parametrize("limit", [{"max_failures": 2}, {"min_success_ratio": 0.5}])
def test_a_limit_is_never_ignored(limit):
    """A limit on failures without `on_error="continue"` is either refused or obeyed."""
    try:
        backfill = BackfillModel(model=fails(2), **limit)
    except ValidationError as error:
        assert "on_error" in str(error)  # noqa: PT017 - either will do
    else:
        assert statuses(backfill(RANGE)) == ["succeeded", "failed", *["succeeded"] * 4]


@pytest.mark.parametrize(
    "fields",
    [
        {"on_error": "ignore"},
        {"max_failures": -1},
        {"min_success_ratio": 1.01},
        {"min_success_ratio": -0.1},
        {"retry": 3},
    ],
)
def test_mistakes_are_refused(fields):
    with pytest.raises(ValidationError, match=next(iter(fields))):
        BackfillModel(model=Failing(), **fields)


# --- retries


@here
def test_a_step_that_is_tried_again_counts_once(executor):
    model, store = Failing(bad=frozenset({DATES[1], DATES[4]}), times=2), SkipNothing()
    retry = RetryPolicy(max_attempts=3, retry_exception_types=["LookupError"])
    result = BackfillModel(model=model, retry=retry, executor=executor, checkpoint_store=store, key="{step}")(RANGE)
    assert statuses(result) == ["succeeded"] * 6
    assert result.report["attempts"].tolist() == [1, 3, 1, 1, 3, 1]
    assert (result.summary.total, result.summary.succeeded, result.summary.retried) == (6, 6, 2)
    assert sorted(store.marks) == [(date, "succeeded") for date in DATES]
    assert len(model._runs) == 10


@here
@pytest.mark.parametrize(("kind", "attempts"), [("LookupError", 4), ("ConnectionError", 1)])
def test_attempts_that_were_in_vain(executor, kind, attempts):
    retry = RetryPolicy(max_attempts=4, retry_exception_types=[kind])
    backfill = BackfillModel(
        model=fails(2), retry=retry, executor=executor, on_error="continue", raise_on_failure=False
    )
    report = backfill(RANGE).report
    assert report["attempts"].tolist() == [1, attempts, 1, 1, 1, 1]
    assert report["error"][1] == "LookupError: no data for 2024-01-02"
    with pytest.raises(LookupError, match="no data for 2024-01-02"):
        BackfillModel(model=fails(2), retry=retry, executor=executor)(RANGE)


def test_a_status_code_that_stays_bad_is_a_failure():
    retry = RetryPolicy(max_attempts=3)
    result = BackfillModel(model=Answering(), retry=retry, on_error="continue", raise_on_failure=False)(RANGE)
    assert statuses(result) == ["succeeded", "failed", *["succeeded"] * 4]
    assert result.report["attempts"].tolist() == [1, 3, 1, 1, 1, 1]
    assert "503" in result.report["error"][1]


def test_the_attempts_are_in_the_mark(tmp_path):
    store = LocalCheckpointStore(path=tmp_path / "marks.sqlite")
    model = Failing(bad=frozenset({DATES[1]}), times=1)
    retry = RetryPolicy(max_attempts=2, retry_exception_types=["LookupError"])
    BackfillModel(model=model, retry=retry, checkpoint_store=store, key="{step}")(RANGE)
    assert [record.metadata["attempts"] for record in store.list()] == [1, 2, 1, 1, 1, 1]


# --- a store that cannot be written


def test_a_mark_that_cannot_be_written_ends_the_run():
    """Going on would run everything again next time, so the store's own error is the end."""

    class Broken(SkipNothing):
        def mark(self, key, status, metadata=None):
            raise OSError(28, "No space left on device")

    model = Failing()
    with pytest.raises(OSError, match="No space left"):
        BackfillModel(model=model, checkpoint_store=Broken(), on_error="continue")(RANGE)
    assert model._runs == DATES[:1]

"""Backfills in executors: the same answers everywhere, little submitted at a time, and what reaches the workers."""

import concurrent.futures
import contextlib
import contextvars
import datetime as dt
import multiprocessing
import os
import threading
import traceback
from collections import Counter

import ccflow
import pytest
from ccflow import CallableModel, DateContext, Flow, FlowOptions, FlowOptionsOverride, GenericResult
from ccflow.evaluators import GraphEvaluator, LoggingEvaluator, MemoryCacheEvaluator, MultiEvaluator
from pydantic import PrivateAttr, ValidationError

from ccflow_etl import (
    BackfillError,
    BackfillModel,
    LocalCheckpointStore,
    ProcessExecutor,
    RetryPolicy,
    SerialExecutor,
    ThreadExecutor,
)

RANGE = ["2024-01-01", "2024-01-12"]
DAYS = list(range(1, 13))

MODELS = """
    import os
    import threading

    import ccflow
    from ccflow import (
        CallableModel, DateContext, DateRangeContext, EvaluatorBase, Flow, GenericResult, ModelEvaluationContext,
        ResultBase,
    )


    class Days(CallableModel):
        bad: tuple[int, ...] = ()

        @Flow.call
        def __call__(self, context: DateContext) -> GenericResult[dict]:
            if context.date.day in self.bad:
                self.refuse(context.date)
            return GenericResult[dict](value={"day": context.date.day, "month": context.date})

        def refuse(self, date):
            raise LookupError(f"no data for {date}")


    class Where(CallableModel):
        @Flow.call
        def __call__(self, context: DateContext) -> GenericResult[int]:
            return GenericResult[int](value=os.getpid())


    class Registered(CallableModel):
        @Flow.call
        def __call__(self, context: DateContext) -> GenericResult[str]:
            found = ccflow.ModelRegistry.root().models.get("backfill_test_settings")
            return GenericResult[str](value="nothing" if found is None else found.meta.name)


    class Stamped(EvaluatorBase):
        stamp: str

        def __call__(self, context: ModelEvaluationContext) -> ResultBase:
            result = context()
            if context.fn == "__call__" and isinstance(context.model, Registered):
                return GenericResult[str](value=f"{self.stamp} {result.value}")
            return result


    class TwoPartError(Exception):
        \"\"\"Cannot be unpickled, as many exceptions of many libraries.\"\"\"

        def __init__(self, code, text):
            super().__init__(f"{text} ({code})")


    class Unreadable:
        def __reduce__(self):
            return int, ("no number",)


    class Troubled(CallableModel):
        trouble: str

        @Flow.call
        def __call__(self, context: DateContext) -> GenericResult[object]:
            if context.date.day == 3:
                return getattr(self, self.trouble)()
            return GenericResult[object](value=context.date.day)

        def lock_as_result(self):
            return GenericResult[object](value=threading.Lock())

        def result_read_by_no_one(self):
            return GenericResult[object](value=Unreadable())

        def lock_in_error(self):
            raise LookupError("no data", threading.Lock())

        def two_part_error(self):
            raise TwoPartError(404, "no such page")

        def death(self):
            os._exit(7)

        def panic(self):
            raise Panic("no answer")


    class Panic(BaseException):
        \"\"\"As a library in Rust raises it.\"\"\"


    class DeadlyRange(CallableModel):
        @Flow.call
        def __call__(self, context: DateRangeContext) -> GenericResult[int]:
            if context.start_date.day <= 3 <= context.end_date.day:
                os._exit(7)
            return GenericResult[int](value=context.start_date.day)
"""


class Foreign(concurrent.futures.Executor):
    """An executor of someone else's, which tells nothing about itself."""

    def __init__(self, workers=3):
        self._pool = concurrent.futures.ThreadPoolExecutor(workers)

    def submit(self, fn, /, *args, **kwargs):
        return self._pool.submit(fn, *args, **kwargs)

    def shutdown(self, wait=True, *, cancel_futures=False):
        self._pool.shutdown(wait, cancel_futures=cancel_futures)


class Counting(concurrent.futures.ThreadPoolExecutor):
    """Counts what is submitted and has not ended."""

    def __init__(self, workers):
        super().__init__(workers)
        self.lock, self.submitted, self.most = threading.Lock(), 0, 0

    def submit(self, fn, /, *args, **kwargs):
        with self.lock:
            self.submitted += 1
            self.most = max(self.most, self.submitted)
        future = super().submit(fn, *args, **kwargs)
        future.add_done_callback(self.ended)
        return future

    def ended(self, future):
        with self.lock:
            self.submitted -= 1


@pytest.fixture(scope="module")
def models(import_as):
    """A module that other processes can import."""
    return import_as("backfill_executor_models", MODELS)


@pytest.fixture(scope="module")
def processes(models):
    """Two processes for many tests: starting them takes a second."""
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.fixture
def settings_of_a_name(models):
    """Registers a model of a given name, for as long as the test runs."""
    root = ccflow.ModelRegistry.root()

    def register(name):
        root.add("backfill_test_settings", models.Days(meta=ccflow.MetaData(name=name)), overwrite=True)

    yield register
    root.remove("backfill_test_settings")


def values_of(result):
    return [output["value"] for output in result.value["outputs"]]


def statuses(result):
    return result.report["status"].astype(str).tolist()


def failed_of(error):
    report = error.result.report
    return report["step"][report["status"] == "failed"].dt.day.tolist()


# --- the same everywhere


@pytest.mark.parametrize("bad", [(), (2, 7, 8)])
def test_outputs_and_reports_are_the_same_everywhere(models, processes, dask_pool, bad, tmp_path):
    told = {}
    with Foreign() as foreign:
        for name, executor in {
            "plain": None,
            "serial": SerialExecutor(),
            "threads": ThreadExecutor(max_workers=3),
            "processes": processes,
            "dask": dask_pool,
            "foreign": foreign,
        }.items():
            store = LocalCheckpointStore(path=tmp_path / f"{name}-{len(bad)}.sqlite")
            result = BackfillModel(
                model=models.Days(bad=bad),
                executor=executor,
                on_error="continue",
                raise_on_failure=False,
                checkpoint_store=store,
                retry=RetryPolicy(max_attempts=2, retry_exception_types=["LookupError"]),
            )([*RANGE, None, "backward"])
            report = result.report.drop(columns=["started", "seconds"])
            marks = [(mark.key, mark.status, mark.metadata["attempts"]) for mark in store.list()]
            told[name] = (result.value, result.summary, report.to_dict("list"), marks)
    assert [output["value"]["day"] for output in told["plain"][0]["outputs"]] == [
        day for day in DAYS[::-1] if day not in bad
    ]
    for name, other in told.items():
        assert other == told["plain"], name


def test_outputs_are_in_step_order_however_the_steps_end():
    """Of each two steps the first ends after the second has."""
    ended = {day: threading.Event() for day in DAYS}

    class Crossed(CallableModel):
        @Flow.call
        def __call__(self, context: DateContext) -> GenericResult[int]:
            day = context.date.day
            assert day % 2 == 0 or ended[day + 1].wait(30)
            ended[day].set()
            return GenericResult[int](value=day)

    result = BackfillModel(model=Crossed(), executor=ThreadExecutor(max_workers=2))(RANGE)
    assert values_of(result) == DAYS
    assert statuses(result) == ["succeeded"] * 12


def test_where_the_steps_run(models):
    assert set(values_of(BackfillModel(model=models.Where(), executor=ThreadExecutor())(RANGE))) == {os.getpid()}
    elsewhere = set(values_of(BackfillModel(model=models.Where(), executor=ProcessExecutor(max_workers=2))(RANGE)))
    assert os.getpid() not in elsewhere
    assert 1 <= len(elsewhere) <= 2


def test_every_worker_has_work():
    together = threading.Barrier(4, timeout=30)

    class Meeting(CallableModel):
        @Flow.call
        def __call__(self, context: DateContext) -> GenericResult[int]:
            return GenericResult[int](value=together.wait())

    result = BackfillModel(model=Meeting(), executor=ThreadExecutor(max_workers=4))(RANGE)
    assert Counter(values_of(result)) == dict.fromkeys(range(4), 3)


def test_a_pool_of_ones_own_stays_open(models):
    with Counting(2) as pool:
        backfill = BackfillModel(model=models.Days(), executor=pool)
        assert values_of(backfill(RANGE)) == values_of(backfill(RANGE))
        assert pool.submit(abs, -1).result() == 1


# --- little at a time


@pytest.mark.parametrize("workers", [1, 4])
def test_few_steps_are_submitted_at_a_time(models, workers):
    with Counting(workers) as pool:
        result = BackfillModel(model=models.Days(), executor=pool)(["2024-01-01", "2028-12-31"])
    assert result.summary.succeeded == 1827
    assert workers <= pool.most <= 4 * workers


def test_few_steps_are_submitted_to_a_pool_that_hides_its_workers(models):
    class Hiding(Foreign):
        def __init__(self):
            self._pool = Counting(2)

    with Hiding() as pool:
        BackfillModel(model=models.Days(), executor=pool)(["2024-01-01", "2024-12-31"])
    assert pool._pool.most <= 64


# --- what reaches the workers


def test_context_variables_reach_threads():
    tenant = contextvars.ContextVar("tenant", default="nobody")

    class Tenant(CallableModel):
        @Flow.call
        def __call__(self, context: DateContext) -> GenericResult[str]:
            found = tenant.get()
            tenant.set("changed by a step")
            return GenericResult[str](value=found)

    token = tenant.set("north")
    try:
        result = BackfillModel(model=Tenant(), executor=ThreadExecutor(max_workers=2))(RANGE)
    finally:
        seen = tenant.get()
        tenant.reset(token)
    assert values_of(result) == ["north"] * 12
    assert seen == "north"


def test_options_and_registry_reach_every_worker(models, processes, dask_pool, settings_of_a_name):
    settings_of_a_name("first")
    with Foreign() as foreign:
        for executor in (None, SerialExecutor(), ThreadExecutor(max_workers=2), processes, dask_pool, foreign):
            backfill = BackfillModel(model=models.Registered(), executor=executor)
            assert values_of(backfill(RANGE)) == ["first"] * 12, executor
            with FlowOptionsOverride(options=FlowOptions(evaluator=models.Stamped(stamp="stamped"))):
                assert values_of(backfill(RANGE)) == ["stamped first"] * 12, executor
            assert values_of(backfill(RANGE)) == ["first"] * 12, executor


@pytest.mark.parametrize("kind", ["processes", "dask_pool"])
def test_a_pool_that_stays_open_follows_the_registry(models, request, kind, settings_of_a_name):
    backfill = BackfillModel(model=models.Registered(), executor=request.getfixturevalue(kind))
    for name in ("first", "second", "first"):
        settings_of_a_name(name)
        assert values_of(backfill(RANGE)) == [name] * 12


def packaged():
    evaluators = [GraphEvaluator(), MemoryCacheEvaluator(), LoggingEvaluator()]
    return FlowOptionsOverride(options=FlowOptions(evaluator=MultiEvaluator(evaluators=evaluators), cacheable=True))


@pytest.mark.parametrize("kind", ["threads", "processes", "open processes", "dask"])
def test_under_the_packaged_evaluators(models, processes, dask_pool, kind):
    executor = {
        "threads": ThreadExecutor(max_workers=4),
        "processes": ProcessExecutor(max_workers=1),
        "open processes": processes,
        "dask": dask_pool,
    }[kind]
    backfill = BackfillModel(model=models.Days(), executor=executor)
    assert backfill.__deps__(backfill.context_type.model_validate(RANGE)) == []
    with packaged():
        assert [value["day"] for value in values_of(backfill(RANGE))] == DAYS


def test_a_store_that_holds_a_connection_stays_where_it_is(models, processes):
    """The steps need no checkpoint store, so one that cannot be sent elsewhere is no obstacle."""

    class Connected:
        def __init__(self):
            self.lock = threading.Lock()
            self.done = []

        def should_skip(self, key):
            return key in self.done

        def mark_succeeded(self, key, metadata=None):
            with self.lock:
                self.done.append(key)

    for options in (contextlib.nullcontext, packaged):
        store = Connected()
        with options():
            backfill = BackfillModel(
                model=models.Days(), executor=ProcessExecutor(max_workers=1), checkpoint_store=store
            )
            backfill(RANGE)
        assert len(store.done) == 12


class Source(CallableModel):
    _runs: list = PrivateAttr(default_factory=list)

    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        self._runs.append(context.date.day)
        return GenericResult[int](value=context.date.day)


class Dependent(CallableModel):
    source: CallableModel

    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        return GenericResult[int](value=10 * self.source(context).value)

    @Flow.deps
    def __deps__(self, context: DateContext):
        return [(self.source, [context])]


def test_dependencies_of_steps_run_once_in_threads():
    source = Source()
    evaluators = [GraphEvaluator(), MemoryCacheEvaluator()]
    with FlowOptionsOverride(options=FlowOptions(evaluator=MultiEvaluator(evaluators=evaluators), cacheable=True)):
        result = BackfillModel(model=Dependent(source=source), executor=ThreadExecutor(max_workers=4))(RANGE)
    assert values_of(result) == [10 * day for day in DAYS]
    assert sorted(source._runs) == DAYS


# --- what goes wrong elsewhere


@pytest.mark.parametrize("kind", ["processes", "dask_pool"])
def test_an_error_in_a_process_keeps_its_type_message_traceback_and_step(models, request, kind):
    with pytest.raises(LookupError, match="no data for 2024-01-03") as caught:
        BackfillModel(model=models.Days(bad=(3,)), executor=request.getfixturevalue(kind))(RANGE)
    told = "".join(traceback.format_exception(caught.value))
    assert "step 2024-01-03" in told
    assert "in refuse" in told, "where in the model it was raised"


@pytest.mark.parametrize(
    ("trouble", "named"),
    [
        ("lock_as_result", "lock"),
        ("result_read_by_no_one", "the result of step 2 was sent back and cannot be read: ValueError"),
        ("lock_in_error", "LookupError.*no data"),
        ("two_part_error", r"TwoPartError.*no such page \(404\)"),
    ],
)
@pytest.mark.parametrize("kind", ["processes", "dask", "foreign"])
def test_what_cannot_be_sent_back_is_a_failed_step(models, processes, dask_pool, trouble, named, kind):
    with Foreign() as foreign:
        executor = {"processes": processes, "dask": dask_pool, "foreign": foreign}[kind]
        model = models.Troubled(trouble=trouble)
        with pytest.raises(BackfillError, match=f"1 of 12 steps failed, first 2024-01-03.*{named}") as caught:
            BackfillModel(model=model, executor=executor, on_error="continue")(RANGE)
    assert failed_of(caught.value) == [3]
    assert values_of(caught.value.result) == [day for day in DAYS if day != 3]
    line = caught.value.result.report.loc[2]
    assert line["started"].year > 2000, "when it was run is known"
    assert line["attempts"] == 1


@pytest.mark.parametrize("kind", ["processes", "dask_pool"])
def test_a_model_that_cannot_be_sent_is_named(request, kind):
    class Holding(CallableModel):
        held: object

        @Flow.call
        def __call__(self, context: DateContext) -> GenericResult[int]:
            return GenericResult[int](value=1)

    with pytest.raises(Exception, match=r"Holding.*pickle|pickle.*Holding"):
        BackfillModel(model=Holding(held=threading.Lock()), executor=request.getfixturevalue(kind))(RANGE)


def test_a_worker_that_dies_is_a_clear_error(models, tmp_path):
    store = LocalCheckpointStore(path=tmp_path / "marks.sqlite")
    with pytest.raises(Exception, match="process") as caught:
        BackfillModel(
            model=models.Troubled(trouble="death"),
            executor=ProcessExecutor(max_workers=1),
            checkpoint_store=store,
            key="{step}",
        )(RANGE)
    assert isinstance(caught.value, concurrent.futures.BrokenExecutor)
    assert "step 2024-01-03" in caught.value.__notes__[0]
    marks = {mark.key: mark.status for mark in store.list()}
    assert marks["2024-01-01"] == marks["2024-01-02"] == "succeeded"
    assert marks["2024-01-03"] == "failed"


def test_a_worker_that_dies_is_in_the_report_of_a_run_that_goes_on(models, tmp_path):
    """Those that were not begun did not fail, and have no marks."""
    store, began = LocalCheckpointStore(path=tmp_path / "marks.sqlite"), dt.datetime.now(dt.UTC)
    with pytest.raises(BackfillError, match="process") as caught:
        BackfillModel(
            model=models.Troubled(trouble="death"),
            executor=ProcessExecutor(max_workers=1),
            on_error="continue",
            checkpoint_store=store,
            key="{step}",
        )(RANGE)
    report = caught.value.result.report
    assert statuses(caught.value.result) == ["succeeded", "succeeded", "failed"] + ["cancelled"] * 9
    assert report["attempts"].tolist() == [1] * 3 + [0] * 9
    assert report["started"][:3].between(began, dt.datetime.now(dt.UTC)).all()
    assert report["started"][3:].isna().all()
    assert [mark.status for mark in store.list()] == ["succeeded", "succeeded", "failed"]


@pytest.mark.parametrize("on_error", ["raise", "continue"])
@pytest.mark.parametrize("chunk", [4, 12])
def test_a_chunk_whose_worker_dies_failed_though_it_would_be_split(models, on_error, chunk):
    """The pool takes no halves any more: left to them, the chunk would have no end, and the run no failure."""
    backfill = BackfillModel(
        model=models.DeadlyRange(),
        executor=ProcessExecutor(max_workers=1),
        chunk=chunk,
        split_failed=True,
        on_error=on_error,
    )
    with pytest.raises((BackfillError, concurrent.futures.BrokenExecutor), match="process") as caught:
        backfill(RANGE)
    if on_error == "continue":
        assert statuses(caught.value.result) == ["failed"] * chunk + ["cancelled"] * (12 - chunk)
    else:
        assert (
            f"12 steps: {12 - chunk} cancelled, {chunk} failed".replace("0 cancelled, ", "")
            in caught.value.__notes__[0]
        )


@pytest.mark.parametrize("kind", ["none", "threads", "processes", "dask_pool"])
def test_a_step_that_raises_what_is_no_exception_failed(models, request, kind, tmp_path):
    """And no other: it is not a reason to leave those that run without their marks."""
    executors = {"none": lambda: None, "threads": lambda: ThreadExecutor(max_workers=3)}
    executor = executors.get(kind, lambda: request.getfixturevalue(kind))()
    store = LocalCheckpointStore(path=tmp_path / "marks.sqlite")
    backfill = BackfillModel(
        model=models.Troubled(trouble="panic"),
        executor=executor,
        on_error="continue",
        checkpoint_store=store,
        key="{step}",
    )
    with pytest.raises(BackfillError, match=r"1 of 12 steps failed, first 2024-01-03.*Panic: no answer") as caught:
        backfill(RANGE)
    assert type(caught.value.__cause__).__name__ == "Panic"
    assert Counter(mark.status for mark in store.list()) == {"succeeded": 11, "failed": 1}
    with pytest.raises(BaseException, match="no answer") as caught:
        backfill.model_copy(update={"on_error": "raise", "overwrite": True})(RANGE)
    assert type(caught.value).__name__ == "Panic"


def test_a_pool_that_is_broken_from_the_start_says_so(models):
    """The first step fails: nothing else would tell why there is none."""
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        with pytest.raises(concurrent.futures.BrokenExecutor):
            pool.submit(os._exit, 1).result()
        with pytest.raises(
            BackfillError, match=r"1 of 12 steps failed and 11 did not run.*BrokenProcessPool"
        ) as caught:
            BackfillModel(model=models.Troubled(trouble="death"), executor=pool, on_error="continue")(RANGE)
    assert statuses(caught.value.result) == ["failed"] + ["cancelled"] * 11
    assert caught.value.result.report["attempts"].tolist() == [0] * 12


# --- configuration


@pytest.mark.parametrize(
    "given",
    [
        {"_target_": "ccflow_etl.ThreadExecutor", "max_workers": 2},
        ThreadExecutor(max_workers=2),
        "/backfill_test_executor",
    ],
    ids=repr,
)
def test_an_executor_is_configured(given):
    root = ccflow.ModelRegistry.root()
    root.add("backfill_test_executor", ThreadExecutor(max_workers=2))
    try:
        backfill = BackfillModel(model=Source(), executor=given)
        again = BackfillModel.model_validate_json(backfill.model_dump_json())
    finally:
        root.remove("backfill_test_executor")
    assert backfill.executor == again.executor == ThreadExecutor(max_workers=2)
    assert values_of(backfill(RANGE)) == DAYS


@pytest.mark.parametrize("given", ["threads", 4, object(), {"max_workers": 2}, {"_target_": "ccflow_etl.Interval"}])
def test_what_is_no_executor_is_refused(given):
    with pytest.raises(ValidationError, match="executor"):
        BackfillModel(model=Source(), executor=given)


def test_a_model_with_an_open_pool_can_be_cached():
    model = Source()
    with (
        Counting(2) as pool,
        FlowOptionsOverride(options=FlowOptions(evaluator=MemoryCacheEvaluator(), cacheable=True)),
    ):
        backfill = BackfillModel(model=model, executor=pool)
        assert backfill(RANGE).value == backfill(RANGE).value
    assert sorted(model._runs) == DAYS

"""Every public name, used as applications do and checked by mypy against real pandas types; it is never run.

``assert_type`` is what a user's editor shows. Each ignored error is a mistake that has to be one: mypy reports an
ignore that is not needed.
"""

import datetime as dt
import io
from collections.abc import Iterator
from concurrent.futures import Executor
from typing import Any, Literal, assert_type

import numpy as np
import pandas as pd
from ccflow import CallableModel, DateContext, Flow, GenericResult, ModelRegistry
from ccflow.utils.retry import RetryPolicy as CcflowRetryPolicy
from numpy.typing import NDArray

import ccflow_etl
from ccflow_etl import (
    AttemptTimeoutError,
    BackfillCancelled,
    BackfillContext,
    BackfillError,
    BackfillModel,
    BackfillPlan,
    BackfillResult,
    BackfillStatus,
    BaseCalendar,
    BusinessDayCalendar,
    BusinessHourCalendar,
    CacheCheckpointStore,
    CacheFormat,
    CacheFormatName,
    CacheGetContext,
    CacheGetModel,
    CacheGetResult,
    CachePutContext,
    CachePutModel,
    CachePutResult,
    CheckpointDecision,
    CheckpointDecisionContext,
    CheckpointDecisionModel,
    CheckpointDecisionResult,
    CheckpointDecisionUnit,
    CheckpointRecord,
    CheckpointStatus,
    DailyCalendar,
    DaskExecutor,
    Dates,
    DifferenceCalendar,
    EasterOffset,
    ETLArtifact,
    ETLStage,
    FixedDate,
    HourlyCalendar,
    IntersectionCalendar,
    Interval,
    IntervalCalendar,
    LocalCacheStore,
    LocalCheckpointStore,
    LocalWriteContext,
    LocalWriteModel,
    LocalWriteResult,
    MemoryCacheStore,
    MemoryCheckpointStore,
    MondayFridayCalendar,
    NthWeekday,
    ObjectCacheStore,
    Offset,
    ParallelGraphEvaluator,
    PayloadCodec,
    PayloadDecodeError,
    PayloadEncodeError,
    PayloadIntegrityError,
    PayloadTooLargeError,
    PeriodEdgeCalendar,
    PlanError,
    ProcessExecutor,
    RateLimit,
    RetryCancelled,
    RetryEvent,
    RetryExecutionError,
    RetryModel,
    RetryPolicy,
    RetryResult,
    RuleCalendar,
    RunSummary,
    SerialExecutor,
    ShiftedCalendar,
    SkipAll,
    SkipAny,
    SkipExisting,
    SkipInDatabase,
    SkipMarked,
    SkipPolicy,
    ThreadExecutor,
    UnionCalendar,
    WeekdayCalendar,
    WeeklyCalendar,
    WriteContext,
    WriteModel,
    WriteResult,
    load_config,
)

DAY = dt.date(2024, 1, 1)


class Prices(CallableModel):
    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[float]:
        return GenericResult(value=103.6)


class Fridays(BaseCalendar):
    def steps(self, start: Any, end: Any) -> pd.DatetimeIndex:
        return pd.date_range(start, end, freq="W-FRI")


def intervals() -> None:
    offset: Offset = "ME"
    interval = Interval(offset=offset, n=2)
    assert_type(Interval.model_validate("2M"), Interval)
    assert_type(interval.offset, Offset)
    assert_type(interval.n, int)
    assert_type(interval.steps(DAY, "2024-12-31"), pd.DatetimeIndex)
    assert_type(interval.steps(pd.Timestamp("2024-01-01"), np.datetime64("2024-12-31")), pd.DatetimeIndex)
    assert_type(interval.count(DAY, dt.datetime(2024, 12, 31)), int)
    assert_type(interval.to_offset(), pd.offsets.BaseOffset)

    Interval(ofset="M")  # type: ignore[call-arg]
    Interval("M")  # type: ignore[call-arg]
    interval.steps(2024, 2025)  # type: ignore[arg-type]
    unit: Offset = "fortnight"  # type: ignore[assignment]
    assert unit


def calendars() -> None:
    calendar = BaseCalendar.model_validate("1D")
    assert_type(calendar, BaseCalendar)
    assert_type(calendar.steps(DAY, DAY), pd.DatetimeIndex)
    assert_type(calendar.count(DAY, DAY), int)
    assert_type(calendar.contains(DAY), bool)
    assert_type(calendar.contains([DAY]), NDArray[np.bool_])
    assert_type(calendar.next(DAY, n=2), pd.Timestamp)
    assert_type(calendar.previous(DAY), pd.Timestamp)
    windows: pd.IntervalIndex[Any] = calendar.windows(DAY, DAY, span="1D")
    assert_type(calendar.bounds(DAY, DAY), pd.DataFrame)
    assert_type(calendar.chunks(DAY, DAY, 1_000), Iterator[pd.DatetimeIndex])
    assert_type(calendar | Fridays(), BaseCalendar)
    assert_type(calendar & Fridays(), BaseCalendar)
    assert_type(calendar - Fridays(), BaseCalendar)
    assert_type(calendar.shift(1, by="B"), BaseCalendar)
    assert_type(Fridays().next(DAY), pd.Timestamp)
    named: list[BaseCalendar] = [
        BusinessDayCalendar(),
        DailyCalendar(),
        HourlyCalendar(),
        IntervalCalendar(interval=Interval(offset="M")),
        MondayFridayCalendar(),
        WeekdayCalendar(),
        WeeklyCalendar(),
        UnionCalendar(calendars=(calendar, calendar)),
        IntersectionCalendar(calendars=(calendar, calendar)),
        DifferenceCalendar(calendars=(calendar, calendar)),
        ShiftedCalendar(calendar=calendar, n=1),
        PeriodEdgeCalendar(calendar=calendar, period="M", which="last"),
        BusinessHourCalendar(open=dt.time(9), close=dt.time(17)),
        RuleCalendar(
            rules=[
                FixedDate(month=1, day=1, observance="nearest"),
                NthWeekday(month=11, weekday="Thu", n=4),
                EasterOffset(days=1),
                Dates(dates=[DAY]),
            ]
        ),
    ]
    assert named
    assert windows is not None

    BaseCalendar()  # type: ignore[abstract]
    calendar | "1D"  # type: ignore[operator]
    calendar.next()  # type: ignore[call-arg]
    calendar.windows(DAY, DAY, 3)  # type: ignore[arg-type]
    RuleCalendar(hollidays=[])  # type: ignore[call-arg]


def backfill_contexts() -> None:
    context = BackfillContext[DateContext](
        start_datetime=dt.datetime(2024, 1, 1), end_datetime=dt.datetime(2024, 1, 31), context=DateContext(date=DAY)
    )
    assert_type(context.context, DateContext)
    assert_type(context.direction, Literal["forward", "backward"])
    assert_type(context.interval, Interval)
    assert_type(context.calendar, BaseCalendar | None)
    assert_type(context.steps(), pd.DatetimeIndex)
    assert_type(context.steps(as_array=bool(DAY)), pd.DatetimeIndex | NDArray[np.datetime64])
    windows: pd.IntervalIndex[Any] = context.windows()
    assert_type(len(context.step_contexts()), int)
    assert_type(context.step_contexts()[0], DateContext)
    assert_type(context.step_contexts()[1:][0], DateContext)
    assert_type([each.date for each in context.step_contexts()], list[dt.date])
    assert windows is not None

    context.steps("array")  # type: ignore[call-overload]


def of_models(context: BackfillContext[Prices]) -> None:  # type: ignore[type-var]
    """A backfill is over contexts."""


def backfills(context: BackfillContext[DateContext]) -> None:
    store = LocalCheckpointStore(path="marks.sqlite")
    model = BackfillModel(
        model=Prices(),
        checkpoint_store=store,
        key="prices/{step}",
        retry=RetryPolicy(max_attempts=3),
        on_error="continue",
        executor=ThreadExecutor(max_workers=2),
        collect=False,
    )
    result = model(context)
    assert_type(result, BackfillResult)
    assert_type(model(["2024-01-01", "2024-01-31"]), BackfillResult)
    assert_type(result.value, dict[str, Any])
    assert_type(result.summary, RunSummary)
    assert_type(result.report, pd.DataFrame)
    assert_type(result.coverage, pd.DataFrame)

    plan = model.plan(context)
    assert_type(plan, BackfillPlan)
    assert_type(plan.frame, pd.DataFrame)
    assert_type(plan.counts, dict[str, int])
    assert_type(plan.gaps, pd.DataFrame)
    assert_type(plan.to_dict(), dict[str, Any])
    assert_type(model.remaining(plan), BackfillPlan)
    assert_type(model.run_plan(BackfillPlan.read_parquet("plan.parquet")), BackfillResult)

    status = model.status(context)
    assert_type(status, BackfillStatus)
    assert_type(status.failures, pd.DataFrame)
    assert_type(status.remove(status.removable(failed=True)), list[str])

    try:
        model(context)
    except BackfillCancelled as cancelled:
        assert_type(cancelled.result, BackfillResult)
    except BackfillError as error:
        assert_type(error.result, BackfillResult)
    except PlanError as error:
        assert_type(error.hint, str)

    model.run_plan(context)  # type: ignore[arg-type]
    model.plan()  # type: ignore[call-arg]
    BackfillModel(model=Prices(), executer=ThreadExecutor())  # type: ignore[call-arg]


def executors() -> None:
    evaluator = ParallelGraphEvaluator(executor=SerialExecutor())
    for executor in (SerialExecutor(), ThreadExecutor(), ProcessExecutor(max_workers=2), DaskExecutor(n_workers=2)):
        with executor.open() as pool:
            assert_type(pool, Executor)
    assert evaluator

    ThreadExecutor(workers=2)  # type: ignore[call-arg]


def checkpoints() -> None:
    status: CheckpointStatus = "succeeded"
    for store in (LocalCheckpointStore(path="x"), MemoryCheckpointStore(), CacheCheckpointStore(store=None)):
        assert_type(store.get("a"), CheckpointRecord | None)
        assert_type(store.get_many(["a"]), list[CheckpointRecord | None])
        assert_type(store.should_skip("a"), bool)
        assert_type(store.should_skip_many(iter(["a"])), list[bool])
        assert_type(store.mark("a", status, metadata={"rows": 1}), CheckpointRecord)
        assert_type(store.mark_many(["a"], "failed"), None)
        assert_type(store.list(prefix="a", status="failed"), list[CheckpointRecord])
        assert_type(store.delete("a"), bool)
        record = store.mark_succeeded("a")
        assert_type(record.updated_at, str)
        assert_type(record.status, CheckpointStatus)

        store.mark("a", "done")  # type: ignore[arg-type]
        store.get("a").status  # type: ignore[union-attr]


def decisions() -> None:
    marked = SkipMarked(checkpoint_store=MemoryCheckpointStore())
    policy = marked | SkipExisting() | SkipInDatabase(database=marked.checkpoint_store)
    assert_type(policy, SkipAny)
    assert_type(policy & marked, SkipAll)
    either: SkipPolicy = policy
    unit = CheckpointDecisionUnit(key="2024-01-01", output_path=None)
    result = CheckpointDecisionModel(policy=either)(CheckpointDecisionContext(units=[unit], overwrite=True))
    assert_type(result, CheckpointDecisionResult)
    assert_type(result.runnable_keys, list[str])
    assert_type(result.decisions, list[CheckpointDecision])
    assert_type(result.decisions[0].status, Literal["planned", "checkpoint", "exists", "database"])

    marked | "exists"  # type: ignore[operator]
    result.decisions[0].state  # type: ignore[attr-defined]


def codecs() -> None:
    name: CacheFormatName = "json"
    formats: CacheFormat = [name, "gzip"]
    codec = PayloadCodec(format=formats)
    assert_type(codec.encode({"close": 103.6}), bytes)
    assert_type(codec.formats, list[str])
    assert_type(codec.content_format, str)
    assert_type(codec.suffix, str)
    assert_type(codec.media_type, str | None)
    assert_type(codec.decode(memoryview(b"{}")), Any)
    assert_type(codec.encode_batches(iter([]), io.BytesIO()), int)
    assert_type(codec.decode_batches(io.BytesIO()), Iterator[Any])
    for error in (PayloadDecodeError, PayloadEncodeError, PayloadIntegrityError, PayloadTooLargeError):
        assert issubclass(error, ValueError)

    codec.decode("{}")  # type: ignore[arg-type]
    codec.encode()  # type: ignore[call-arg]
    PayloadCodec(formt="json")  # type: ignore[call-arg]


def stores() -> None:
    for store in (MemoryCacheStore(), ObjectCacheStore(url="memory:///"), LocalCacheStore(root="data")):
        assert_type(store.exists("a.json"), bool)
        assert_type(store.put_bytes("a.json", b"{}", content_type="application/json"), None)
        assert_type(store.put_bytes_new("a.json", b"{}"), bool)
        assert_type(store.get_bytes("a.json"), bytes)
        assert_type(store.uri("a.json"), str)
        assert_type(store.list("a"), list[str])

        store.put_bytes("a.json", "{}")  # type: ignore[arg-type]
        store.get("a.json")  # type: ignore[union-attr]


def handoffs() -> None:
    store = LocalCacheStore(root="data")
    put = CachePutModel(store=store, format="parquet")(CachePutContext(key="a", payload=[{"close": 103.6}]))
    assert_type(put, CachePutResult)
    assert_type(put.status, Literal["written", "exists"])
    assert_type(put.artifact, ETLArtifact)
    got = CacheGetModel(store=store, format="parquet")(CacheGetContext(key="a"))
    assert_type(got, CacheGetResult)
    assert_type(got.status, Literal["hit", "miss"])
    assert_type(got.payload, Any)
    written = LocalWriteModel(format=["json", "gzip"])(LocalWriteContext(path="a.json", payload={}))
    assert_type(written, LocalWriteResult)
    base: tuple[type[WriteModel], type[WriteContext], type[WriteResult]]
    base = (LocalWriteModel, LocalWriteContext, LocalWriteResult)
    assert base

    CachePutContext(key="a")  # type: ignore[call-arg]
    LocalWriteContext(path="a.json", payload={}, overwrit=True)  # type: ignore[call-arg]


def artifacts() -> None:
    stage: ETLStage = "transform"
    artifact = ETLArtifact(key="a", stage=stage, metadata={"rows": 1})
    assert_type(artifact.size, int | None)
    summary = RunSummary.from_items([{"status": "written"}], artifacts=[artifact])
    assert_type(summary, RunSummary)
    assert_type(RunSummary.from_statuses(["written", "failed"]).failed, int)
    assert_type(summary.by_status, dict[str, int])
    assert_type(summary.legacy_counts(), dict[str, int])

    ETLArtifact(stage=stage)  # type: ignore[call-arg]
    RunSummary.from_statuses([1])  # type: ignore[list-item]


def retries() -> None:
    policy = RetryPolicy(max_attempts=3, requests_per_interval=RateLimit(requests=10, seconds=1))
    assert_type(policy.should_retry_status(503, attempt=1), bool)
    assert_type(policy.should_retry_exception(TimeoutError(), attempt=1), bool)
    assert_type(policy.delay_seconds(1, jitter_value=0.5), float)
    assert_type(policy.exception_category(AttemptTimeoutError()), Literal["timeout", "connection", "exception"])
    assert_type(policy.status_category(429), Literal["rate_limit", "timeout", "server_error", "status"])
    assert_type(policy.to_ccflow(), CcflowRetryPolicy)
    model = RetryModel(model=Prices(), policy=policy)
    assert_type(RetryModel[Prices](model=Prices()).model, Prices)
    try:
        assert_type(model(DateContext(date=DAY)), RetryResult)
    except RetryCancelled as cancelled:
        assert_type(cancelled.summary, dict[str, int])
    except RetryExecutionError as error:
        assert_type(list(error.events), list[RetryEvent])

    policy.delay_seconds()  # type: ignore[call-arg]
    policy.should_retry_status("503", 1)  # type: ignore[arg-type]
    RetryPolicy(max_attempt=3)  # type: ignore[call-arg]


def configuration() -> None:
    assert_type(load_config(["context.path=a.json"], config_dir="config"), ModelRegistry)
    assert_type(ccflow_etl.__version__, str)

    load_config("context.path=a.json")  # type: ignore[arg-type]
    ccflow_etl.ExtractModel  # type: ignore[attr-defined]

"""What a backfill costs beside what it cannot do without: the calls of its model."""

import datetime as dt
import multiprocessing
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from ccflow import CallableModel, DateContext, DatetimeContext, DatetimeRangeContext

from benchmarks.models import (
    Computing,
    Day,
    Days,
    Declaring,
    Moments,
    Naive,
    Waiting,
    days_of,
    packaged,
)
from benchmarks.processes import peak
from benchmarks.ratios import Case
from ccflow_etl import (
    BackfillContext,
    BackfillModel,
    LocalCheckpointStore,
    ProcessExecutor,
    SerialExecutor,
    ThreadExecutor,
)


def test_a_step_beside_a_bare_loop(compare, full, tmp_path):
    count, model = 2_000 if full else 500, Day()
    context = days_of(model, count)
    ready = list(context.step_contexts())
    databases = iter(range(1_000))

    def collecting():
        return BackfillModel(model=model)(context)

    def lean():
        return BackfillModel(model=model, collect=False)(context)

    def loop():
        return [model(step) for step in ready]

    def making():
        return [model(DateContext(date=step.date)) for step in ready]

    def marked():
        store = LocalCheckpointStore(path=tmp_path / f"{next(databases)}.sqlite")
        BackfillModel(model=model, collect=False, checkpoint_store=store)(context)
        store.close()

    bare = "a bare loop, contexts ready"
    compare(
        Case("a step", collecting, bare, loop, 2, each=count),
        Case("a step", collecting, "a bare loop that makes contexts", making, each=count),
        Case("a step, collect=False", lean, bare, loop, 1.5, quiet=True, each=count),
        Case("a step with a mark", marked, bare, loop, 6, each=count),
    )


def test_a_step_beside_a_naive_backfill(compare, full):
    """The graph evaluator's own share of a step is measured with a root that never asks for its steps."""
    count, many, model = (1_000, 100_000, Day()) if full else (100, 5_000, Day())
    context, spans = days_of(model, count), days_of(Days(), many)

    def under(backfill: CallableModel, context: Any) -> Callable[[], None]:
        def run() -> None:
            with packaged():
                backfill(context)

        return run

    naive = under(Naive(model=model), context)
    serial = under(BackfillModel(model=model, executor=SerialExecutor()), context)
    threads = under(BackfillModel(model=model, executor=ThreadExecutor(max_workers=2)), context)
    graph, alone = under(BackfillModel(model=model), context), under(Declaring(model=model), context)
    chunks = under(BackfillModel(model=Days(), chunk=100, collect=False), spans)
    compare(
        Case("a step, as packaged (SerialExecutor)", serial, "naive, with ccflow's evaluators", naive, 0.5, each=count),
        Case("a step in two threads", threads, "naive, with ccflow's evaluators", naive, 0.6, each=count),
        Case("a step that the graph runs", graph, "naive, with ccflow's evaluators", naive, 1.2, each=count),
        Case("a step in the graph alone", alone, "naive, with ccflow's evaluators", naive, each=count),
        Case("a step, chunk=100", chunks, "naive, with ccflow's evaluators", naive, 1 / 30, False, many, count),
    )


def bare_chunks(steps: int) -> int:
    start, model = dt.datetime(2000, 1, 1), Moments()
    for first in range(0, steps, 1_000):
        times = {"start_datetime": first, "end_datetime": first + 1_000}
        model(DatetimeRangeContext(**{name: start + dt.timedelta(minutes=number) for name, number in times.items()}))
    return steps


def chunked(steps: int, path: str | None) -> int:
    start = dt.datetime(2000, 1, 1)
    backfill = BackfillModel(model=Moments(), chunk=1_000, collect=False, report_path=path)
    return backfill([start, start + dt.timedelta(minutes=steps - 1), None, "forward", "1min"]).summary.succeeded


def bare_results(steps: int) -> int:
    contexts = days_of(Day(), steps).step_contexts()
    kept = [(context, Day()(context)) for context in contexts]
    return len(kept)


def collected(steps: int) -> int:
    result = BackfillModel(model=Day())(days_of(Day(), steps))
    return len(result.value["outputs"])


def peak_of(function: Callable[..., int], steps: int, *arguments: Any) -> tuple[int, int]:
    """The peak of this process for so many steps, after a few that load what is loaded once."""
    function(1_000, *arguments)
    done = []
    found = peak(lambda: done.append(function(steps, *arguments)))
    assert done == [steps]
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
def test_memory_of_chunks(compare, alone, full, tmp_path):
    steps = 1_000_000 if full else 10_000
    bare, _ = alone(peak_of, bare_chunks, steps)
    for what, path in (("in chunks", None), ("in chunks, report streamed", str(tmp_path / "run.parquet"))):
        most, _ = alone(peak_of, chunked, steps, path)
        compare.sizes(
            f"peak of {steps:,} steps {what}", most, "a process with a bare loop", bare, 4, quiet=True, by="memory"
        )


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
def test_memory_of_outputs(compare, alone, full):
    steps = 30_000 if full else 1_000
    (_, ours), (_, theirs) = (alone(peak_of, function, steps) for function in (collected, bare_results))
    beside = "a list of contexts and results"
    compare.sizes("a step with its output", ours / steps, beside, theirs / steps, 1.5, quiet=True, by="memory")


def test_steps_that_wait_in_threads(compare, full):
    count, model = 1_000 if full else 64, Waiting()
    context = days_of(model, count)
    contexts = list(context.step_contexts())
    backfill = BackfillModel(model=model, executor=ThreadExecutor(max_workers=32))

    def pool():
        with ThreadPoolExecutor(32) as threads:
            return list(threads.map(model, contexts))

    what, bare = "a step that waits 50 ms, 32 threads", "a bare pool of 32"
    few, ours = 20, partial(backfill, context)

    def loop():
        return [model(context) for context in contexts[:few]]

    compare(
        Case(what, ours, bare, pool, 1.5, quiet=True, each=count),
        Case(what, ours, "a bare loop", loop, 1 / 5, each=count, theirs_each=few),
        by="clock",
    )


def test_steps_that_compute_in_processes(compare, full):
    """What two processes gain depends on who else is at work, so a bare pool is measured beside them."""
    count, model = (32, Computing(count=1_000_000)) if full else (16, Computing(count=10_000))
    context = days_of(model, count)
    contexts = list(context.step_contexts())

    def alone():
        return [model(step) for step in contexts]

    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:

        def ours():
            return BackfillModel(model=model, executor=pool)(context)

        def bare():
            return list(pool.map(model, contexts))

        def fresh():
            return BackfillModel(model=model, executor=ProcessExecutor(max_workers=2))(context)

        what = "a step that computes, two processes"
        compare(
            Case(what, ours, "the same pool, bare", bare, 1.5, quiet=True, each=count),
            Case(what, ours, "a bare loop", alone, each=count),
            Case("a step that computes, two new processes", fresh, "a bare loop", alone, each=count),
            by="clock",
        )


def test_contexts_of_steps(compare, full):
    count = 20_000 if full else 5_000
    days = BackfillContext[DateContext](
        start_datetime="1750-01-01", end_datetime=dt.datetime(1750, 1, 1) + dt.timedelta(days=count - 1)
    )
    zoned = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
    hours = BackfillContext[DatetimeContext](
        start_datetime=zoned, end_datetime=zoned + dt.timedelta(hours=count - 1), interval="1h"
    )
    for what, context, make in (
        ("a step's DateContext", days, lambda step: DateContext(date=step.date)),
        ("a step's DatetimeContext, aware", hours, lambda step: DatetimeContext(dt=step.dt)),
    ):
        ready = list(context.step_contexts())
        assert len(ready) == count

        def ours(context=context):
            for _ in context.step_contexts():
                pass

        def by_hand(ready=ready, make=make):
            for step in ready:
                make(step)

        compare(
            Case(what, ours, "its class, called", by_hand, 1, each=count),
            Case(f"{what}: before the first", context.step_contexts, "all of them", ours, 1 / 20),
        )


@pytest.mark.benchmark(group="a backfill of 1,000 steps", max_time=1, min_rounds=3)
@pytest.mark.parametrize("collect", [True, False])
def test_a_thousand_steps(benchmark, collect):
    backfill = BackfillModel(model=Day(), collect=collect)
    result = benchmark(backfill, days_of(Day(), 1_000))
    assert result.summary.succeeded == 1_000

"""What a backfill costs beside what it cannot do without: the calls of its model.

python -m pytest benchmarks/bench_backfill.py -s
"""

import datetime as dt
import importlib
import multiprocessing
import statistics
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor

import pytest
from ccflow import (
    CallableModel,
    DateContext,
    DateRangeContext,
    DatetimeContext,
    Flow,
    FlowOptions,
    FlowOptionsOverride,
    GenericResult,
)
from ccflow.evaluators import GraphEvaluator, LoggingEvaluator, MemoryCacheEvaluator, MultiEvaluator

from ccflow_etl import (
    BackfillContext,
    BackfillModel,
    LocalCheckpointStore,
    ProcessExecutor,
    SerialExecutor,
    ThreadExecutor,
)

CPU_BOUND = """\
from ccflow import CallableModel, DateContext, Flow, GenericResult


def compute(_):
    return sum(number * number for number in range(7_500_000))


class Computing(CallableModel):
    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        return GenericResult[int](value=compute(context))
"""


class Day(CallableModel):
    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        return GenericResult[int](value=context.date.day)


class Waiting(CallableModel):
    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        time.sleep(0.05)
        return GenericResult[int](value=1)


class Naive(CallableModel):
    """A backfill as one writes it first: the steps are dependencies, and each is called for its value."""

    model: CallableModel

    @Flow.call
    def __call__(self, context: BackfillContext) -> GenericResult[list]:
        return GenericResult[list](value=[self.model(step).value for step in context.step_contexts()])

    @Flow.deps
    def __deps__(self, context: BackfillContext):
        return [(self.model, list(context.step_contexts()))]


class Span(CallableModel):
    @Flow.call
    def __call__(self, context: DateRangeContext) -> GenericResult[int]:
        return GenericResult[int](value=1)


class Declaring(Naive):
    """Declares its steps and leaves them to the graph."""

    @Flow.call
    def __call__(self, context: BackfillContext) -> GenericResult[list]:
        return GenericResult[list](value=[])


def days_of(model, count):
    return BackfillModel(model=model).context_type.model_validate(
        ["1700-01-01", dt.date(1700, 1, 1) + dt.timedelta(days=count - 1)]
    )


def days(count):
    return days_of(Day(), count)


def packaged():
    """The evaluators of the packaged config, new ones for each run."""
    evaluators = [GraphEvaluator(), MemoryCacheEvaluator(), LoggingEvaluator()]
    return FlowOptionsOverride(options=FlowOptions(evaluator=MultiEvaluator(evaluators=evaluators), cacheable=True))


def seconds(function):
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def medians(*functions, rounds=7):
    """The median seconds of each function, in samples taken in turns after one call each that counts for nothing."""
    for function in functions:
        function()
    turns = [[seconds(function) for function in functions] for _ in range(rounds)]
    return [statistics.median(times) for times in zip(*turns, strict=True)]


def show(line):
    print(line)  # noqa: T201 - shown by -s


def table(title, steps, times, beside):
    show(f"\n{title}, {steps:,} steps")
    for name, took in times.items():
        show(f"{name:>44} {took / steps * 1e6:10.1f} us a step {took / beside:8.2f}")


def test_a_step_beside_a_bare_loop(tmp_path):
    context, model = days(5_000), Day()
    ready = list(context.step_contexts())
    backfill, lean = BackfillModel(model=model), BackfillModel(model=model, collect=False)
    marking = iter(range(100))

    def marked():
        store = LocalCheckpointStore(path=tmp_path / f"{next(marking)}.sqlite")
        BackfillModel(model=model, collect=False, checkpoint_store=store)(context)
        store.close()

    names = ["a bare loop, its contexts ready", "a bare loop that makes its contexts"]
    names += ["backfill", "backfill, collect=False", "backfill with a checkpoint store"]
    bare, making, ours, leaner, stored = medians(
        lambda: [model(step) for step in ready],
        lambda: [model(DateContext(date=step.date)) for step in ready],
        lambda: backfill(context),
        lambda: lean(context),
        marked,
    )
    table("A plain evaluator", 5_000, dict(zip(names, (bare, making, ours, leaner, stored), strict=True)), bare)
    assert leaner <= 1.5 * bare
    assert ours <= 2 * bare
    assert stored <= 6 * bare


def test_a_step_beside_a_naive_backfill():
    """The graph evaluator's own share of a step is measured with a root that never asks for its steps."""
    context, model, spans = days(1_000), Day(), days_of(Span(), 100_000)
    kinds = {
        "a naive backfill": (Naive(model=model), context),
        "backfill in the graph": (BackfillModel(model=model), context),
        "the graph alone": (Declaring(model=model), context),
        "backfill as packaged (SerialExecutor)": (BackfillModel(model=model, executor=SerialExecutor()), context),
        "backfill in two threads": (BackfillModel(model=model, executor=ThreadExecutor(max_workers=2)), context),
        "backfill, chunk=100": (BackfillModel(model=Span(), chunk=100, collect=False), spans),
    }

    def under(backfill, context):
        with packaged():
            backfill(context)

    times = medians(*(lambda kind=kind: under(*kind) for kind in kinds.values()), rounds=5)
    naive, graph, _, serial, threads, chunks = (
        took / len(context.steps()) for took, (_, context) in zip(times, kinds.values(), strict=True)
    )
    show("\nThe packaged evaluators, 1,000 steps (100,000 in chunks)")
    for (name, (_, context)), took in zip(kinds.items(), times, strict=True):
        each = took / len(context.steps())
        show(f"{name:>44} {each * 1e6:10.1f} us a step {each / naive:8.3f}")
    assert graph <= 1.2 * naive
    assert serial <= 0.5 * naive
    assert threads <= 0.6 * naive
    assert chunks <= naive / 50


MEMORY = """\
import resource, sys
from ccflow import CallableModel, DateContext, DateRangeContext, DatetimeRangeContext, Flow, GenericResult
from ccflow_etl import BackfillModel


class Span(CallableModel):
    @Flow.call
    def __call__(self, context: DatetimeRangeContext) -> GenericResult[int]:
        return GenericResult[int](value=1)


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


chunk, steps, path, collect = int(sys.argv[1]) or None, int(sys.argv[2]), sys.argv[3] or None, sys.argv[4] == "True"
backfill = BackfillModel(model=Span(), chunk=chunk, collect=collect, report_path=path)
backfill(["2024-01-01", "2024-01-01", None, "forward", "1min"])
before = peak()
import datetime as dt
start = dt.datetime(2000, 1, 1)
result = backfill([start, start + dt.timedelta(minutes=steps - 1), None, "forward", "1min"])
assert result.summary.succeeded == steps
print(before, peak())
"""


@pytest.mark.parametrize(
    ("chunk", "steps", "report", "collect", "most"),
    [
        (1_000, 1_000_000, "", False, 300),
        (1_000, 1_000_000, "run.parquet", False, 300),
        (0, 100_000, "", False, None),
        (0, 100_000, "", True, None),
    ],
)
def test_memory(tmp_path, chunk, steps, report, collect, most):
    arguments = [str(chunk), str(steps), report and str(tmp_path / report), str(collect)]
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", MEMORY, *arguments], capture_output=True, text=True, check=True)
    before, after = map(float, done.stdout.split())
    took, grew = time.perf_counter() - started, (after - before) * 2**20 / steps
    kind = f"chunk={chunk}, collect={collect}, report {report or 'in memory'}"
    show(f"\n{steps:,} steps, {kind}: {took:.1f} s, {after:.0f} MB at most, {grew:.0f} bytes a step")
    assert most is None or after <= most
    assert grew <= 1024


def test_steps_that_wait_in_threads():
    backfill = BackfillModel(model=Waiting(), executor=ThreadExecutor(max_workers=32))
    context = days(1_000)
    [took] = medians(lambda: backfill(context), rounds=3)
    show(f"\n1,000 steps that wait 50 ms, in 32 threads: {took:.2f} s, where 1.56 s is the least")
    assert took <= 4


def test_steps_that_compute_in_processes(tmp_path):
    """What two processes gain depends on who else is at work, so a bare pool is measured beside them."""
    (tmp_path / "computing.py").write_text(CPU_BOUND)
    sys.path.insert(0, str(tmp_path))
    try:
        computing = importlib.import_module("computing")
        model, context = computing.Computing(), days(64)
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            times = medians(
                lambda: BackfillModel(model=model)(context),
                lambda: list(pool.map(computing.compute, range(64))),
                lambda: BackfillModel(model=model, executor=pool)(context),
                lambda: BackfillModel(model=model, executor=ProcessExecutor(max_workers=2))(context),
                rounds=1,
            )
    finally:
        sys.path.remove(str(tmp_path))
    alone, bare, ours, fresh = times
    show("\n64 steps that compute")
    for name, took in zip(
        ("one process", "a bare pool of two", "backfill in that pool", "backfill in two new processes"),
        times,
        strict=True,
    ):
        show(f"{name:>44} {took:10.2f} s {alone / took:8.2f} times as fast")
    assert ours <= 1.5 * bare
    assert fresh <= 2 * bare + 5


def test_contexts_of_steps():
    def one_for_each(context):
        for _ in context.step_contexts():
            pass

    contexts = {
        "DateContext": BackfillContext[DateContext](start_datetime="1750-01-01", end_datetime="2023-10-15"),
        "DatetimeContext, aware": BackfillContext[DatetimeContext](
            start_datetime="2000-01-01T00:00+00:00", end_datetime="2011-05-29T15:00+00:00", interval="1h"
        ),
    }
    show("")
    for name, context in contexts.items():
        count = len(context.step_contexts())
        [took] = medians(lambda context=context: one_for_each(context), rounds=5)
        [unused] = medians(context.step_contexts, rounds=5)
        show(f"{count:,} of {name}: {took / count * 1e6:.2f} us each, {unused * 1e6:.1f} us before the first")
        assert took / count <= 10e-6
        assert unused <= 200e-6

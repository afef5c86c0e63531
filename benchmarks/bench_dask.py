"""What a step costs on Dask, beside a hand-written ``client.map`` of the same calls in the same run.

python -m pytest benchmarks/bench_dask.py -s
"""

import importlib
import statistics
import sys
import textwrap
import time
from functools import partial

import pytest

from ccflow_etl import BackfillModel, DaskExecutor

MODELS = """
    import time

    from ccflow import CallableModel, DateContext, Flow, GenericResult


    class Day(CallableModel):
        @Flow.call
        def __call__(self, context: DateContext) -> GenericResult[int]:
            return GenericResult[int](value=context.date.day)


    class Waiting(CallableModel):
        @Flow.call
        def __call__(self, context: DateContext) -> GenericResult[int]:
            time.sleep(0.05)
            return GenericResult[int](value=1)


    def call(model, context):
        return model(context)
"""

STEPS = 2_000
RANGE = ["2000-01-01", "2005-06-22"]


@pytest.fixture
def models(tmp_path, monkeypatch):
    (tmp_path / "bench_dask_models.py").write_text(textwrap.dedent(MODELS))
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("bench_dask_models")
    del sys.modules["bench_dask_models"]


def took(function):
    """Seconds on the clock, and of this process's processors, in which a cluster on this machine has its scheduler."""
    clock, processors = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - clock, time.process_time() - processors


def show(line):
    print(line)  # noqa: T201 - shown by -s


def test_a_step_beside_client_map(models):
    with DaskExecutor(n_workers=2, threads_per_worker=8).open() as pool:
        client = pool._client
        backfill = BackfillModel(model=models.Day(), executor=pool)
        context = backfill.context_type.model_validate(RANGE)
        contexts = list(context.step_contexts())
        assert len(contexts) == STEPS

        def by_hand():
            client.gather(client.map(partial(models.call, models.Day()), contexts, pure=False))

        kinds = {"client.map": by_hand, "backfill": partial(backfill, context)}
        turns = [[took(function) for function in kinds.values()] for _ in range(6)][1:]
    clocks, processors = zip(*[zip(*turn, strict=True) for turn in turns], strict=True)
    hand, ours = (statistics.median(times) for times in zip(*clocks, strict=True))
    driver = [statistics.median(times) / STEPS for times in zip(*processors, strict=True)]
    show(f"\n{STEPS:,} steps, 2 workers x 8 threads")
    for name, each, busy in zip(kinds, (hand, ours), driver, strict=True):
        show(f"{name:>12} {each / STEPS * 1e3:6.2f} ms a step, {busy * 1e3:.2f} of them at work in the driver")
    show(f"{'':>12} {ours / hand:6.2f} times as long")
    assert ours <= 1.3 * hand
    assert driver[1] <= 1e-3


def test_steps_that_wait(models):
    with DaskExecutor(n_workers=2, threads_per_worker=8).open() as pool:
        backfill = BackfillModel(model=models.Waiting(), executor=pool)
        seconds = statistics.median(took(partial(backfill, RANGE))[0] for _ in range(3))
    reached = STEPS * 0.05 / 16 / seconds
    show(f"\n{STEPS:,} steps that wait 50 ms, 2 workers x 8 threads: {reached:.0%} of the ideal")
    assert reached >= 0.85

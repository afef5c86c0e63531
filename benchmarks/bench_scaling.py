"""How much one driver can do: what a step costs it when the workers cost nothing.

python -m pytest benchmarks/bench_scaling.py -s
"""

import datetime as dt
import os
import struct
import time
from concurrent.futures import Executor, Future
from contextlib import contextmanager

import cloudpickle
import pytest
from ccflow import CallableModel, DatetimeContext, DatetimeRangeContext, Flow, GenericResult

from ccflow_etl import BackfillModel, LocalCheckpointStore
from ccflow_etl.execution.runner import Outcome

START = dt.datetime(2000, 1, 1)
PLACE = 0x7FEEDDCC


class Hourly(CallableModel):
    @Flow.call
    def __call__(self, context: DatetimeContext) -> GenericResult[int]:
        return GenericResult[int](value=1)


class Span(CallableModel):
    @Flow.call
    def __call__(self, context: DatetimeRangeContext) -> GenericResult[int]:
        return GenericResult[int](value=1)


class Instant(Executor):
    """Workers without number, on which a call takes no time: its outcome is there, as bytes, when it is submitted."""

    def __init__(self):
        self.calls = self.sent = self.received = 0
        outcome = Outcome(PLACE, result=GenericResult[int](value=1), started=time.time(), process=os.getpid())
        self._before, self._after = cloudpickle.dumps(outcome).split(struct.pack("<i", PLACE))

    def ahead(self, seconds):
        return 64

    @contextmanager
    def carrying(self, fn, cargo):
        yield self._submit

    def _submit(self, index, item):
        answer = self._before + struct.pack("<i", index) + self._after
        self.calls, self.sent, self.received = self.calls + 1, self.sent + len(item), self.received + len(answer)
        future = Future()
        future.set_result(answer)
        return future


def run(model, minutes, **fields):
    """Seconds of this process for a backfill of so many minutes, and its pool."""
    with Instant() as pool:
        backfill = BackfillModel(model=model, executor=pool, collect=False, **fields)
        end = START + dt.timedelta(minutes=minutes - 1)
        context = backfill.context_type.model_validate([START, end, None, "forward", "1min"])
        began = time.process_time()
        result = backfill(context)
        took = time.process_time() - began
    assert result.summary.succeeded == minutes
    return took, pool


def show(line):
    print(line)  # noqa: T201 - shown by -s


def feeds(each):
    return ", ".join(f"{seconds / each:,.0f} threads of {seconds:g} s steps" for seconds in (0.05, 1, 60))


@pytest.mark.parametrize(
    ("steps", "chunk"), [(10_000, None), (100_000, None), (1_000_000, None), (10_000_000, 1_000)], ids=str
)
def test_the_driver(steps, chunk):
    took, pool = run(Span() if chunk else Hourly(), steps, chunk=chunk)
    each = took / pool.calls
    show(
        f"\n{steps:,} steps, chunk={chunk}: {took:.1f} s in all, {each * 1e6:.0f} us a call, "
        f"{pool.sent / pool.calls:.0f} bytes there and {pool.received / pool.calls:.0f} back; feeds {feeds(each)}"
    )
    # The workers' engine comes on top, which is given 1 ms a call by bench_dask.py.
    assert took / steps <= 500e-6
    assert pool.sent / pool.calls <= 1_000


def test_the_driver_with_marks(tmp_path):
    store = LocalCheckpointStore(path=tmp_path / "marks.sqlite")
    took, pool = run(Hourly(), 20_000, checkpoint_store=store)
    plain, _ = run(Hourly(), 20_000)
    show(
        f"\n20,000 steps: {took / pool.calls * 1e6:.0f} us a call with marks, {plain / pool.calls * 1e6:.0f} without; "
        f"feeds {feeds(took / pool.calls)}"
    )
    assert took / pool.calls <= 1e-3

"""How much one driver can do: what a step costs it when the workers cost nothing."""

import datetime as dt
import os
import struct
import time
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from functools import partial

import cloudpickle
from ccflow import GenericResult

from benchmarks.models import Moment, Moments
from benchmarks.ratios import Case
from ccflow_etl import BackfillModel, LocalCheckpointStore
from ccflow_etl.execution.runner import Outcome

START = dt.datetime(2000, 1, 1)
PLACE = 0x7FEEDDCC


class Instant(Executor):
    """Workers without number, on which a call takes no time: its outcome is there, as bytes, when it is submitted."""

    def __init__(self):
        self.calls = self.sent = 0
        result = cloudpickle.dumps(GenericResult[int](value=1))
        outcome = Outcome(PLACE, result=result, started=time.time(), process=os.getpid())
        self._before, self._after = cloudpickle.dumps(outcome).split(struct.pack("<i", PLACE))

    def ahead(self, seconds):
        return 64

    @contextmanager
    def carrying(self, fn, cargo):
        yield self._submit

    def _submit(self, index, item):
        answer = self._before + struct.pack("<i", index) + self._after
        self.calls, self.sent = self.calls + 1, self.sent + len(item)
        future = Future()
        future.set_result(answer)
        return future


def context_of(backfill, minutes):
    end = START + dt.timedelta(minutes=minutes - 1)
    return backfill.context_type.model_validate([START, end, None, "forward", "1min"])


def run(model, minutes, **fields):
    """A backfill of so many minutes on such workers, and its pool."""
    with Instant() as pool:
        backfill = BackfillModel(model=model, executor=pool, collect=False, **fields)
        result = backfill(context_of(backfill, minutes))
    assert result.summary.succeeded == minutes
    return pool


def bare_loop(count):
    """The calls themselves, in this process, with contexts that are ready."""
    model = Moment()
    contexts = list(context_of(BackfillModel(model=model), count).step_contexts())
    return lambda: [model(context) for context in contexts]


def test_what_a_step_costs_the_driver(compare, full, tmp_path):
    few, many, most = (10_000, 100_000, 10_000_000) if full else (500, 5_000, 100_000)
    databases = iter(range(1_000))

    def marked():
        store = LocalCheckpointStore(path=tmp_path / f"{next(databases)}.sqlite")
        run(Moment(), few, checkpoint_store=store)
        store.close()

    step, steps, loop = partial(run, Moment(), few), partial(run, Moment(), many), bare_loop(few)
    compare(
        Case("a step", step, "the call of its model", loop, 3, each=few),
        Case(f"a step of {many:,}", steps, f"a step of {few:,}", step, 2, each=many, theirs_each=few),
        Case("a step with a mark", marked, "a step", step, 6, quiet=True, each=few),
    )
    chunks = partial(run, Moments(), most, chunk=1_000)
    compare(
        Case(
            f"a step of {most:,} in chunks of 1,000",
            chunks,
            "the call of its model",
            loop,
            1 / 5,
            each=most,
            theirs_each=few,
        ),
    )


def test_what_is_sent_for_a_step(compare):
    pool, model = run(Moment(), 1_000), Moment()
    context = context_of(BackfillModel(model=model), 1).step_contexts()[0]
    by_hand = len(cloudpickle.dumps((model, context)))
    compare.sizes("sent to a worker for a step", pool.sent / pool.calls, "its model and context, pickled", by_hand, 1)

"""What a step costs on Dask beside a hand-written ``client.map`` of the same calls."""

from collections.abc import Iterator
from functools import partial

import pytest

from benchmarks.models import Day, Waiting, call, days_of
from benchmarks.ratios import Case
from ccflow_etl import BackfillModel, DaskExecutor


@pytest.fixture(scope="module")
def pool() -> Iterator:
    with DaskExecutor(n_workers=2, threads_per_worker=8).open() as pool:
        yield pool


def beside_client_map(pool, model, count):
    """A backfill of so many steps, and the same calls by hand."""
    backfill, context = BackfillModel(model=model, executor=pool), days_of(model, count)
    contexts = list(context.step_contexts())

    def by_hand():
        client = pool._client
        return client.gather(client.map(partial(call, model), contexts, pure=False))

    return partial(backfill, context), by_hand


def test_a_step_beside_client_map(compare, full, pool):
    count = 1_000 if full else 100
    ours, by_hand = beside_client_map(pool, Day(), count)
    assert ours().summary.succeeded == count
    compare(Case("a step", ours, "client.map", by_hand, 1.3, quiet=True, each=count), by="clock")
    # A cluster on this machine has its scheduler in this process.
    compare(Case("a step, driver and scheduler", ours, "client.map", by_hand, 1.5, quiet=True, each=count))


def test_steps_that_wait(compare, full, pool):
    count = 1_000 if full else 100
    ours, by_hand = beside_client_map(pool, Waiting(), count)
    what = "a step that waits 50 ms, 16 threads"
    compare(Case(what, ours, "client.map", by_hand, 1.2, quiet=True, each=count), by="clock")

"""Backfills on Dask when something goes wrong with the cluster: what is run again, what is recorded, what is said."""

import importlib
import logging
import os
import random
import re
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from concurrent.futures import BrokenExecutor, wait
from contextlib import suppress
from itertools import count
from threading import Thread

import pytest
from pydantic import ValidationError

from ccflow_etl import BackfillError, BackfillModel, DaskExecutor, LocalCheckpointStore
from ccflow_etl.execution.runner import run_calls

MODELS = """
    import os
    import time
    from pathlib import Path

    from ccflow import CallableModel, DateContext, Flow, GenericResult


    class Noting(CallableModel):
        '''Notes each of its runs in a file, with the process it takes place in.'''

        folder: Path

        @Flow.call
        def __call__(self, context: DateContext) -> GenericResult[str]:
            with (self.folder / str(context.date)).open("a") as runs:
                runs.write(f"{os.getpid()}\\n")
            return GenericResult[str](value=str(context.date))


    class Held(Noting):
        '''The first step waits for a file of another process's name: its worker has no time for others.'''

        @Flow.call
        def __call__(self, context: DateContext) -> GenericResult[str]:
            result = super().__call__(context)
            while context.date.day == 1 and not (self.folder / "go").exists():
                time.sleep(0.01)
            return result


    class Deadly(CallableModel):
        '''The third step ends its process, each time.'''

        folder: Path

        @Flow.call
        def __call__(self, context: DateContext) -> GenericResult[int]:
            if context.date.day == 3:
                with (self.folder / "deaths").open("a") as deaths:
                    deaths.write("died ")
                os._exit(7)
            return GenericResult[int](value=context.date.day)


    class Counted(CallableModel):
        '''Tells how often it was read from bytes in the process that it runs in.'''

        def __setstate__(self, state):
            super().__setstate__(state)
            Counted.read = getattr(Counted, "read", 0) + 1

        @Flow.call
        def __call__(self, context: DateContext) -> GenericResult[tuple]:
            return GenericResult[tuple](value=(os.getpid(), Counted.read))
"""


@pytest.fixture(scope="module")
def models(import_as):
    return import_as("backfill_dask_models", MODELS)


class Scheduler:
    """A scheduler as someone else would have started it."""

    def __init__(self, environment):
        command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
        self.process = subprocess.Popen(
            [*command, "--no-dashboard"], stderr=subprocess.PIPE, text=True, env=environment
        )
        lines = self.process.stderr
        self.address = next(found[0] for line in lines if (found := re.search(r"tcp://[\d.]+:\d+", line)))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def environment(importable):
    return os.environ | {"PYTHONPATH": str(importable)}


@pytest.fixture
def scheduler(environment):
    with Scheduler(environment) as scheduler:
        yield scheduler


@pytest.fixture
def worker(scheduler, environment):
    command = [sys.executable, "-m", "distributed.cli.dask_worker", scheduler.address, "--no-dashboard"]
    worker = subprocess.Popen(
        [*command, "--nworkers", "1", "--nthreads", "2"], stderr=subprocess.DEVNULL, env=environment
    )
    yield worker
    worker.terminate()
    worker.wait(30)


FORKED = """
    import asyncio
    import os
    import sys

    import backfill_dask_models
    import ccflow_etl.execution.runner
    from distributed import Worker


    async def work():
        async with Worker(sys.argv[1], name=os.getpid(), nthreads=1, dashboard=False) as worker:
            await worker.finished()


    running = set()
    while True:
        while len(running) < 2:
            process = os.fork()
            if not process:
                asyncio.run(work())
                os._exit(0)
            running.add(process)
        running.remove(os.wait()[0])
"""


@pytest.fixture(scope="module")
def workers_at(models, environment):
    """The address of two workers; one that ends is followed by another at once, a fork of what has all it imports."""
    with Scheduler(environment) as scheduler:
        parent = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(FORKED), scheduler.address],
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        yield scheduler.address
        os.killpg(parent.pid, signal.SIGKILL)
        parent.wait()


class Watched:
    """A checkpoint store of the test's own, which does something after so many marks."""

    def __init__(self, **at):
        self.marks, self._at = [], {int(number.removeprefix("after_")): do for number, do in at.items()}

    def should_skip(self, key):
        return ("succeeded", key) in self.marks

    def mark(self, key, status, metadata=None):
        self.marks.append((status, key))
        self._at.pop(len(self.marks), lambda: None)()


def statuses(result):
    return result.report["status"].astype(str).tolist()


def runs(folder, day):
    return (folder / day).read_text().split()


def dates(first, last):
    return [f"2024-01-{day:02}" for day in range(first, last + 1)]


# --- workers


def test_killed_workers_lose_and_double_nothing(models, workers_at, tmp_path):
    """A worker is killed after each of ten marks at random: each step is recorded once, with its own value."""
    chance = random.Random(20240101)
    with DaskExecutor(address=workers_at).open() as pool:

        def kill_one():
            """Kill a worker that the scheduler counts on, which may be one that is gone already."""
            while True:
                names = pool._client.run_on_scheduler(
                    lambda dask_scheduler: [worker.name for worker in dask_scheduler.workers.values()]
                )
                with suppress(ProcessLookupError, IndexError):
                    os.kill(chance.choice(names), signal.SIGKILL)
                    break
            killed.append(1)

        killed = []
        store = Watched(**{f"after_{number}": kill_one for number in chance.sample(range(1, 350), 10)})
        result = BackfillModel(
            model=models.Noting(folder=tmp_path), executor=pool, checkpoint_store=store, key="{step}"
        )(["2024-01-01", "2024-12-31"])
    assert len(killed) == 10
    days = result.report["step"].dt.strftime("%Y-%m-%d").tolist()
    assert len(days) == 366
    assert statuses(result) == ["succeeded"] * 366
    assert Counter(store.marks) == Counter(("succeeded", day) for day in days)
    assert [output["value"] for output in result.value["outputs"]] == days


def configured(settings):
    """Settings of Dask, for the length of a context."""
    import dask

    # Were it loaded within the context, all of its defaults would go with the settings.
    importlib.import_module("distributed")
    return dask.config.set(settings)


def test_a_worker_that_dies_is_replaced_however_long_that_takes():
    """Dask itself gives one up that is not back in so many seconds, and with the last of them the run would wait."""
    with (
        configured({"distributed.deploy.lost-worker-timeout": "0 s"}),
        DaskExecutor(n_workers=1, threads_per_worker=1).open() as pool,
    ):
        pid = pool.submit(os.getpid).result(60)
        os.kill(pid, signal.SIGKILL)
        again = pool.submit(os.getpid)
        wait([again], 60)
        again.cancel()  # or else it would be waited for
        assert not again.cancelled()
        assert again.result() != pid


def test_the_step_of_a_killed_worker_is_run_again_once(models, workers_at, tmp_path):
    """All others are done when the worker of the first step is killed."""

    def kill():
        killed.append(int(*runs(tmp_path, "2024-01-01")))
        os.kill(killed[0], signal.SIGKILL)
        (tmp_path / "go").touch()

    killed = []
    store = Watched(after_30=kill)
    executor = DaskExecutor(address=workers_at)
    backfill = BackfillModel(
        model=models.Held(folder=tmp_path), executor=executor, checkpoint_store=store, key="{step}"
    )
    assert statuses(backfill(["2024-01-01", "2024-01-31"])) == ["succeeded"] * 31
    first, again = runs(tmp_path, "2024-01-01")
    assert [int(first)] == killed != [int(again)]
    assert [len(runs(tmp_path, day)) for day in dates(2, 31)] == [1] * 30
    assert Counter(store.marks) == Counter(("succeeded", day) for day in dates(1, 31))


def test_a_step_that_kills_its_workers_fails(models, workers_at, tmp_path):
    """So may one that was with it each time, waiting or just done: Dask cannot tell who it was, and has two there."""
    store = Watched()
    backfill = BackfillModel(
        model=models.Deadly(folder=tmp_path),
        executor=DaskExecutor(address=workers_at),
        on_error="continue",
        checkpoint_store=store,
        key="{step}",
    )
    with pytest.raises(BackfillError, match=r"of 31 steps failed, first 2024-01-.*KilledWorker") as caught:
        backfill(["2024-01-01", "2024-01-31"])
    assert runs(tmp_path, "deaths") == ["died"] * 4
    told = Counter(statuses(caught.value.result))
    assert told["succeeded"] + told["failed"] == 31
    assert told["failed"] <= 2
    assert ("failed", "2024-01-03") in store.marks
    assert Counter(status for status, _ in store.marks) == told


def test_a_slow_worker_keeps_only_its_own_step(models, dask_pool, tmp_path):
    """All others are done elsewhere, and recorded, while the first step still runs."""
    store = Watched(after_30=(tmp_path / "go").touch)
    result = BackfillModel(
        model=models.Held(folder=tmp_path), executor=dask_pool, checkpoint_store=store, key="{step}"
    )(["2024-01-01", "2024-01-31"])
    assert statuses(result) == ["succeeded"] * 31
    assert store.marks[-1] == ("succeeded", "2024-01-01")
    assert len({runs(tmp_path, day)[0] for day in dates(2, 31)}) == 1


def test_a_model_is_read_once_by_each_worker(models, dask_pool):
    outputs = BackfillModel(model=models.Counted(), executor=dask_pool)(["2024-01-01", "2024-03-31"]).value["outputs"]
    read = dict(output["value"] for output in outputs)
    assert len(read) == 2
    assert set(read.values()) == {1}


def test_nothing_of_a_run_stays_on_the_workers(models, dask_pool, tmp_path):
    client = dask_pool._client
    before = client.run(lambda dask_worker: sorted(dask_worker.plugins))
    BackfillModel(model=models.Noting(folder=tmp_path), executor=dask_pool)(["2024-01-01", "2024-01-31"])
    assert client.run(lambda dask_worker: sorted(dask_worker.plugins)) == before
    assert not dask_pool._running


def test_a_model_that_a_worker_cannot_import_is_named(dask_pool, tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text(textwrap.dedent(MODELS))
    monkeypatch.syspath_prepend(tmp_path)
    only_here = importlib.import_module("only_here")
    with pytest.raises(ImportError, match=r"Noting.*No module named 'only_here'.*Install there") as caught:
        BackfillModel(model=only_here.Noting(folder=tmp_path), executor=dask_pool)(["2024-01-01", "2024-01-31"])
    assert caught.value.name == "only_here"
    assert "step 2024-01" in "".join(caught.value.__notes__)


# --- the scheduler


@pytest.fixture
def told_by_dask():
    """What Dask logs: its client would tell of a scheduler that is gone with a traceback."""

    class Keeping(logging.Handler):
        def emit(self, record):
            told.append(record.getMessage())

    told, handler = [], Keeping()
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    for logger in loggers:
        logger.addHandler(handler)
    yield told
    for logger in loggers:
        logger.removeHandler(handler)


def test_a_scheduler_that_goes_away_is_a_clear_error_and_the_rest_is_run_later(
    models, scheduler, worker, tmp_path, told_by_dask
):
    marks = LocalCheckpointStore(path=tmp_path / "marks.sqlite")

    class Ending(Watched):
        def should_skip(self, key):
            return marks.should_skip(key)

        def mark(self, key, status, metadata=None):
            marks.mark(key, status, metadata=metadata)
            super().mark(key, status, metadata)

    store = Ending(after_20=scheduler.process.kill)
    model = models.Noting(folder=tmp_path)
    executor = DaskExecutor(address=scheduler.address)
    backfill = BackfillModel(model=model, executor=executor, checkpoint_store=store, key="{step}")
    with pytest.raises(BrokenExecutor, match=f"scheduler at {scheduler.address} is gone: start one, and") as caught:
        backfill(["2024-01-01", "2024-12-31"])
    assert "cancelled" in caught.value.__notes__[0]
    assert told_by_dask == []
    done = {key for status, key in store.marks if status == "succeeded"}
    assert 20 <= len(done) < 366
    result = BackfillModel(model=model, checkpoint_store=marks, key="{step}")(["2024-01-01", "2024-12-31"])
    assert Counter(statuses(result)) == {"checkpoint": len(done), "succeeded": 366 - len(done)}


def test_calls_that_no_worker_takes_can_be_stopped(scheduler):
    asked = count()
    with DaskExecutor(address=scheduler.address).open() as pool:
        run = Thread(
            target=lambda: outcomes.extend(run_calls(abs, range(100), pool=pool, go_on=lambda: next(asked) < 20)),
            daemon=True,
        )
        outcomes = []
        run.start()
        run.join(30)
        ended = not run.is_alive()
        pool.shutdown(cancel_futures=True)  # or else they would be waited for
    assert ended
    assert outcomes == []


def test_a_cluster_of_ones_own_stays_open(models, scheduler, worker, tmp_path):
    backfill = BackfillModel(model=models.Noting(folder=tmp_path), executor=DaskExecutor(address=scheduler.address))
    for _ in range(2):
        assert statuses(backfill(["2024-01-01", "2024-01-05"])) == ["succeeded"] * 5
    assert scheduler.process.poll() is None
    assert worker.poll() is None


def test_an_address_without_a_scheduler_is_a_clear_error(models, tmp_path):
    backfill = BackfillModel(model=models.Noting(folder=tmp_path), executor=DaskExecutor(address="tcp://127.0.0.1:1"))
    with (
        configured({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(ConnectionError, match=r"no scheduler at tcp://127.0.0.1:1.*dask scheduler"),
    ):
        backfill(["2024-01-01", "2024-01-05"])


@pytest.mark.parametrize("address", ["scheduler", "tcp://scheduler", "8786", "tcp://scheduler:8786/", "scheduler:port"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ValidationError, match=r"no address of a scheduler, such as tcp://scheduler:8786"):
        DaskExecutor(address=address)


@pytest.mark.parametrize("field", ["n_workers", "threads_per_worker"])
def test_workers_of_another_cluster_are_not_counted_here(field):
    with pytest.raises(ValidationError, match="workers of its own"):
        DaskExecutor(address="tcp://127.0.0.1:1", **{field: 2})

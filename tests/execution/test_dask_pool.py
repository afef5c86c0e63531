"""The pool of a Dask cluster: an executor like any other, whose waiting calls can be kept from beginning."""

import os
import signal
import sys
import time
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from pathlib import Path

import pytest


def note(folder, name, until=None):
    Path(folder, name).touch()
    while until is not None and not Path(folder, until).exists():
        time.sleep(0.01)
    return name


def note_with(cargo, folder, name, until=None):
    return cargo + note(folder, name, until).encode()


def refuse():
    raise LookupError("no such day")


@pytest.fixture(scope="module", autouse=True)
def _by_value():
    """This module is not one that a worker can import."""
    import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


def began(folder, count):
    deadline = time.monotonic() + 30
    while len(list(folder.iterdir())) < count:
        assert time.monotonic() < deadline, "nothing begins"
        time.sleep(0.01)


def test_it_is_an_executor(dask_pool):
    assert isinstance(dask_pool, Executor)
    assert list(dask_pool.map(divmod, range(20), [3] * 20)) == [divmod(k, 3) for k in range(20)]
    assert dask_pool.submit(int, "7f", base=16).result(30) == 127
    assert dask_pool.submit(os.getpid).result(30) != os.getpid()
    assert isinstance(dask_pool.submit(refuse).exception(30), LookupError)


def test_what_would_end_a_worker_is_an_error_of_the_call(dask_pool):
    workers = set(dask_pool._client.nthreads())
    assert dask_pool.submit(sys.exit, 3).exception(30).code == 3
    assert dask_pool.submit(abs, -1).result(30) == 1
    assert set(dask_pool._client.nthreads()) == workers


def test_once_one_is_cancelled_no_more_begin_and_those_that_run_end(dask_pool, tmp_path):
    """Two workers of one thread: two of twenty calls run, and they are let go after the rest was cancelled."""
    folder = str(tmp_path)
    with dask_pool.carrying(note_with, b"cargo ") as submit:
        futures = [submit(folder, f"call {number}", "go") for number in range(20)]
        began(tmp_path, 2)
        for future in futures:
            future.cancel()
        (tmp_path / "go").touch()
        wait(futures, 30)
    ran = {path.name for path in tmp_path.iterdir()} - {"go"}
    assert len(ran) == 2
    assert {future.result() for future in futures if not future.cancelled()} == {b"cargo " + n.encode() for n in ran}
    assert sum(future.cancelled() for future in futures) == 18


def test_calls_of_others_go_on(dask_pool, tmp_path):
    folder = str(tmp_path)
    with (
        dask_pool.carrying(note_with, b"first ") as first,
        dask_pool.carrying(note_with, b"second ") as second,
    ):
        stopped = first(folder, "one")
        wait([stopped], 30)
        last = first(folder, "two", "go")
        began(tmp_path, 2)
        last.cancel()
        assert second(folder, "three").result(30) == b"second three"
        (tmp_path / "go").touch()
        assert last.result(30) == b"first two"


@pytest.mark.parametrize(("seconds", "most"), [(None, 2), (60, 2), (1, 2), (0.05, 6), (1e-4, 66), (0, 66)])
def test_long_calls_are_no_more_than_there_are_threads(dask_pool, seconds, most):
    assert dask_pool.ahead(seconds) == most


def test_what_starts_with_a_cluster_never_hears_an_interrupt():
    from ccflow_etl.execution.dask_executor import _interrupts_blocked

    def blocked():
        return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())

    before = blocked()
    with ThreadPoolExecutor(1) as pool:
        with _interrupts_blocked():
            assert pool.submit(blocked).result()  # its thread is started here
        assert pool.submit(blocked).result()
    assert blocked() == before

"""Executors open a pool with the interface of ``concurrent.futures``, wherever it runs."""

import contextlib
import os
import pickle
import select
import signal
import subprocess
import sys
import threading
from concurrent.futures import Executor

import pytest
from pydantic import ValidationError

from ccflow_etl import DaskExecutor, ProcessExecutor, SerialExecutor, ThreadExecutor

LOCAL = [SerialExecutor(), ThreadExecutor(max_workers=2), ProcessExecutor(max_workers=2)]
every_executor = pytest.mark.parametrize("executor", LOCAL, ids=lambda executor: type(executor).__name__)


def where():
    return os.getpid(), threading.get_ident()


def fail():
    raise LookupError("no such day")


@every_executor
def test_calls_return_their_results_in_order(executor):
    with executor.open() as pool:
        assert isinstance(pool, Executor)
        assert list(pool.map(divmod, range(20), [3] * 20)) == [divmod(k, 3) for k in range(20)]
        assert pool.submit(int, "7f", base=16).result() == 127


@every_executor
def test_an_error_is_for_whoever_asks_for_the_result(executor):
    with executor.open() as pool:
        future = pool.submit(fail)
        assert isinstance(future.exception(), LookupError)
        assert pool.submit(abs, -1).result() == 1


def test_where_the_calls_run():
    here = where()
    with SerialExecutor().open() as pool:
        assert pool.submit(where).result() == here
    with ThreadExecutor(max_workers=1).open() as pool:
        process, thread = pool.submit(where).result()
        assert process == here[0]
        assert thread != here[1]
    with ProcessExecutor(max_workers=1).open() as pool:
        assert pool.submit(where).result()[0] != here[0]


def test_an_interrupt_is_not_kept_for_later():
    def interrupt():
        raise KeyboardInterrupt

    with SerialExecutor().open() as pool, pytest.raises(KeyboardInterrupt):
        pool.submit(interrupt)


def test_threads_run_at_once():
    both = threading.Barrier(2, timeout=30)
    with ThreadExecutor(max_workers=2).open() as pool:
        assert sorted(pool.map(lambda _: both.wait(), range(2))) == [0, 1]


@pytest.mark.parametrize("executor", [*LOCAL, DaskExecutor(address="tcp://scheduler:8786")], ids=repr)
def test_they_are_configuration(executor):
    assert pickle.loads(pickle.dumps(executor)) == executor
    assert hash(executor) == hash(type(executor).model_validate(executor.model_dump(mode="json")))


@pytest.mark.parametrize("kind", [ThreadExecutor, ProcessExecutor])
@pytest.mark.parametrize("count", [0, -1, "many"])
def test_a_count_of_workers_is_positive(kind, count):
    with pytest.raises(ValidationError, match="max_workers"):
        kind(max_workers=count)


def test_dask_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r"ccflow-etl\[dask\]"), DaskExecutor().open():
        pass


ORPHAN = """\
import sys, threading
from ccflow_etl import ProcessExecutor


def wait_forever(path):
    with open(path, "w") as alive:
        alive.write("begun")
        alive.flush()
        threading.Event().wait()


if __name__ == "__main__":
    with ProcessExecutor(max_workers=2).open() as pool:
        pool.submit(wait_forever, sys.argv[1]).result()
"""


def test_workers_end_with_a_process_that_was_killed(tmp_path):
    alive, script = tmp_path / "alive", tmp_path / "orphan.py"
    os.mkfifo(alive)
    script.write_text(ORPHAN)
    driver = subprocess.Popen([sys.executable, script, alive])
    try:
        pipe = os.open(alive, os.O_RDONLY)  # once a worker has opened it, too
        assert os.read(pipe, 100) == b"begun"
    finally:
        driver.kill()
        driver.wait()
    readable, _, _ = select.select([pipe], [], [], 30)
    assert readable, "the worker still holds its end"
    assert os.read(pipe, 100) == b"", "the worker ended, and with it its end of the pipe"
    os.close(pipe)


def test_workers_end_with_a_process_that_sigterm_ended_and_not_them(tmp_path):
    os.mkfifo(tmp_path / "alive")
    (tmp_path / "orphan.py").write_text(ORPHAN)
    driver = subprocess.Popen([sys.executable, "orphan.py", "alive"], cwd=tmp_path, start_new_session=True)
    try:
        pipe = os.open(tmp_path / "alive", os.O_RDONLY)
        assert os.read(pipe, 100) == b"begun"
        os.killpg(driver.pid, signal.SIGTERM)
        assert driver.wait(60) == -signal.SIGTERM
        readable, _, _ = select.select([pipe], [], [], 30)
        assert readable, "the worker still holds its end"
        assert os.read(pipe, 100) == b""
        os.close(pipe)
    finally:
        driver.kill()
        driver.wait()


def terminate_itself():
    os.kill(os.getpid(), signal.SIGTERM)
    return os.getpid()


def terminate_a_program():
    with subprocess.Popen(["sleep", "60"]) as program:
        program.terminate()
        return program.wait(60)


def test_workers_leave_sigterm_to_whoever_runs_the_pool():
    with ProcessExecutor(max_workers=1).open() as pool:
        process = pool.submit(os.getpid).result()
        assert pool.submit(terminate_itself).result() == process
        assert pool.submit(os.getpid).result() == process


def test_sigterm_ends_what_a_worker_starts():
    with ProcessExecutor(max_workers=1).open() as pool:
        assert pool.submit(terminate_a_program).result() == -signal.SIGTERM


BREAKING = """\
import os, signal, threading
from concurrent.futures import BrokenExecutor
from ccflow_etl import ProcessExecutor


def wait_forever():
    open("begun", "w").close()
    threading.Event().wait()


def die():
    open("begun").close()
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    with ProcessExecutor(max_workers=2).open() as pool:
        futures = [pool.submit(wait_forever)]
        pool.submit(abs, -1).result()  # the pool looks at both of its workers only when one has answered
        futures.append(pool.submit(die))
        print([type(future.exception()).__name__ for future in futures])
    print("closed")
"""


def test_a_pool_that_breaks_ends_the_workers_that_are_left(tmp_path):
    (tmp_path / "breaking.py").write_text(BREAKING)
    os.mkfifo(tmp_path / "begun")
    driver = subprocess.Popen(
        [sys.executable, "breaking.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert driver.communicate(timeout=60)[0] == "['BrokenProcessPool', 'BrokenProcessPool']\nclosed\n"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(driver.pid, signal.SIGKILL)
        driver.communicate()


INTERRUPTED = """\
import signal
from ccflow_etl import ProcessExecutor
from ccflow_etl.execution.cancel import Cancellation

if __name__ == "__mp_main__":  # a worker, before it is one of the pool
    open("starting", "w").close()
    open("gate").read(1)

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Cancellation(lambda: print("heard", flush=True)), ProcessExecutor(max_workers=1).open() as pool:
        print(pool.submit(abs, -1).result())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_worker_that_is_starting_hears_nothing_of_it(tmp_path, number):
    (tmp_path / "interrupted.py").write_text(INTERRUPTED)
    for name in ("starting", "gate"):
        os.mkfifo(tmp_path / name)
    gate = os.open(tmp_path / "gate", os.O_RDWR)
    driver = subprocess.Popen(
        [sys.executable, "interrupted.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        (tmp_path / "starting").read_text()
        os.killpg(driver.pid, number)
        assert driver.stdout.readline() == "heard\n"
        os.write(gate, b".")
        assert driver.communicate(timeout=60) == ("1\n", "")
    finally:
        os.close(gate)
        driver.kill()
        driver.wait()


@pytest.mark.parametrize("error", [None, LookupError])
@pytest.mark.parametrize("executor", LOCAL[1:], ids=lambda executor: type(executor).__name__)
def test_a_pool_is_closed_and_its_calls_have_ended_when_it_is_left(executor, error):
    with contextlib.suppress(LookupError), executor.open() as pool:
        futures = [pool.submit(abs, -number) for number in range(20)]
        if error:
            raise error
    assert all(future.done() for future in futures)
    with pytest.raises(RuntimeError):
        pool.submit(abs, 1)


def interrupted(executor, *calls):
    """The futures of calls that were under way when whoever submitted them was interrupted."""
    futures = []

    def run():
        with executor.open() as pool:
            futures.extend(pool.submit(*call) for call in calls)
            if not isinstance(executor, ThreadExecutor):
                futures[0].result()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    return futures


def test_an_interrupt_waits_for_no_thread_and_cancels_what_waits():
    gate = threading.Event()
    try:
        running, waiting = interrupted(ThreadExecutor(max_workers=1), (gate.wait,), (abs, -1))
        assert waiting.cancelled()
        assert not running.done()
    finally:
        gate.set()


def test_an_interrupt_ends_processes():
    process, running = interrupted(ProcessExecutor(max_workers=1), (os.getpid,), (signal.pause,))
    assert running.done()
    with pytest.raises(ProcessLookupError):
        os.kill(process.result(), 0)

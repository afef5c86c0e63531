"""Cancellation: what SIGINT does while it is entered, and afterwards."""

import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ccflow_etl.execution.cancel import Cancellation


@pytest.fixture(autouse=True)
def _default_handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt():
    signal.raise_signal(signal.SIGINT)


def test_the_first_interrupt_is_a_request_and_the_second_an_exception():
    told = []
    with Cancellation(lambda: told.append("stop")) as cancellation:
        assert not cancellation.requested
        interrupt()
        assert cancellation.requested
        assert told == ["stop"]
        with pytest.raises(KeyboardInterrupt):
            interrupt()
    assert told == ["stop"]


def test_afterwards_an_interrupt_is_what_it_was():
    with Cancellation():
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with pytest.raises(LookupError), Cancellation():
        raise LookupError
    with pytest.raises(KeyboardInterrupt):
        interrupt()


def test_a_handler_of_the_program_is_kept():
    received = []

    def theirs(number, frame):
        received.append(number)

    for handler in (theirs, signal.SIG_IGN):
        signal.signal(signal.SIGINT, handler)
        with Cancellation() as cancellation:
            interrupt()
            assert not cancellation.requested
        assert signal.getsignal(signal.SIGINT) is handler
    assert received == [signal.SIGINT]


def test_sigterm_is_a_request_where_it_is_handled_as_ctrl_c():
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Cancellation() as cancellation:
            signal.raise_signal(signal.SIGTERM)
            assert cancellation.requested
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGTERM, before)


def test_in_another_thread_nothing_is_asked_for():
    def run():
        with Cancellation() as cancellation:
            return cancellation.requested, signal.getsignal(signal.SIGINT)

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(run).result() == (False, signal.default_int_handler)


def test_a_wait_ends_in_time_or_at_once_when_a_stop_is_asked_for():
    with Cancellation() as cancellation:
        assert cancellation.wait(0.0) is False
        interrupt()
        for _ in range(2):
            assert cancellation.wait(3_600) is True


def test_a_request_ends_the_waits_of_all_threads():
    with Cancellation() as cancellation, ThreadPoolExecutor(3) as pool:
        waits = [pool.submit(cancellation.wait, 3_600) for _ in range(3)]
        interrupt()
        assert [wait.result(timeout=60) for wait in waits] == [True] * 3


def test_an_interrupt_of_a_wait_ends_it():
    """The handler runs in the thread that waits, where a lock that the wait holds would be waited for for ever."""
    with Cancellation() as cancellation:
        main = threading.main_thread().ident
        timer = threading.Timer(0.05, signal.pthread_kill, (main, signal.SIGINT))
        began = time.monotonic()
        timer.start()
        assert cancellation.wait(60) is True
        assert time.monotonic() - began < 60
        timer.join()


@pytest.mark.skipif(sys.platform != "linux", reason="looks at the state of a thread in /proc")
def test_a_wait_hears_of_a_signal_that_does_not_interrupt_it():
    """Such as one that comes just before the wait begins: it was lost until the wait was over."""
    waiting = Path(f"/proc/self/task/{threading.get_native_id()}/stat")

    def signal_here():
        while waiting.read_text().rpartition(") ")[2][0] != "S":
            pass
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    with Cancellation() as cancellation, ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(signal_here)
        assert cancellation.wait(30)

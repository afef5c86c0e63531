"""Calls that are run one by one or in a pool, and what is told about each."""

import concurrent.futures
import contextvars
import itertools
import queue
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccflow_etl import RetryCancelled, RetryPolicy, SerialExecutor
from ccflow_etl.execution.runner import run_calls


class Foreign(concurrent.futures.Executor):
    """Not a pool of threads as far as anyone can tell."""

    def __init__(self):
        self._pool = ThreadPoolExecutor(2)

    def submit(self, fn, /, *args, **kwargs):
        return self._pool.submit(fn, *args, **kwargs)

    def shutdown(self, wait=True, *, cancel_futures=False):
        self._pool.shutdown(wait, cancel_futures=cancel_futures)


class ByHand(ThreadPoolExecutor):
    """Runs what is submitted only when it is told to."""

    def __init__(self):
        super().__init__(max_workers=2)
        self.waiting = []

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        self.waiting.append((future, fn, args, kwargs))
        return future

    def run_first(self):
        future, fn, args, kwargs = self.waiting.pop(0)
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(fn(*args, **kwargs))
            except SystemExit as error:
                future.set_exception(error)


def inverse(number):
    return 1 / number


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def speechless(number):
    raise Unspeakable


@pytest.fixture(params=["none", "serial", "threads", "foreign"])
def pool(request):
    if request.param == "none":
        yield None
    else:
        opened = {"serial": SerialExecutor().open, "threads": lambda: ThreadPoolExecutor(3), "foreign": Foreign}
        with opened[request.param]() as pool:
            yield pool


def test_an_error_without_words_is_an_outcome(pool):
    outcomes = list(run_calls(speechless, [1, 2], pool=pool))
    assert [type(outcome.error) for outcome in outcomes] == [Unspeakable] * 2
    assert [outcome.told for outcome in outcomes] == ["Unspeakable: <exception str() failed>"] * 2


def test_every_item_has_one_outcome(pool):
    items = [4, 0, 2, 0, 1]
    outcomes = sorted(run_calls(inverse, items, pool=pool), key=lambda outcome: outcome.index)
    assert [outcome.index for outcome in outcomes] == [0, 1, 2, 3, 4]
    assert [outcome.item for outcome in outcomes] == items
    assert [outcome.result for outcome in outcomes] == [0.25, None, 0.5, None, 1.0]
    assert [type(outcome.error) for outcome in outcomes] == [type(None), ZeroDivisionError] * 2 + [type(None)]
    for outcome in outcomes:
        assert outcome.attempts == 1
        assert 0 <= outcome.seconds < 60
        assert abs(outcome.started - time.time()) < 60
        assert ("in inverse" in outcome.trace) == (outcome.error is not None)


def test_nothing_to_do(pool):
    assert list(run_calls(inverse, [], pool=pool)) == []


@given(items=st.lists(st.integers(-3, 3), max_size=30), workers=st.integers(1, 4), ahead=st.none() | st.integers(1, 5))
def test_no_item_is_lost(items, workers, ahead):
    with ThreadPoolExecutor(workers) as pool:
        outcomes = list(run_calls(inverse, iter(items), pool=pool, ahead=ahead))
    assert sorted(outcome.index for outcome in outcomes) == list(range(len(items)))
    for outcome in outcomes:
        assert outcome.item == items[outcome.index]
        assert (outcome.result is None) == (outcome.item == 0)


def test_without_a_pool_a_call_takes_place_when_its_outcome_is_asked_for():
    called = []
    outcomes = run_calls(called.append, itertools.count())
    assert called == []
    assert [next(outcomes).index for _ in range(3)] == [0, 1, 2]
    assert called == [0, 1, 2]


def test_items_are_taken_a_few_at_a_time(pool):
    taken = itertools.count()
    outcomes = run_calls(abs, taken, pool=pool)
    for _ in range(10):
        next(outcomes)
    outcomes.close()
    assert next(taken) <= 10 + 32


def test_a_serial_pool_is_not_ahead():
    called = []
    with SerialExecutor().open() as pool:
        outcomes = run_calls(called.append, range(100), pool=pool)
        for expected in range(5):
            next(outcomes)
            assert called == list(range(expected + 1))


@pytest.mark.parametrize("ahead", [1, 3])
def test_as_many_are_ahead_as_asked_for(ahead):
    with ByHand() as pool:
        outcomes = run_calls(abs, range(20), pool=pool, ahead=ahead)
        first = threading.Thread(target=lambda: next(outcomes))
        first.start()
        while len(pool.waiting) < ahead:
            assert first.is_alive()
        pool.run_first()
        first.join(30)
        assert len(pool.waiting) == ahead - 1


def test_no_more_is_submitted_than_there_are_workers():
    """What waits in a pool begins when a worker is free, whatever was asked for in the meantime."""
    with ByHand() as pool:
        outcomes = run_calls(abs, range(20), pool=pool)
        first = threading.Thread(target=lambda: next(outcomes))
        first.start()
        while len(pool.waiting) < 2:
            assert first.is_alive()
        pool.run_first()
        first.join(30)
        assert len(pool.waiting) == 1


def test_once_it_says_no_nothing_begins(pool):
    called, outcomes = [], []

    def call(item):
        called.append(item)
        return item

    for outcome in run_calls(call, range(1000), pool=pool, go_on=lambda: len(outcomes) < 5):
        outcomes.append(outcome)  # noqa: PERF402 - it is read as it grows
    assert len(outcomes) >= 5
    if pool is None or type(pool).__name__ == "CallingThread":
        assert called == [0, 1, 2, 3, 4]
    elif not isinstance(pool, Foreign):  # which gets a copy of the function and its list
        assert len(called) == len(outcomes) <= 5 + 2 * 3


def test_no_is_an_answer_before_the_first():
    assert list(run_calls(abs, range(3), go_on=lambda: False)) == []
    with ThreadPoolExecutor(1) as pool:
        assert list(run_calls(abs, range(3), pool=pool, go_on=lambda: False)) == []


def test_what_waits_in_the_queue_of_a_pool_does_not_begin_either():
    """Two workers, four calls submitted: the first has ended when going on is refused, and three have not begun."""
    stopped = threading.Event()
    called, outcomes = [], []
    with ByHand() as pool:

        def consume():
            for outcome in run_calls(called.append, range(100), pool=pool, ahead=4, go_on=lambda: not stopped.is_set()):
                stopped.set()
                outcomes.append(outcome)

        consumer = threading.Thread(target=consume)
        consumer.start()
        while len(pool.waiting) < 4:
            assert consumer.is_alive()
        submitted = [future for future, *_ in pool.waiting]
        pool.run_first()
        assert stopped.wait(30)
        consumer.join(30)  # ends at once where the others are cancelled
        cancelled = [future.cancelled() for future in submitted]
        while pool.waiting:
            pool.run_first()
        consumer.join(30)
    assert cancelled == [False, True, True, True]
    assert called == [0]
    assert [outcome.index for outcome in outcomes if outcome.error is None] == [0]


def test_context_variables_reach_threads_and_stay_there():
    variable = contextvars.ContextVar("variable", default=0)

    def call(item):
        found = variable.get()
        variable.set(item)
        return found

    token = variable.set(7)
    with ThreadPoolExecutor(2) as pool:
        assert [outcome.result for outcome in run_calls(call, range(1, 10), pool=pool)] == [7] * 9
    assert variable.get() == 7
    variable.reset(token)


def test_attempts_are_counted(pool):
    policy = RetryPolicy(max_attempts=3, retry_exception_types=["ZeroDivisionError"])
    outcomes = sorted(run_calls(inverse, [1, 0, "x"], pool=pool, policy=policy), key=lambda outcome: outcome.index)
    assert [outcome.attempts for outcome in outcomes] == [1, 3, 1]
    assert [type(outcome.error) for outcome in outcomes] == [type(None), ZeroDivisionError, TypeError]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_is_no_exception_ends_the_run(pool, kind):
    def leave(item):
        raise kind

    with pytest.raises(kind):
        list(run_calls(leave, range(3), pool=pool))


class Panic(BaseException):
    """As a library in Rust raises it, or asyncio for a task that is cancelled."""


def panic(item):
    if item == 1:
        raise Panic("no answer")
    return item


@pytest.mark.parametrize("policy", [None, RetryPolicy(max_attempts=3)])
def test_what_is_no_exception_and_ends_no_process_is_the_outcome_of_its_call(pool, policy):
    outcomes = sorted(run_calls(panic, range(3), pool=pool, policy=policy), key=lambda outcome: outcome.index)
    assert [(outcome.result, outcome.attempts) for outcome in outcomes] == [(0, 1), (None, 1), (2, 1)]
    assert isinstance(outcomes[1].error, Panic)
    assert outcomes[1].told == "Panic: no answer"
    assert outcomes[1].failed


def test_what_is_under_way_when_a_call_exits_has_its_outcome():
    """And what waits behind it in the pool does not begin."""
    outcomes, raised = [], []

    def leave(item):
        if item == 0:
            sys.exit("no more")
        return item

    def consume():
        try:
            outcomes.extend(run_calls(leave, range(6), pool=pool, ahead=3))
        except SystemExit as error:
            raised.append(str(error))

    with ByHand() as pool:
        consumer = threading.Thread(target=consume)
        consumer.start()
        while len(pool.waiting) < 3:
            assert consumer.is_alive()
        second, third = pool.waiting[1:]
        assert second[0].set_running_or_notify_cancel()
        pool.run_first()
        while not third[0].cancelled():  # once it is known that the first has exited
            assert consumer.is_alive()
        second[0].set_result(second[1](*second[2]))
        consumer.join(30)
    assert [outcome.result for outcome in outcomes] == [1]
    assert raised == ["no more"]


def test_a_pool_that_refuses_is_told_with_the_calls_that_did_not_run():
    """A pool that breaks may refuse at once: that is the outcome of a call, not the end of all others' outcomes."""

    class Refusing(ThreadPoolExecutor):
        def submit(self, fn, /, *args, **kwargs):
            if args[-1] >= 2:
                raise concurrent.futures.BrokenExecutor("the pool is gone")
            return super().submit(fn, *args, **kwargs)

    with Refusing(1) as pool:
        outcomes = list(run_calls(abs, range(5), pool=pool))
    told = {outcome.index: type(outcome.error) for outcome in outcomes}
    assert len(told) == len(outcomes)
    assert told[0] is told[1] is type(None)
    assert told[2] is concurrent.futures.BrokenExecutor


def test_a_call_that_someone_else_cancels_is_not_waited_for():
    """A pool that is shut down, or a cluster that loses a worker, cancels calls that no one here gave up."""
    outcomes = []
    with ByHand() as pool:
        consumer = threading.Thread(
            target=lambda: outcomes.extend(run_calls(abs, range(6), pool=pool, ahead=4)), daemon=True
        )
        consumer.start()
        while len(pool.waiting) < 4:
            assert consumer.is_alive()
        pool.waiting.pop(1)[0].cancel()
        deadline = time.monotonic() + 10
        while consumer.is_alive() and time.monotonic() < deadline:
            if pool.waiting:
                pool.run_first()
            consumer.join(0.01)
    assert not consumer.is_alive(), "it waits for the cancelled call for ever"
    told = {outcome.index: outcome.error for outcome in outcomes}
    assert told.pop(1) is not None
    assert told == dict.fromkeys([0, 2, 3, 4, 5])


def test_a_result_that_cannot_be_sent_is_the_outcome_of_its_call():
    def call(item):
        return threading.Lock() if item == 1 else item

    with Foreign() as pool:
        outcomes = sorted(run_calls(call, range(3), pool=pool), key=lambda outcome: outcome.index)
    assert [outcome.result for outcome in outcomes] == [0, None, 2]
    assert isinstance(outcomes[1].error, TypeError)
    assert "lock" in str(outcomes[1].error)


def test_an_outcome_is_a_success_a_failure_or_cut_short():
    failed, succeeded = run_calls(inverse, [0, 1])
    assert (failed.failed, failed.cancelled) == (True, False)
    assert (succeeded.failed, succeeded.cancelled) == (False, False)
    (cut,) = run_calls(stop, [1])
    assert (cut.failed, cut.cancelled) == (False, True)


def stop(number):
    raise RetryCancelled("stopped", [], {})


def test_a_pool_hears_how_long_calls_take_of_late():
    """Each call counts for a tenth, and those before it for the rest."""

    class Asking(ThreadPoolExecutor):
        def __init__(self):
            super().__init__(1)
            self.heard = []

        def ahead(self, seconds):
            self.heard.append(seconds)
            return 1

    # Calls of a clock's tick or less may take equally long, and would be heard as one.
    with Asking() as pool:
        took = [outcome.seconds for outcome in run_calls(time.sleep, [0.001, 0.002, 0.004], pool=pool)]
    average = took[0]
    expected = [average]
    for seconds in took[1:]:
        average = average * 9 / 10 + seconds / 10
        expected.append(average)
    heard = list(dict.fromkeys(pool.heard))
    assert heard[0] is None
    assert heard[1:] == pytest.approx(expected)


class Growing(concurrent.futures.Executor):
    """Takes no call up by itself, and has another worker each time that it is looked at."""

    def __init__(self):
        self.workers, self.submitted = itertools.count(1), queue.SimpleQueue()

    def ahead(self, seconds):
        return next(self.workers)

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        self.submitted.put((future, fn, args))
        return future


def in_the_background(pool, count, **kwargs):
    outcomes = []
    thread = threading.Thread(
        target=lambda: outcomes.extend(run_calls(abs, range(count), pool=pool, **kwargs)), daemon=True
    )
    thread.start()
    return thread, outcomes


def test_workers_that_join_while_no_call_ends_have_work():
    pool = Growing()
    thread, outcomes = in_the_background(pool, 5)
    for future, fn, args in [pool.submitted.get(timeout=30) for _ in range(5)]:
        future.set_result(fn(*args))
    thread.join(30)
    assert [outcome.result for outcome in outcomes] == list(range(5))


def test_a_stop_is_heard_while_no_call_begins():
    stopped = threading.Event()
    pool = Growing()
    thread, outcomes = in_the_background(pool, 100, go_on=lambda: not stopped.is_set())
    future, *_ = pool.submitted.get(timeout=30)
    stopped.set()
    thread.join(30)
    assert not thread.is_alive()
    assert outcomes == []
    assert future.cancelled()

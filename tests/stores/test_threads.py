"""Many calls at once: as many as were asked for, in threads where that can be of use."""

import threading
from itertools import count

import pytest

from ccflow_etl.stores.threads import in_threads


@pytest.mark.parametrize("threads", [2, 5])
@pytest.mark.parametrize("items", [5, 40])
def test_so_many_calls_are_under_way_at_once(threads, items):
    together = threading.Barrier(threads)
    begun = count()

    def call(item):
        if next(begun) < threads:
            together.wait(30)  # breaks unless that many calls come to meet here
        return -item

    assert in_threads(call, range(items), threads) == [-item for item in range(items)]


@pytest.mark.parametrize(("items", "threads"), [(range(40), 1), ([7], 16), ([], 16)])
def test_one_at_a_time_needs_no_other_thread(items, threads):
    assert in_threads(lambda item: threading.get_ident(), items, threads) == [threading.get_ident()] * len(items)


def test_what_has_not_begun_when_a_call_fails_does_not_begin():
    begun = []

    def call(item):
        begun.append(item)
        raise LookupError(item)

    with pytest.raises(LookupError, match=r"^0$"):
        in_threads(call, range(1000), 2)
    assert len(begun) < 1000

"""Bytes that Arrow's threads read are let go of before a payload is returned."""

import sys
import threading

import pandas as pd
import pytest

from ccflow_etl import PayloadCodec
from ccflow_etl.codecs.arrow_threads import lent


def test_it_is_left_once_a_thread_has_let_go():
    data, main, let_go = bytes(1000), threading.get_ident(), []
    taken = threading.Event()

    def hold():
        held = memoryview(data)
        taken.set()
        while sys._current_frames()[main].f_code.co_name != "lent":
            assert held.nbytes == 1000
        let_go.append(True)

    thread = threading.Thread(target=hold, daemon=True)
    with lent(data):
        thread.start()
        taken.wait()
    assert let_go == [True]
    thread.join()


def test_what_holds_them_for_good_is_not_waited_for_long():
    data = bytes(1000)
    with lent(data):
        held = memoryview(data)
    assert held.obj is data


@pytest.mark.parametrize(
    ("form", "options"),
    [("csv", {}), ("parquet", {}), ("parquet", {"columns": ["c1"]}), ("parquet", {"filters": [("c1", ">", 2)]})],
)
def test_no_thread_holds_the_bytes_of_a_payload(form, options):
    """One in some hundred did: when it is asked is chance, so many are."""
    codec = PayloadCodec(format=form)
    data = codec.encode(pd.DataFrame({f"c{number}": [number, 2.5] for number in range(60)}))
    before = sys.getrefcount(data)
    held = 0
    for _ in range(200):
        codec.decode(data, **options)
        held += sys.getrefcount(data) > before
    assert held == 0

"""The pool of processes: what is the same for all calls of a run goes to each process once."""

import os
import tempfile

import psutil
import pytest

from ccflow_etl import ProcessExecutor

MEGABYTE = 1_000_000


def first_and_length(cargo, number):
    return number, cargo[:1], len(cargo), os.getpid()


@pytest.fixture(scope="module")
def pool():
    with ProcessExecutor(max_workers=2).open() as pool:
        yield pool


def test_what_is_carried_is_not_sent_with_each_call(pool):
    with pool.carrying(first_and_length, b"a" * MEGABYTE) as submit:
        before = psutil.Process().io_counters().write_chars
        answers = [future.result() for future in [submit(number) for number in range(100)]]
        written = psutil.Process().io_counters().write_chars - before
    assert [answer[:3] for answer in answers] == [(number, b"a", MEGABYTE) for number in range(100)]
    assert os.getpid() not in {answer[3] for answer in answers}
    assert written < MEGABYTE


def test_each_run_has_its_own(pool):
    with pool.carrying(first_and_length, b"a") as first, pool.carrying(first_and_length, b"b") as second:
        futures = [submit(number) for number in range(20) for submit in (first, second)]
        assert [future.result()[1] for future in futures] == [b"a", b"b"] * 20


def test_nothing_of_it_stays_on_the_disk(pool, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pool.carrying(first_and_length, b"a") as submit:
        submit(1).result()
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []

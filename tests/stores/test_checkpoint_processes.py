"""The store in processes that are forked, killed or ended: each test runs a real interpreter."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ccflow_etl import LocalCheckpointStore

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")

HEAD = """
import os, sys, threading
from ccflow_etl import LocalCheckpointStore
store = LocalCheckpointStore(path=sys.argv[1])
"""


def run(script: str, path: Path) -> str:
    command = [sys.executable, "-X", "dev", "-W", "error", "-W", "ignore:This process:DeprecationWarning"]
    command += ["-c", HEAD + script, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_a_process_that_ends_closes_its_connection(tmp_path: Path):
    path = tmp_path / "c.sqlite"
    run("store.mark_succeeded('k'); assert os.path.exists(sys.argv[1] + '-wal')", path)
    assert [file.name for file in tmp_path.iterdir()] == ["c.sqlite"]


def test_a_killed_process_leaves_every_mark_it_was_told_of(tmp_path: Path):
    path = tmp_path / "c.sqlite"
    script = """
number = 0
while True:
    number += 1
    store.mark_succeeded(f"unit/{number}", {"number": number})
    os.write(1, f"unit/{number}\\n".encode())
"""
    with subprocess.Popen([sys.executable, "-c", HEAD + script, path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(3_000)]
        process.kill()  # in the middle of the next marks, or of a checkpoint of the log
        told += process.stdout.read().splitlines()
    keys = [line.decode().strip() for line in told]
    store = LocalCheckpointStore(path=path)
    assert all(store.should_skip_many(keys))
    records = store.list()
    assert len(records) - len(keys) in (0, 1)  # the last mark may not have been told of
    assert all(record.metadata == {"number": int(record.key.removeprefix("unit/"))} for record in records)
    store.mark_succeeded("after")
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_process_killed_during_many_marks_leaves_all_or_none(tmp_path: Path):
    path = tmp_path / "c.sqlite"
    script = """
batch = 0
while True:
    batch += 1
    store.mark_many([f"{batch}/{number}" for number in range(1000)], "succeeded")
    os.write(1, b".")
"""
    with subprocess.Popen([sys.executable, "-c", HEAD + script, path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.read(20)
        process.kill()
        process.stdout.read()
    store = LocalCheckpointStore(path=path)
    marks = len(store.list())
    store.close()
    assert marks >= 20_000
    assert marks % 1000 == 0


@needs_fork
def test_a_forked_child_loses_no_marks_when_others_close(tmp_path: Path):
    # SQLite's own book-keeping of locks is copied by fork, the locks are not: with a connection open at the fork, the
    # visitor below takes itself for the last user, deletes the log, and the child's second batch vanishes.
    script = """
import subprocess
store.mark_succeeded("parent")
from_child, to_parent = os.pipe()
from_parent, to_child = os.pipe()
child = os.fork()
if child == 0:
    store.mark_many([f"child/a{number}" for number in range(100)], "succeeded")
    os.write(to_parent, b".")
    os.read(from_parent, 1)
    store.mark_many([f"child/b{number}" for number in range(100)], "succeeded")
    os._exit(0)
os.read(from_child, 1)
store.close()
visit = f"from ccflow_etl import LocalCheckpointStore as S; S(path={sys.argv[1]!r}).mark_succeeded('visitor')"
subprocess.run([sys.executable, "-c", visit], check=True)
os.write(to_child, b".")
assert os.waitpid(child, 0)[1] == 0
assert store.should_skip("parent") and store.should_skip("visitor")
print(len(store.list(prefix="child/")))
"""
    assert run(script, tmp_path / "c.sqlite") == "200\n"


@needs_fork
def test_forking_while_threads_mark_neither_hangs_nor_loses_marks(tmp_path: Path):
    script = """
stop = threading.Event()
counts = [0, 0, 0]
def work(thread):
    while not stop.is_set():
        store.mark_succeeded(f"thread/{thread}/{counts[thread]}")
        counts[thread] += 1
threads = [threading.Thread(target=work, args=(thread,)) for thread in range(3)]
for thread in threads:
    thread.start()
for number in range(20):
    child = os.fork()
    if child == 0:
        store.mark_succeeded(f"child/{number}")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
stop.set()
for thread in threads:
    thread.join()
print(len(store.list(prefix="child/")), len(store.list(prefix="thread/")) - sum(counts))
"""
    assert run(script, tmp_path / "c.sqlite") == "20 0\n"

"""Stores that several processes mark at once, are read meanwhile, and whose markers are killed: real processes only.

`CCFLOW_ETL_KILLS=200 CCFLOW_ETL_MARKS=10000 python -m pytest tests/stores/test_checkpoint_kills.py -s` kills more often
than the default, and marks as much in a folder as in an SQLite file.
"""

import os
import subprocess
import sys
import textwrap
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ccflow_etl import CacheCheckpointStore, LocalCacheStore, LocalCheckpointStore

KILLS = int(os.environ.get("CCFLOW_ETL_KILLS", "40"))
MARKS = int(os.environ.get("CCFLOW_ETL_MARKS", "500"))


STORES = {
    "file": lambda folder: LocalCheckpointStore(path=folder / "marks" / "c.sqlite"),
    "folder": lambda folder: CacheCheckpointStore(store=LocalCacheStore(root=folder / "marks", durable=False)),
}

HEAD = """
import os, random, signal, sys
from pathlib import Path
from ccflow_etl import CacheCheckpointStore, LocalCacheStore, LocalCheckpointStore

def make():
    folder = Path(sys.argv[1]) / "marks"
    if sys.argv[2] == "file":
        return LocalCheckpointStore(path=folder / "c.sqlite")
    return CacheCheckpointStore(store=LocalCacheStore(root=folder, durable=False))
"""


def start(script: str, *arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", HEAD + textwrap.dedent(script), *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize(("kind", "marks"), [("file", 10_000), ("folder", MARKS)])
def test_eight_processes_lose_no_marks(tmp_path: Path, kind: str, marks: int):
    script = """
        store, process = make(), sys.argv[3]
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(int(sys.argv[4])):
            store.mark_succeeded(f"{process}/{number:05d}", {"number": number})
    """
    with ExitStack() as stack:
        markers = [stack.enter_context(start(script, tmp_path, kind, process, marks)) for process in range(8)]
        for marker in markers:
            assert marker.stdout is not None
            assert marker.stdout.readline() == "ready\n"
        for marker in markers:
            marker.communicate("go\n")
        assert [marker.returncode for marker in markers] == [0] * 8
    store = STORES[kind](tmp_path)
    expected = [(f"{process}/{number:05d}", {"number": number}) for process in range(8) for number in range(marks)]
    assert [(record.key, record.metadata) for record in store.list(status="succeeded")] == expected
    assert all(store.should_skip_many([key for key, _ in expected]))


@pytest.mark.parametrize("kind", STORES)
def test_a_reader_never_sees_a_half_written_record(tmp_path: Path, kind: str):
    # Two processes set the same keys to records that differ in every column and in length.
    script = """
        store, status = make(), sys.argv[3]
        metadata = {"text": status * int(sys.argv[4])}
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(2_000):
            store.mark(f"unit/{number % 3}", status, metadata)
    """
    store = STORES[kind](tmp_path)
    store.mark_many(["unit/0", "unit/1", "unit/2"], "failed", {"text": "failed" * 2_000})
    lengths = {"failed": 2_000, "succeeded": 1}
    seen = []
    with ExitStack() as stack:
        markers = [stack.enter_context(start(script, tmp_path, kind, *each)) for each in lengths.items()]
        for marker in markers:
            assert marker.stdout is not None
            marker.stdout.readline()
        for marker in markers:
            assert marker.stdin is not None
            marker.stdin.write("go\n")
            marker.stdin.flush()
        while any(marker.poll() is None for marker in markers):
            seen += [*store.list(), *store.get_many(["unit/0", "unit/1", "unit/2"]), store.get("unit/0")]
        assert [marker.returncode for marker in markers] == [0, 0]
    assert len(seen) % 7 == 0, "a mark was not there for a while"
    assert {record.status for record in seen} == {"failed", "succeeded"}
    assert all(record.metadata == {"text": record.status * lengths[record.status]} for record in seen)


@pytest.mark.skipif(sys.platform != "linux", reason="forks and kills with a signal")
@pytest.mark.parametrize("kind", STORES)
def test_marks_outlive_their_marker_killed_at_any_point(tmp_path: Path, kind: str):
    # The child goes on marking while the parent counts what it is told of, so the signal comes at any point of a mark.
    driver = """
        kills, chance = int(sys.argv[3]), random.Random(7)
        lost = broken = 0
        for number in range(kills):
            told, tell = os.pipe()
            child = os.fork()
            if child == 0:
                store, mark = make(), 0
                while True:
                    store.mark(f"{number}/{mark}", "succeeded", {"text": str(mark) * 300})
                    os.write(tell, b".")
                    mark += 1
                    status = ("failed", "running")[mark % 2]
                    store.mark("same", status, {"text": status * (1 + mark % 500)})
            os.close(tell)
            marks, wanted = 0, chance.randrange(1, 300)
            while marks < wanted:
                marks += len(os.read(told, 64))
            os.kill(child, signal.SIGKILL)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
            while rest := os.read(told, 64):
                marks += len(rest)
            os.close(told)
            store = make()
            found = {record.key: record.metadata["text"] for record in store.list(prefix=f"{number}/")}
            expected = {f"{number}/{mark}": str(mark) * 300 for mark in range(len(found))}
            lost += len(found) not in (marks, marks + 1)  # the last one may not have been told of
            broken += found != expected
            record = store.get("same")
            if record is not None:
                text = record.metadata["text"]
                broken += text != record.status * (len(text) // len(record.status))
            store.mark_succeeded("after", {"number": number})
            broken += store.get("after").metadata != {"number": number}
        print(lost, broken)
    """
    with start(driver, tmp_path, kind, KILLS) as process:
        output, _ = process.communicate(timeout=600)
    assert (process.returncode, output) == (0, "0 0\n")


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="permissions are another matter here")
def test_a_folder_that_may_not_be_written_to_is_a_clear_error():
    # Root may write anywhere, so the process becomes another user; a folder of pytest's would be closed to that one.
    script = """
        import sqlite3
        if os.getuid() == 0:
            os.setuid(65534)
        for path in ("c.sqlite", "new.sqlite", "new/c.sqlite"):
            for ask in ("mark_succeeded", "should_skip"):
                try:
                    print(getattr(LocalCheckpointStore(path=Path(sys.argv[1]) / path), ask)("k"))
                except (sqlite3.Error, OSError) as error:
                    print(error)
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        with closing(LocalCheckpointStore(path=folder / "c.sqlite")) as store:
            store.mark_succeeded("k")
        folder.chmod(0o555)
        with start(script, folder) as process:
            output, _ = process.communicate(timeout=60)
        folder.chmod(0o755)
    hint = "This process must be allowed to write to the file and to its folder"
    assert output.splitlines() == [
        f"{folder}/c.sqlite: attempt to write a readonly database. {hint}",
        f"{folder}/c.sqlite: attempt to write a readonly database. {hint}",
        f"{folder}/new.sqlite: unable to open database file. {hint}",
        "False",
        f"[Errno 13] Permission denied: '{folder}/new'",
        "False",
    ]

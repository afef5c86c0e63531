"""Checkpoint marks and look-ups beside what a program of ten lines would do.

One naive SQLite user opens a connection for each mark and commits it, with SQLite's defaults; another keeps one
connection, and like LocalCheckpointStore does not wait for the disk. The JSON user keeps all marks in one file and
writes it anew for each. Marks of `CacheCheckpointStore` lie in a folder, without waiting for the disk.
"""

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.ratios import Case
from ccflow_etl import (
    CacheCheckpointStore,
    CheckpointDecisionContext,
    CheckpointDecisionModel,
    LocalCacheStore,
    LocalCheckpointStore,
    MemoryCheckpointStore,
)
from ccflow_etl.models.outputs import which_exist

METADATA = {"attempts": 1, "seconds": 0.25}
TABLE = "CREATE TABLE IF NOT EXISTS marks (key TEXT PRIMARY KEY, status TEXT, metadata TEXT)"
MARK = "REPLACE INTO marks VALUES (?, 'succeeded', ?)"
LOOK_UP = "SELECT 1 FROM marks WHERE key = ? AND status = 'succeeded'"


class NaiveSQLite:
    def __init__(self, path: Path) -> None:
        self.path = path

    def mark(self, key: str) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(TABLE)
            connection.execute(MARK, (key, json.dumps(METADATA)))

    def should_skip(self, key: str) -> bool:
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(LOOK_UP, (key,)).fetchone() is not None


class OneConnection:
    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = NORMAL")
        self.connection.execute(TABLE)

    def mark(self, key: str) -> None:
        with self.connection:
            self.connection.execute(MARK, (key, json.dumps(METADATA)))

    def mark_many(self, keys: list[str]) -> None:
        with self.connection:
            self.connection.executemany(MARK, [(key, json.dumps(METADATA)) for key in keys])

    def should_skip(self, key: str) -> bool:
        return self.connection.execute(LOOK_UP, (key,)).fetchone() is not None


class JSONFile:
    def __init__(self, path: Path, keys: list[str]) -> None:
        self.path = path
        path.write_text(json.dumps({key: {"status": "succeeded", "metadata": METADATA} for key in keys}))

    def mark(self, key: str) -> None:
        marks = json.loads(self.path.read_text())
        marks[key] = {"status": "succeeded", "metadata": METADATA}
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps(marks))
        os.replace(temporary, self.path)


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalCheckpointStore]:
    store = LocalCheckpointStore(path=tmp_path / "local.sqlite")
    yield store
    store.close()


@pytest.fixture
def one(tmp_path: Path) -> Iterator[OneConnection]:
    user = OneConnection(tmp_path / "one.sqlite")
    yield user
    user.connection.close()


def keys_of(count: int) -> list[str]:
    return [f"Prices/{number:06d}/0123456789abcdef" for number in range(count)]


def many(count: int, call: Callable[[str], object]) -> Callable[[], None]:
    """A function that calls with so many keys, none of them twice."""
    numbers = iter(range(10**9))

    def run() -> None:
        for _ in range(count):
            call(f"Prices/new/{next(numbers)}/0123456789abcdef")

    return run


def test_a_mark(compare, tmp_path: Path, local: LocalCheckpointStore, one: OneConnection) -> None:
    keys = keys_of(3_650)  # ten years of days are marked before the ones that are timed
    folder = CacheCheckpointStore(store=LocalCacheStore(root=tmp_path / "folder", durable=False))
    memory = MemoryCheckpointStore()
    naive, text = NaiveSQLite(tmp_path / "naive.sqlite"), JSONFile(tmp_path / "marks.json", keys)
    for store in (local, folder, memory):
        store.mark_many(keys, "succeeded", METADATA)
    assert local.should_skip_many(keys) == folder.should_skip_many(keys) == [True] * len(keys)
    count = 20
    marks, in_a_folder, in_memory = (
        many(count, lambda key, store=store: store.mark_succeeded(key, METADATA)) for store in (local, folder, memory)
    )
    by_file, by_json = many(count, naive.mark), many(count, text.mark)
    compare(
        Case("a mark", marks, "sqlite3, one connection", many(count, one.mark), 4, each=count),
        Case("a mark in memory", in_memory, "a mark in LocalCheckpointStore", marks, 1, each=count),
    )
    compare(
        Case("a mark", marks, "sqlite3, a connection a mark", by_file, 1 / 5, quiet=True, each=count),
        Case("a mark", marks, "a JSON file, anew each time", by_json, 1 / 20, each=count),
        Case("a mark in a folder", in_a_folder, "sqlite3, a connection a mark", by_file, each=count),
        by="clock",
    )


def test_many_marks_at_once(compare, local: LocalCheckpointStore, one: OneConnection) -> None:
    keys = keys_of(10_000)
    compare(
        Case(
            "a mark of 10,000",
            lambda: local.mark_many(keys, "succeeded", METADATA),
            "sqlite3, executemany",
            lambda: one.mark_many(keys),
            4,
            each=len(keys),
        )
    )


def test_look_ups(compare, full: bool, tmp_path: Path, local: LocalCheckpointStore, one: OneConnection) -> None:
    keys = keys_of(100_000 if full else 5_000)
    naive = NaiveSQLite(tmp_path / "naive.sqlite")
    naive.mark(keys[0])
    one.mark_many(keys[::2])
    local.mark_many(keys[::2], "succeeded", METADATA)
    assert local.should_skip_many(keys) == [True, False] * (len(keys) // 2)
    few = keys[: len(keys) // 50]

    def together() -> None:
        local.should_skip_many(keys)

    def singly() -> list[bool]:
        return [local.should_skip(key) for key in few]

    def naively() -> list[bool]:
        return [naive.should_skip(key) for key in few]

    def by_hand() -> list[bool]:
        return [one.should_skip(key) for key in few]

    what = f"a look-up among {len(keys):,}"
    compare(
        Case(what, together, "sqlite3, one connection", by_hand, 1, True, len(keys), len(few)),
        Case(what, together, "sqlite3, a connection each", naively, 1 / 20, each=len(keys), theirs_each=len(few)),
        Case(f"{what}, singly", singly, "sqlite3, one connection", by_hand, 15, each=len(few)),
    )


def test_decisions(compare, full: bool, tmp_path: Path) -> None:
    count = 20_000 if full else 2_000
    paths = [str(tmp_path / f"{number:06d}.json") for number in range(count)]
    for path in paths[::2]:
        Path(path).touch()
    context = CheckpointDecisionContext(units=[{"key": path, "output_path": path} for path in paths])
    model = CheckpointDecisionModel()
    assert model(context).runnable_keys == paths[1::2]

    def stat() -> list[bool]:
        return [os.path.exists(path) for path in paths]

    compare(
        Case("whether a file exists", lambda: which_exist(paths), "os.path.exists", stat, 1.5, each=count),
        Case("a decision about a file", lambda: model(context), "os.path.exists", stat, 15, each=count),
    )


@pytest.mark.benchmark(group="a checkpoint", max_time=0.5)
def test_one_mark(benchmark, local: LocalCheckpointStore) -> None:
    benchmark(many(1, lambda key: local.mark_succeeded(key, METADATA)))
    assert local.should_skip("Prices/new/0/0123456789abcdef")


@pytest.mark.benchmark(group="a checkpoint", max_time=0.5)
def test_one_look_up(benchmark, local: LocalCheckpointStore) -> None:
    local.mark_many(keys_of(1_000), "succeeded")
    assert benchmark(local.should_skip, keys_of(1)[0])

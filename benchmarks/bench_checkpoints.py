"""Checkpoint marks and look-ups beside what a program of ten lines would do, in turns.

python -m pytest benchmarks/bench_checkpoints.py -s

The naive SQLite user opens a connection for each mark and commits it, with SQLite's defaults. The JSON user keeps all
marks in one file and writes it anew for each. Marks of `CacheCheckpointStore` lie in a folder, without waiting for the
disk, as the others' do not wait for it either (but the naive SQLite user's do).
"""

import json
import os
import sqlite3
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

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
ROUNDS = 9

MARKED = 3_650  # ten years of days are marked before the ones that are timed
MARK_MICROSECONDS = 60
LOOK_UPS = 100_000
LOOK_UPS_SECONDS = 1.0


class NaiveSQLite:
    def __init__(self, path: Path) -> None:
        self.path = path

    def mark(self, key: str) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute("CREATE TABLE IF NOT EXISTS marks (key TEXT PRIMARY KEY, status TEXT, metadata TEXT)")
            connection.execute("REPLACE INTO marks VALUES (?, 'succeeded', ?)", (key, json.dumps(METADATA)))

    def should_skip(self, key: str) -> bool:
        with closing(sqlite3.connect(self.path)) as connection:
            query = "SELECT 1 FROM marks WHERE key = ? AND status = 'succeeded'"
            return connection.execute(query, (key,)).fetchone() is not None


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


def medians(rounds: int, **calls: Callable[[], object]) -> dict[str, float]:
    """Return the median seconds of each call, made in turns after one of each for the caches."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for round_ in range(rounds + 1):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            if round_:
                times[name].append(time.perf_counter() - started)
    return {name: statistics.median(found) for name, found in times.items()}


def many(count: int, call: Callable[[str], object]) -> Callable[[], None]:
    """Return a function that calls with so many keys, none of them twice."""
    numbers = iter(range(10**9))

    def run() -> None:
        for _ in range(count):
            call(f"Prices/new/{next(numbers)}/0123456789abcdef")

    return run


def show(what: str, count: int, found: dict[str, float]) -> None:
    ours = found["local"]
    for name, seconds in found.items():
        print(f"{what:<8} {name:<8} {seconds / count * 1e6:10,.2f} us  {seconds / ours:8,.2f} x local")  # noqa: T201 - shown by -s


def test_a_mark(tmp_path: Path) -> None:
    keys = [f"Prices/{number}/0123456789abcdef" for number in range(MARKED)]
    local = LocalCheckpointStore(path=tmp_path / "local.sqlite")
    folder = CacheCheckpointStore(store=LocalCacheStore(root=tmp_path / "folder", durable=False))
    memory = MemoryCheckpointStore()
    naive, text = NaiveSQLite(tmp_path / "naive.sqlite"), JSONFile(tmp_path / "marks.json", keys)
    for store in (local, folder, memory):
        store.mark_many(keys, "succeeded", METADATA)
    count = 20
    found = medians(
        ROUNDS * 3,
        local=many(count, lambda key: local.mark_succeeded(key, METADATA)),
        memory=many(count, lambda key: memory.mark_succeeded(key, METADATA)),
        folder=many(count, lambda key: folder.mark_succeeded(key, METADATA)),
        naive=many(count, naive.mark),
        json=many(count, text.mark),
    )
    show("mark", count, found)
    assert local.should_skip_many(keys) == folder.should_skip_many(keys) == [True] * MARKED
    assert found["local"] / count * 1e6 <= MARK_MICROSECONDS
    assert found["naive"] >= 5 * found["local"]
    assert found["json"] >= 20 * found["local"]
    local.close()


def test_look_ups(tmp_path: Path) -> None:
    keys = [f"Prices/{number:06d}/0123456789abcdef" for number in range(LOOK_UPS)]
    local, memory = LocalCheckpointStore(path=tmp_path / "local.sqlite"), MemoryCheckpointStore()
    naive = NaiveSQLite(tmp_path / "naive.sqlite")
    naive.mark(keys[0])
    for store in (local, memory):
        store.mark_many(keys[::2], "succeeded", METADATA)
    found = medians(
        5,
        local=lambda: local.should_skip_many(keys),
        memory=lambda: memory.should_skip_many(keys),
        singly=lambda: [local.should_skip(key) for key in keys],
        naive=lambda: [naive.should_skip(key) for key in keys[: LOOK_UPS // 50]],
    )
    found["naive"] *= 50  # it was asked about a fiftieth
    show("look-up", LOOK_UPS, found)
    assert local.should_skip_many(keys) == [True, False] * (LOOK_UPS // 2)
    assert found["local"] <= LOOK_UPS_SECONDS
    assert found["naive"] >= 20 * found["local"]
    local.close()


def test_decisions(tmp_path: Path) -> None:
    count = 20_000
    paths = [str(tmp_path / f"{number:06d}.json") for number in range(count)]
    for path in paths[::2]:
        Path(path).touch()
    context = CheckpointDecisionContext(units=[{"key": path, "output_path": path} for path in paths])
    model = CheckpointDecisionModel()
    found = medians(
        ROUNDS,
        local=lambda: which_exist(paths),
        stat=lambda: [os.path.exists(path) for path in paths],
        decision=lambda: model(context),
    )
    show("exists", count, found)
    assert model(context).runnable_keys == paths[1::2]
    assert found["local"] <= 1.5 * found["stat"]

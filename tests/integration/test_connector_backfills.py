"""Backfills that are marked in each kind of checkpoint store: killed half-way and resumed, in threads, by decisions."""

import json
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from ccflow import CallableModel, DateContext, Flow, GenericResult
from pydantic import PrivateAttr

from ccflow_etl import (
    BackfillModel,
    CacheCheckpointStore,
    CachePutModel,
    CheckpointDecisionModel,
    LocalCheckpointStore,
    ThreadExecutor,
)
from ccflow_etl.models.stores import resolve_store

pytestmark = pytest.mark.integration

YEAR = [day.date().isoformat() for day in pd.date_range("2023-01-01", "2023-12-31")]

# A step tells its day and then waits for a byte, or for the end of the input; how it all ended is printed as JSON.
DRIVER = """
    import json, os, sys
    from ccflow import CallableModel, DateContext, Flow, GenericResult
    from ccflow_etl import BackfillModel

    class Tell(CallableModel):
        @Flow.call
        def __call__(self, context: DateContext) -> GenericResult[str]:
            os.write(1, f"{context.date}\\n".encode())
            os.read(0, 1)
            return GenericResult[str](value=str(context.date))

    backfill = BackfillModel(model=Tell(), checkpoint_store=json.loads(sys.argv[1]), key="tell/{step}")
    result = backfill(["2023-01-01", "2023-12-31"])
    print(json.dumps(result.summary.by_status))
"""


class Recorder(CallableModel):
    """Remembers its runs and fails on the days it is told to."""

    bad: frozenset[str] = frozenset()
    _runs: list[str] = PrivateAttr(default_factory=list)

    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[str]:
        self._runs.append(str(context.date))
        if str(context.date) in self.bad:
            raise LookupError(f"no data for {context.date}")
        return GenericResult[str](value=str(context.date))


def started(config: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(DRIVER), json.dumps(config)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_backfill_of_a_year_that_is_killed_half_way_resumes(marks):
    with started(marks) as first:
        assert first.stdin is not None
        assert first.stdout is not None
        first.stdin.write("." * 182)
        first.stdin.flush()
        ran = [first.stdout.readline().strip() for _ in range(183)]
        first.kill()
    assert first.returncode == -signal.SIGKILL
    assert ran == YEAR[:183], "the last of them was running"

    kept = resolve_store(marks)
    assert [kept.should_skip(f"tell/{day}") for day in YEAR[180:184]] == [True, True, False, False]

    with started(marks) as second:
        *rest, summary = second.communicate()[0].splitlines()
    assert second.returncode == 0
    assert rest == YEAR[182:]
    assert json.loads(summary) == {"checkpoint": 182, "succeeded": 183}
    record = kept.get(f"tell/{YEAR[-1]}")
    assert (record.status, record.metadata["attempts"]) == ("succeeded", 1)


def statuses(result: Any) -> dict[str, int]:
    return dict(result.summary.by_status)


def test_threads_lose_no_marks(marks):
    context = ["2023-01-01", "2023-01-20"]
    fields = {"checkpoint_store": marks, "executor": ThreadExecutor(max_workers=4)}
    assert statuses(BackfillModel(model=Recorder(), **fields)(context)) == {"succeeded": 20}
    again = Recorder()
    assert statuses(BackfillModel(model=again, **fields)(context)) == {"checkpoint": 20}
    assert again._runs == []


def test_failed_steps_are_marked_and_can_be_run_alone(marks):
    context, bad = ["2023-01-01", "2023-01-06"], {"2023-01-02", "2023-01-05"}
    fields = {"checkpoint_store": marks, "key": "day/{step}"}
    first = BackfillModel(model=Recorder(bad=frozenset(bad)), max_failures=2, **fields)(context)
    assert statuses(first) == {"failed": 2, "succeeded": 4}
    record = resolve_store(marks).get("day/2023-01-02")
    assert (record.status, record.metadata["error"]) == ("failed", "LookupError: no data for 2023-01-02")

    longer = ["2023-01-01", "2023-01-08"]
    assert BackfillModel(model=Recorder(), only="missing", **fields).plan(longer).counts == {
        "checkpoint": 4,
        "planned": 2,
        "skipped": 2,
    }
    again = Recorder()
    assert statuses(BackfillModel(model=again, only="failed", **fields)(longer)) == {
        "checkpoint": 4,
        "skipped": 2,
        "succeeded": 2,
    }
    assert set(again._runs) == bad


def test_the_embedded_store_and_the_databases_read_each_others_file(tmp_path: Path):
    from ccflow_db import SQLiteCheckpointStore, SQLiteConfig

    def ours(name: str) -> LocalCheckpointStore:
        return LocalCheckpointStore(path=tmp_path / name)

    def theirs(name: str) -> SQLiteCheckpointStore:
        return SQLiteCheckpointStore(config=SQLiteConfig(path=tmp_path / name))

    for name, first, second in (("ours", ours, theirs), ("theirs", theirs, ours)):
        marked = first(name).mark_succeeded("day/1", metadata={"rows": 390})
        assert second(name).get("day/1") == marked
        second(name).mark("day/1", "failed", metadata={})
        second(name).mark_succeeded("day/2")
        assert [first(name).should_skip(f"day/{number}") for number in (1, 2, 3)] == [False, True, False]


def test_marks_in_a_byte_store_and_those_of_the_bucket_are_the_same(bucket):
    from ccflow_s3 import S3CacheStore, S3CheckpointStore

    theirs = S3CheckpointStore(client=bucket.client, bucket=bucket.name)
    ours = CacheCheckpointStore(store=S3CacheStore(client=bucket.client, bucket=bucket.name))
    marked = theirs.mark_succeeded("day/1", metadata={"rows": 390})
    assert ours.get("day/1") == marked
    ours.mark_many(["day/1", "day/2"], "failed")
    ours.mark_succeeded("day/2")
    keys = [f"day/{number}" for number in (1, 2, 3)]
    assert ours.should_skip_many(keys) == [theirs.should_skip(key) for key in keys] == [False, True, False]


def test_decisions_follow_the_marks_and_the_outputs(marks, tmp_path: Path):
    store = resolve_store(marks)
    store.mark_succeeded("prices/1", metadata={"rows": 390})
    store.mark("prices/2", "failed")
    store.mark("prices/3", "running")
    (tmp_path / "4.json").write_text("{}")
    units = [{"key": f"prices/{n}", "output_path": tmp_path / f"{n}.json", "metadata": {"n": n}} for n in range(1, 6)]
    decide = CheckpointDecisionModel()
    result = decide(units=units, checkpoint_store=marks)
    assert [decision.status for decision in result.decisions] == [
        "checkpoint",
        "planned",
        "planned",
        "exists",
        "planned",
    ]
    assert [decision.metadata["n"] for decision in result.decisions] == [1, 2, 3, 4, 5]
    assert result.runnable_keys == ["prices/2", "prices/3", "prices/5"]
    assert decide(units=units, checkpoint_store=store, skip_existing=False).runnable_keys == [
        f"prices/{n}" for n in range(2, 6)
    ]
    assert len(decide(units=units, checkpoint_store=store, overwrite=True).runnable_keys) == 5
    store.mark_succeeded("prices/2")
    assert decide(units=units, checkpoint_store=marks).runnable_keys == ["prices/3", "prices/5"]


def test_all_four_statuses_occur_between_the_connectors(cache, bucket, tmp_path: Path):
    """Marks in a bucket, outputs in a store of bytes, and what was published before in a database."""
    from ccflow_db import SQLiteCacheStore, SQLiteConfig
    from ccflow_s3 import S3CheckpointStore

    published = SQLiteCacheStore(config=SQLiteConfig(path=tmp_path / "published.sqlite"))
    published.put_bytes("prices/3", b"")
    outputs = resolve_store(cache.config)
    written = CachePutModel(store=outputs)(key="prices/2", payload=[1, 2]).artifact
    done = S3CheckpointStore(client=bucket.client, bucket=bucket.name)
    done.mark_succeeded("prices/1")

    units = [{"key": f"prices/{n}", "output_path": f"prices/{n}.json"} for n in range(1, 5)]
    units[1]["metadata"] = {"size": written.size, "sha256": written.sha256}

    def statuses(**fields: Any) -> list[str]:
        decide = CheckpointDecisionModel(store=cache.config, database=published, **fields)
        return [decision.status for decision in decide(units=units, checkpoint_store=done).decisions]

    assert statuses() == ["checkpoint", "exists", "database", "planned"]
    cache.damage("prices/2.json", b"[1,3]")
    assert statuses() == ["checkpoint", "exists", "database", "planned"]
    assert statuses(verify=True) == ["planned", "planned", "database", "planned"], "a mark needs its output, too"

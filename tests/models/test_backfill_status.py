"""What is told of a backfill's marks, by whatever store, and which of them can be removed."""

import datetime as dt
import re
from itertools import groupby

import pandas as pd
import pytest
from ccflow import CallableModel, DateContext, DatetimeRangeContext, Flow, GenericResult
from hypothesis import given
from hypothesis import strategies as st

from ccflow_etl import (
    BackfillContext,
    BackfillModel,
    BackfillStatus,
    CacheCheckpointStore,
    CheckpointRecord,
    LocalCheckpointStore,
    MemoryCacheStore,
    MemoryCheckpointStore,
)

DAYS = [f"2024-01-{day:02d}" for day in range(1, 8)]
MARKS = dict(zip(DAYS, ["succeeded", "failed", "running", "planned", "skipped", "succeeded"], strict=False))
STATUSES = [*MARKS.values(), "unmarked"]


class Day(CallableModel):
    bad: str = ""

    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[str]:
        if str(context.date) == self.bad:
            raise LookupError(f"no data for {context.date}")
        return GenericResult[str](value="")


class Span(CallableModel):
    @Flow.call
    def __call__(self, context: DatetimeRangeContext) -> GenericResult[str]:
        return GenericResult[str](value="")


class OnlySkips:
    """A store of somebody else's, that only answers what every store has to."""

    def __init__(self):
        self.marks, self.asked = {}, []

    def mark(self, key, status, metadata=None):
        self.marks[key] = CheckpointRecord(
            key=key, status=status, updated_at="2024-02-01T06:00:00+00:00", metadata=metadata or {}
        )

    def should_skip(self, key):
        self.asked.append(key)
        return key in self.marks and self.marks[key].status == "succeeded"


class Gets(OnlySkips):
    def get(self, key):
        self.asked.append(key)
        return self.marks.get(key)


class GetsMany(OnlySkips):
    def get_many(self, keys):
        self.asked.append(list(keys))
        return [self.marks.get(key) for key in keys]


class Deletes(Gets):
    def delete(self, key):
        del self.marks[key]


class OnlySkipsAndDeletes(OnlySkips):
    delete = Deletes.delete


STORES = {
    "local": lambda folder: LocalCheckpointStore(path=folder / "marks.sqlite"),
    "memory": lambda folder: MemoryCheckpointStore(),
    "cache": lambda folder: CacheCheckpointStore(store=MemoryCacheStore()),
    "gets": lambda folder: Gets(),
    "gets many": lambda folder: GetsMany(),
    "deletes": lambda folder: Deletes(),
}


@pytest.fixture(params=STORES)
def store(request, tmp_path):
    return marked(STORES[request.param](tmp_path))


def marked(store):
    for key, status in MARKS.items():
        store.mark(key, status)
    store.mark("2024-01-08", "failed")  # of another range
    return store


def status_of(store, context=("2024-01-01", "2024-01-07"), model=None, **fields):
    backfill = BackfillModel(model=model or Day(), checkpoint_store=store, **{"key": "{step}"} | fields)
    return backfill.status(context if isinstance(context, dict) else list(context))


def test_the_status_of_each_step_is_that_of_its_mark(store):
    status = status_of(store)
    assert isinstance(status, BackfillStatus)
    assert status.keys == DAYS
    assert status.statuses == STATUSES
    assert status.counts == {
        "failed": 1,
        "planned": 1,
        "running": 1,
        "skipped": 1,
        "succeeded": 2,
        "unmarked": 1,
    }


def test_gaps_are_what_has_not_succeeded(store):
    gaps = status_of(store).gaps
    assert gaps.values.tolist() == [
        [pd.Timestamp("2024-01-02"), pd.Timestamp("2024-01-06"), 4],
        [pd.Timestamp("2024-01-07"), pd.Timestamp("2024-01-08"), 1],
    ]
    assert list(gaps) == ["start", "end", "steps"]


def test_what_a_status_prints(tmp_path):
    store = marked(Gets())
    store.mark("2024-01-02", "failed", {"error": "OSError: the disk\n is full"})
    assert str(status_of(store)).splitlines() == [
        "7 steps, marked in Gets:",
        "  succeeded       2",
        "  failed          1",
        "  running         1",
        "  planned         1",
        "  skipped         1",
        "  without a mark  1",
        "",
        "2 gaps:",
        "     start        end steps",
        "2024-01-02 2024-01-06     4",
        "2024-01-07 2024-01-08     1",
        "",
        "1 failure:",
        "  2024-01-02, failed at 2024-02-01 06:00:00 UTC",
        "    OSError: the disk is full",
    ]


def test_a_store_that_tells_no_marks_tells_what_is_done():
    status = status_of(marked(OnlySkips()))
    assert status.counts == {"succeeded": 2, "unknown": 5}
    assert status.failures.empty
    assert str(status).splitlines()[:4] == [
        "7 steps, marked in OnlySkips:",
        "  succeeded  2",
        "  not known  5",
        "",
    ]
    assert status.gaps["steps"].tolist() == [4, 1]


def test_a_range_without_steps():
    status = status_of(marked(MemoryCheckpointStore()), ["2024-01-07", "2024-01-01"])
    assert str(status) == "0 steps, marked in MemoryCheckpointStore"
    assert (status.counts, len(status.gaps), len(status.failures)) == ({}, 0, 0)
    assert status.removable("*") == []
    assert status.to_dict()["gaps"] == []


def test_a_bulk_store_is_asked_once_and_only_about_what_is_not_done():
    class Bulk(GetsMany):
        def should_skip_many(self, keys):
            self.asked.append("all")
            return [key in self.marks and self.marks[key].status == "succeeded" for key in keys]

    store = marked(Bulk())
    assert status_of(store).statuses == STATUSES
    assert store.asked == ["all", [*DAYS[1:5], DAYS[6]]]


@given(st.lists(st.sampled_from(["succeeded", "failed", "unmarked"]), min_size=1, max_size=30), st.booleans())
def test_gaps_are_those_of_a_count_by_hand(statuses, backward):
    store = MemoryCheckpointStore()
    days = [dt.datetime(2024, 1, 1) + dt.timedelta(days=day) for day in range(len(statuses))]
    for day, status in zip(days, statuses, strict=True):
        if status != "unmarked":
            store.mark(f"{day:%Y-%m-%d}", status)
    expected = []
    for done, found in groupby(zip(days, statuses, strict=True), key=lambda pair: pair[1] == "succeeded"):
        run = [day for day, _ in found]
        if not done:
            expected.append([run[0], run[-1] + dt.timedelta(days=1), len(run)])
    direction = "backward" if backward else "forward"
    status = status_of(store, {"start_datetime": days[0], "end_datetime": days[-1], "direction": direction})
    assert status.gaps.values.tolist() == expected
    assert status.counts == {name: statuses.count(name) for name in sorted(set(statuses))}


def test_what_a_run_marks_is_what_is_told(store):
    backfill = BackfillModel(model=Day(bad="2024-01-04"), checkpoint_store=store, key="{step}", max_failures=1)
    backfill(["2024-01-01", "2024-01-07"])
    status = status_of(store)
    assert status.statuses == ["succeeded"] * 3 + ["failed"] + ["succeeded"] * 3
    (failure,) = status.failures.to_dict("records")
    assert (failure["step"], failure["end"]) == (pd.Timestamp("2024-01-04"), pd.Timestamp("2024-01-05"))
    assert (failure["key"], failure["attempts"]) == ("2024-01-04", 1)
    assert failure["error"] == "LookupError: no data for 2024-01-04"


def test_the_last_failure_comes_first_whatever_its_offset():
    store = Gets()
    times = [
        "2024-02-01T10:00:00+00:00",
        "2024-02-01T10:30:00+02:00",
        "yesterday",
        "2024-02-01T09:00:00",
        "0001-01-01T00:00:00+14:00",
    ]
    for day, when in zip(DAYS, times, strict=False):
        store.marks[day] = CheckpointRecord(key=day, status="failed", updated_at=when)
    failures = status_of(store).failures
    assert failures["key"].str[-1].tolist() == ["1", "4", "2", "5", "3"]
    assert failures["updated_at"].tolist() == [times[0], times[3], times[1], times[4], "yesterday"]
    shown = str(status_of(store)).splitlines()
    assert shown[shown.index("5 failures:") + 1 :: 2] == [
        "  2024-01-01, failed at 2024-02-01 10:00:00 UTC",
        "  2024-01-04, failed at 2024-02-01 09:00:00 UTC",
        "  2024-01-02, failed at 2024-02-01 08:30:00 UTC",
        "  2024-01-05, failed at 0001-01-01T00:00:00+14:00",
        "  2024-01-03, failed at yesterday",
    ]
    assert shown[-1] == "    without a word on why"


def test_a_status_fits_80_columns_however_many_steps_and_long_errors():
    store = MemoryCheckpointStore()
    zoned = {"start_datetime": "2024-01-01T00:00:00.000001+05:30", "end_datetime": "2024-01-03T00:00:00.000001+05:30"}
    keys = status_of(store, zoned | {"interval": "7s"}).keys
    assert len(keys) == 24_686
    store.mark_many(keys[::3], "failed", {"error": "x" * 500})
    store.mark_many(keys[1::3], "succeeded")
    lines = str(status_of(store, zoned | {"interval": "7s"})).splitlines()
    assert max(map(len, lines)) == 80
    assert len(lines) < 40
    assert f"    {'x' * 73}..." in lines


def test_keys_of_windows_and_of_a_code_version_are_those_of_a_run(tmp_path):
    store = MemoryCheckpointStore()
    fields = {"key": "{model}/{step}", "code_version": "2", "model": Span()}
    backfill = BackfillModel(checkpoint_store=store, **fields)
    range_ = {"start_datetime": "2024-01-01", "end_datetime": "2024-03-31", "interval": "MS", "context": {}}
    backfill(range_)
    status = status_of(store, range_, **fields)
    assert status.keys[0] == "Span@2/2024-01-01--2024-02-01"
    assert status.counts == {"succeeded": 3}


def test_a_backfill_without_a_store_has_no_status():
    with pytest.raises(ValueError, match="status needs a checkpoint_store"):
        BackfillModel(model=Day()).status(["2024-01-01", "2024-01-02"])


def test_json_has_every_failure_and_gap():
    store = MemoryCheckpointStore()
    store.mark_many(DAYS[:6], "failed", {"error": "gone", "attempts": 2})
    told = status_of(store).to_dict()
    assert (told["store"], told["steps"], told["counts"]) == (
        "MemoryCheckpointStore",
        7,
        {"failed": 6, "unmarked": 1},
    )
    assert told["gaps"] == [{"start": "2024-01-01T00:00:00", "end": "2024-01-08T00:00:00", "steps": 7}]
    assert [failure["key"] for failure in told["failures"]] == DAYS[5::-1]
    assert told["failures"][0] | {"updated_at": ""} == {
        "step": "2024-01-06T00:00:00",
        "end": "2024-01-07T00:00:00",
        "key": "2024-01-06",
        "updated_at": "",
        "attempts": 2,
        "error": "gone",
    }
    assert told["context"]["start_datetime"] == "2024-01-01T00:00:00"


REMOVABLE = {
    "*": DAYS[:6],
    "2024-01-0[13]": ["2024-01-01", "2024-01-03"],
    "????-01-02": ["2024-01-02"],
    "2024-01-07": [],
}


@pytest.mark.parametrize(("glob", "keys"), REMOVABLE.items())
def test_a_glob_matches_whole_keys_that_have_a_mark(glob, keys):
    status = status_of(marked(MemoryCheckpointStore()))
    assert status.removable(glob) == keys
    assert status.removable(glob, failed=True) == [key for key in keys if key == "2024-01-02"]


@pytest.mark.parametrize("glob", ["2024-01", "01-01", "2024-01-08", "", "MEMORY*"])
def test_a_glob_that_no_key_matches_is_a_mistake(glob):
    told = f"no step of this backfill has a key like '{glob}'; the first is '2024-01-01'"
    with pytest.raises(ValueError, match=re.escape(told)):
        status_of(marked(MemoryCheckpointStore())).removable(glob)


def test_a_glob_minds_case_and_goes_through_slashes():
    store = MemoryCheckpointStore()
    BackfillModel(model=Day(), checkpoint_store=store, key="Sales/{step}/eu")(["2024-01-01", "2024-01-02"])
    status = status_of(store, ["2024-01-01", "2024-01-02"], key="Sales/{step}/eu")
    assert status.removable("S*u") == ["Sales/2024-01-01/eu", "Sales/2024-01-02/eu"]
    with pytest.raises(ValueError, match="no step"):
        status.removable("sales/*")


@pytest.mark.parametrize("kind", ["local", "memory", "cache", "deletes"])
def test_marks_are_removed_and_others_left(kind, tmp_path):
    store = marked(STORES[kind](tmp_path))
    status = status_of(store)
    assert status.remove(["2024-01-01", "2024-01-02", "2024-01-07"]) == ["2024-01-01", "2024-01-02"]
    assert status_of(store).statuses == ["unmarked"] * 2 + STATUSES[2:]
    assert store.get("2024-01-08").status == "failed"


@pytest.mark.parametrize("kind", ["local", "memory", "cache", "deletes"])
def test_a_mark_that_has_another_status_by_now_is_left(kind, tmp_path):
    store = marked(STORES[kind](tmp_path))
    status = status_of(store)
    store.mark("2024-01-02", "succeeded")
    assert status.remove(["2024-01-01", "2024-01-02"]) == ["2024-01-01"]
    assert store.get("2024-01-02").status == "succeeded"


def test_a_key_of_another_range_removes_nothing():
    store = marked(MemoryCheckpointStore())
    with pytest.raises(KeyError, match="2024-01-08"):
        status_of(store).remove(["2024-01-01", "2024-01-08"])
    assert len(store.list()) == 7


def test_a_store_that_cannot_remove_says_so():
    for store in (OnlySkips(), Gets()):
        with pytest.raises(ValueError, match=f"{type(store).__name__} has no delete"):
            status_of(marked(store)).removable()


def test_a_store_that_tells_no_marks_removes_what_is_done_and_not_what_failed():
    store = marked(OnlySkipsAndDeletes())
    status = status_of(store)
    assert status.removable() == ["2024-01-01", "2024-01-06"]
    with pytest.raises(ValueError, match=r"OnlySkipsAndDeletes has no get\(key\)"):
        status.removable(failed=True)
    assert status.remove(DAYS) == ["2024-01-01", "2024-01-06"]
    assert sorted(store.marks) == [*DAYS[1:5], "2024-01-08"]


def test_the_context_is_that_of_the_backfill():
    status = status_of(MemoryCheckpointStore())
    assert isinstance(status.context, BackfillContext)
    assert status.context.end_datetime == dt.datetime(2024, 1, 7)

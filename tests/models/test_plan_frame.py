"""What a plan shows: why each step is to be run or not, the gaps, and how it is printed."""

import datetime as dt
import time
from itertools import groupby

import pandas as pd
import pytest
from ccflow import CallableModel, DateContext, Flow, GenericResult
from hypothesis import given
from hypothesis import strategies as st

from ccflow_etl import BackfillContext, BackfillModel, BackfillPlan, CheckpointRecord, LocalCheckpointStore

DAYS = [dt.datetime(2024, 1, day) for day in range(1, 6)]


class Day(CallableModel):
    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[str]:
        raise AssertionError("a plan runs nothing")


class OnlySkips:
    def __init__(self, marks):
        self.marks = marks

    def should_skip(self, key):
        return self.marks.get(key) == "succeeded"


class Asked(OnlySkips):
    def get(self, key):
        if key not in self.marks:
            return None
        return CheckpointRecord(key=key, status=self.marks[key], updated_at="2024-01-04T06:00:00+00:00")


class AskedInBulk(OnlySkips):
    def get_many(self, keys):
        return [Asked(self.marks).get(key) for key in keys]


@pytest.fixture
def store(tmp_path):
    store = LocalCheckpointStore(path=tmp_path / "marks.sqlite")
    for day, status in enumerate(["succeeded", "failed", "running"], start=1):
        store.mark(f"2024-01-0{day}", status)
    return store


def plan_of(store, **fields):
    backfill = BackfillModel(model=Day(), checkpoint_store=store, key="{step}", **fields)
    return backfill.plan(["2024-01-01", "2024-01-04"])


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {},
            ["checkpoint marked succeeded", "planned marked failed", "planned marked running", "planned not marked"],
        ),
        ({"overwrite": True}, ["planned overwrite"] * 4),
        (
            {"only": "failed"},
            ["checkpoint marked succeeded", "planned marked failed", *["skipped not marked failed"] * 2],
        ),
        (
            {"only": "missing"},
            ["checkpoint marked succeeded", *["skipped already marked"] * 2, "planned not marked"],
        ),
        ({"only": "missing", "overwrite": True}, [*["skipped already marked"] * 3, "planned not marked"]),
    ],
)
def test_the_reason_of_each_decision(store, fields, expected):
    frame = plan_of(store, **fields).frame
    assert (frame["decision"] + " " + frame["reason"]).tolist() == expected
    marks = {record.key: record.status for record in store.list()}
    unlisted = plan_of(Asked(marks), **fields).frame["reason"].tolist()
    assert unlisted == (frame["reason"].tolist() if fields else ["marked succeeded", *["not marked succeeded"] * 3])


def test_a_store_is_asked_in_bulk_if_it_can(store):
    marks = {record.key: record.status for record in store.list()}
    assert plan_of(AskedInBulk(marks)).reasons == plan_of(store).reasons


def test_without_a_store_every_step_is_planned_and_there_is_no_key():
    frame = BackfillModel(model=Day()).plan(["2024-01-01", "2024-01-02"]).frame
    assert frame.columns.tolist() == ["step", "end", "decision", "reason"]
    assert frame["reason"].tolist() == ["no checkpoint store"] * 2


def test_texts_are_objects_whatever_pandas_would_make_of_them(store):
    context = BackfillContext[DateContext](start_datetime=DAYS[0], end_datetime=DAYS[-1])
    frame = BackfillModel(model=Day(), checkpoint_store=store, key="{step}").plan(context).frame
    assert frame[["key", "decision", "reason"]].dtypes.tolist() == [object] * 3


def test_the_windows_are_in_the_frame(store):
    frame = plan_of(store).frame
    assert frame.columns.tolist() == ["step", "end", "key", "decision", "reason"]
    assert frame["step"].tolist() == DAYS[:4]
    assert frame["end"].tolist() == DAYS[1:]
    assert str(frame.dtypes["step"]) == "datetime64[us]"


@given(
    st.lists(st.sampled_from(["planned", "checkpoint", "skipped"]), max_size=30),
    st.sampled_from(["forward", "backward"]),
)
def test_the_gaps_are_the_planned_steps_and_no_longer_than_they_are_consecutive(decisions, direction):
    start = dt.datetime(2024, 1, 1)
    end = start + dt.timedelta(days=len(decisions) - 1)
    context = BackfillContext(start_datetime=start, end_datetime=end, direction=direction)
    plan = BackfillPlan(context=context, decisions=decisions)
    in_time = decisions if direction == "forward" else decisions[::-1]
    expected, position = [], 0
    for decision, run in groupby(in_time):
        length = len(list(run))
        first = start + dt.timedelta(days=position)
        position += length
        if decision == "planned":
            expected.append((first, first + dt.timedelta(days=length), length))
    assert list(plan.gaps.itertuples(index=False, name=None)) == expected
    assert plan.gaps["steps"].sum() == plan.counts.get("planned", 0)
    assert len(plan.frame) == len(decisions)


def test_a_plan_is_printed(store):
    assert str(plan_of(store)).splitlines() == [
        "      step        end   decision           reason",
        "2024-01-01 2024-01-02 checkpoint marked succeeded",
        "2024-01-02 2024-01-03    planned    marked failed",
        "2024-01-03 2024-01-04    planned   marked running",
        "2024-01-04 2024-01-05    planned       not marked",
        "4 steps: 1 checkpoint, 3 planned",
        "",
        "1 gap to be run:",
        "     start        end steps",
        "2024-01-02 2024-01-05     3",
    ]


def test_gaps_are_not_printed_where_everything_or_nothing_is_to_be_run(tmp_path, store):
    assert "gap" not in str(plan_of(store, overwrite=True))
    for day in range(1, 5):
        store.mark_succeeded(f"2024-01-0{day}")
    assert str(plan_of(store)).splitlines()[-1] == "4 steps: 4 checkpoint"
    nothing = BackfillModel(model=Day()).plan(["2024-01-02", "2024-01-01"])
    assert str(nothing) == "0 steps: nothing to run"
    assert nothing.gaps.columns.tolist() == ["start", "end", "steps"]


def test_a_repr_is_as_short_for_a_long_range():
    backfill = BackfillModel(model=Day())
    short, long = (repr(backfill.plan(["2024-01-01", end])) for end in ("2024-01-02", "2033-12-31"))
    assert "counts={'planned': 2}" in short
    assert "counts={'planned': 3653}" in long
    assert len(long) < len(short) + 10


@pytest.mark.no_cover
@pytest.mark.parametrize("zone", ["", "[America/New_York]"])
def test_a_long_plan_fits_a_terminal(store, zone):
    backfill = BackfillModel(model=Day(), checkpoint_store=store)
    plan = backfill.plan([f"2000-01-01T06{zone}", f"2011-05-29T21{zone}", None, None, "1h"])
    store.mark_many(plan.keys[100::10], "succeeded")
    started = time.process_time()
    text = str(backfill.plan(plan.context))
    assert time.process_time() - started < 10
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) < 30
    assert f"{len(plan.decisions):,} steps: {len(plan.keys[100::10]):,} checkpoint" in text
    assert "2000-01-01 06:00" in lines[1]
    assert "2011-05-29 21:00" in lines[11]


def test_as_json_values(store):
    told = plan_of(store).to_dict()
    assert told["counts"] == {"checkpoint": 1, "planned": 3}
    assert told["gaps"] == [{"start": "2024-01-02T00:00:00", "end": "2024-01-05T00:00:00", "steps": 3}]
    assert told["steps"][1] == {
        "step": "2024-01-02T00:00:00",
        "end": "2024-01-03T00:00:00",
        "key": "2024-01-02",
        "decision": "planned",
        "reason": "marked failed",
    }
    assert told["context"]["start_datetime"] == "2024-01-01T00:00:00"
    steps = pd.to_datetime([step["step"] for step in told["steps"]])
    assert steps.tolist() == DAYS[:4]

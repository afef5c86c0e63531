"""The plan is the run: what a plan lists as planned is what is run, now or later, once."""

import datetime as dt
import os
from typing import Any

import pytest
from ccflow import CallableModel, ContextBase, DatetimeRangeContext, Flow, GenericResult
from hypothesis import given
from hypothesis import strategies as st
from pydantic import PrivateAttr, ValidationError

from ccflow_etl import (
    BackfillContext,
    BackfillError,
    BackfillModel,
    BackfillPlan,
    IntervalCalendar,
    LocalCheckpointStore,
    PlanError,
    ProcessExecutor,
    SerialExecutor,
    ThreadExecutor,
    WeekdayCalendar,
)
from ccflow_etl.models.plan_match import check_model, fingerprint

RANGE = ["2024-01-30", "2024-02-02"]
DATES = ["2024-01-30", "2024-01-31", "2024-02-01", "2024-02-02"]


class RegionContext(ContextBase):
    date: dt.date
    region: str = "north"
    level: int = 0


class Recorder(CallableModel):
    """Remembers every run and fails on the days it is told to."""

    scale: int = 1
    _runs: list = PrivateAttr(default_factory=list)
    _bad: set = PrivateAttr(default_factory=set)

    @Flow.call
    def __call__(self, context: RegionContext) -> GenericResult[str]:
        self._runs.append(str(context.date))
        if str(context.date) in self._bad:
            raise LookupError(f"no data for {context.date}")
        return GenericResult[str](value=f"{context.region} {context.date}")

    def since(self):
        """The steps that were run since it was last asked."""
        runs, self._runs = self._runs, []
        return runs


class Other(Recorder):
    depth: int = 1


class Tagged(Recorder):
    tags: Any = None


class Span(CallableModel):
    _calls: list = PrivateAttr(default_factory=list)

    @Flow.call
    def __call__(self, context: DatetimeRangeContext) -> GenericResult[str]:
        self._calls.append((context.start_datetime, context.end_datetime))
        return GenericResult[str](value="")


class OnlySkips:
    def __init__(self):
        self.asked, self.done = [], set()

    def should_skip(self, key):
        self.asked.append(key)
        return key in self.done

    def mark_succeeded(self, key, metadata=None):
        self.done.add(key)


@pytest.fixture
def store(tmp_path):
    return LocalCheckpointStore(path=tmp_path / "marks.sqlite")


@pytest.fixture
def model():
    return Recorder()


def through_a_file(plan, folder):
    plan.to_parquet(folder / "plan.parquet")
    return BackfillPlan.read_parquet(folder / "plan.parquet")


def statuses(result):
    return result.report["status"].astype(str).tolist()


# --- what is planned is what is run

WEEK = [f"2024-01-{day:02}" for day in range(1, 15)]
MARKS = st.lists(st.sampled_from([None, None, "succeeded", "failed", "running"]), min_size=14, max_size=14)


@given(
    MARKS,
    MARKS,
    st.booleans(),
    st.sampled_from([None, "missing", "failed"]),
    st.sampled_from(["forward", "backward"]),
    st.sampled_from([None, WeekdayCalendar(), IntervalCalendar(interval="3D"), "2B"]),
    st.sampled_from([None, SerialExecutor(), ThreadExecutor(max_workers=2)]),
)
def test_what_a_plan_lists_is_what_is_run(
    tmp_path_factory, marks, later, overwrite, only, direction, calendar, executor
):
    folder, model = tmp_path_factory.mktemp("plan"), Recorder()
    store = LocalCheckpointStore(path=folder / "marks.sqlite")
    fields = {"checkpoint_store": store, "key": "{step}", "overwrite": overwrite, "only": only}
    backfill = BackfillModel(model=model, **fields)
    for day, mark in zip(WEEK, marks, strict=True):
        if mark is not None:
            store.mark(day, mark)
    context = [WEEK[0], WEEK[-1], None, direction, calendar]
    before = store.list()
    plan = backfill.plan(context)
    assert (store.list(), model.since()) == (before, []), "a plan runs and writes nothing"
    frame = plan.frame
    listed = frame.loc[frame["decision"] == "planned", "key"].tolist()

    # The world goes on between the plan and its run.
    saved = through_a_file(plan, folder)
    for day, mark in zip(WEEK, later, strict=True):
        store.delete(day) if mark is None else store.mark(day, mark)
    changed = store.list()
    result = BackfillModel(model=model, executor=executor, **fields).run_plan(saved)
    ran = model.since()
    assert ran == listed if executor is None else sorted(ran) == sorted(listed)
    expected = ["succeeded" if decision == "planned" else decision for decision in plan.decisions]
    assert statuses(result) == expected
    assert result.report["key"].tolist() == plan.keys
    untouched = [record for record in changed if record.key not in listed]
    assert [record for record in store.list() if record.key not in listed] == untouched
    assert {record.status for record in store.list() if record.key in listed} <= {"succeeded"}

    # A plan is one run.
    again = backfill.run_plan(saved)
    assert model.since() == []
    assert statuses(again) == ["checkpoint" if decision == "planned" else decision for decision in plan.decisions]

    # What is run without a plan is what a plan of that moment lists.
    now = backfill.plan(context).frame
    backfill(context)
    assert model.since() == now.loc[now["decision"] == "planned", "key"].tolist()
    store.close()


def test_a_step_that_was_marked_since_by_others_is_run(store, model):
    backfill = BackfillModel(model=model, checkpoint_store=store)
    plan = backfill.plan(RANGE)
    backfill(RANGE)
    assert model.since() == DATES
    assert statuses(backfill.run_plan(plan)) == ["succeeded"] * 4
    assert model.since() == DATES


def test_a_step_that_was_done_then_is_not_looked_up(model):
    store = OnlySkips()
    backfill = BackfillModel(model=model, checkpoint_store=store, key="{step}")
    store.done.update(DATES[:2])
    plan = backfill.plan(RANGE)
    store.done.clear()
    store.asked.clear()
    assert statuses(backfill.run_plan(plan)) == ["checkpoint", "checkpoint", "succeeded", "succeeded"]
    assert store.asked == []
    assert model.since() == DATES[2:]


def test_without_a_store_every_start_runs_all_of_it(model, tmp_path):
    backfill = BackfillModel(model=model)
    plan = through_a_file(backfill.plan(RANGE), tmp_path)
    for _ in range(2):
        assert backfill.run_plan(plan).value == backfill(RANGE).value
        assert model.since() == DATES * 2


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_run_that_failed_is_gone_on_with(store, model, tmp_path, overwrite):
    backfill = BackfillModel(model=model, checkpoint_store=store, overwrite=overwrite)
    if overwrite:
        backfill(RANGE)
        model.since()
    plan = through_a_file(backfill.plan(RANGE), tmp_path)
    assert plan.counts == {"planned": 4}
    model._bad = {DATES[2]}
    with pytest.raises(LookupError):
        backfill.run_plan(plan)
    assert model.since() == DATES[:3]
    assert backfill.remaining(plan).frame["reason"].tolist()[:2] == ["done by this plan"] * 2
    model._bad = set()
    assert statuses(backfill.run_plan(plan)) == ["checkpoint", "checkpoint", "succeeded", "succeeded"]
    assert model.since() == DATES[2:]


def test_another_plan_of_the_same_steps_is_another_run(store, model):
    backfill = BackfillModel(model=model, checkpoint_store=store, overwrite=True)
    one, other = backfill.plan(RANGE), backfill.plan(RANGE)
    backfill.run_plan(one)
    backfill.run_plan(other)
    assert model.since() == DATES * 2
    # Their marks are the last plan's.
    assert backfill.remaining(other).counts == {"checkpoint": 4}
    assert backfill.remaining(one).counts == {"planned": 4}


def test_failures_are_told_as_from_a_call(store, model):
    model._bad = {DATES[1]}
    backfill = BackfillModel(model=model, checkpoint_store=store, on_error="continue")
    with pytest.raises(BackfillError, match="1 of 4 steps failed") as failed:
        backfill.run_plan(backfill.plan(RANGE))
    assert failed.value.result.summary.by_status == {"failed": 1, "succeeded": 3}
    lenient = BackfillModel(model=model, checkpoint_store=store, on_error="continue", raise_on_failure=False)
    assert lenient.run_plan(lenient.plan(RANGE)).summary.by_status == {"checkpoint": 3, "failed": 1}


def test_chunks_are_of_planned_steps(store):
    span = Span()
    backfill = BackfillModel(model=span, checkpoint_store=store, chunk=3)
    context = ["2024-01-01", "2024-01-06"]
    keys = backfill.plan(context).keys
    store.mark_succeeded(keys[1])
    plan = backfill.plan(context)
    store.delete(keys[1])
    backfill.run_plan(plan)
    day = [dt.datetime(2024, 1, number) for number in range(1, 8)]
    assert span._calls == [(day[0], day[1]), (day[2], day[5]), (day[5], day[6])]


def test_a_plan_may_be_made_by_hand(store, model):
    backfill = BackfillModel(model=model, checkpoint_store=store)
    context = BackfillContext(start_datetime=RANGE[0], end_datetime=RANGE[1])
    plan = BackfillPlan(context=context, decisions=["skipped", "planned", "skipped", "planned"])
    assert statuses(backfill.run_plan(plan)) == ["skipped", "succeeded", "skipped", "succeeded"]
    assert model.since() == [DATES[1], DATES[3]]
    with pytest.raises(PlanError, match="1 decision for 4 steps"):
        backfill.run_plan(BackfillPlan(context=context, decisions=["planned"]))
    with pytest.raises(ValidationError, match="decisions"):
        BackfillPlan(context=context, decisions=["perhaps"] * 4)


class DepthContext(ContextBase):
    date: dt.date
    depth: int


class Deep(CallableModel):
    @Flow.call
    def __call__(self, context: DepthContext) -> GenericResult[int]:
        return GenericResult[int](value=context.depth)


def test_a_plan_whose_context_does_not_fit_the_model_says_what_is_missing():
    plan = BackfillPlan(context=BackfillContext(start_datetime=RANGE[0], end_datetime=RANGE[0]), decisions=["planned"])
    with pytest.raises(PlanError, match=r"does not fit Deep any more: .*depth: Field required.*; make another plan"):
        BackfillModel(model=Deep()).run_plan(plan)


def test_a_plan_with_other_keys_is_not_run(store, model):
    backfill = BackfillModel(model=model, checkpoint_store=store, key="sales/{step}")
    plan = backfill.plan(RANGE).model_copy(update={"keys": ["sales/1999-12-31"] * 4})
    with pytest.raises(PlanError, match="is sales/1999-12-31 in the plan would be marked as sales/2024-01-30"):
        backfill.run_plan(plan)
    assert model.since() == []


def test_what_is_left_of_a_plan_without_marks_is_the_plan(model):
    backfill = BackfillModel(model=model)
    plan = backfill.plan(RANGE)
    backfill.run_plan(plan)
    assert backfill.remaining(plan).decisions == plan.decisions == ["planned"] * 4


# --- what it has to be run with


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"model": Recorder(scale=2)}, "model.scale;"),
        ({"model": Other()}, "settings of model;"),
        ({"key": "{step}"}, "settings of key;"),
        ({"code_version": "2"}, "settings of code_version;"),
        ({"overwrite": True}, "settings of overwrite;"),
        ({"only": "failed"}, "settings of only;"),
        ({"checkpoint_store": None}, "settings of checkpoint_store;"),
    ],
)
def test_another_backfill_is_refused_and_what_differs_is_named(store, tmp_path, changed, named):
    plan = through_a_file(BackfillModel(model=Recorder(), checkpoint_store=store).plan(RANGE), tmp_path)
    other = BackfillModel(**{"model": Recorder(), "checkpoint_store": store} | changed)
    with pytest.raises(PlanError) as refused:
        other.run_plan(plan)
    assert named in str(refused.value)
    assert other.model._runs == []
    assert not (tmp_path / "marks.sqlite").exists()


@pytest.mark.parametrize(("count", "told"), [(5, "abcde;"), (7, "abcde and 2 more;")])
def test_of_many_settings_five_are_named(model, count, told):
    backfill = BackfillModel(model=model)
    planned = fingerprint(backfill, "salt") | dict.fromkeys("abcdefgh"[:count], "another")
    with pytest.raises(PlanError, match="settings of " + ", ".join(told[:5]) + told[5:]):
        check_model(backfill, planned, "salt")


def test_a_store_where_there_was_none_is_named_once(store, model):
    plan = BackfillModel(model=model).plan(RANGE)
    with pytest.raises(PlanError, match=r"settings of checkpoint_store, key;"):
        BackfillModel(model=model, checkpoint_store=store, key="{step}").run_plan(plan)


@pytest.mark.parametrize(
    ("then", "now", "told"),
    [
        ([], [1, 2], "model.tags"),
        ([1], [1, 2, 3], "model.tags.1, model.tags.2"),
        ({"a": {}}, {"a": {"b": 1, "c": {"d": 2}}}, "model.tags.a"),
        ({"a": 1}, None, "model.tags"),
    ],
    ids=repr,
)
def test_a_setting_is_named_without_its_parts_where_one_side_has_none(then, now, told):
    for one, other in ((then, now), (now, then)):
        plan = BackfillModel(model=Tagged(tags=one)).plan(RANGE)
        with pytest.raises(PlanError, match=rf"settings of {told};"):
            BackfillModel(model=Tagged(tags=other)).run_plan(plan)


def test_another_store_is_refused_by_its_path(store, model, tmp_path):
    plan = BackfillModel(model=model, checkpoint_store=store).plan(RANGE)
    elsewhere = LocalCheckpointStore(path=tmp_path / "others.sqlite")
    with pytest.raises(PlanError, match=r"settings of checkpoint_store\.path;"):
        BackfillModel(model=model, checkpoint_store=elsewhere).run_plan(plan)


@pytest.mark.parametrize(
    "fields",
    [
        {"executor": ThreadExecutor(max_workers=2)},
        {"executor": ProcessExecutor(max_workers=1)},
        {"retry": {"max_attempts": 3}},
        {"on_error": "continue"},
        {"max_failures": 3},
        {"collect": False},
        {"depends_on_past": True},
    ],
)
def test_how_it_is_run_may_have_changed(store, tmp_path, fields):
    plan = through_a_file(BackfillModel(model=Recorder(), checkpoint_store=store).plan(RANGE), tmp_path)
    result = BackfillModel(model=Recorder(), checkpoint_store=store, **fields).run_plan(plan)
    assert statuses(result) == ["succeeded"] * 4


def test_a_store_that_is_any_object_is_the_same_in_another_process(model):
    plan = BackfillModel(model=model, checkpoint_store=OnlySkips()).plan(RANGE)
    assert BackfillModel(model=model, checkpoint_store=OnlySkips()).run_plan(plan).summary.succeeded == 4


def test_late_bounds_are_those_of_the_plan(model, tmp_path):
    backfill = BackfillModel(model=model)
    late = {"start_datetime": "-2D", "end_datetime": "yesterday"}
    plan = through_a_file(backfill.plan(late | {"now": "2024-02-02T12:00"}), tmp_path)
    assert backfill.run_plan(plan, late).value["steps"] == 2
    assert model.since() == DATES[1:3]
    assert backfill.run_plan(plan, ["-2D", "yesterday"]).value["steps"] == 2
    assert backfill.run_plan(plan, "-2D,yesterday").value["steps"] == 2


GIVEN = {
    "start_datetime": "2024-01-01",
    "end_datetime": "2024-01-31",
    "calendar": "1B",
    "context": {"region": "south", "level": 2},
}


@pytest.mark.parametrize(
    "given",
    [
        None,
        {},
        GIVEN,
        {"context": None},
        {"start_datetime": dt.datetime(2024, 1, 1)},
        {"end_datetime": "latest", "now": "1999-01-01"},
        {"interval": "1B"},
        {"context": {"region": "south"}},
        {"context": {"level": 2}},
        {"direction": "forward"},
        ["2024-01-01", "2024-01-31"],
        ["2024-01-01", "2024-01-31", {"region": "south"}, "forward", "1B"],
        "2024-01-01,2024-01-31",
        BackfillContext[RegionContext](**GIVEN),
    ],
    ids=repr,
)
def test_what_is_given_of_the_same_context_is_accepted(model, given):
    backfill = BackfillModel(model=model)
    assert backfill.run_plan(backfill.plan(GIVEN), given).value["steps"] == 23


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"start_datetime": "2024-01-02"}, "start_datetime is 2024-01-01 00:00:00 there, and 2024-01-02 00:00:00 is"),
        ({"end_datetime": "2024-01-30"}, "end_datetime is 2024-01-31"),
        ({"direction": "backward"}, "direction is forward there, and backward is given"),
        ({"interval": "1D"}, "it has 23 steps, and the interval that is given makes others"),
        ({"calendar": "2B"}, "it has 23 steps, and the calendar that is given makes others"),
        ({"context": {"region": "north"}}, "context.region is south there, and north is given"),
        ({"context": {"regoin": "north"}}, "regoin: Extra inputs are not permitted"),
        ({"start": "2024-01-02"}, "start: Extra inputs are not permitted"),
        (["2024-01-01"], "a backfill written as a list is"),
        (["2024-01-01", "2024-01-30"], "end_datetime is 2024-01-31"),
        (BackfillContext[RegionContext](**GIVEN | {"end_datetime": "2024-01-30"}), "end_datetime is 2024-01-31"),
    ],
    ids=repr,
)
def test_another_context_is_refused_and_what_differs_is_named(model, given, named):
    backfill = BackfillModel(model=model)
    with pytest.raises(PlanError) as refused:
        backfill.run_plan(backfill.plan(GIVEN), given)
    assert named in str(refused.value)


def test_a_plan_of_one_step_is_told_in_the_singular(model):
    backfill = BackfillModel(model=model)
    with pytest.raises(PlanError, match="it has 1 step, and the interval that is given makes others"):
        backfill.run_plan(backfill.plan(["2024-01-01", "2024-01-01"]), {"interval": "2D"})
    assert model.since() == []


def test_remaining_writes_nothing(store, model, tmp_path):
    backfill = BackfillModel(model=model, checkpoint_store=store)
    plan = backfill.plan(RANGE)
    assert backfill.remaining(plan).counts == {"planned": 4}
    assert os.listdir(tmp_path) == []

"""Backfills that resume: what is not run again, under which keys, and what a kill costs.

`CCFLOW_ETL_BACKFILL_KILLS=50 python -m pytest tests/models/test_backfill_resume.py -k killed -s` kills backfills of 500
steps at 50 points for each executor; the default is a few kills of 100 steps.
"""

import datetime as dt
import json
import os
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections import Counter
from contextlib import closing

import ccflow
import pytest
from ccflow import (
    CallableModel,
    ContextBase,
    DatetimeRangeContext,
    Flow,
    FlowOptions,
    FlowOptionsOverride,
    GenericResult,
)
from ccflow.evaluators import GraphEvaluator, LoggingEvaluator, MemoryCacheEvaluator, MultiEvaluator
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from pydantic import PrivateAttr, ValidationError

from ccflow_etl import BackfillError, BackfillModel, LocalCheckpointStore, ThreadExecutor

KILLS = os.environ.get("CCFLOW_ETL_BACKFILL_KILLS")
RANGE = ["2024-01-30", "2024-02-02"]
DATES = ["2024-01-30", "2024-01-31", "2024-02-01", "2024-02-02"]


class RegionContext(ContextBase):
    date: dt.date
    region: str = "north"


class Recorder(CallableModel):
    """Answers with its step, remembers every run and fails on the days it is told to."""

    meta: ccflow.MetaData = ccflow.MetaData(name="recorder")
    bad: frozenset[str] = frozenset()
    _runs: list = PrivateAttr(default_factory=list)

    @Flow.call
    def __call__(self, context: RegionContext) -> GenericResult[str]:
        self._runs.append(str(context.date))
        if str(context.date) in self.bad:
            raise LookupError(f"no data for {context.date}")
        return GenericResult[str](value=f"{context.region} {context.date}")


class Span(CallableModel):
    @Flow.call
    def __call__(self, context: DatetimeRangeContext) -> GenericResult[str]:
        return GenericResult[str](value=f"{context.start_datetime} {context.end_datetime}")


class OnlyAsks:
    """The least that a checkpoint store can be."""

    def __init__(self, done=()):
        self.done = set(done)
        self.asked = []

    def should_skip(self, key):
        self.asked.append(key)
        return key in self.done


class Asks(OnlyAsks):
    """Has marks, too, but nothing in bulk and no mark_succeeded."""

    def __init__(self):
        super().__init__()
        self.marks = []

    def mark(self, key, status, metadata=None):
        self.marks.append((key, status, metadata))
        if status == "succeeded":
            self.done.add(key)


@pytest.fixture
def store(tmp_path):
    return LocalCheckpointStore(path=tmp_path / "marks.sqlite")


def statuses(result):
    return result.report["status"].astype(str).tolist()


def keys_of(model, context, **fields):
    fields = {"checkpoint_store": OnlyAsks()} | fields
    return BackfillModel(model=model, **fields).plan(context).keys


# --- what is done is not done again


def test_a_second_run_runs_nothing(store):
    model = Recorder()
    backfill = BackfillModel(model=model, checkpoint_store=store)
    first, second = backfill(RANGE), backfill(RANGE)
    assert model._runs == DATES
    assert statuses(first) == ["succeeded"] * 4
    assert statuses(second) == ["checkpoint"] * 4
    assert second.value == {"steps": 4, "outputs": []}
    assert (second.summary.total, second.summary.skipped, second.summary.succeeded) == (4, 4, 0)
    assert second.report["attempts"].tolist() == [0] * 4
    assert second.report["started"].isna().all()


def test_a_longer_range_runs_what_it_adds_in_either_direction(store):
    model = Recorder()
    backfill = BackfillModel(model=model, checkpoint_store=store)
    backfill(RANGE)
    result = backfill(["2024-01-29", "2024-02-03", None, "backward"])
    assert model._runs == [*DATES, "2024-02-03", "2024-01-29"]
    assert statuses(result) == ["succeeded", *["checkpoint"] * 4, "succeeded"]
    assert [output["value"] for output in result.value["outputs"]] == ["north 2024-02-03", "north 2024-01-29"]


def test_a_failed_step_is_run_again(store):
    context = RANGE
    with pytest.raises(LookupError):
        BackfillModel(model=Recorder(bad=frozenset({DATES[1]})), checkpoint_store=store)(context)
    model = Recorder()
    result = BackfillModel(model=model, checkpoint_store=store)(context)
    assert model._runs == DATES[1:]
    assert statuses(result) == ["checkpoint", *["succeeded"] * 3]
    assert store.should_skip_many(result.report["key"]) == [True] * 4


def test_a_mark_tells_how_the_step_went(store):
    with pytest.raises(LookupError):
        BackfillModel(model=Recorder(bad=frozenset({DATES[1]})), checkpoint_store=store)(RANGE)
    done, failed = sorted(store.list(), key=lambda record: record.key)
    assert (done.status, failed.status) == ("succeeded", "failed")
    assert done.metadata["attempts"] == failed.metadata["attempts"] == 1
    assert done.metadata["seconds"] >= 0
    assert failed.metadata["error"] == "LookupError: no data for 2024-01-31"
    json.dumps([done.metadata, failed.metadata])


def test_a_step_is_marked_after_it_ended_and_before_the_next_begins(store):
    marked = []

    class Watching(CallableModel):
        @Flow.call
        def __call__(self, context: RegionContext) -> GenericResult[int]:
            marked.append(len(store.list()))
            return GenericResult[int](value=1)

    BackfillModel(model=Watching(), checkpoint_store=store)(RANGE)
    assert marked == [0, 1, 2, 3]


def test_stores_of_every_kind(tmp_path):
    least, plain = OnlyAsks(), Asks()
    result = BackfillModel(model=Recorder(), checkpoint_store=least)(RANGE)
    keys = result.report["key"].tolist()
    assert least.asked == keys
    assert statuses(result) == ["succeeded"] * 4
    least.done = set(keys[:2])
    model = Recorder()
    result = BackfillModel(model=model, checkpoint_store=least)(RANGE)
    assert statuses(result) == ["checkpoint"] * 2 + ["succeeded"] * 2
    assert model._runs == DATES[2:]

    BackfillModel(model=Recorder(), checkpoint_store=plain)(RANGE)
    assert [mark[:2] for mark in plain.marks] == [(key, "succeeded") for key in keys]
    assert statuses(BackfillModel(model=Recorder(), checkpoint_store=plain)(RANGE)) == ["checkpoint"] * 4


def test_a_store_from_the_registry_and_from_a_config(tmp_path):
    path = tmp_path / "marks.sqlite"
    config = {"_target_": "ccflow_etl.LocalCheckpointStore", "path": str(path)}
    BackfillModel(model=Recorder(), checkpoint_store=config)(RANGE)
    root = ccflow.ModelRegistry.root()
    root.add("test_resume_marks", LocalCheckpointStore(path=path))
    try:
        result = BackfillModel(model=Recorder(), checkpoint_store="/test_resume_marks")(RANGE)
    finally:
        root.remove("test_resume_marks")
    assert statuses(result) == ["checkpoint"] * 4
    with pytest.raises(ValidationError, match="should_skip"):
        BackfillModel(model=Recorder(), checkpoint_store=object())


# --- which steps are chosen

MARKS = st.sampled_from([None, "succeeded", "failed", "running", "planned"])


@settings(max_examples=40)
@given(
    marks=st.lists(MARKS, min_size=1, max_size=12),
    overwrite=st.booleans(),
    only=st.sampled_from([None, "missing", "failed"]),
    direction=st.sampled_from(["forward", "backward"]),
)
def test_the_plan_is_the_run(tmp_path_factory, marks, overwrite, only, direction):
    store = LocalCheckpointStore(path=tmp_path_factory.mktemp("plan") / "marks.sqlite")
    first = dt.date(2024, 1, 1)
    days = [first + dt.timedelta(days=number) for number in range(len(marks))]
    model = Recorder()
    fields = {"checkpoint_store": store, "key": "day/{step}", "overwrite": overwrite, "only": only}
    for day, mark in zip(days, marks, strict=True):
        if mark is not None:
            store.mark(f"day/{day}", mark)
    expected = []
    for mark in marks:
        if mark == "succeeded" and not overwrite:
            expected.append("checkpoint")
        elif (only == "missing" and mark is not None) or (only == "failed" and mark != "failed"):
            expected.append("skipped")
        else:
            expected.append("planned")
    if direction == "backward":
        expected, days = expected[::-1], days[::-1]
    context = [min(days), max(days), None, direction]

    before = store.list()
    backfill = BackfillModel(model=model, **fields)
    plan = backfill.plan(context)
    assert plan.frame["decision"].tolist() == expected
    assert plan.counts == dict(sorted(Counter(expected).items()))
    assert store.list() == before, "a plan writes nothing"
    assert model._runs == []
    [(_, declared)] = backfill.__deps__(backfill.context_type.model_validate(context))
    assert [step.key for step in declared] == [
        f"day/{day}" for day, told in zip(days, expected, strict=True) if told == "planned"
    ]
    chosen = [str(day) for day, decision in zip(days, expected, strict=True) if decision == "planned"]

    result = backfill(context)
    assert model._runs == chosen
    assert statuses(result) == ["succeeded" if decision == "planned" else decision for decision in expected]
    assert result.report["key"].tolist() == plan.keys == [f"day/{day}" for day in days]
    store.close()


def test_a_plan_makes_no_file(tmp_path, store):
    plan = BackfillModel(model=Recorder(), checkpoint_store=store).plan(RANGE)
    assert plan.counts == {"planned": 4}
    assert list(tmp_path.iterdir()) == []


def test_only_needs_a_store_that_knows_each_mark():
    model = Recorder()
    with pytest.raises(ValueError, match=r"only='failed'.*OnlyAsks has no get"):
        BackfillModel(model=model, checkpoint_store=OnlyAsks(), only="failed")(RANGE)
    assert model._runs == []


def test_only_without_a_store_is_no_licence_to_run_everything():
    model = Recorder()
    with pytest.raises((ValidationError, ValueError), match="checkpoint_store"):
        BackfillModel(model=model, only="failed")(RANGE)
    assert model._runs == []


@pytest.mark.parametrize("fields", [{"only": "done"}, {"only": True}, {"key": 5}, {"overwrite": "perhaps"}])
def test_mistakes_in_the_fields_are_refused(fields):
    with pytest.raises(ValidationError, match=next(iter(fields))):
        BackfillModel(model=Recorder(), **fields)


def hours(backfill, steps):
    """A context of so many hours, and the keys of its steps."""
    start = dt.datetime(2000, 1, 1)
    context = backfill.context_type.model_validate([start, start + dt.timedelta(hours=steps - 1), None, None, "1h"])
    return context, backfill.plan(context).keys


def timed(function, *arguments):
    """What a function returns, and the seconds of this process: others may be as busy as they like."""
    started = time.process_time()
    return function(*arguments), time.process_time() - started


def test_a_run_of_nothing_says_why(store, caplog):
    """A step that is not asked for is not told as done."""
    backfill = BackfillModel(model=Recorder(bad={"2024-02-01"}), checkpoint_store=store, on_error="continue")
    with pytest.raises(BackfillError):
        backfill(RANGE)
    backfill.model_copy(update={"only": "missing"})(RANGE)
    assert caplog.messages == [
        "Nothing to run from 2024-01-30 00:00:00 to 2024-02-02 00:00:00: 3 checkpoint, 1 skipped."
    ]


@pytest.mark.no_cover
def test_100_000_done_steps_are_skipped_at_once(store):
    """A tenth of them takes a tenth of the time, give or take: where each step looks at all, it takes a hundredth."""
    backfill, seconds = BackfillModel(model=Recorder(), checkpoint_store=store), {}
    for steps in (10_000, 100_000):
        context, keys = hours(backfill, steps)
        store.mark_many(keys, "succeeded")
        result, seconds[steps] = timed(backfill, context)
        assert result.summary.by_status == {"checkpoint": steps}
    print(f"\n{seconds}")  # noqa: T201 - shown by -s
    assert seconds[100_000] < 50 * seconds[10_000]


@pytest.mark.no_cover
def test_choosing_among_100_000_marks_is_as_quick(store):
    """All of them failed before: `missing` wants none, `failed` wants every one."""
    seconds = {}
    for steps in (10_000, 100_000):
        context, keys = hours(BackfillModel(model=Recorder(), checkpoint_store=store), steps)
        store.mark_many(keys, "failed")
        for only, decision in [("missing", "skipped"), ("failed", "planned")]:
            backfill = BackfillModel(model=Recorder(), checkpoint_store=store, only=only)
            plan, seconds[only, steps] = timed(backfill.plan, context)
            assert plan.counts == {decision: steps}
    print(f"\n{seconds}")  # noqa: T201 - shown by -s
    for only in ("missing", "failed"):
        assert seconds[only, 100_000] < 50 * seconds[only, 10_000]


# --- under the packaged evaluators


def packaged():
    evaluators = [GraphEvaluator(), MemoryCacheEvaluator(), LoggingEvaluator()]
    return FlowOptionsOverride(options=FlowOptions(evaluator=MultiEvaluator(evaluators=evaluators), cacheable=True))


@pytest.mark.parametrize("evaluator", [None, GraphEvaluator()])
@pytest.mark.parametrize("executor", [None, ThreadExecutor()])
@pytest.mark.parametrize("table", ["checkpoints", "taken"])
def test_no_step_runs_whose_mark_cannot_be_kept(tmp_path, evaluator, executor, table):
    """Be it that there can be no file, or that it belongs to someone else."""
    path = tmp_path / "marks.sqlite"
    if table == "taken":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE VIEW taken AS SELECT 'a' AS key, '' AS status, '' AS updated_at, '' AS metadata")
    else:
        path.write_text("a note, in whose place there can be no folder")
        path = path / "marks.sqlite"
    model = Recorder()
    store = LocalCheckpointStore(path=path, table=table)
    backfill = BackfillModel(model=model, checkpoint_store=store, executor=executor)
    assert backfill.plan(RANGE).counts == {"planned": 4}
    with FlowOptionsOverride(options=FlowOptions(evaluator=evaluator)), pytest.raises((OSError, sqlite3.Error)):
        backfill(RANGE)
    assert model._runs == []


def test_a_graph_is_not_given_what_is_done(store):
    model = Recorder()
    backfill = BackfillModel(model=model, checkpoint_store=store)
    with packaged():
        backfill(RANGE)
    with packaged():
        result = backfill(["2024-01-31", "2024-02-04"])
    assert Counter(model._runs) == Counter([*DATES, "2024-02-03", "2024-02-04"])
    assert statuses(result) == ["checkpoint"] * 3 + ["succeeded"] * 2


class FailsThird(Recorder):
    """Fails in the third step that it is run for, whichever it is: a graph is in no order."""

    fails: bool = True

    @Flow.call
    def __call__(self, context: RegionContext) -> GenericResult[str]:
        if self.fails and len(self._runs) == 2:
            raise LookupError("the third")
        return super().__call__(context)


def test_steps_that_finished_in_a_graph_are_marked_when_another_fails(store):
    model = FailsThird()
    with packaged(), pytest.raises(LookupError):
        BackfillModel(model=model, checkpoint_store=store)(RANGE)
    again = FailsThird(fails=False)
    with packaged():
        BackfillModel(model=again, checkpoint_store=store)(RANGE)
    assert len(model._runs) == 2
    assert sorted(again._runs) == sorted(set(DATES) - set(model._runs))


# --- keys

INSTANTS = st.datetimes(min_value=dt.datetime(1990, 1, 1), max_value=dt.datetime(2050, 1, 1))
INTERVALS = st.sampled_from(["1D", "6h", "B", "MS", "QE", "SMS", "W", "36h", "1M", "90s"])
SPANS = {"90s": 1, "6h": 20, "36h": 60}


@given(
    start=INSTANTS,
    interval=INTERVALS,
    model=st.sampled_from([Recorder(), Span()]),
    zone=st.sampled_from([None, dt.UTC, dt.timezone(dt.timedelta(hours=-3))]),
    data=st.data(),
)
def test_a_step_has_one_key_in_every_range_and_direction(start, interval, model, zone, data):
    start = start.replace(microsecond=0, tzinfo=zone)
    end = start + dt.timedelta(days=SPANS.get(interval, 500)) / (1 if interval != "90s" else 24)
    plan = BackfillModel(model=model, checkpoint_store=OnlyAsks()).plan([start, end, None, None, interval])
    frame = plan.frame
    assert len(set(frame["key"])) == len(frame), "two steps share a key"
    if not len(frame):
        return
    # Another range over some of the same steps: from one of them (a month keeps the day it starts on) to another.
    first = data.draw(st.integers(0, len(frame) - 1)) if interval != "1M" else 0
    last = data.draw(st.integers(first, len(frame) - 1))
    low, high = frame["step"][first].to_pydatetime(), frame["step"][last].to_pydatetime()
    part = keys_of(model, [low if interval != "1M" else start, high, None, "backward", interval])
    assert part == frame["key"].tolist()[first : last + 1][::-1]


def test_the_default_key_can_be_read():
    for model, context, shown in [
        (Recorder(), ["2024-02-01", "2024-02-01"], "Recorder:recorder/2024-02-01/"),
        (Recorder(), ["2024-02-01T06:30", "2024-02-01T06:30"], "Recorder:recorder/2024-02-01T06:30:00/"),
        (Span(), ["2024-02-01", "2024-02-01", None, None, "MS"], "Span/2024-02-01--2024-03-01/"),
    ]:
        [key] = keys_of(model, context)
        assert key.startswith(shown)
        assert len(key) == len(shown) + 12


DAY = dt.date(2024, 1, 1)
NAMES = st.text(st.characters(codec="utf-8", categories=["L", "N"], include_characters="@/-_ "), min_size=1, max_size=8)
UNITS = st.tuples(NAMES, st.none() | NAMES, NAMES, st.dates(dt.date(2000, 1, 1), dt.date(2030, 1, 1)))


@example(("a@", None, "x", DAY), ("a", "@", "x", DAY), [])
@example(("a@2", None, "x", DAY), ("a", "2", "x", DAY), [])
@given(one=UNITS, other=UNITS, same=st.lists(st.integers(0, 3), max_size=3))
def test_keys_differ_where_anything_differs(one, other, same):
    other = tuple(one[place] if place in same else other[place] for place in range(4))
    assume(one != other)

    def key(unit):
        name, version, region, day = unit
        model = Recorder(meta=ccflow.MetaData(name=name))
        return keys_of(model, [day, day, {"region": region}], code_version=version)

    assert key(one) != key(other)
    assert key(one) == key(one)


def test_neither_class_nor_name_is_all_of_a_key():
    """A config names its model by its place in the registry, which in most of them is ``model``."""

    class Other(Recorder):
        pass

    named = [kind(meta=ccflow.MetaData(name=name)) for kind in (Recorder, Other) for name in ("", "north", "south")]
    assert len({key for model in named for key in keys_of(model, RANGE)}) == 4 * len(named)


SET_KEYS = """
    import datetime as dt
    from ccflow import CallableModel, ContextBase, Flow, GenericResult
    from ccflow_etl import BackfillError, BackfillModel, LocalCheckpointStore

    class SetContext(ContextBase):
        date: dt.date
        regions: frozenset[str]
        options: dict[str, int]

    class Sets(CallableModel):
        @Flow.call
        def __call__(self, context: SetContext) -> GenericResult[int]:
            return GenericResult[int](value=1)

    child = {"regions": ["north", "south", "east", "west"], "options": {"b": 1, "a": 2}}
    backfill = BackfillModel(model=Sets(), checkpoint_store=LocalCheckpointStore(path="unused.sqlite"))
    print(backfill.plan(["2024-01-01", "2024-01-01", child]).keys)
"""


def test_a_key_is_the_same_in_every_process():
    """Sets of texts have another order in each."""

    def key(seed):
        command = [sys.executable, "-c", textwrap.dedent(SET_KEYS)]
        environment = os.environ | {"PYTHONHASHSEED": str(seed)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    assert key(1) == key(2) == key(3)


def test_windows_of_different_lengths_have_keys_of_their_own():
    spans = [keys_of(Span(), ["2024-01-01", "2024-01-01", None, None, length]) for length in ("D", "W", "MS", "6h")]
    assert len({key for [key] in spans}) == 4


def test_a_new_code_version_runs_everything_once(store):
    model = Recorder()
    for version in (None, "2", "2", "3", None):
        BackfillModel(model=model, checkpoint_store=store, code_version=version)(RANGE)
    assert model._runs == DATES * 3


@pytest.mark.parametrize("key", ["{step}", "sales/{step}/{context}"])
def test_a_code_version_that_no_key_has_is_refused(key):
    with pytest.raises(ValidationError, match=r"code_version='2' would change nothing.*add \{version\} or \{model\}"):
        BackfillModel(model=Recorder(), key=key, code_version="2")
    for more in ("@{version}", "@{model}"):
        assert BackfillModel(model=Recorder(), key=key + more, code_version="2").code_version == "2"


def test_a_template_of_ones_own():
    assert keys_of(Recorder(), RANGE, key="sales/{step}") == [f"sales/{date}" for date in DATES]
    assert keys_of(Recorder(), RANGE[:1] * 2, key="{version}:{model}:{step}", code_version="7") == [
        "7:Recorder:recorder@7:2024-01-30"
    ]
    [key] = keys_of(Recorder(), RANGE[:1] * 2, key="{context}/{step}")
    assert key.endswith("/2024-01-30")
    assert len(key.split("/")[0]) == 12


@pytest.mark.parametrize(
    "template", ["", "sales", "{model}", "{context}", "{{step}}", "{step.year}", "{date}/{step}", "{}/{step}", "{step"]
)
def test_a_template_that_cannot_be_is_refused(template):
    with pytest.raises(ValidationError, match="key"):
        BackfillModel(model=Recorder(), key=template)


@pytest.mark.parametrize("template", ["sales/{step:%Y-%m-%d}", "sales/{step!s}", "{step:>12}/{model}"])
def test_a_template_with_a_format_names_every_step_or_is_refused(template):
    try:
        keys = keys_of(Recorder(), RANGE, key=template)
    except ValidationError:
        return
    assert len(set(keys)) == len(DATES)


# --- kills

DAYS = """
    import datetime as dt, os
    from pathlib import Path
    from ccflow import CallableModel, ContextBase, Flow, GenericResult
    from ccflow_etl import LocalWriteContext, LocalWriteModel


    class DayContext(ContextBase):
        folder: Path
        date: dt.date


    class WriteDay(CallableModel):
        @Flow.call
        def __call__(self, context: DayContext) -> GenericResult[str]:
            tell(context.folder / "runs.log", f"{context.date}\\n", os.O_APPEND | os.O_CREAT)
            tell(context.folder / "begun", ".", 0)
            payload = {"day": str(context.date), "rows": [context.date.toordinal()] * 200}
            path = context.folder / f"{context.date}.json"
            LocalWriteModel(format="json")(LocalWriteContext(path=path, payload=payload, overwrite=True))
            return GenericResult[str](value=str(context.date))


    def tell(path, text, flags):
        file = os.open(path, os.O_WRONLY | flags)
        os.write(file, text.encode())
        os.close(file)
"""

DRIVER = """
    import datetime as dt, json, os, random, select, signal, sys, time, traceback
    from collections import Counter
    from pathlib import Path
    import ccflow_etl, pandas
    from days import WriteDay

    EXECUTORS = {
        "plain": None,
        "serial": ccflow_etl.SerialExecutor(),
        "threads": ccflow_etl.ThreadExecutor(max_workers=2),
        "processes": ccflow_etl.ProcessExecutor(max_workers=2),
        "dask": ccflow_etl.DaskExecutor(address=os.environ.get("DASK_ADDRESS")),
    }
    FIRST = dt.date(2020, 1, 1)


    def prepare(folder):
        folder.mkdir()
        os.mkfifo(folder / "begun")
        return os.open(folder / "begun", os.O_RDWR)  # a step that begins writes a byte here


    def backfill(folder, kind, days, told):
        store = ccflow_etl.LocalCheckpointStore(path=folder / "marks.sqlite")
        model = ccflow_etl.BackfillModel(
            model=WriteDay(), checkpoint_store=store, key="{step}", executor=EXECUTORS[kind]
        )
        result = model([days[0], days[-1], {"folder": folder}])
        report = result.report
        lines = {"step": report["step"].dt.date.astype(str).tolist(), "status": report["status"].tolist()}
        lines["outputs"] = [output["value"] for output in result.value["outputs"]]
        told.write_text(json.dumps(lines))


    def start(folder, kind, days, told):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.setpgid(0, 0)
                backfill(folder, kind, days, told)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        return child


    def wait_for_steps(begun, count):
        while count:
            assert select.select([begun], [], [], 60)[0], "no step began within a minute"
            count -= len(os.read(begun, count))


    def outputs_are_right(folder, days):
        for day in days:
            payload = json.loads((folder / f"{day}.json").read_text())
            assert payload == {"day": str(day), "rows": [day.toordinal()] * 200}, day


    def everything_is_there(folder, days):
        outputs_are_right(folder, days)
        assert len(list(folder.glob("*.json"))) == len(days)
        marks = ccflow_etl.LocalCheckpointStore(path=folder / "marks.sqlite").list()
        assert {mark.key: mark.status for mark in marks} == {str(day): "succeeded" for day in days}
        runs = Counter((folder / "runs.log").read_text().split())
        assert runs.keys() == {str(day) for day in days}
        return runs


    def killed(root, kind, kills, steps):
        days = [FIRST + dt.timedelta(days=number) for number in range(steps)]
        chance, told = random.Random(kind), Counter()
        for kill in range(kills):
            folder = root / str(kill)
            begun = prepare(folder)
            child = start(folder, kind, days, folder / "first")
            wait_for_steps(begun, chance.randint(1, steps))
            until = time.perf_counter() + chance.uniform(0, 0.001)  # anywhere in the step
            while time.perf_counter() < until:
                pass
            os.kill(child, signal.SIGKILL)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) in (0, -signal.SIGKILL)
            store = ccflow_etl.LocalCheckpointStore(path=folder / "marks.sqlite")
            done = [mark.key for mark in store.list()]
            store.close()
            outputs_are_right(folder, map(dt.date.fromisoformat, done))  # marked is complete

            again = start(folder, kind, days, folder / "second")
            ended = os.waitstatus_to_exitcode(os.waitpid(again, 0)[1])
            try:
                os.killpg(child, signal.SIGKILL)
                told["left running"] += 1
            except ProcessLookupError:
                pass
            assert ended == 0
            report = json.loads((folder / "second").read_text())
            assert report["step"] == [str(day) for day in days]
            assert report["status"] == ["checkpoint" if str(day) in done else "succeeded" for day in days]
            assert report["outputs"] == [str(day) for day in days if str(day) not in done]
            runs = everything_is_there(folder, days)
            assert max(runs.values()) <= 2, runs.most_common(1)
            told["kills"] += 1
            told["in the middle"] += 0 < len(done) < steps
            told["twice"] = max(told["twice"], runs.total() - steps)
            os.close(begun)
        print(json.dumps(told))


    def together(root, kind, steps):
        days = [FIRST + dt.timedelta(days=number) for number in range(steps)]
        folder = root / "both"
        begun = prepare(folder)
        both = [start(folder, kind, days, folder / f"report-{number}") for number in range(2)]
        for child in both:
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        runs = everything_is_there(folder, days)
        assert max(runs.values()) <= 2
        for number in range(2):
            report = json.loads((folder / f"report-{number}").read_text())
            assert report["step"] == [str(day) for day in days]
            assert set(report["status"]) <= {"succeeded", "checkpoint"}
        print(json.dumps({"twice": runs.total() - steps}))


    if __name__ == "__main__":
        # Everything is imported before the forks, so that a kill comes in the middle of the steps.
        ccflow_etl.BackfillModel(model=WriteDay()).plan([FIRST, FIRST, {"folder": "unused"}]).frame
        what, root, kind, *numbers = sys.argv[1:]
        {"killed": killed, "together": together}[what](Path(root), kind, *map(int, numbers))
"""


@pytest.fixture
def dask_address(importable, dask_pool):
    """A cluster that is there before a driver is and after it, and can import the steps."""
    (importable / "days.py").write_text(textwrap.dedent(DAYS))
    return dask_pool._client.scheduler.address


@pytest.fixture
def drive(tmp_path, request):
    """Runs the driver with an executor, and reads what it tells."""

    def drive(what: str, kind: str, *numbers: int) -> dict[str, int]:
        (tmp_path / "days.py").write_text(textwrap.dedent(DAYS))
        (tmp_path / "driver.py").write_text(textwrap.dedent(DRIVER))
        command = [sys.executable, str(tmp_path / "driver.py"), what, str(tmp_path), kind, *map(str, numbers)]
        cluster = {"DASK_ADDRESS": request.getfixturevalue("dask_address")} if kind == "dask" else {}
        # Files, because workers whose parent was killed keep its pipes open.
        with (tmp_path / "out").open("w+") as out, (tmp_path / "err").open("w+") as err:
            done = subprocess.run(command, stdout=out, stderr=err, env=os.environ | cluster, timeout=1_200, check=False)
        assert done.returncode == 0, (tmp_path / "err").read_text()
        return json.loads((tmp_path / "out").read_text())

    return drive


linux = pytest.mark.skipif(sys.platform != "linux", reason="forks and kills with a signal")


@linux
@pytest.mark.parametrize(
    ("kind", "kills", "in_flight"),
    # A pool is given twice as many steps as it has workers; that of Dask has 64 short ones lying ready.
    [("plain", 6, 1), ("serial", 6, 1), ("threads", 6, 4), ("processes", 2, 4), ("dask", 2, 66)],
)
def test_a_killed_backfill_goes_on_where_it_was(drive, kind, kills, in_flight):
    kills, steps = (int(KILLS), 500) if KILLS else (kills, 100)
    told = drive("killed", kind, kills, steps)
    print(f"\n{kind}, {steps} steps: {told}")  # noqa: T201 - shown by -s
    assert told["kills"] == kills
    assert told["in the middle"] > 0
    assert told["twice"] <= in_flight


@linux
@pytest.mark.parametrize("kind", ["plain", "threads", "processes", "dask"])
def test_two_processes_at_once_lose_nothing(drive, kind):
    told = drive("together", kind, 100)
    print(f"\n{kind}: {told['twice']} of 100 steps were run by both")  # noqa: T201 - shown by -s


def test_two_threads_at_once_lose_nothing(store):
    model = Recorder()
    backfill = BackfillModel(model=model, checkpoint_store=store, executor=ThreadExecutor(max_workers=4))
    with ThreadExecutor(max_workers=2).open() as pool:
        both = [pool.submit(backfill, ["2024-01-01", "2024-03-31"]) for _ in range(2)]
        for future in both:
            assert set(statuses(future.result(timeout=60))) <= {"succeeded", "checkpoint"}
    assert len(set(model._runs)) == len(store.list()) == 91

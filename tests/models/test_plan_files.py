"""Plans in files: what comes back, what other readers see, and what is refused."""

import datetime as dt
import json
import random
import subprocess
import sys
import textwrap

import pandas as pd
import pyarrow.parquet as pq
import pytest
from ccflow import CallableModel, ContextBase, Flow, GenericResult
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from ccflow_etl import (
    BackfillContext,
    BackfillModel,
    BackfillPlan,
    BaseCalendar,
    EasterOffset,
    IntervalCalendar,
    LocalCheckpointStore,
    PlanError,
    RuleCalendar,
    WeekdayCalendar,
)


class ShopContext(ContextBase):
    date: dt.date
    shop: str = "Harbour"
    limits: dict[str, float] = Field(default_factory=dict)


class Sales(CallableModel):
    password: str = "swordfish"

    @Flow.call
    def __call__(self, context: ShopContext) -> GenericResult[str]:
        return GenericResult[str](value=f"{context.shop} {context.date}")


class Growing(BaseCalendar):
    """A calendar whose steps change with the state of the world."""

    def steps(self, start, end):
        return [start + dt.timedelta(days=day) for day in range(GROWN["days"])]


GROWN = {"days": 3}

CALENDARS = [
    None,
    WeekdayCalendar(),
    IntervalCalendar(interval="6h"),
    RuleCalendar(rules=[EasterOffset(days=1)], holidays=["2024-01-02"]),
    WeekdayCalendar() - IntervalCalendar(interval="MS"),
]


@pytest.fixture
def saved(tmp_path):
    store = LocalCheckpointStore(path=tmp_path / "marks.sqlite")
    backfill = BackfillModel(model=Sales(), checkpoint_store=store)
    context = ["2024-01-01", "2024-03-31"]
    store.mark_many(backfill.plan(context).keys[::3], "succeeded")
    plan, path = backfill.plan(context), tmp_path / "plan.parquet"
    plan.to_parquet(path)
    return plan, path


@given(
    st.sampled_from(CALENDARS),
    st.sampled_from(["", "[Europe/Paris]", "+05:30", "Z"]),
    st.sampled_from(["forward", "backward"]),
    st.dictionaries(st.text(max_size=3), st.floats(allow_nan=False, allow_infinity=False), max_size=2),
    st.integers(0, 40),
)
def test_a_plan_comes_back_as_it_was(tmp_path_factory, calendar, zone, direction, limits, days):
    end = (dt.datetime(2024, 1, 1, 6) + dt.timedelta(days=days)).isoformat()
    context = BackfillContext[ShopContext](
        start_datetime=f"2024-01-01T06:00:00{zone}",
        end_datetime=f"{end}{zone}",
        context={"shop": "Station", "limits": limits},
        direction=direction,
        calendar=calendar,
    )
    plan, path = BackfillModel(model=Sales()).plan(context), tmp_path_factory.mktemp("plans") / "plan.parquet"
    plan.to_parquet(path)
    read = BackfillPlan.read_parquet(path)
    # a generic's name is in the module that first asked for it
    nameless = {"exclude": {"context": {"type_"}}}
    assert read.model_dump(**nameless) == plan.model_dump(**nameless)
    assert list(read.context.step_contexts()) == list(plan.context.step_contexts())
    pd.testing.assert_frame_equal(read.frame, plan.frame)


def test_plain_pandas_reads_the_frame(saved):
    plan, path = saved
    pd.testing.assert_frame_equal(pd.read_parquet(path), plan.frame, check_dtype=False)


def test_the_file_holds_json_and_no_setting_of_the_model(saved):
    _, path = saved
    metadata = pq.read_schema(path).metadata
    assert all(json.loads(value) for name, value in metadata.items() if name != b"ARROW:schema")
    assert b"swordfish" not in path.read_bytes()
    assert any(b"2024-03-31" in value for value in metadata.values())


def test_saving_again_replaces_the_file_and_a_failure_leaves_it(saved, tmp_path):
    plan, path = saved
    before = path.read_bytes()
    unsaid = BackfillContext(start_datetime="2024-01-01", end_datetime="2024-01-01", context={"frame": object()})
    with pytest.raises(PlanError, match="cannot be written as JSON"):
        BackfillPlan(context=unsaid, decisions=["planned"]).to_parquet(path)
    assert path.read_bytes() == before
    other = BackfillPlan(context=plan.context, decisions=["planned"] * len(plan.decisions))
    other.to_parquet(path)
    assert BackfillPlan.read_parquet(path).counts == {"planned": 91}
    assert sorted(entry.name for entry in tmp_path.glob("*plan*")) == ["plan.parquet"]


def test_a_context_that_json_would_change_is_refused_when_it_is_saved(tmp_path):
    context = BackfillContext[ShopContext](
        start_datetime="2024-01-01", end_datetime="2024-01-01", context={"limits": {"most": float("nan")}}
    )
    with pytest.raises(PlanError, match="cannot be written as JSON"):
        BackfillPlan(context=context, decisions=["planned"]).to_parquet(tmp_path / "plan.parquet")
    assert list(tmp_path.iterdir()) == []


def read_or_refused(path):
    try:
        return BackfillPlan.read_parquet(path).model_dump(exclude={"context"})
    except PlanError as error:
        return "damaged" if path.name in str(error) and "damaged" in str(error) else str(error)


def test_no_damage_goes_unseen(saved, tmp_path):
    plan, path = saved
    data, chance, bad = path.read_bytes(), random.Random(5), tmp_path / "bad.parquet"
    for position in chance.sample(range(len(data)), 200):
        bad.write_bytes(data[:position] + bytes([data[position] ^ 1 << chance.randrange(8)]) + data[position + 1 :])
        assert read_or_refused(bad) in (plan.model_dump(exclude={"context"}), "damaged"), position
    for length in (0, 4, 100, len(data) - 1):
        bad.write_bytes(data[:length])
        with pytest.raises(PlanError, match="damaged"):
            BackfillPlan.read_parquet(bad)


def test_what_is_no_plan_is_refused(saved, tmp_path):
    _, path = saved
    (tmp_path / "notes.txt").write_text("to be, or not to be")
    with pytest.raises(PlanError, match=r"notes.txt is not a plan"):
        BackfillPlan.read_parquet(tmp_path / "notes.txt")
    pd.read_parquet(path).to_parquet(tmp_path / "copied.parquet")
    with pytest.raises(PlanError, match=r"copied.parquet is a Parquet file, but not a plan as it was saved"):
        BackfillPlan.read_parquet(tmp_path / "copied.parquet")
    with pytest.raises(FileNotFoundError):
        BackfillPlan.read_parquet(tmp_path / "nowhere.parquet")
    with pytest.raises(IsADirectoryError):
        BackfillPlan.read_parquet(tmp_path)


def test_another_version_of_the_format_is_named(saved, monkeypatch):
    plan, path = saved
    with monkeypatch.context() as patch:
        patch.setattr("ccflow_etl.models.plan_file._VERSION", 2)
        plan.to_parquet(path)
    with pytest.raises(PlanError, match="a plan of format 2, and this version reads format 1"):
        BackfillPlan.read_parquet(path)


@pytest.mark.parametrize("days", [2, 4])
def test_a_calendar_that_has_other_steps_now_is_told(tmp_path, monkeypatch, days):
    context = {"start_datetime": "2024-01-01", "end_datetime": "2024-01-31", "calendar": Growing()}
    plan = BackfillModel(model=Sales()).plan(context)
    plan.to_parquet(tmp_path / "plan.parquet")
    assert len(BackfillPlan.read_parquet(tmp_path / "plan.parquet").decisions) == 3
    monkeypatch.setitem(GROWN, "days", days)
    with pytest.raises(PlanError, match=f"other steps now: {days} were 3"):
        BackfillPlan.read_parquet(tmp_path / "plan.parquet")


SCRIPT = """
    import datetime as dt, sys
    from ccflow import CallableModel, ContextBase, Flow, GenericResult
    from ccflow_etl import BackfillModel, BackfillPlan

    class Context(ContextBase):
        date: dt.date
        shop: str

    class Model(CallableModel):
        @Flow.call
        def __call__(self, context: Context) -> GenericResult[str]:
            return GenericResult[str](value=f"{context.shop} {context.date}")

    backfill = BackfillModel(model=Model())
    if sys.argv[1] == "plan":
        backfill.plan(["2024-01-01", "2024-01-02", {"shop": "Harbour"}]).to_parquet("plan.parquet")
    else:
        result = backfill.run_plan(BackfillPlan.read_parquet("plan.parquet"))
        print(*(output["value"] for output in result.value["outputs"]), sep=", ")
"""


def test_a_plan_of_models_of_a_script_is_run_by_another_process(tmp_path):
    (tmp_path / "script.py").write_text(textwrap.dedent(SCRIPT))
    for what, told in (("plan", ""), ("run", "Harbour 2024-01-01, Harbour 2024-01-02\n")):
        command = [sys.executable, "script.py", what]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
        assert (done.returncode, done.stdout) == (0, told), done.stderr

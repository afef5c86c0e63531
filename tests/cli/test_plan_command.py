"""`cc-etl-plan`, and `cc-etl --from-plan`, which runs what it saved."""

import json
import os
import signal
import subprocess
import sys

import pandas as pd
import pytest

MODELS = """\
from ccflow import CallableModel, Flow, GenericResult, NullContext


class Planned(CallableModel):
    @Flow.call
    def __call__(self, context: NullContext) -> GenericResult:
        raise AssertionError("a plan runs nothing")

    def plan(self, context):
        return GenericResult(value=["first", "second"])
"""

LATE = """\
  start_datetime: -5D
  end_datetime: yesterday
  context:
    shop: ???
"""

CONFIGURED = "-cp config -cn days"
RANGE = "context.start_datetime=2024-01-01 context.end_datetime=2024-01-06 context.context.shop=Harbour"
DATES = [f"2024-01-0{day}" for day in range(1, 7)]
KEYS = [f"days/{date}" for date in DATES]


@pytest.fixture
def days(shell):
    return shell.with_days(context=LATE)


@pytest.fixture(scope="module")
def planned(tmp_path_factory, shell_in):
    """A folder with a plan, and with one that is damaged; the tests leave it as it is."""
    shell = shell_in(tmp_path_factory.mktemp("planned")).with_days(context=LATE)
    assert shell(f"cc-etl-plan {CONFIGURED} {RANGE} --output plan.parquet").code == 0
    data = bytearray((shell.folder / "plan.parquet").read_bytes())
    data[len(data) // 3] ^= 1
    (shell.folder / "damaged.parquet").write_bytes(data)
    return shell


def test_the_plan_of_the_callable_is_printed_and_nothing_runs(project):
    (project.folder / "my_models.py").write_text(MODELS)
    arguments = "-cp config -cn text_stats_runner model._target_=my_models.Planned"
    told = project(f"cc-etl-plan {arguments}")
    assert (told.code, told.err) == (0, "")
    assert "first" in told.out
    assert project(f"cc-etl-plan {arguments} --json").out.startswith('{"value":["first","second"]')
    refused = project(f"cc-etl-plan {arguments} --output plan.parquet")
    assert refused.code == 2
    assert refused.err == "error: --output saves the plan of a backfill, and this is a GenericResult\n"


def test_a_callable_without_a_plan(shell):
    done = shell("cc-etl-plan")
    assert done.code == 2
    assert done.err == (
        "error: callable '/model' is a LocalWriteModel, which has no plan\n"
        "hint: a backfill has one: backfill=daily, or +backfill=daily\n"
    )
    assert shell.files() == []


def test_a_plan_is_a_table_counts_and_gaps(days):
    assert days(f"cc-etl {CONFIGURED} {RANGE} context.end_datetime=2024-01-02").code == 0
    before = days.files()
    told = days(f"cc-etl-plan {CONFIGURED} {RANGE}")
    assert (told.code, told.err) == (0, "")
    assert told.out.splitlines() == [
        "      step        end   decision           reason",
        "2024-01-01 2024-01-02 checkpoint marked succeeded",
        "2024-01-02 2024-01-03 checkpoint marked succeeded",
        "2024-01-03 2024-01-04    planned       not marked",
        "2024-01-04 2024-01-05    planned       not marked",
        "2024-01-05 2024-01-06    planned       not marked",
        "2024-01-06 2024-01-07    planned       not marked",
        "6 steps: 2 checkpoint, 4 planned",
        "",
        "1 gap to be run:",
        "     start        end steps",
        "2024-01-03 2024-01-07     4",
    ]
    assert days.files() == before
    assert days.runs() == DATES[:2]


def test_a_plan_is_one_line_of_json(days):
    told = days(f"cc-etl-plan {CONFIGURED} {RANGE} --json")
    assert (told.code, told.err, told.out.count("\n")) == (0, "", 1)
    plan = json.loads(told.out)
    assert plan["counts"] == {"planned": 6}
    assert plan["gaps"] == [{"start": "2024-01-01T00:00:00", "end": "2024-01-07T00:00:00", "steps": 6}]
    assert [step["key"] for step in plan["steps"]] == KEYS
    assert plan["context"]["context"]["shop"] == "Harbour"


@pytest.mark.parametrize("output", ["--output plan.parquet", "--output=plan.parquet"])
def test_a_saved_plan_is_read_by_pandas_and_run_by_the_command(days, output):
    saved = days(f"cc-etl-plan {output} {CONFIGURED} {RANGE}")
    assert (saved.code, saved.err) == (0, "")
    assert saved.out.splitlines()[-2:] == [
        "6 steps: 6 planned",
        "saved to plan.parquet; cc-etl ... --from-plan plan.parquet runs it",
    ]
    frame = pd.read_parquet(days.folder / "plan.parquet")
    assert frame["key"].tolist() == KEYS
    assert days.runs() == []
    done = days(f"cc-etl {CONFIGURED} {output.replace('output', 'from-plan')}")
    assert (done.code, done.out, done.err) == (0, "6 steps: 6 succeeded\n", "")
    assert days.runs() == DATES


def test_json_goes_with_output(days):
    told = days(f"cc-etl-plan {CONFIGURED} {RANGE} --json --output plans/plan.parquet")
    assert (told.code, told.out.count("\n")) == (0, 1)
    assert json.loads(told.out)["counts"] == {"planned": 6}
    done = days(f"cc-etl {CONFIGURED} --json --from-plan plans/plan.parquet")
    assert json.loads(done.out)["summary"]["succeeded"] == 6


def test_a_plan_of_yesterday_runs_the_days_of_then(days):
    then = "context.start_datetime=-3D +context.now=2024-01-07T08:00 context.context.shop=Harbour"
    assert days(f"cc-etl-plan {CONFIGURED} {then} --output plan.parquet").code == 0
    # The config still says -5D to yesterday, which is another range today.
    done = days(f"cc-etl {CONFIGURED} context.context.shop=Harbour --from-plan plan.parquet")
    assert (done.code, done.out, done.err) == (0, "3 steps: 3 succeeded\n", "")
    assert days.runs() == DATES[3:]


def test_decisions_are_those_of_the_plan(days):
    assert days(f"cc-etl {CONFIGURED} {RANGE} context.end_datetime=2024-01-02").code == 0
    assert days(f"cc-etl-plan {CONFIGURED} {RANGE} --output plan.parquet").code == 0
    # Everything is done by others.
    assert days(f"cc-etl {CONFIGURED} {RANGE}").code == 0
    days.runs()
    done = days(f"cc-etl {CONFIGURED} --from-plan plan.parquet")
    assert done.out == "6 steps: 2 checkpoint, 4 succeeded\n"
    assert days.runs() == DATES[2:]


@pytest.mark.skipif(sys.platform != "linux", reason="kills with a signal")
def test_a_killed_run_of_a_plan_goes_on_where_it_was(days):
    assert days(f"cc-etl-plan {CONFIGURED} {RANGE} +backfill.overwrite=true --output plan.parquet").code == 0
    run = f"cc-etl {CONFIGURED} +backfill.overwrite=true --from-plan plan.parquet"
    gate = days.folder / "gate-2024-01-04"
    os.mkfifo(gate)
    process = subprocess.Popen(["bash", "-c", f"exec {run}"], cwd=days.folder, env=days.environment())
    with gate.open("w"):  # returns once the step reads
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
    gate.unlink()
    assert days.runs() == DATES[:4]
    left = days(f"cc-etl-plan {CONFIGURED} +backfill.overwrite=true --from-plan plan.parquet")
    assert "6 steps: 3 checkpoint, 3 planned" in left.out
    assert "done by this plan" in left.out
    assert days(run).out == "6 steps: 3 checkpoint, 3 succeeded\n"
    assert days.runs() == DATES[3:]
    assert days(run).out == "6 steps: 6 checkpoint\n"
    assert days.runs() == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            f"{CONFIGURED} --from-plan nowhere.parquet",
            "error: there is no plan nowhere.parquet\n"
            "hint: cc-etl-plan makes it, with the same arguments and --output nowhere.parquet\n",
        ),
        (f"{CONFIGURED} --from-plan config", "error: the plan config cannot be read: Is a directory\n"),
        (f"{CONFIGURED} --from-plan my_days.py", "error: my_days.py is not a plan, or is damaged: cannot decode"),
        (
            f"{CONFIGURED} --from-plan damaged.parquet",
            "error: damaged.parquet is damaged: the payload is damaged or was replaced",
        ),
        (
            f"{CONFIGURED} --from-plan",
            "error: --from-plan needs a value\nhint: write --from-plan FILE or --from-plan=FILE\n",
        ),
        (f"{CONFIGURED} --from-plan --json", "error: --from-plan needs a value\n"),
        (f"{CONFIGURED} --from-plan=", "error: --from-plan needs a value\n"),
        (
            f"{CONFIGURED} --from-pln plan.parquet",
            "error: unknown flag --from-pln\nhint: did you mean '--from-plan'?\n",
        ),
        (
            "--from-plan plan.parquet",
            "error: callable '/model' is a LocalWriteModel, which has no plan\n"
            "hint: a backfill has one: backfill=daily, or +backfill=daily\n",
        ),
        (
            f"{CONFIGURED} --from-plan plan.parquet +model.currency=USD",
            "error: the plan was made for another backfill, with other settings of model.currency\n"
            "hint: run it with the settings that it was made with, or make another plan\n",
        ),
        (
            f"{CONFIGURED} --from-plan plan.parquet +backfill.only=failed",
            "error: the plan was made for another backfill, with other settings of only\n",
        ),
        (
            f"{CONFIGURED} --from-plan plan.parquet context.end_datetime=2024-01-07",
            "error: the plan has another range: end_datetime is 2024-01-06 00:00:00 there, "
            "and 2024-01-07 00:00:00 is given\n"
            "hint: leave the context out to run the plan, or make another plan\n",
        ),
        (
            f"{CONFIGURED} --from-plan plan.parquet context.context.shop=Station",
            "error: the plan has another range: context.shop is Harbour there, and Station is given\n",
        ),
        (
            f"{CONFIGURED} --from-plan plan.parquet +context.colour=red",
            "error: the context that is given does not fit the plan: colour: Extra inputs are not permitted\n",
        ),
    ],
)
def test_mistakes_with_plans(planned, arguments, said):
    before = planned.files()
    done = planned(f"cc-etl {arguments}")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(said)
    assert planned.files() == before


def test_the_mistakes_are_those_of_the_plan_command_too(planned):
    for arguments in ("--from-plan nowhere.parquet", "--from-plan plan.parquet +model.currency=USD"):
        run, told = (planned(f"{command} {CONFIGURED} {arguments}") for command in ("cc-etl", "cc-etl-plan"))
        assert (told.code, told.out, told.err) == (2, "", run.err)


@pytest.mark.parametrize("output", ["config", "/proc/plan.parquet"])
def test_a_plan_that_cannot_be_written(days, output):
    done = days(f"cc-etl-plan {CONFIGURED} {RANGE} --output {output}")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: the plan cannot be written to {output}: ")


def test_a_failing_step_of_a_plan_is_a_failed_run(days):
    assert days(f"cc-etl-plan {CONFIGURED} {RANGE} --output plan.parquet").code == 0
    (days.folder / "gate-2024-01-02").mkdir()
    done = days(f"cc-etl {CONFIGURED} --from-plan plan.parquet")
    assert (done.code, done.out) == (1, "")
    assert "/backfill failed in Days (my_days.py, line 25): IsADirectoryError" in done.err
    assert "step 2024-01-02" in done.err


@pytest.mark.parametrize("jobs", ["hydra.run.dir=out", "hydra.sweep.dir=out -m"])
def test_a_plan_is_where_the_command_is_started_wherever_the_job_runs(days, jobs):
    plan = f"cc-etl-plan {CONFIGURED} {RANGE} --output plan.parquet hydra.run.dir=out hydra.job.chdir=true"
    assert days(plan).code == 0
    assert "plan.parquet" in days.files()
    done = days(f"cc-etl {CONFIGURED} --from-plan plan.parquet {jobs} hydra.job.chdir=true")
    assert done.code == 0, done.err


def test_help_tells_of_plans(shell):
    assert "--from-plan FILE" in shell("cc-etl --help").out
    told = shell("cc-etl-plan --help").out
    assert "--output FILE" in told
    assert "--from-plan FILE" in told

"""Backfills from the command line: their failures, and going on after one."""

import json

import pytest

RUN = "cc-etl -cp config -cn days"
DATES = [f"2024-01-0{day}" for day in range(1, 7)]


@pytest.fixture
def days(shell):
    return shell.with_days()


def refuse(days, *dates):
    for date in dates:
        (days.folder / f"bad-{date}").write_text(f"no data for {date}")


def test_a_second_run_has_nothing_to_do(days):
    assert days(RUN).code == 0
    assert days.runs() == DATES
    again = days(f"{RUN} --json")
    assert again.code == 0
    assert days.runs() == []
    assert json.loads(again.out)["summary"]["by_status"] == {"checkpoint": 6}
    assert days(f"{RUN} +backfill.overwrite=true").code == 0
    assert days.runs() == DATES


@pytest.mark.parametrize("fields", ["", "backfill.executor=/executors/threads", "backfill.executor=null"])
def test_a_failing_step_is_one_message_that_names_it(days, fields):
    refuse(days, "2024-01-04")
    done = days(f"{RUN} {fields}")
    assert (done.code, done.out) == (1, "")
    assert done.err.count("error:") == 1
    assert "LookupError: no data for 2024-01-04" in done.err
    assert "Traceback" not in done.err
    assert "step 2024-01-04" in done.err


@pytest.mark.parametrize("limit", [0, 1])
def test_a_result_in_the_place_of_a_failure_is_no_success(days, limit):
    """It is printed, and the command fails; where the failures are allowed it does not."""
    refuse(days, "2024-01-04")
    done = days(f"{RUN} +backfill.raise_on_failure=false +backfill.max_failures={limit} --json")
    assert done.code == 1 - limit
    assert json.loads(done.out)["summary"]["by_status"]["failed"] == 1
    assert ("error: /backfill failed: 1 of 6 steps failed" in done.err) == (limit == 0)


@pytest.mark.parametrize(
    "fields",
    [
        "",
        "backfill.executor=null",
        "+backfill.executor._target_=ccflow_etl.ThreadExecutor +backfill.executor.max_workers=1",
    ],
)
def test_going_on_after_a_failure(days, fields):
    refuse(days, "2024-01-04")
    assert days(f"{RUN} {fields}").code == 1
    first = days.runs()
    assert "2024-01-04" in first
    if "null" not in fields:  # a graph is in no order
        assert first[:4] == DATES[:4]
    (days.folder / "bad-2024-01-04").unlink()
    assert days(f"{RUN} {fields}").code == 0
    finished = [date for date in first if date != "2024-01-04"]
    assert days.runs() == [date for date in DATES if date not in finished]


def test_a_run_that_goes_on_fails_with_the_count(days):
    refuse(days, "2024-01-02", "2024-01-05")
    done = days(f"{RUN} +backfill.on_error=continue")
    assert (done.code, done.out) == (1, "")
    assert done.err.count("error:") == 1
    assert "2 of 6 steps failed" in done.err
    assert "LookupError: no data for 2024-01-02" in done.err
    assert days.runs() == DATES
    done = days(f"{RUN} +backfill.on_error=continue +backfill.max_failures=2 --json")
    assert done.code == 0
    assert days.runs() == ["2024-01-02", "2024-01-05"]
    assert json.loads(done.out)["summary"]["by_status"] == {"checkpoint": 4, "failed": 2}
    done = days(f"{RUN} +backfill.only=failed")
    assert done.code == 1
    assert days.runs()[0] == "2024-01-02"


def test_processes_find_the_models_of_the_working_folder(days):
    done = days(f"{RUN} backfill.executor=/executors/processes executors.processes.max_workers=1 --json")
    assert (done.code, done.err) == (0, "")
    assert [output["value"] for output in json.loads(done.out)["value"]["outputs"]] == [
        f"Harbour {date}" for date in DATES
    ]


def test_a_template_without_a_step_is_a_mistake_in_the_config(days):
    done = days(f"{RUN} backfill.key=sales")
    assert done.code == 2
    assert "{step}" in done.err
    assert "Traceback" not in done.err
    assert days.runs() == []

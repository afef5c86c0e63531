"""The packaged groups, composed by Hydra itself as another application would."""

from pathlib import Path
from pydoc import locate

import hydra
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

import ccflow_etl
from ccflow_etl import config

FOLDER = Path(config.__file__).parent
FILES = sorted(str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.rglob("*.yaml"))


def compose(tmp_path, primary, *overrides):
    (tmp_path / "app.yaml").write_text(f"hydra:\n  searchpath:\n    - pkg://ccflow_etl.config\n{primary}")
    with hydra.initialize_config_dir(str(tmp_path), version_base=None):
        return OmegaConf.to_container(hydra.compose("app", overrides=list(overrides)), resolve=True)


def test_the_packaged_files_are_those_of_the_interface():
    assert FILES == [
        "backfill/daily",
        "backfill/default",
        "base",
        "calendars/default",
        "callable/callable",
        "callable/local_write",
        "executors/dask",
        "executors/default",
        "executors/processes",
        "executors/serial",
        "executors/threads",
    ]


@pytest.mark.parametrize("file", FILES)
def test_every_target_of_a_packaged_file_exists(tmp_path, file):
    targets = []

    def collect(node):
        if isinstance(node, dict):
            targets.extend([node["_target_"]] if "_target_" in node else [])
            node = list(node.values())
        for inner in node if isinstance(node, list) else []:
            collect(inner)

    collect(compose(tmp_path, f"defaults: [/{file}, _self_]\n"))
    for target in targets:
        if target.startswith("ccflow_etl."):
            assert target.removeprefix("ccflow_etl.") in ccflow_etl.__all__
        assert callable(locate(target))


@pytest.mark.parametrize("option", ["default", "daily"])
def test_a_backfill_wraps_the_model_and_presets_no_context(tmp_path, option):
    composed = compose(
        tmp_path, "defaults: [_self_, /callable: callable, optional /backfill: null]\n", f"backfill={option}"
    )
    assert composed["callable"] == "/backfill"
    assert composed["backfill"] == {
        "_target_": "ccflow_etl.BackfillModel",
        "model": "/model",
        "executor": "/executors/serial",
    }
    assert set(composed) == {"callable", "backfill", "calendars", "executors"}


def test_without_a_backfill_the_runner_runs_the_model(tmp_path):
    runner = "defaults: [_self_, /callable: callable, optional /backfill: null]\n"
    assert compose(tmp_path, runner) == {"callable": "/model"}
    written = compose(tmp_path, runner, "callable=local_write")
    assert written == {"callable": "/model", "model": {"_target_": "ccflow_etl.LocalWriteModel", "format": "json"}}


def test_the_calendars_are_the_built_in_ones(tmp_path):
    calendars = compose(tmp_path, "defaults: [/calendars: default, _self_]\n")["calendars"]
    built = {name: type(instantiate(node)).__name__ for name, node in calendars.items()}
    assert built == {
        "daily": "DailyCalendar",
        "hourly": "HourlyCalendar",
        "weekly": "WeeklyCalendar",
        "weekdays": "WeekdayCalendar",
        "business_daily": "BusinessDayCalendar",
        "monday_friday": "MondayFridayCalendar",
        "first_day_of_month": "IntervalCalendar",
        "last_day_of_month": "IntervalCalendar",
    }
    edges = [instantiate(calendars[name]).next("2024-02-10") for name in ("first_day_of_month", "last_day_of_month")]
    assert [str(step.date()) for step in edges] == ["2024-03-01", "2024-02-29"]


def test_the_executors(tmp_path):
    executors = compose(tmp_path, "defaults: [/executors: default, _self_]\n")["executors"]
    assert {name: instantiate(node) for name, node in executors.items()} == {
        "serial": ccflow_etl.SerialExecutor(),
        "threads": ccflow_etl.ThreadExecutor(),
        "processes": ccflow_etl.ProcessExecutor(),
        "dask": ccflow_etl.DaskExecutor(),
    }
    for name in executors:
        alone = compose(tmp_path, f"defaults: [/executors: {name}, _self_]\n")
        assert alone == {"executors": {name: executors[name]}}

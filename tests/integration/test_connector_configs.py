"""The config groups that the connectors ship, chosen on the command line of `cc-etl` in processes of their own."""

import io
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.integration

CONFIG = Path(__file__).parents[2] / "config"

CHOICES = {
    "sqlite": "{group}=sqlite {group}.store.config.path=store.sqlite",
    "s3": "{group}=s3 {group}.store.bucket={bucket}",
}

HANDOFF = """\
callable: ???
context: {key: daily/AAA}
"""

# Counts its runs in a file, so that what a later process skips shows.
MODELS = """\
from ccflow import CallableModel, DateContext, Flow, GenericResult


class CountDay(CallableModel):
    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[str]:
        with open("runs.txt", "a") as runs:
            runs.write(f"{context.date}\\n")
        return GenericResult[str](value=str(context.date))
"""

BACKFILL = """\
defaults:
  - /backfill: daily
  - _self_
model:
  _target_: my_models.CountDay
backfill:
  checkpoint_store: /checkpoint/store
context:
  start_datetime: 2024-01-30
  end_datetime: ???
"""


@pytest.fixture(params=CHOICES)
def choice(request, bucket):
    return lambda group: "+" + CHOICES[request.param].format(group=group, bucket=bucket.name)


@pytest.fixture
def project(tmp_path, shell):
    """Runs `cc-etl ...` in a folder with the user's configs and module, and returns what it prints."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "handoff.yaml").write_text(HANDOFF)
    (tmp_path / "config" / "count_days.yaml").write_text(BACKFILL)
    (tmp_path / "my_models.py").write_text(MODELS)

    def run(command: str) -> str:
        name, _, rest = command.partition(" ")
        done = shell(f"{name} --config-path ./config --config-name {rest}")
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        return done.stdout

    return run


def test_one_process_puts_and_another_gets(project, choice):
    command = f"cc-etl handoff --json {choice('cache')}"
    put = json.loads(project(f"{command} callable=/cache/put '+context.payload={{close: 103.6}}'"))
    assert put["status"] == "written"
    got = json.loads(project(f"{command} callable=/cache/get +context.artifact.sha256={put['artifact']['sha256']} "
                             "+context.artifact.key=daily/AAA +context.artifact.stage=load"))  # fmt: skip
    assert (got["status"], got["payload"]) == ("hit", {"close": 103.6})
    missed = json.loads(project(f"{command} callable=/cache/get context.key=daily/BBB"))
    assert missed["status"] == "miss"
    frames = "cache.put.format=[csv,gzip] context.key=rows '+context.payload=[{a: 1}]'"
    assert json.loads(project(f"{command} callable=/cache/put {frames}"))["cache_key"] == "rows.csv.gz"


def test_a_later_process_goes_on_with_a_backfill(project, choice, tmp_path):
    command = f"count_days {choice('checkpoint')} context.end_datetime"
    assert project(f"cc-etl {command}=2024-01-31") == "2 steps: 2 succeeded\n"
    assert "4 steps: 2 checkpoint, 2 planned" in project(f"cc-etl-plan {command}=2024-02-02")
    assert project(f"cc-etl {command}=2024-02-02") == "4 steps: 2 checkpoint, 2 succeeded\n"
    assert (tmp_path / "runs.txt").read_text().split() == ["2024-01-30", "2024-01-31", "2024-02-01", "2024-02-02"]


def test_explain_shows_what_a_group_brings_and_from_where(project, choice):
    text = project(f"cc-etl-explain handoff callable=/cache/put {choice('cache')}")
    assert "put:\n    _target_: ccflow_etl.CachePutModel\n    store: /cache/store\n    format: json" in text


def test_a_group_that_no_connector_has_tells_what_there_is(shell):
    done = shell("cc-etl +cache=sqlit context.path=./out.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Could not find 'cache/sqlit'; the options of 'cache' are s3, sqlite" in done.stderr
    assert "did you mean 'sqlite'?" in done.stderr


def test_the_weather_between_three_packages(shell, bucket, tmp_path):
    shutil.copytree(CONFIG, tmp_path / "config")
    command = f"cc-etl --config-path ./config --config-name weather_s3 bucket={bucket.name} context.end_datetime"
    done = shell(f"{command}=2015-01-31")
    assert (done.returncode, done.stdout, done.stderr) == (0, "1 step: 1 succeeded\n", "")
    days = [f"weather/extract/2015-01-{day:02}.json" for day in range(1, 32)]
    assert bucket.keys() == [*days, "weather/transform/2015-01.parquet"]
    found = bucket.amazon.get_object(Bucket=bucket.name, Key="weather/transform/2015-01.parquet")["Body"].read()
    month = pd.read_parquet(io.BytesIO(found))
    assert (month["days"].tolist(), month["temp_max"].tolist()) == ([31], [17.2])

    done = shell(f"{command}=2015-02-01")
    assert (done.returncode, done.stdout) == (0, "2 steps: 1 checkpoint, 1 succeeded\n")
    with closing(sqlite3.connect(tmp_path / "weather-checkpoints.sqlite")) as marks:
        assert marks.execute("SELECT status, count(*) FROM checkpoints GROUP BY status").fetchall() == [
            ("succeeded", 2)
        ]


def test_the_weather_needs_to_be_told_its_bucket(shell, tmp_path):
    shutil.copytree(CONFIG, tmp_path / "config")
    done = shell("cc-etl --config-path ./config --config-name weather_s3")
    assert done.returncode == 2
    assert done.stderr == "error: bucket has no value\nhint: set it on the command line: bucket=...\n"

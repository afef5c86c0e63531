"""The commands of the documentation, as written, in a folder with nothing but config/, notes.txt and a module."""

import json

WEEKDAYS = [f"2026-05-{day:02}" for day in (1, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15)]
DATED = {f"stats-{date}.json" for date in WEEKDAYS}
# Counted by hand in conftest.NOTES.
WORDS = 18
DISTINCT_WORDS = 14


def read(project, name):
    return json.loads((project.folder / name).read_text())


def test_packaged_config_writes_a_json_payload(project):
    project.succeed("cc-etl context.path=./example-output.json context.payload.message='hello from ccflow-etl'")
    assert read(project, "example-output.json") == {"message": "hello from ccflow-etl"}
    assert project.files() == {"example-output.json"}


def test_explain_prints_the_config_and_runs_nothing(project):
    text = project.succeed("cc-etl-explain context.path=./example-output.json")
    assert "path: ./example-output.json" in text
    assert project.files() == set()


def test_text_stats(project):
    project.succeed(
        "cc-etl --config-path ./config --config-name text_stats "
        "context.input_path=./notes.txt context.output_path=./stats.json"
    )
    stats = read(project, "stats.json")
    assert (stats["lines"], stats["words"], stats["distinct_words"]) == (2, WORDS, DISTINCT_WORDS)
    assert stats["top_words"][:3] == [
        {"word": "to", "count": 3},
        {"word": "be", "count": 2},
        {"word": "the", "count": 2},
    ]
    assert "date" not in stats
    assert project.files() == {"stats.json"}


def test_text_stats_names_the_values_that_are_missing(project):
    done = project.run("cc-etl --config-path ./config --config-name text_stats")
    assert done.returncode == 2
    assert "context.input_path=" in done.stderr
    assert "context.output_path=" in done.stderr
    assert "Traceback" not in done.stderr


def test_backfill_text_stats(project):
    project.succeed("cc-etl --config-path ./config --config-name backfill_text_stats")
    assert project.files() == DATED
    for date in WEEKDAYS:
        stats = read(project, f"stats-{date}.json")
        assert (stats["date"], stats["words"]) == (date, WORDS)


def test_runner_backfills_with_a_calendar(project):
    project.succeed(
        "cc-etl --config-path ./config --config-name text_stats_runner backfill=daily "
        "+context.start_datetime=2026-05-01 +context.end_datetime=2026-05-15 "
        "+context.calendar=/calendars/weekdays +context.context.input_path=./notes.txt "
        "+context.context.output_path=./stats.json +context.context.min_length=1"
    )
    assert project.files() == DATED


def test_runner_backfills_with_an_interval(project):
    project.succeed(
        "cc-etl --config-path ./config --config-name text_stats_runner backfill=daily "
        "+context.start_datetime=2026-01-01 +context.end_datetime=2026-05-15 +context.interval=2M "
        "+context.context.input_path=./notes.txt +context.context.output_path=./stats.json"
    )
    assert project.files() == {"stats-2026-01-01.json", "stats-2026-03-01.json", "stats-2026-05-01.json"}


def test_runner_alone_runs_the_model_once(project):
    project.succeed(
        "cc-etl --config-path ./config --config-name text_stats_runner "
        "+context.input_path=./notes.txt +context.output_path=./stats.json +context.min_length=3"
    )
    words = {"not", "that", "the", "question", "whether", "tis", "nobler", "mind", "suffer"}
    assert project.files() == {"stats.json"}
    assert {item["word"] for item in read(project, "stats.json")["top_words"]} == words


def test_the_users_own_module_is_found_without_pythonpath(project):
    (project.folder / "my_stats.py").write_text(
        """\
import datetime as dt
from pathlib import Path

from ccflow import CallableModel, ContextBase, Flow, GenericResult


class LinesContext(ContextBase):
    path: Path
    date: dt.date | None = None


class CountLines(CallableModel):
    @Flow.call
    def __call__(self, context: LinesContext) -> GenericResult[int]:
        return GenericResult[int](value=len(context.path.read_text().splitlines()))
"""
    )
    (project.folder / "config" / "lines.yaml").write_text(
        """\
defaults:
  - _self_
  - /callable: callable
  - optional /backfill: null

model:
  _target_: my_stats.CountLines

context: {}
"""
    )
    command = "cc-etl --json --config-path ./config --config-name lines"
    assert json.loads(project.succeed(f"{command} +context.path=./notes.txt"))["value"] == 2
    backfilled = json.loads(
        project.succeed(
            f"{command} backfill=daily +context.start_datetime=2026-05-01 +context.end_datetime=2026-05-03 "
            "+context.context.path=./notes.txt"
        )
    )
    assert [output["value"] for output in backfilled["value"]["outputs"]] == [2, 2, 2]

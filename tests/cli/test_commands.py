"""The documented commands as they are written, from a shell, in a folder with only the user's own files."""

import datetime as dt
import json

import yaml

BEFORE = [
    "config/backfill_text_stats.yaml",
    "config/text_stats.yaml",
    "config/text_stats_runner.yaml",
    "my_models.py",
    "notes.txt",
]


def test_the_packaged_config_writes_a_json_file(shell):
    done = shell("cc-etl context.path=./example-output.json context.payload.message='hello from ccflow-etl'")
    assert (done.code, done.err) == (0, "")
    assert "status: written" in done.out
    assert (shell.folder / "example-output.json").read_text() == '{"message":"hello from ccflow-etl"}'
    assert shell.files() == ["example-output.json"]


def test_without_arguments_it_writes_an_example_once(shell):
    first, second = shell("cc-etl"), shell("cc-etl")
    assert (first.code, second.code) == (0, 0)
    assert "status: written" in first.out
    assert "status: exists" in second.out
    assert shell.files() == ["example-output.json"]


def test_explain_prints_the_resolved_config_and_runs_nothing(shell):
    done = shell("cc-etl-explain context.path=./example-output.json")
    assert (done.code, done.err) == (0, "")
    config = yaml.safe_load(done.out)
    assert config["model"] == {"_target_": "ccflow_etl.LocalWriteModel", "format": "json"}
    assert config["callable"] == "/model"
    assert config["context"]["path"] == "./example-output.json"
    assert set(config) == {"model", "callable", "context", "cli"}
    assert shell.files() == []


def test_a_config_of_the_users_own(project):
    done = project(
        "cc-etl --config-path ./config --config-name text_stats context.input_path=./notes.txt"
        " context.output_path=./stats.json"
    )
    assert done.code == 0
    assert json.loads((project.folder / "stats.json").read_text()) == {"words": 4}
    assert "counting" in done.err
    assert "counting" not in done.out
    assert project.files() == sorted([*BEFORE, "stats.json"])


def test_a_backfill_from_a_config(project):
    done = project("cc-etl --config-path ./config --config-name backfill_text_stats")
    assert done.code == 0
    steps = ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]
    assert project.files() == sorted([*BEFORE, *(f"stats-{step}.json" for step in steps)])


def test_a_backfill_from_the_command_line(project):
    done = project(
        "cc-etl --config-path ./config --config-name text_stats_runner backfill=daily"
        " +context.start_datetime=2026-05-01 +context.end_datetime=2026-05-15"
        " +context.calendar=/calendars/weekdays +context.context.input_path=./notes.txt"
        " +context.context.output_path=./stats.json +context.context.min_length=1"
    )
    assert done.code == 0
    days = [dt.date(2026, 5, day) for day in range(1, 16)]
    expected = [f"stats-{day}.json" for day in days if day.weekday() < 5]
    assert project.files() == sorted([*BEFORE, *expected])


def test_the_runner_without_a_backfill_runs_the_model_itself(project):
    done = project(
        "cc-etl --config-path ./config --config-name text_stats_runner"
        " +context.input_path=./notes.txt +context.output_path=./one.json"
    )
    assert done.code == 0
    assert json.loads((project.folder / "one.json").read_text()) == {"words": 4}


def test_an_interval_picks_the_steps(project):
    done = project(
        "cc-etl --config-path ./config --config-name backfill_text_stats context.interval=2M"
        " context.end_datetime=2024-07-31 --json"
    )
    outputs = json.loads(done.out)["value"]["outputs"]
    assert [output["context"]["date"] for output in outputs] == ["2024-01-31", "2024-03-31", "2024-05-31", "2024-07-31"]


def test_explain_takes_the_same_arguments(project):
    done = project(
        "cc-etl-explain --config-path ./config --config-name text_stats_runner backfill=daily"
        " +context.start_datetime=2026-05-01 +context.calendar=/calendars/weekdays"
    )
    config = yaml.safe_load(done.out)
    assert config["callable"] == "/backfill"
    assert config["backfill"] == {
        "_target_": "ccflow_etl.BackfillModel",
        "model": "/model",
        "executor": "/executors/serial",
    }
    assert config["context"] == {"start_datetime": "2026-05-01", "calendar": "/calendars/weekdays"}
    assert project.files() == BEFORE


def test_explain_imports_no_model_of_the_user(project):
    (project.folder / "my_models.py").write_text("raise SystemExit('imported')")
    assert project("cc-etl-explain --config-path ./config --config-name text_stats").code == 0


def test_short_flags_and_an_equals_sign(project):
    for flags in ("-cp config -cn text_stats", "--config-path=./config --config-name=text_stats"):
        done = project(f"cc-etl {flags} context.input_path=notes.txt")
        assert done.code == 0, done.err


def test_overrides_may_stand_on_both_sides_of_a_flag(project):
    done = project("cc-etl context.input_path=notes.txt -cp config context.min_length=4 -cn text_stats")
    assert done.code == 0, done.err
    assert json.loads((project.folder / "stats.json").read_text()) == {"words": 2}


def test_an_absolute_config_path(project):
    done = project(f"cd / && cc-etl-explain --config-path {project.folder}/config --config-name text_stats")
    assert done.code == 0
    assert "my_models.Stats" in done.out


def test_a_run_imports_nothing_heavy(shell):
    code = (
        "import sys; sys.argv = ['cc-etl', '--json']; from ccflow_etl.cli.run import main; main();"
        " print({'pandas', 'pyarrow', 'rich', 'ccflow_etl.examples'} & {*sys.modules})"
    )
    assert shell(f'python -c "{code}"').out.splitlines()[-1] == "set()"


def test_garbage_is_collected_while_the_model_runs(project):
    models = project.folder / "my_models.py"
    models.write_text(models.read_text().replace('log.info("counting")', "assert __import__('gc').isenabled()"))
    assert project("cc-etl -cp config -cn text_stats context.input_path=notes.txt").code == 0

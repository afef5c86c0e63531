"""`cc-etl-explain --provenance` and `--gui`."""

import json


def sources(done):
    return {key: told["source"] for key, told in json.loads(done.out).items()}


def test_each_value_names_the_file_or_the_override_that_set_it(project):
    done = project(
        "cc-etl-explain -cp config -cn text_stats_runner backfill=daily +context.start_datetime=2026-05-01"
        " '+context.context={min_length: 2}' --provenance --json"
    )
    assert done.code == 0, done.err
    told = sources(done)
    assert told["model._target_"] == "config/text_stats_runner.yaml"
    assert told["callable"] == "pkg://ccflow_etl.config/backfill/default.yaml"
    assert told["backfill.model"] == "pkg://ccflow_etl.config/backfill/default.yaml"
    assert told["calendars.weekdays._target_"] == "pkg://ccflow_etl.config/calendars/default.yaml"
    assert told["context.start_datetime"] == "command line"
    assert told["context.context.min_length"] == "command line"


def test_every_leaf_is_listed_with_its_value(project):
    told = json.loads(
        project("cc-etl-explain --provenance --json context.path=x.json callable=/other +x={} +y=[1]").out
    )
    assert told["context.path"] == {"value": "x.json", "source": "command line"}
    assert told["callable"] == {"value": "/other", "source": "command line"}
    assert told["x"] == {"value": {}, "source": "command line"}
    assert told["y.0"] == {"value": 1, "source": "command line"}
    assert told["context.payload.message"]["source"] == "pkg://ccflow_etl.config/base.yaml"
    assert told["cli.model.evaluator.evaluators.0._target_"]["value"] == "ccflow.evaluators.GraphEvaluator"


def test_the_lines_are_aligned(project):
    lines = project("cc-etl-explain --provenance -cp config -cn text_stats").out.splitlines()
    assert lines[0] == 'model._target_: "my_models.Stats"    # config/text_stats.yaml'
    assert lines[2] == 'context.input_path: "???"            # config/text_stats.yaml'


def test_an_interpolated_group_has_the_source_of_the_interpolation(project):
    elsewhere = project.folder / "elsewhere"
    elsewhere.mkdir()
    (project.folder / "config" / "copy.yaml").write_text("a: {b: 1}\nc: ${a}\nd: []\n")
    (elsewhere / "own.yaml").write_text("x: 1\n")
    (project.folder / "config" / "with.yaml").write_text(
        "defaults: [copy, own, _self_]\nhydra: {searchpath: [elsewhere]}\n"
    )
    told = sources(project("cc-etl-explain --provenance --json -cp config -cn with"))
    assert told == {
        "a.b": "config/copy.yaml",
        "c.b": "config/copy.yaml",
        "d": "config/copy.yaml",
        "x": "elsewhere/own.yaml",
    }


def test_what_is_replaced_as_a_whole_has_the_source_of_the_whole(project):
    config = "fast: {attempts: 1, after: {of: 2}}\nretry: {attempts: 3, after: {of: 4}}\nkept: {attempts: 5}\n"
    (project.folder / "config" / "whole.yaml").write_text(config)
    told = sources(project("cc-etl-explain --provenance --json -cp config -cn whole 'retry=${fast}' 'kept={}'"))
    assert told["retry.attempts"] == told["retry.after.of"] == "command line"
    assert told["fast.attempts"] == told["kept.attempts"] == "config/whole.yaml"


def test_a_config_of_nothing_has_no_lines(project):
    (project.folder / "config" / "empty.yaml").write_text("")
    assert project("cc-etl-explain --provenance -cp config -cn empty").out.strip() == ""


def test_a_file_outside_of_the_working_folder_is_named_in_full(project):
    (project.folder / "below").mkdir()
    done = project("cd below && cc-etl-explain --provenance --json -cp ../config -cn text_stats")
    assert sources(done)["callable"] == f"{project.folder.resolve()}/config/text_stats.yaml"


def test_the_gui_is_what_needs_panel(shell):
    done = shell("cc-etl-explain --gui")
    assert (done.code, done.err) == (2, "error: --gui needs panel, which is not installed\nhint: pip install panel\n")


def test_the_gui_shows_the_resolved_config(shell):
    (shell.folder / "panel.py").write_text(
        "from types import SimpleNamespace as S\nextension = lambda *a: None\n"
        "widgets = S(JSONEditor=lambda value, **k: S(servable=lambda: None, value=value))\n"
        "def serve(app, **kwargs):\n    print(app.value['context']['path'])\n"
    )
    done = shell("cc-etl-explain --gui context.path=shown.json")
    assert (done.code, done.out) == (0, "shown.json\n")

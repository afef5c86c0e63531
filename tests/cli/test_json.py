"""`--json`: the result alone on stdout, whatever else is said."""

import json


def test_stdout_is_the_result_and_the_logs_are_on_stderr(project):
    done = project("cc-etl -cp config -cn text_stats context.input_path=notes.txt --json")
    assert json.loads(done.out) == {"value": {"words": 4}, "_target_": "ccflow.result.generic.GenericResult"}
    assert done.out.count("\n") == 1
    assert "counting" in done.err
    assert "said by the model" in done.err


def test_without_json_a_model_may_print(project):
    done = project("cc-etl -cp config -cn text_stats context.input_path=notes.txt")
    assert "said by the model" in done.out


def test_a_sweep_prints_a_line_per_job(shell):
    done = shell("cc-etl --json -m context.path=a.json,b.json")
    assert [json.loads(line)["path"] for line in done.out.splitlines()] == ["a.json", "b.json"]


def test_a_failure_leaves_stdout_empty(project):
    done = project("cc-etl -cp config -cn text_stats context.input_path=nowhere.txt --json")
    assert (done.code, done.out) == (1, "")


def test_explain_as_json(shell):
    done = shell("cc-etl-explain --json context.path=x.json")
    assert json.loads(done.out)["context"]["path"] == "x.json"

"""What is said about each mistake, and the exit code: 2 for the arguments and the config, 1 for the run."""

import pytest

OWN = "cc-etl -cp config -cn text_stats context.input_path=notes.txt"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            "cc-etl context.pth=x.json",
            "error: the config has no 'context.pth'; there is context.path, context.payload, context.overwrite\n"
            "hint: did you mean 'context.path'?\n",
        ),
        (
            "cc-etl context.calendar=/calendars/weekdays",  # like context.path only in what both begin with
            "error: the config has no 'context.calendar'; there is context.path, context.payload, context.overwrite\n"
            "hint: a leading + adds a new key: +context.calendar=...\n",
        ),
        (
            "cc-etl zzz=1",
            "error: the config has no 'zzz'; there is model, callable, context, cli\n"
            "hint: a leading + adds a new key: +zzz=...\n",
        ),
        (
            "cc-etl hydra.mode=SOME",
            "error: Error merging override hydra.mode=SOME: hydra.mode: Invalid value 'SOME', expected one of",
        ),
        ("cc-etl foo", "error: 'foo' is not an override\nhint: write key=value, or ~foo to delete a key\n"),
        ("cc-etl --jsn", "error: unknown flag --jsn\nhint: did you mean '--json'?\n"),
        (
            "cc-etl --frobnicate",
            "error: unknown flag --frobnicate\nhint: --help shows examples, --hydra-help shows Hydra's own flags\n",
        ),
        ("cc-etl -cp config --config-name ''", "error: --config-name needs a value\nhint: --help shows examples, "),
        ("cc-etl --config-name=", "error: --config-name needs a value\n"),
        ("cc-etl-explain -cn ''", "error: --config-name needs a value\n"),
        ("cc-etl-plan -cp '' -cn text_stats", "error: --config-path needs a value\n"),
        ("cc-etl --config-dir=", "error: --config-dir needs a value\n"),
        ("cc-etl --resolve", "error: --resolve goes with --cfg (-c job, -c hydra or -c all)\n"),
        (
            "cc-etl -c job -m",
            "error: only one of --run, --multirun, --cfg, --info and --shell-completion can be given\n",
        ),
        (
            "cc-etl callable=modle",
            "error: Could not override 'callable'. No match in the defaults list.\n"
            "hint: a registry path begins with a slash: callable=/modle\n",
        ),
        (
            "cc-etl callable=/modle",
            "error: no callable '/modle'; the config has /model\nhint: did you mean '/model'?\n",
        ),
        (
            "cc-etl callable=/cli/model",
            "error: callable '/cli/model' is a FlowOptions, which cannot be run; the config has /model\n",
        ),
        (
            "cc-etl +cli.global._target_=ccflow_etl.LocalWriteModel",
            "error: /cli/global is a LocalWriteModel, not a ccflow.FlowOptions\n",
        ),
        (
            f"{OWN} +cli.model.cacheable=maybe",
            "error: cli.model is {{'cacheable': 'maybe'}}, not a ccflow.FlowOptions\n"
            "hint: it needs _target_: ccflow.FlowOptions\n",
        ),
        (f"{OWN} +cli.model=5", "error: cli.model is 5, not a ccflow.FlowOptions\nhint: it needs _target_: "),
        (f"{OWN} +cli.global=/model", "error: cli.global is '/model', not a ccflow.FlowOptions\n"),
        (f"{OWN} +cli=5", "error: cli is 5, and has to hold cli.model\n"),
        (
            "cc-etl --config-name text_stats",
            "error: no packaged config named 'text_stats', there is only base\n"
            "hint: your own configs need --config-path: --config-path ./config --config-name text_stats\n",
        ),
        (
            "cc-etl -cp config -cn text_stat",
            "error: no config named 'text_stat' in config: it has backfill_text_stats, text_stats, text_stats_runner\n"
            "hint: did you mean 'text_stats'?\n",
        ),
        (
            "cc-etl -cp config",
            "error: no config named 'base' in config: it has backfill_text_stats, text_stats, text_stats_runner\n"
            "hint: name one of them with --config-name\n",
        ),
        ("mkdir none; cc-etl -cp none", "error: no config named 'base' in none, which has no .yaml file\n"),
        (
            "cc-etl -cp config/text_stats.yaml",
            "error: no config folder 'config/text_stats.yaml'\n"
            "hint: --config-path is the folder: --config-path config --config-name text_stats\n",
        ),
        (
            "cc-etl -cp ./confg -cn text_stats",
            "error: no config folder './confg'\nhint: a relative path starts in the working folder, {folder}\n",
        ),
        (
            "cc-etl -cp config -cn text_stats",
            "error: context.input_path has no value\nhint: set it on the command line: context.input_path=...\n",
        ),
        (
            "cc-etl -cp config -cn text_stats_runner backfill=dayly",
            "error: Could not find 'backfill/dayly'; the options of 'backfill' are daily, default\n"
            "hint: did you mean 'daily'?\n",
        ),
        (
            "cc-etl +backfill=weekly",
            "error: In 'base': Could not find 'backfill/weekly'; the options of 'backfill' are daily, default\n",
        ),
        (
            f"{OWN} context.min_length=many +context.foo=1",
            "error: the context does not fit StatsContext\n"
            "  context.min_length: Input should be a valid integer, unable to parse string as an integer (got 'many')\n"
            "  context.foo: no such field (got 1)\n",
        ),
        (
            f"{OWN} '~context.output_path'",
            "error: the context does not fit StatsContext\n  context.output_path: is required and has no value\n"
            "hint: give it on the command line with +context.output_path=...\n",
        ),
        (
            f"{OWN} +model.top=many",
            "error: the model at 'model' is wrong\n"
            "  model.top: Input should be a valid integer, unable to parse string as an integer (got 'many')\n",
        ),
        (
            "cc-etl -cp config -cn text_stats_runner",
            "error: the config has no context, it needs a StatsContext\n"
            "  context.input_path: is required and has no value\n"
            "  context.output_path: is required and has no value\n"
            "hint: give it on the command line with +context.input_path=...\n",
        ),
        (
            "cc-etl -cp config -cn backfill_text_stats context.start_datetime=yesterdy",
            "error: the context does not fit BackfillContext[StatsContext]\n  context.start_datetime: ",
        ),
        (
            "cc-etl -cp config -cn backfill_text_stats 'context.start_datetime={}'",
            "error: the context does not fit BackfillContext[StatsContext]\n"
            "  context.start_datetime: start_datetime {{}} is of type dict and not a date: write it as 2024-01-31 or ",
        ),
        (
            "cc-etl -cp config -cn backfill_text_stats +context.now=2026",
            "error: the context does not fit BackfillContext[StatsContext]\n"
            "  context.now: now 2026 is of type int and not a date: write it as 2024-01-31 or 2024-01-31T09:30.",
        ),
        (
            "cc-etl -cp config -cn backfill_text_stats +context.calendar=/calendars/weekday",
            "error: the context does not fit BackfillContext[StatsContext]\n"
            "  context.calendar: no model '/calendars/weekday' in the registry\n"
            "hint: did you mean '/calendars/weekdays'?\n",
        ),
        (
            "cc-etl -cp config -cn backfill_text_stats backfill.model=/modle",
            "error: the model at 'backfill' is wrong\n  backfill.model: no model '/modle' in the registry\n"
            "hint: did you mean '/model'?\n",
        ),
        (
            f"{OWN} 'context.output_path=${{nope}}'",
            "error: context.output_path: Interpolation key 'nope' not found\n",
        ),
        (
            "cc-etl -cp config -cn backfill_text_stats context.interval=1Q7",
            "error: the context does not fit BackfillContext[StatsContext]\n  context.interval: '1Q7' is not an",
        ),
        (
            "cc-etl -cp config -cn backfill_text_stats context.interval=bh",
            "error: the context does not fit BackfillContext[StatsContext]\n"
            "  context: Interval 1bh is not supported without working days: use a BusinessHourCalendar, ",
        ),
        (
            "cc-etl -cp config -cn backfill_text_stats context.start_datetime=2024-01-31T00:00Z",
            "error: the context does not fit BackfillContext[StatsContext]\n"
            "  context: the start has a time zone and end has none (end is 2024-04-30 00:00:00): "
            "give both or neither.\n",
        ),
        (
            "cc-etl -cp config -cn backfill_text_stats +backfill.chunk=CBME",
            "error: the model at 'backfill' is wrong\n"
            "  backfill.chunk: chunk 1CBME cannot be cut: give a number of steps, or an interval such as 1W or MS.",
        ),
        (
            "cc-etl -cp config -cn backfill_text_stats +backfill.chunk=0",
            "error: the model at 'backfill' is wrong\n"
            "  backfill.chunk: Input should be greater than 0 (got 0); or: 0 is not an interval: ",
        ),
        (
            "cc-etl -cp config -cn ../config/text_stats_runner",
            "error: the config has a key without a name\n"
            "hint: a --config-name with ./ or ../ makes one: give --config-path instead\n",
        ),
        ("cc-etl --cfg jib", "error: argument --cfg/-c: invalid choice: 'jib'"),
        (
            "cc-etl hydra.run.dir=/proc/x",
            "error: FileNotFoundError: [Errno 2] No such file or directory: '/proc/x'\n"
            "hint: --debug shows the full traceback\n",
        ),
        ("cc-etl -m context.path=a.json +x=y foo", "error: 'foo' is not an override\n"),
        ("cc-etl-explain -m context.path=a.json", "error: --multirun runs jobs; this command runs nothing\n"),
        ("cc-etl-explain context.pth=1", "error: the config has no 'context.pth'"),
        ("cc-etl 'context.path=a(b'", "error: the override 'context.path=a(b' cannot be read: no viable alternative"),
        (
            "cc-etl context.path=a,b",
            "error: Ambiguous value for argument 'context.path=a,b'\nhint: 1. To use it as a list",
        ),
    ],
)
def test_mistakes_in_the_arguments_and_the_config(project, command, said):
    done = project(command)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(said.format(folder=project.folder))
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("target", "module", "said"),
    [
        ("my_modls.Stats", "", "No module named 'my_modls'\nhint: did you mean 'my_models'?\n"),
        (
            "zzz.Stats",
            "",
            "No module named 'zzz'\nhint: is it installed, or is zzz.py in the working folder {folder}?\n",
        ),
        ("my_models.Stat", "class Stats: pass", "my_models has no 'Stat'\nhint: did you mean 'Stats'?\n"),
        ("my_models.Stats.there", "class Stats: pass", "AttributeError: type object 'Stats' has no attribute 'there'"),
        ("my_models.Stats", "import pandsa", "ModuleNotFoundError: No module named 'pandsa' (my_models.py, line 1)\n"),
        ("my_models.Stats", "\n\ndef f(:", "SyntaxError: invalid syntax (my_models.py, line 3)\n"),
        (
            "my_models.Stats",
            "import json\njson.nothing",
            "AttributeError: module 'json' has no attribute 'nothing' (my_models.py, line 2)\n",
        ),
        ("my_models.Stats", "\nx = 1 / 0", "ZeroDivisionError: division by zero (my_models.py, line 2)\n"),
    ],
)
def test_a_target_that_cannot_be_imported(project, target, module, said):
    (project.folder / "my_models.py").write_text(module)
    done = project(f"{OWN} model._target_={target}")
    assert done.code == 2
    assert done.err.startswith(f"error: model: cannot import {target}: {said.format(folder=project.folder)}")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            "model: [1\n",
            "error: the YAML cannot be read: expected ',' or ']', but got '<stream end>' (config/bad.yaml, line 2)",
        ),
        ("", "error: the config has no model to run\n"),
        (
            "model: {_target_: my_models.Stats}\n",
            "error: the config does not say which model to run; the config has /model\n",
        ),
        ("defaults:\n  - nowhere\n", "error: In 'bad': Could not load 'nowhere'.\n"),
        ("defaults:\n  - /callable: modle\n", "error: In 'bad': Could not find 'callable/modle'; the options of"),
        (
            "callable: [/model]\nmodel: {_target_: my_models.Stats}\n",
            "error: no callable ['/model']; the config has /model\n",
        ),
        ("model: {_target_: os.system}\n", "error: Target 'os.system' is blocklisted"),
        ("model: {_target_: my_models.Stats, top: '???'}\n", "error: model.top has no value\n"),
        (
            "model: {_target_: builtins.int, _args_: [x]}\n",
            "error: the model at 'model' cannot be built: ValueError: invalid literal",
        ),
        (
            "a: {_target_: my_models.Stats, top: x}\nb: {_target_: my_models.Stats, topp: 1}\n",
            "error: the model at 'a' is wrong\n  a.top: Input should be a valid integer, unable to parse string as an "
            "integer (got 'x')\nthe model at 'b' is wrong\n  b.topp: no such field (got 1)\n",
        ),
        (
            "a: {_target_: ccflow.models.LoggingModel, model: {_target_: my_models.Stats, top: x}}\n",
            "error: the model at 'a.model' is wrong\n  a.model.top: Input should be a valid integer",
        ),
        (
            "model: {_target_: ccflow_etl.LocalWriteModel, format: jsn}\n",
            "error: the model at 'model' is wrong\n  model.format: unknown format 'jsn'; expected 'json'",
        ),
    ],
)
def test_mistakes_in_a_config_file(project, config, said):
    (project.folder / "config" / "bad.yaml").write_text(config)
    done = project("cc-etl -cp config -cn bad")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(said)


@pytest.mark.parametrize("command", ["cc-etl", "cc-etl-explain -c job", "cc-etl-plan --json"])
def test_a_working_folder_that_no_longer_exists(shell, command):
    done = shell(f"mkdir gone; cd gone; rmdir ../gone; {command}")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: the working folder no longer exists\nhint: go to one that does, with cd\n"


def test_a_failing_model_is_told_in_one_line(project):
    done = project("cc-etl -cp config -cn text_stats context.input_path=nowhere.txt")
    assert done.code == 1
    assert done.err.endswith(
        "\nerror: /model failed in Stats (my_models.py, line 25): FileNotFoundError: "
        "[Errno 2] No such file or directory: 'nowhere.txt'\nhint: --debug shows the full traceback\n"
    )


def test_an_error_of_validation_inside_a_run_is_a_failed_run(project):
    models = project.folder / "my_models.py"
    models.write_text(models.read_text().replace("log.info", "StatsContext(min_length='x') or log.info"))
    done = project(OWN)
    assert done.code == 1
    assert "/model failed in Stats" in done.err
    assert "ValidationError: 3 validation errors for StatsContext input_path Field required" in done.err


def test_a_failing_step_names_the_model_that_raised(project):
    done = project("cc-etl -cp config -cn backfill_text_stats context.context.input_path=nowhere.txt")
    assert done.code == 1
    assert "/backfill failed in Stats (my_models.py, line 25): FileNotFoundError" in done.err


@pytest.mark.parametrize(
    ("config", "key"), [("shops: {1: Harbour}", "shops.1"), ("context: {note: {1: Harbour}}", "context.note.1")]
)
def test_a_key_that_is_a_number_is_named(project, config, key):
    (project.folder / "config" / "odd.yaml").write_text(f"defaults: [text_stats_runner, _self_]\n{config}\n")
    done = project("cc-etl -cp config -cn odd")
    assert done.code == 2
    assert done.err.startswith(f"error: {key}: the last part of this key is no text")
    assert "hint: write it in quotes" in done.err


@pytest.mark.parametrize(
    ("raised", "told"),
    [("AssertionError", "AssertionError"), ("Unspeakable", "Unspeakable: <exception str() failed>")],
)
def test_an_exception_without_a_message_is_named(project, raised, told):
    (project.folder / "my_models.py").write_text(
        "from ccflow import *\nclass Unspeakable(Exception):\n  def __str__(self):\n    raise ValueError('no words')\n"
        "class Stats(CallableModel):\n  @Flow.call\n"
        f"  def __call__(self, context: NullContext) -> GenericResult:\n    raise {raised}\n"
    )
    done = project("cc-etl -cp config -cn text_stats_runner")
    assert done.code == 1
    assert done.err.startswith(f"error: /model failed in Stats (my_models.py, line 8): {told}\n")


@pytest.mark.parametrize(
    ("override", "hint"),
    [
        ("+context.calendar=weekdays", "/calendars/weekdays"),
        ("backfill.executor=serial", "/executors/serial"),
    ],
)
def test_a_registry_path_that_is_not_written_in_full(shell, override, hint):
    shell.with_days()
    done = shell(f"cc-etl -cp config -cn days {override}")
    assert done.code == 2
    assert done.err.endswith(f"\nhint: a registry path is written in full: {hint}\n")


LEAVING = """\
import sys

from ccflow import CallableModel, DateContext, Flow, GenericResult


class Leaving(CallableModel):
    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        sys.exit({code})
"""


@pytest.mark.parametrize(
    ("executor", "code"),
    [("null", "0"), ("/executors/serial", "3"), ("/executors/threads", "'enough'"), ("/executors/processes", "0")],
)
def test_a_model_that_ends_the_process_is_a_failed_run(shell, executor, code):
    (shell.folder / "leaving.py").write_text(LEAVING.format(code=code))
    done = shell(
        f"cc-etl +backfill=daily '~model.format' model._target_=leaving.Leaving '~context' backfill.executor={executor}"
        " executors.processes.max_workers=1 +context.start_datetime=2024-01-01 +context.end_datetime=2024-01-02"
    )
    assert (done.code, done.out) == (1, "")
    # of a plain backfill the graph runs the steps, and nothing of the backfill itself has begun
    noted = "" if executor == "null" else " (the backfill ended with this error: 2 steps: 2 cancelled)"
    assert f": the model ended the process with SystemExit({code}){noted}\n" in done.err
    if executor != "/executors/processes":  # the place in the model stays in the other process
        assert "error: /backfill failed in Leaving (leaving.py, line 9): " in done.err
    assert "\nhint: to fail, a model raises an exception; to succeed, it returns a result\n" in done.err


def test_a_module_that_ends_the_process_is_a_mistake_in_the_config(project):
    (project.folder / "my_models.py").write_text("\nraise SystemExit\n")
    for command in ("cc-etl", "cc-etl-plan"):
        done = project(f"{command} {OWN.removeprefix('cc-etl ')}")
        assert (done.code, done.out) == (2, "")
        assert done.err == "error: loading the models ended the process with SystemExit() (my_models.py, line 2)\n"


def test_a_failing_job_of_a_sweep(project):
    done = project(f"{OWN} -m context.input_path=notes.txt,nowhere.txt --json")
    assert done.code == 1
    assert done.out.count("\n") == 1
    assert "context.input_path=nowhere.txt" in done.err
    assert "error: /model failed in Stats" in done.err


@pytest.mark.parametrize(("command", "code"), [("cc-etl context.pth=1", 2), ("cc-etl context.path=/proc/no/x.json", 1)])
def test_the_traceback_is_shown_on_request(shell, command, code):
    plain = shell(command)
    assert "Traceback" not in plain.err
    for told in (shell(f"{command} --debug"), shell(command, HYDRA_FULL_ERROR="1")):
        assert told.code == plain.code == code
        assert "Traceback (most recent call last)" in told.err
        assert "error: " in told.err


def test_a_value_that_others_are_made_of_is_asked_for_by_its_own_name(project):
    (project.folder / "config" / "shared.yaml").write_text(
        "defaults: [text_stats, _self_]\nfolder: ???\ncontext: {input_path: '${folder}/notes.txt'}\n"
    )
    done = project("cc-etl -cp config -cn shared")
    assert (done.code, done.err) == (2, "error: folder has no value\nhint: set it on the command line: folder=...\n")
    assert project("cc-etl -cp config -cn shared folder=.").code == 0

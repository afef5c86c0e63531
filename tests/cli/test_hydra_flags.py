"""Hydra's own flags."""

import pytest
import yaml

from ccflow_etl import __version__


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("cc-etl -c job", "_target_: ccflow_etl.LocalWriteModel"),
        ("cc-etl -c job --package context --resolve", "# @package context"),
        ("cc-etl -c hydra", "dir: ."),
        ("cc-etl --info searchpath", "pkg://ccflow_etl.config"),
        ("cc-etl --info defaults-tree +backfill=daily", "calendars: default"),
        ("cc-etl --hydra-help", "Hydra (1.3"),
        ("cc-etl -sc install=bash", "complete -o"),
        ("cc-etl-explain -c job", "_target_: ccflow_etl.LocalWriteModel"),
    ],
)
def test_flags_that_print_something(shell, command, said):
    done = shell(command)
    assert done.code == 0, done.err
    assert said in done.out
    assert shell.files() == []


@pytest.mark.parametrize("command", ["cc-etl", "cc-etl-explain", "cc-etl-plan"])
def test_help_and_version_are_ours(shell, command):
    told = shell(f"{command} --help")
    assert told.code == 0
    assert told.out.startswith(f"{command} ")
    assert "Example" in told.out
    assert shell(f"{command} -h").out == told.out
    assert shell(f"{command} --version").out == f"ccflow-etl {__version__}\n"


def test_help_needs_neither_hydra_nor_ccflow(shell):
    code = (
        "import sys; sys.argv = ['cc-etl', '--help']; from ccflow_etl.cli.run import main; main(); print(sys.modules)"
    )
    printed = shell(f'python -c "{code}"').out
    assert "'ccflow_etl.cli.help'" in printed
    assert "'hydra'" not in printed
    assert "'ccflow'" not in printed


def test_a_further_config_folder_comes_before_the_packaged_groups(project):
    group = project.folder / "more" / "calendars"
    group.mkdir(parents=True)
    (group / "mine.yaml").write_text("weekdays:\n  _target_: ccflow_etl.WeekdayCalendar\n")
    (group / "default.yaml").write_text("own:\n  _target_: ccflow_etl.DailyCalendar\n")
    done = project("cc-etl-explain --config-dir more +calendars=mine")
    assert set(yaml.safe_load(done.out)["calendars"]) == {"weekdays"}
    done = project("cc-etl-explain -cd ./more -cp config -cn text_stats_runner backfill=daily")
    assert set(yaml.safe_load(done.out)["calendars"]) == {"own"}


def test_a_searchpath_that_names_the_packaged_groups_too(project):
    config = project.folder / "config" / "text_stats_runner.yaml"
    config.write_text(f"{config.read_text()}hydra:\n  searchpath:\n    - pkg://ccflow_etl.config\n")
    done = project("cc-etl-explain -cp config -cn text_stats_runner backfill=daily")
    assert (done.code, done.err) == (0, "")
    assert yaml.safe_load(done.out)["callable"] == "/backfill"


def test_a_package_as_config_path(project):
    (project.folder / "mine").mkdir()
    (project.folder / "mine" / "__init__.py").touch()
    (project.folder / "mine" / "base.yaml").write_text("callable: /x\n")
    assert project("cc-etl-explain --config-path pkg://mine").out == "callable: /x\n"


def test_a_callable_by_its_path_where_callable_is_also_a_group(project):
    arguments = (
        "-cp config -cn backfill_text_stats '~context' +context.input_path=notes.txt +context.output_path=o.json"
    )
    done = project(f"cc-etl {arguments} callable=/model --json")
    assert done.code == 0, done.err
    assert done.out.startswith('{"value":{"words":4}')
    assert project("cc-etl-explain callable=/other").out.count("callable: /other") == 1
    assert project("cc-etl -c job callable=/other").out.count("callable: /other") == 1


def test_a_sweep_over_callables(project):
    (project.folder / "config" / "two.yaml").write_text(
        "a: {_target_: my_models.Stats}\nb: {_target_: my_models.Stats}\n"
        "context: {input_path: notes.txt, output_path: out.json}\n"
    )
    done = project("cc-etl -cp config -cn two -m callable=/a,/b --json")
    assert done.code == 0, done.err
    assert done.out.count("\n") == 2
    refused = project("cc-etl -cp config -cn two callable=/a,/b")
    assert refused.code == 2
    assert "--multirun" in refused.err


def test_each_job_of_a_sweep_runs_its_own_model(shell):
    module = """

class Listed(CallableModel):
    name: str

    @Flow.call
    def __call__(self, context: DayContext) -> GenericResult[None]:
        with open(self.name, "a") as file:
            file.write(f"{context.date}\\n")
        return GenericResult[None](value=None)
"""
    shell.with_days(module=module)
    (shell.folder / "config" / "listed.yaml").write_text(
        "defaults: [/backfill: default, _self_]\nmodel: {_target_: my_days.Listed, name: all}\n"
        "context: {start_datetime: 2024-01-01, end_datetime: 2024-01-02}\n"
    )
    done = shell("cc-etl -cp config -cn listed -m model.name=a,b,c")
    assert done.code == 0, done.err
    days = ["2024-01-01", "2024-01-02"]
    assert {name: (shell.folder / name).read_text().split() for name in "abc"} == dict.fromkeys("abc", days)


def test_a_rerun_of_a_pickled_job(project):
    config = project.folder / "config" / "text_stats.yaml"
    callback = "    pickle:\n      _target_: hydra.experimental.callbacks.PickleJobInfoCallback\n"
    config.write_text(f"{config.read_text()}hydra:\n  run: {{dir: run}}\n  callbacks:\n{callback}")
    assert project("cc-etl -cp config -cn text_stats context.input_path=notes.txt").code == 0
    (project.folder / "stats.json").unlink()
    done = project("cc-etl --experimental-rerun run/.hydra/config.pickle")
    assert done.code == 0, done.err
    assert (project.folder / "stats.json").exists()


def test_a_warning_of_hydras_is_one_line(project):
    (project.folder / "config" / "old.yaml").write_text("defaults: [/callable: callable]\nx: 1\n")
    done = project("cc-etl-explain -cp config -cn old")
    assert done.code == 0
    assert done.err.startswith("warning: In 'old': Defaults list is missing `_self_`. See https://")
    assert done.err.count("\n") == 1


def test_a_warning_of_a_model_keeps_its_place(project):
    models = project.folder / "my_models.py"
    models.write_text(models.read_text().replace("log.info(", "__import__('warnings').warn("))
    done = project("cc-etl -cp config -cn text_stats context.input_path=notes.txt")
    assert f"{project.folder}/my_models.py:23: UserWarning: counting" in done.err

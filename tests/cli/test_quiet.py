"""No folder and no log file unless the user asks for one."""

import pytest

RECORD = [".hydra/config.yaml", ".hydra/hydra.yaml", ".hydra/overrides.yaml"]


def under(folder, names):
    return [f"{folder}/{name}" for name in names]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("cc-etl", []),
        ("cc-etl hydra.run.dir=out/x", under("out/x", RECORD)),
        ("cc-etl hydra.output_subdir=.hydra", RECORD),
        ("cc-etl hydra.run.dir=out hydra/job_logging=default", under("out", [*RECORD, "cc-etl.log"])),
        ("cc-etl hydra.run.dir=out hydra.job.chdir=true", [*under("out", RECORD), "out/example-output.json"]),
        ("cc-etl -m context.overwrite=true,false", []),
        (
            "cc-etl -m context.overwrite=true,false hydra.sweep.dir=sweep",
            [*under("sweep/0", RECORD), *under("sweep/1", RECORD), "sweep/multirun.yaml"],
        ),
        (
            "cc-etl -m context.overwrite=true,false hydra.sweep.dir=sweep 'hydra.sweep.subdir=job${hydra.job.num}'",
            [*under("sweep/job0", RECORD), *under("sweep/job1", RECORD), "sweep/multirun.yaml"],
        ),
    ],
)
def test_what_is_written_beside_the_result(shell, command, expected):
    assert shell(command).code == 0
    assert sorted({*shell.files()} - {"example-output.json"}) == sorted(expected)


def test_settings_in_the_users_config_win_as_well(project):
    config = project.folder / "config" / "text_stats.yaml"
    config.write_text(f"{config.read_text()}hydra:\n  run:\n    dir: runs/one\n")
    assert project("cc-etl -cp config -cn text_stats context.input_path=notes.txt").code == 0
    assert (project.folder / "runs/one/.hydra/config.yaml").exists()


def test_a_config_can_ask_for_a_sweep_itself(project):
    config = project.folder / "config" / "text_stats.yaml"
    sweep = "hydra:\n  mode: MULTIRUN\n  sweeper:\n    params:\n      context.min_length: 1,4\n"
    config.write_text(config.read_text() + sweep)
    done = project("cc-etl -cp config -cn text_stats context.input_path=notes.txt,notes.txt --json")
    assert done.code == 0, done.err
    assert [line.split("}")[0] for line in done.out.splitlines()] == [
        '{"value":{"words":4',
        '{"value":{"words":4',
        '{"value":{"words":2',
        '{"value":{"words":2',
    ]
    done = project("cc-etl -cp config -cn text_stats context.input_path=notes.txt --json")
    assert done.out.count("\n") == 2


def test_the_output_folder_of_a_job_is_the_working_folder(shell):
    done = shell("cc-etl -m 'context.path=${hydra:runtime.output_dir}/a.json' context.overwrite=true,false")
    assert done.code == 0, done.err
    assert shell.files() == ["a.json"]


def test_log_level_is_hydras_to_set(shell):
    assert "DEBUG" in shell("cc-etl hydra.verbose=ccflow").err

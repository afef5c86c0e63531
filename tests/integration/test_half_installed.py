"""The published connectors in an environment that lacks a part: `pip install --no-deps`, a removal cut short."""

import shutil
import site
import subprocess
import venv
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration


@pytest.fixture
def environment(tmp_path):
    """Makes an environment like this one without the packages that are named, and returns its command `cc-etl`."""

    def make(*without: str):
        folder = tmp_path / "environment"
        venv.create(folder, with_pip=False)
        [packages] = folder.glob("lib/python*/site-packages")
        for path in Path(site.getsitepackages()[0]).iterdir():
            if not path.name.startswith(without):
                (packages / path.name).symlink_to(path)

        def run(arguments: str) -> subprocess.CompletedProcess[str]:
            script = "import sys; from ccflow_etl.cli.run import main; sys.exit(main())"
            command = [str(folder / "bin" / "python"), "-c", script, *arguments.split()]
            return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

        return packages, run

    return make


def test_s3_without_boto3_is_named_and_all_else_runs(environment, tmp_path):
    _, run = environment("boto3", "botocore")
    warning = (
        "warning: connector ccflow-s3 is left out, ccflow_s3.config cannot be imported: "
        "ModuleNotFoundError: No module named 'boto3'"
    )
    done = run("+cache=sqlite callable=/cache/put ~context +context={key:AAA,payload:1}")
    assert (done.returncode, done.stderr) == (0, f"{warning}\n")
    assert (tmp_path / "ccflow-cache.sqlite").exists()

    done = run("+cache=s3")
    assert (done.returncode, done.stdout) == (2, "")
    error = "error: In 'base': Could not find 'cache/s3'; the options of 'cache' are sqlite"
    assert done.stderr.splitlines()[:2] == [warning, error]

    done = run("+store._target_=ccflow_s3.S3CacheStore")
    assert (done.returncode, done.stdout) == (2, "")
    error = "error: store: cannot import ccflow_s3.S3CacheStore: ModuleNotFoundError: No module named 'boto3' ("
    assert done.stderr.splitlines()[1].startswith(error)


def test_a_connector_that_lost_a_file_is_named_and_all_else_runs(environment, tmp_path):
    packages, run = environment("ccflow_db")
    [installed] = [Path(folder) / "ccflow_db" for folder in site.getsitepackages()]
    shutil.copytree(installed, packages / "ccflow_db")
    for info in installed.parent.glob("ccflow_db-*"):
        (packages / info.name).symlink_to(info)
    assert run("context.path=one.json").stderr == ""

    (packages / "ccflow_db" / "base.py").unlink()
    done = run("context.path=two.json")
    assert (done.returncode, done.stderr) == (
        0,
        "warning: connector ccflow-db is left out, ccflow_db.config cannot be imported: "
        "ModuleNotFoundError: No module named 'ccflow_db.base'\n",
    )
    assert (tmp_path / "two.json").exists()

    shutil.rmtree(packages / "ccflow_db")
    assert "connector ccflow-db is left out" in run("context.path=three.json").stderr
    assert (tmp_path / "three.json").exists()

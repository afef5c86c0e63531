"""Config groups of installed connectors, sound, broken and half-installed: wheels that pip has put into a folder."""

import json
import subprocess
import sys
from pathlib import Path
from shutil import rmtree
from zipfile import ZipFile

import pytest

METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: client-that-is-not-installed\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
GROUP = "store:\n  _target_: ccflow_etl.LocalWriteModel\n"
MISSING = "import client_that_is_not_installed"
FORM = "expected 'pkg:' and a package, such as 'pkg:my_connector.config'"


def build(folder: Path, name: str, code: str = "", point: str = "pkg:{name}.config", config: str = "package") -> Path:
    """A connector's wheel; its config is a package, a module or missing."""
    info, wheel = f"{name}-1.0.dist-info", folder / f"{name}-1.0-py3-none-any.whl"
    files = {
        f"{name}/__init__.py": code,
        f"{info}/METADATA": METADATA.format(name=name),
        f"{info}/WHEEL": WHEEL,
        f"{info}/entry_points.txt": f"[hydra.lernaplugins]\n{name} = {point.format(name=name)}\n",
    }
    if config == "package":
        files |= {f"{name}/config/__init__.py": "", f"{name}/config/shelf/{name}.yaml": GROUP}
    elif config == "module":
        files[f"{name}/config.py"] = ""
    with ZipFile(wheel, "w") as opened:
        for path, text in files.items():
            opened.writestr(path, text)
        opened.writestr(f"{info}/RECORD", "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD")))
    return wheel


@pytest.fixture
def installed(tmp_path_factory):
    """Installs wheels with pip, without what they require, and returns the folder that they are in."""

    def install(**connectors: dict[str, str]) -> Path:
        folder, site = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site")
        wheels = [str(build(folder, name, **made)) for name, made in connectors.items()]
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", "--no-index", "--target", str(site), *wheels], check=True)
        return site

    return install


def test_a_connectors_group_can_be_chosen(project, installed):
    site = installed(conn_good={})
    done = project("cc-etl-explain +shelf=conn_good", PYTHONPATH=str(site))
    assert (done.code, done.err) == (0, "")
    assert "shelf:\n  store:\n    _target_: ccflow_etl.LocalWriteModel" in done.out


BROKEN = {
    "conn_dependency": ({"code": MISSING}, "ModuleNotFoundError: No module named 'client_that_is_not_installed'"),
    "conn_raises": ({"code": "raise RuntimeError('no licence\\nfound')"}, "RuntimeError: no licence"),
    "conn_exits": ({"code": "raise SystemExit('no licence')"}, "SystemExit: no licence"),
    "conn_syntax": ({"code": "def ("}, "SyntaxError: invalid syntax (__init__.py, line 1)"),
    "conn_no_config": ({"config": "missing"}, "ModuleNotFoundError: No module named 'conn_no_config.config'"),
    "conn_removed": ({}, "ModuleNotFoundError: No module named 'conn_removed'"),
}
MALFORMED = ["pkg:", "pkg:.config", "pkg://conn_0.config", "pkg:conn config", "pkg:conn:config", "not an object"]


def test_broken_connectors_are_named_in_a_line_each_and_left_out(project, installed):
    broken = {name: made for name, (made, _) in BROKEN.items()}
    broken |= {f"conn_{number}": {"point": point, "code": MISSING} for number, point in enumerate(MALFORMED)}
    broken["conn_module"] = {"config": "module"}
    site = installed(conn_good={}, **broken)
    rmtree(site / "conn_removed")
    told = {name: f"{name}.config cannot be imported: {reason}" for name, (_, reason) in BROKEN.items()}
    told |= {f"conn_{number}": f"its entry point is {point!r}; {FORM}" for number, point in enumerate(MALFORMED)}
    told["conn_module"] = "conn_module.config is a module; expected a package, the folder of its configs"
    warnings = [f"warning: connector {name} is left out, {told[name]}" for name in sorted(told)]

    done = project("cc-etl +shelf=conn_good context.path=out.json", PYTHONPATH=str(site))
    assert done.code == 0
    assert done.err.splitlines() == warnings
    assert (project.folder / "out.json").exists()

    done = project("cc-etl +shelf=conn_dependency", PYTHONPATH=str(site))
    assert done.code == 2
    assert done.err.splitlines()[: len(warnings) + 1] == [
        *warnings,
        "error: In 'base': Could not find 'shelf/conn_dependency'; the options of 'shelf' are conn_good",
    ]


def test_a_model_of_a_broken_connector_is_told_with_the_line_that_fails(project, installed):
    site = installed(conn_bad={"code": MISSING})
    done = project("cc-etl +store._target_=conn_bad.Store", PYTHONPATH=str(site))
    assert done.code == 2
    assert done.err.splitlines()[1:] == [
        "error: store: cannot import conn_bad.Store: "
        f"ModuleNotFoundError: No module named 'client_that_is_not_installed' ({site}/conn_bad/__init__.py, line 1)"
    ]


def test_the_distribution_is_named_where_pip_knows_the_connector_by_another_name(project, installed):
    site = installed(conn_bad={"code": MISSING})
    points = site / "conn_bad-1.0.dist-info" / "entry_points.txt"
    points.write_text(points.read_text().replace("conn_bad =", "shelves ="))
    done = project("cc-etl", PYTHONPATH=str(site))
    assert done.err.startswith("warning: connector shelves (of conn_bad) is left out, conn_bad.config cannot be")


@pytest.mark.parametrize("damage", [b"[hydra.lernaplugins]\nconn_bad\n", b"[hydra.lernaplugins]\nconn_bad = \xff\n"])
def test_a_distribution_that_keeps_python_from_finding_plugins_is_named(project, installed, damage):
    """Nothing can run then: pydantic looks for plugins in all distributions as well."""
    site = installed(conn_bad={})
    (site / "conn_bad-1.0.dist-info" / "entry_points.txt").write_bytes(damage)
    done = project("cc-etl", PYTHONPATH=str(site))
    assert done.code == 2
    assert done.err.startswith("error: the entry_points.txt of conn_bad cannot be read: ")
    assert done.err.endswith("hint: install conn_bad anew, or remove it\n")


def test_what_a_connector_prints_is_not_in_the_commands_output(project, installed):
    site = installed(conn_loud={"code": "print('welcome')"})
    done = project("cc-etl --json +shelf=conn_loud", PYTHONPATH=str(site))
    assert (done.code, done.err) == (0, "welcome\n")
    assert json.loads(done.out)["status"] == "written"


def test_other_kinds_of_entry_points_are_not_ours(project, installed):
    site = installed(conn_class={"code": "raise RuntimeError", "point": "{name}:Plugin"})
    assert project("cc-etl", PYTHONPATH=str(site)).err == ""


def test_the_users_files_hide_a_connectors(project, installed):
    site = installed(conn_good={})
    group = project.folder / "config" / "shelf"
    group.mkdir()
    (group / "conn_good.yaml").write_text("mine: 1\n")
    done = project("cc-etl-explain -cp config -cn text_stats +shelf=conn_good", PYTHONPATH=str(site))
    assert "shelf:\n  mine: 1\n" in done.out

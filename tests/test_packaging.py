"""The built wheel: what is in it, and what its metadata promises."""

import ast
import configparser
import re
import sys
import tomllib
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.build import build_wheel

import ccflow_etl

ROOT = Path(__file__).parents[1]
NOT_FOR_USERS = {"browser", "dev", "fuzz", "integration"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)  # a build backend is called in the project's folder
        name = build_wheel(str(folder))
    with ZipFile(folder / name) as opened:
        yield opened


def metadata(wheel: ZipFile, name: str) -> str:
    return wheel.read(f"ccflow_etl-{ccflow_etl.__version__}.dist-info/{name}").decode()


def test_it_holds_the_package_and_nothing_else(wheel):
    folders = {name.partition("/")[0] for name in wheel.namelist()}
    assert folders == {"ccflow_etl", f"ccflow_etl-{ccflow_etl.__version__}.dist-info"}


@pytest.mark.parametrize("pattern", ["*.py", "*.pyi", "*.yaml", "*.html", "*.css", "py.typed"])
def test_it_holds_every_file_of_a_kind(wheel, pattern):
    in_tree = {path.relative_to(ROOT).as_posix() for path in (ROOT / "ccflow_etl").rglob(pattern)}
    assert in_tree
    assert in_tree <= set(wheel.namelist())


def test_it_holds_no_leftovers(wheel):
    assert not [name for name in wheel.namelist() if "test_" in name or "__pycache__" in name or name.endswith(".pyc")]


def test_its_metadata(wheel):
    found = Parser().parsestr(metadata(wheel, "METADATA"))
    assert (found["Name"], found["Version"]) == ("ccflow-etl", "1.0.0")
    assert found["Requires-Python"] == ">=3.11"
    assert found["License-Expression"] == "Apache-2.0"
    assert {"dask", "object-store", "plot", "examples", "dev"} <= set(found.get_all("Provides-Extra"))
    assert "Apache License" in metadata(wheel, "licenses/LICENSE")


def test_it_requires_what_it_imports_and_nothing_else(wheel):
    required = Parser().parsestr(metadata(wheel, "METADATA")).get_all("Requires-Dist")
    modules = {"hydra-core": "hydra", "pyyaml": "yaml"}
    named = {
        modules.get(name, name.replace("-", "_")): "extra ==" in line
        for line in required
        for name in re.findall(r"^[\w-]+", line)
    }
    always = {name for name, extra in named.items() if not extra}
    found = set()
    for path in (ROOT / "ccflow_etl").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(str(node.module).partition(".")[0])
    found -= sys.stdlib_module_names | {"ccflow_etl"}
    assert always <= found
    # pydantic pins the first, the second is there in a notebook and the third where distributed is
    assert found - named.keys() == {"pydantic_core", "IPython", "psutil"}


def test_its_entry_points(wheel):
    found = configparser.ConfigParser()
    found.read_string(metadata(wheel, "entry_points.txt"))
    assert dict(found["console_scripts"]) == {
        "cc-etl": "ccflow_etl.cli.run:main",
        "cc-etl-explain": "ccflow_etl.cli.explain:main",
        "cc-etl-plan": "ccflow_etl.cli.plan:main",
    }
    assert dict(found["hydra.lernaplugins"]) == {"ccflow-etl": "pkg:ccflow_etl.config"}


def test_the_constraints_pin_what_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *extras["dev"], *extras["examples"], *extras["plot"], *extras["browser"]]
    names = {line.split(">")[0].lower().replace("_", "-") for line in asked if not line.startswith("ccflow-etl[")}
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines}
    assert all(line.count("==") == 1 and " " not in line for line in lines)
    assert names <= pinned
    assert "ccflow-etl" not in pinned


def test_the_lowest_versions_that_are_promised_are_those_that_are_tested():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [lines for name, lines in project["optional-dependencies"].items() if name not in {*NOT_FOR_USERS, "dask"}]
    asked = [re.split("[<,]", line)[0] for line in sum(extras, project["dependencies"])]
    promised = {line.replace(">=", "==").replace("_", "-") for line in asked}
    lowest = [line for line in (ROOT / "constraints-lowest.txt").read_text().splitlines() if not line.startswith("#")]
    pins = {re.sub(r"(\.0)+$", "", line) for line in lowest}
    assert {re.sub(r"(\.0)+$", "", line) for line in promised} <= pins
    assert all(re.fullmatch(r"[\w-]+==[\d.]+", line) for line in lowest)

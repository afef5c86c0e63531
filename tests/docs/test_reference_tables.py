"""The tables of the README: flags as `--help` has them, config groups as they are packaged."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import ccflow_etl

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = ("cc-etl", "cc-etl-explain", "cc-etl-plan")


def rows(section: str) -> list[list[str]]:
    text = README.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]


@pytest.fixture(scope="module")
def helps(scripts):
    return {
        command: subprocess.run([f"{scripts}/{command}", "--help"], capture_output=True, text=True, check=True).stdout
        for command in COMMANDS
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_the_flags_of_a_command_are_those_of_its_help(helps, command):
    told = re.findall(r"^  (--\S+(?: \S+)*)  ", helps[command], re.MULTILINE)
    table = {cells[0].strip("`"): cells[1:4] for cells in rows("Commands") if cells[0].startswith("`--")}
    assert len(told) > 8
    assert {flag for flag, has in table.items() if has[COMMANDS.index(command)] == "yes"} == set(told)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_arguments_are_those_of_the_help(helps, command):
    told = re.findall(
        r"^  ((?:\+|~)?[a-z]+(?:=[a-z/]+)?) {2,}\S.*? {2,}?(\S+)$|^  (callable=/path) .*?(\S+)$",
        helps[command],
        re.MULTILINE,
    )
    table = {
        (cells[0].strip("`"), cells[2].strip("`"))
        for cells in rows("Commands")
        if re.match(r"`[+~\w]+", cells[0]) and "--" not in cells[0]
    }
    assert {(one or other, example or last) for one, example, other, last in told} >= table
    assert len(table) == 5


def test_every_packaged_option_has_a_row():
    folder = Path(ccflow_etl.__file__).parent / "config"
    packaged = {str(file.relative_to(folder).with_suffix("")).replace("/", "=") for file in folder.rglob("*.yaml")}
    assert {cells[0].strip("`") for cells in rows("Config groups")} - {"option", "---"} == packaged


def test_every_calendar_of_the_packaged_group_is_named():
    packaged = (Path(ccflow_etl.__file__).parent / "config" / "calendars" / "default.yaml").read_text()
    (row,) = [cells[1] for cells in rows("Config groups") if cells[0] == "`calendars=default`"]
    assert re.search("`([a-z_ ]+)`", row)[1].split() == re.findall(r"^(\w+):$", packaged, re.MULTILINE)


def test_every_extra_is_in_the_table():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"].keys()
    assert {cells[0].strip("`") for cells in rows("Install")} - {"extra", "---"} == extras - {"integration"}


def test_the_performance_table_is_short_and_names_commands_that_exist():
    assert 0 < len(rows("Performance")[2:]) <= 12
    named = re.findall(r"benchmarks/\S+\.py", README)
    assert named
    assert [file for file in named if not (ROOT / file).is_file()] == []

"""docs/architecture.md: its rooms are those of the package, and a run enters its functions in their order."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ROOMS = {folder.parent.name for folder in (ROOT / "ccflow_etl").glob("*/__init__.py")}
TRACED = re.findall(r"^\| (\w+) \| \[`([\w.]+)`\]\(\.\./ccflow_etl/([\w/.]+)\) \|", PAGE, re.MULTILINE)

FIRST_ENTERED = """
import sys
from ccflow_etl.cli.run import main

seen = set()
place = f"{sys.modules['ccflow_etl'].__path__[0]}/"


def note(frame, event, _):
    code = frame.f_code
    entered = (code.co_filename.removeprefix(place), code.co_qualname)
    if event == "call" and code.co_filename.startswith(place) and entered not in seen:
        seen.add(entered)
        print(*entered, file=sys.stderr, flush=True)


sys.argv = ["cc-etl", "--config-path", "config", "--config-name", "words"]
sys.setprofile(note)
main()
"""


def test_the_rooms_of_the_page_are_those_of_the_package():
    assert set(re.findall(r"^\| \[`(\w+)/`\]", PAGE, re.MULTILINE)) == ROOMS


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_room_imports_what_the_page_says(room):
    sources = "\n".join(file.read_text() for file in (ROOT / "ccflow_etl" / room).rglob("*.py"))
    imported = re.findall(r"^ *from (?:\.\.|ccflow_etl\.)(\w+)", sources, re.MULTILINE)
    (cells,) = [line.split("|") for line in PAGE.splitlines() if line.startswith(f"| [`{room}/`]")]
    assert set(re.findall(r"`(\w+)`", cells[4])) == set(imported) & ROOMS - {room}


def test_the_rooms_of_the_drawing_are_those_of_the_package():
    drawing = ElementTree.parse(ROOT / "docs" / "architecture.svg")
    drawn = {found.text for found in drawing.iter("{http://www.w3.org/2000/svg}text") if found.get("class") == "room"}
    assert drawn - {"Your project"} == ROOMS


@pytest.fixture(scope="module")
def entered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("words")
    (folder / "config").mkdir()
    (folder / "config" / "words.yaml").write_text(re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[1])
    (folder / "notes.txt").write_text("To be, or not to be.")
    done = subprocess.run([sys.executable, "-c", FIRST_ENTERED], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout == "2 steps: 2 succeeded\n"
    return done.stderr.splitlines()


def test_the_run_goes_the_listed_way(entered):
    assert len(TRACED) > 20
    listed = [f"{file} {function}" for _, function, file in TRACED]
    assert [line for line in entered if line in listed] == listed


def test_each_function_of_the_run_is_in_the_room_it_is_listed_in():
    assert [(room, file) for room, _, file in TRACED if room != Path(file).parts[0]] == []

"""The notebooks run from a clean kernel in an empty folder, and are kept without what running them leaves."""

import re
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def test_there_are_notebooks():
    assert [path.name[:3] for path in NOTEBOOKS] == ["01_", "02_", "03_", "04_"]


def test_the_readme_has_a_line_for_each_that_begins_with_its_title():
    listed = re.findall(r"^\| \[(.+)\]\((.+)\) \| (.+?):", (FOLDER / "README.md").read_text(), re.MULTILINE)
    titles = [nbformat.read(path, as_version=4).cells[0].source.splitlines()[0] for path in NOTEBOOKS]
    assert listed == [
        (path.name, path.name, title.removeprefix("# ")) for path, title in zip(NOTEBOOKS, titles, strict=True)
    ]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


# The kernel talks to this process over loopback and says at each start that it does so without encryption.
@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_it_runs_without_a_warning_and_writes_nowhere_else(notebook, tmp_path, monkeypatch):
    work, elsewhere = tmp_path / "work", tmp_path / "elsewhere"
    for folder in (work, elsewhere):
        folder.mkdir()
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "kernel"))
    for variable in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(variable, str(elsewhere))
    kept = [path.read_bytes() for path in NOTEBOOKS]
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(work)}}).execute()
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert outputs
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    assert list(elsewhere.iterdir()) == []
    assert [path.read_bytes() for path in NOTEBOOKS] == kept


def test_its_outputs_are_stripped(notebook):
    assert all(cell.execution_count is None and not cell.outputs for cell in code_cells(notebook))


def test_its_metadata_are_the_same_whoever_saved_it(path, notebook):
    nbformat.validate(notebook)
    assert notebook.metadata == METADATA
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert [cell.metadata for cell in notebook.cells] == [{}] * len(notebook.cells)
    assert path.read_text(encoding="utf-8") == nbformat.writes(notebook) + "\n"


def test_it_knows_nothing_of_a_machine_or_of_the_day(path):
    assert re.findall(r"/(?:home|root|tmp|Users|mnt|var)\b|[A-Z]:\\\\", path.read_text()) == []
    assert re.findall(r"\b(?:now|today|utcnow)\(|\brandom\b", path.read_text()) == []


def test_it_has_a_title_and_words_before_each_cell(notebook):
    first, *rest = notebook.cells
    assert re.match(r"# \S.*\n\n\S", first.source)
    assert not [cell.source for cell in rest if cell.cell_type == "markdown" and cell.source.startswith("# ")]
    silent = [
        after.source for before, after in pairwise(notebook.cells) if before.cell_type == after.cell_type == "code"
    ]
    assert silent == []


def test_it_is_read_in_ten_minutes(notebook):
    words = sum(len(cell.source.split()) for cell in notebook.cells if cell.cell_type == "markdown")
    lines = sum(bool(line.strip()) for cell in code_cells(notebook) for line in cell.source.splitlines())
    assert words / 200 + lines / 40 < 10


def test_what_it_says_is_checked_by_its_cells(notebook):
    assert sum("assert" in cell.source for cell in code_cells(notebook)) >= 3

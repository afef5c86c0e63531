"""docs/api: the committed pages are those that `make docs` writes, and have every public name."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import ccflow_etl

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {page.name: page.read_text(encoding="utf-8") for page in (DOCS / "api").glob("*.md")}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("api")
    subprocess.run([sys.executable, DOCS / "generate", "--output", folder], check=True)
    return {page.name: page.read_text(encoding="utf-8") for page in folder.glob("*.md")}


def test_the_same_pages_are_written(written):
    assert written.keys() == PAGES.keys()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_says_what_the_docstrings_say(written, name):
    assert written[name].splitlines() == PAGES[name].splitlines(), "make docs writes it anew"


@pytest.mark.parametrize("name", [name for name in ccflow_etl.__all__ if not name.startswith("_")])
def test_a_public_name_has_one_entry(name):
    assert sum(f"\n## {name}\n" in text for text in PAGES.values()) == 1


@pytest.mark.parametrize("name", sorted(PAGES))
def test_nothing_of_a_docstring_is_left_unread(name):
    prose = re.sub(r"^```.*?^```$|`[^`\n]+`", "", PAGES[name], flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r"``|:\w+:`|^\.\. |^(?:Args|Raises|Returns|Attributes):|Undefined", prose, re.MULTILINE) == []

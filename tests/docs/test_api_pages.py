"""docs/api: the committed pages are those that `make docs` writes, and have every public name."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import ccflow_etl

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {page.name: page.read_text(encoding="utf-8") for page in (DOCS / "api").glob("*.md")}


def test_the_pages_say_what_signatures_and_docstrings_say(tmp_path):
    subprocess.run([sys.executable, DOCS / "generate", "--output", tmp_path], check=True)
    written = {page.name: page.read_text(encoding="utf-8") for page in tmp_path.glob("*.md")}
    assert written.keys() == PAGES.keys()
    for name, text in written.items():
        assert text.splitlines() == PAGES[name].splitlines(), f"make docs writes {name} anew"


@pytest.mark.parametrize("name", [name for name in ccflow_etl.__all__ if not name.startswith("_")])
def test_a_public_name_has_one_entry(name):
    assert sum(f"\n## {name}\n" in text for text in PAGES.values()) == 1


@pytest.mark.parametrize("name", sorted(PAGES))
def test_nothing_of_a_docstring_is_left_unread(name):
    prose = re.sub(r"^```.*?^```$|`[^`\n]+`", "", PAGES[name], flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r"``|:\w+:`|^\.\. |^(?:Args|Raises|Returns|Attributes):|Undefined", prose, re.MULTILINE) == []

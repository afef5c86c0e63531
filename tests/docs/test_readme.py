"""The README, run from top to bottom in an empty folder; what is run of it is said in conftest.py."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"


def test_every_block_runs_and_prints_what_it_says(run_page):
    run_page(README)


@pytest.mark.parametrize("target", ["demo", "test"])
def test_it_opens_with_the_two_commands(target):
    opening = "\n".join(README.read_text(encoding="utf-8").splitlines()[:20])
    assert f"make {target}" in opening
    assert re.search(rf"^{target}:.*## ", (README.parent / "Makefile").read_text(), re.MULTILINE)

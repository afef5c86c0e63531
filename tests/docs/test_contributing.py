"""CONTRIBUTING.md lists the commands that there are."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_commands_are_those_of_make():
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    listed = re.findall(r"^\| `make ([a-z-]+)`", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert sorted(re.findall(r"^  ([a-z-]+) ", shown, re.MULTILINE)) == sorted(listed)
    phony = next(line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith(".PHONY:"))
    assert phony.split()[1:] == [*dict.fromkeys(phony.split()[1:])]
    assert set(phony.split()[1:]) == set(listed)

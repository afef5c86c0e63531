"""The README, run from top to bottom in an empty folder.

Blocks of ``bash`` and ``python`` are run as they are written. A ``text`` block right behind one of them is what it
prints (``...`` stands for anything); other blocks are only read.
"""

import doctest
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
FENCED = re.compile(r"^```(\w*)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
INTERPRETERS = {"bash": ["bash", "-euo", "pipefail", "-c"], "python": ["python", "-c"]}
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@dataclass(frozen=True)
class Block:
    line: int
    language: str
    code: str
    output: str | None


def read_blocks(text: str) -> list[Block]:
    found = list(FENCED.finditer(text))
    blocks = []
    for this, following in zip(found, [*found[1:], None], strict=True):
        if this[1] not in INTERPRETERS:
            continue
        follows = following is not None and following[1] == "text" and not text[this.end() : following.start()].strip()
        line = text.count("\n", 0, this.start()) + 2
        blocks.append(Block(line, this[1], this[2], following[2] if follows else None))
    return blocks


def run(block: Block, folder: Path, scripts: Path) -> subprocess.CompletedProcess[str]:
    command = (
        ["bash", "-euo", "pipefail", "-c", block.code] if block.language == "bash" else ["python", "-c", block.code]
    )
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "80"}
    return subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def test_every_block_runs_and_prints_what_it_says(tmp_path, scripts):
    blocks = read_blocks(README.read_text(encoding="utf-8"))
    assert {block.language for block in blocks} == INTERPRETERS.keys()
    for block in blocks:
        done = run(block, tmp_path, scripts)
        where = f"README.md, line {block.line}"
        assert done.returncode == 0, f"{where}\n{block.code}\n{done.stdout}"
        if block.output is not None and not doctest.OutputChecker().check_output(block.output, done.stdout, FLAGS):
            pytest.fail(f"{where}\n{block.code}\nis said to print\n{block.output}\nand prints\n{done.stdout}")


@pytest.mark.parametrize("target", ["demo", "test"])
def test_it_opens_with_the_two_commands(target):
    opening = "\n".join(README.read_text(encoding="utf-8").splitlines()[:20])
    assert f"make {target}" in opening
    assert re.search(rf"^{target}:.*## ", (README.parent / "Makefile").read_text(), re.MULTILINE)


def test_its_links_into_the_project_lead_somewhere():
    prose = FENCED.sub("", README.read_text(encoding="utf-8"))
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", prose)
    assert links
    assert [link for link in links if not (README.parent / link).exists()] == []

"""Pages of documentation, run from top to bottom in an empty folder.

Blocks of ``bash`` and ``python`` are run as they are written. A ``text`` block right behind one of them is what it
prints (``...`` stands for anything); other blocks are only read.
"""

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.warm import run_warm

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


@pytest.fixture
def run_page(tmp_path: Path, scripts: Path) -> Callable[..., None]:
    """Runs a page, with more in the environment, and fails at the first block that does not print what it says."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "80"}

    def run(page: Path, **more: str) -> None:
        blocks = read_blocks(page.read_text(encoding="utf-8"))
        assert blocks
        for block in blocks:
            argv = [*INTERPRETERS[block.language], block.code]
            if block.language == "python" and scripts == Path(sys.executable).parent:
                done = run_warm(argv, tmp_path, environment | more, merged=True)
            else:
                done = subprocess.run(
                    argv,
                    cwd=tmp_path,
                    env=environment | more,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    check=False,
                )
            where = f"{page.name}, line {block.line}"
            assert done.returncode == 0, f"{where}\n{block.code}\n{done.stdout}"
            if block.output is not None and not doctest.OutputChecker().check_output(block.output, done.stdout, FLAGS):
                pytest.fail(f"{where}\n{block.code}\nis said to print\n{block.output}\nand prints\n{done.stdout}")

    return run

"""Every exception from a check says why it is one."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
# What tests/typing marks are mistakes that a type checker has to see, which is what the file is for.
FILES = [
    path
    for folder in ("ccflow_etl", "tests", "benchmarks", "docs")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "typing" not in path.relative_to(ROOT).parts and path != Path(__file__)
]
EXCEPTION = re.compile(r"#\s*(?:noqa|type:\s*ignore|pragma:)[^#]*")


def without_a_reason(line: str) -> bool:
    """Whether a line has an exception with no comment, or word in brackets or behind a dash, after it."""
    found = EXCEPTION.search(line)
    return found is not None and not re.search(r"[#(]|\s-\s", line[found.start() + 1 :])


def test_a_line_is_judged_by_what_follows():
    assert without_a_reason("x = 1  # noqa: B018")
    assert without_a_reason("x = 1  # type: ignore")
    assert not without_a_reason("x = 1  # noqa: B018 # it raises")
    assert not without_a_reason("x = 1  # noqa: B018 - it raises")
    assert not without_a_reason("x = 1")


def test_an_exception_has_a_reason():
    wrong = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in FILES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if without_a_reason(line)
    ]
    assert wrong == []

"""The mutants that mutation testing makes: each parses, differs from the code, and has a name of its own."""

import ast
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ENGINES = sorted((HERE.parents[1] / "ccflow_etl" / "calendars").glob("*.py"))


@pytest.fixture(scope="module")
def mutants():
    sys.path.insert(0, str(HERE))
    import mutants

    yield mutants.mutants
    sys.path.remove(str(HERE))


def changes(mutants, source):
    """The changed sources of a module."""
    original = source.encode()
    return [one.source(original).decode() for one in mutants("some.py", original)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", ["(a <= b)"]),
        ("a < b < c", ["(a <= b < c)", "(a < b <= c)"]),
        ("x = a and b", ["x = (a or b)"]),
        ("x = not a", ["x = (a)"]),
        ("x = a - 1", ["x = (a + 1)", "x = a - (2)"]),
        ("x += 1", ["x -= 1", "x += (2)"]),
        ("x = 'é'", ["x = ('')"]),
        ("x = f'{a}'", ["x = ('')"]),
        ("f(a, b=c)", ["pass", "(f(a))"]),
        ("x = a if b else c", ["x = a if (not (b)) else c"]),
        ("if a:\n    f()", ["if (not (a)):\n    f()", "if a:\n    pass"]),
        ("x = [a for a in b if a]", ["x = [a for a in b if (not (a))]"]),
        ("def f():\n    return a", ["def f():\n    return None"]),
        ("while a:\n    break", ["while (not (a)):\n    break", "while a:\n    continue"]),
        ("raise a", ["pass"]),
    ],
)
def test_what_is_changed(mutants, source, expected):
    assert changes(mutants, source) == expected


@pytest.mark.parametrize(
    "source",
    [
        '"""A docstring."""',
        "def f(a: 'b') -> 'c':\n    '''A docstring.'''\n    return None",
        "if TYPE_CHECKING:\n    f()",
        "x: 'y'",
        "__all__ = ['a']",
        "x = Field(description='a')",
    ],
)
def test_what_does_not_run_is_left_alone(mutants, source):
    assert changes(mutants, source) == []


def test_every_mutant_parses_and_has_a_name_of_its_own(mutants):
    names = set()
    for path in ENGINES:
        original = path.read_bytes()
        found = mutants(path.name, original)
        names.update(one.name for one in found)
        for one in found[::20]:
            assert ast.dump(ast.parse(one.source(original))) != ast.dump(ast.parse(original)), one.name
    assert len(names) == sum(len(mutants(path.name, path.read_bytes())) for path in ENGINES)


def test_a_name_stays_when_other_lines_change(mutants):
    before = mutants("some.py", b"def f(a):\n    return a + 1\n")
    after = mutants("some.py", b"X = 0\n\n\ndef f(a):\n    b = 2\n    return a + 1\n")
    assert {one.name for one in before} < {one.name for one in after}


def test_what_is_accepted_as_equivalent_is_a_mutant_and_has_a_reason(mutants):
    lines = (HERE / "equivalent.txt").read_text(encoding="utf-8").splitlines()
    names, reasons = lines[::2], lines[1::2]
    assert len(set(names)) == len(names) == len(reasons)
    assert all(reason.startswith("    ") and reason.endswith(".") for reason in reasons)
    for path in {name.split("::")[0] for name in names}:
        known = {one.name for one in mutants(path, (HERE.parents[1] / path).read_bytes())}
        assert {name for name in names if name.startswith(f"{path}::")} <= known

"""The house stands as CONTRIBUTING.md draws it: imports point one way, heavy libraries wait, modules stay small."""

import ast
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path
from typing import NamedTuple, TypeGuard

import pytest

import ccflow_etl

PACKAGE = Path(ccflow_etl.__file__).parent
ROOMS = sorted(path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__")
ENGINES = {"calendars", "codecs", "stores", "execution"}

# The table of CONTRIBUTING.md: what of ours each room may import. "" is the package itself: the public names.
MAY_IMPORT: dict[str, set[str]] = {
    "pages": set(),
    "calendars": {"pages"},
    "codecs": set(),
    "stores": set(),
    "execution": set(),
    "models": ENGINES | {"pages"},
    "config": set(),
    "cli": {"", "config", "pages", "execution.error_text", "execution.progress"}
    | {"models.run_facts", "models.run_page", "stores.atomic", "stores.folders"},
    "examples": {""},
    "testing": ENGINES | {"models"},
    "plotting": {"calendars"},
}

HYDRA = {"hydra", "omegaconf"}
HEAVY = {"dask", "distributed", "jinja2", "matplotlib", "pandas", "pyarrow", "rich"} | HYDRA
# The rooms and modules that are themselves imported no earlier than what they need.
AT_ONCE: dict[str, set[str]] = {
    "cli": HYDRA,
    "config.compose": HYDRA,
    "execution.dask_cargo": {"distributed"},
    "execution.dask_pool": {"distributed"},
    "testing.frames": {"pandas"},
}

# A calendar's operators make calendars of other modules, which are its subclasses.
MAKES = {("calendars.calendar", f"calendars.{name}") for name in ("algebra", "builtin", "shifts")}
# What a notebook shows of an object is made in the module of such cards, when it is asked for.
CARDS = {"calendars.cards", "models.cards"}


class Import(NamedTuple):
    """One line that imports a module."""

    path: Path
    line: int
    of: str
    at_once: bool

    @property
    def by(self) -> str:
        return module_of(self.path)

    def __str__(self) -> str:
        return f"{self.path.relative_to(PACKAGE.parent)}:{self.line} imports {self.of}"


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def typing_only(node: ast.AST) -> TypeGuard[ast.If]:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def imported(path: Path, package: str, body: Iterable[ast.AST], at_once: bool = True) -> Iterator[Import]:
    """Every import that runs; those inside functions run later."""
    for node in body:
        if isinstance(node, ast.Import):
            yield from (Import(path, node.lineno, alias.name, at_once) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:  # `from . import checks` names a module, `from .checks import check` does not
                named = PACKAGE.parent / origin.replace(".", "/") / f"{alias.name}.py"
                yield Import(path, node.lineno, f"{origin}.{alias.name}" if named.exists() else origin, at_once)
        else:
            later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            below = node.orelse if typing_only(node) else ast.iter_child_nodes(node)
            yield from imported(path, package, below, at_once and not later)


def imports_of(path: Path) -> Iterator[Import]:
    package = ".".join(path.relative_to(PACKAGE.parent).parent.parts)
    yield from imported(path, package, ast.parse(path.read_text()).body)


MODULES = sorted(PACKAGE.rglob("*.py"))
IMPORTS = [each for path in MODULES for each in imports_of(path)]


def room(module: str) -> str:
    """The room of one of our modules; the package itself is "" ."""
    return f"{module}.".split(".")[1]


def test_every_room_is_in_the_table():
    assert set(MAY_IMPORT) == set(ROOMS)


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_imports_only_what_the_table_allows(name):
    ours = [each for each in IMPORTS if room(each.by) == name and each.of.split(".")[0] == "ccflow_etl"]
    allowed = MAY_IMPORT[name] | {name}
    wrong = [
        f"{each}: {name} may import {sorted(MAY_IMPORT[name]) or 'nothing'} of ours"
        for each in ours
        if not {room(each.of), each.of.removeprefix("ccflow_etl.")} & allowed
    ]
    assert wrong == []


def test_only_the_commands_and_the_configuration_know_hydra():
    wrong = [str(each) for each in IMPORTS if each.of.split(".")[0] in HYDRA and room(each.by) not in {"cli", "config"}]
    assert wrong == []


def test_heavy_libraries_are_imported_inside_functions():
    wrong = {
        str(each): library
        for each in IMPORTS
        if each.at_once and (library := each.of.split(".")[0]) in HEAVY
        if not any(library in AT_ONCE.get(name, ()) for name in (room(each.by), each.by.removeprefix("ccflow_etl.")))
    }
    assert wrong == {}


@pytest.mark.parametrize(("name", "libraries"), AT_ONCE.items())
def test_what_may_be_imported_at_once_is(name, libraries):
    used = {
        each.of.split(".")[0] for each in IMPORTS if each.at_once and f"{each.by}.".startswith(f"ccflow_etl.{name}.")
    }
    assert libraries <= used, "the exception is not needed any more"


def test_no_modules_import_each_other():
    graph: dict[str, set[str]] = {}
    for each in IMPORTS:
        ends = each.by.removeprefix("ccflow_etl."), each.of.removeprefix("ccflow_etl.")
        shows = ends[1] in CARDS and not each.at_once
        if ends not in MAKES and not shows and each.by.startswith("ccflow_etl.") and each.of.startswith("ccflow_etl."):
            graph.setdefault(ends[0], set()).add(ends[1])
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"these import each other: {' <- '.join(error.args[1])}")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_holds_one_idea(path):
    assert len(path.read_text().splitlines()) <= 300, "past 300 lines a module holds two ideas: give one its own file"

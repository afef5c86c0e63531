"""What all benchmarks share: the comparison, the size of a run, and the tables at its end."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import results
from benchmarks.processes import in_a_new_process
from benchmarks.ratios import Comparison, Row

ROWS = pytest.StashKey[list[Row]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("ratios")
    group.addoption("--record", action="store_true", help="write the tables to the results, for whole files only")
    group.addoption("--gate", action="store_true", help="fail where a ratio is worse than in the results")
    group.addoption("--results", type=Path, default=results.RESULTS, help="the results (default: %(default)s)")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ROWS] = []
    if config.option.record and (config.option.keyword or any("::" in argument for argument in config.args)):
        raise pytest.UsageError("--record replaces the tables of whole files: leave out -k and ::")
    if (config.option.record or config.option.gate) and config.option.benchmark_disable:
        raise pytest.UsageError("--record and --gate need the full sizes: leave out --benchmark-disable")


@pytest.fixture(scope="session")
def full(pytestconfig: pytest.Config) -> bool:
    """Whether sizes and bounds are those of the tables, or with --benchmark-disable, small ones that hold anywhere."""
    return not pytestconfig.option.benchmark_disable


@pytest.fixture(scope="session")
def alone(full: bool) -> Callable[..., Any]:
    """Calls a function with arguments in a process that it has for itself; in small runs, where only that it works
    matters, in this one.
    """
    return in_a_new_process if full else lambda function, *arguments: function(*arguments)


@pytest.fixture
def compare(request: pytest.FixtureRequest, full: bool) -> Comparison:
    """Sets ours beside other ways: see Comparison."""
    config = request.config
    committed = results.read(config.option.results) if config.option.gate else None
    engine = request.path.stem.removeprefix("bench_")
    return Comparison(
        engine,
        f"{request.path.name}::{request.node.name}",
        full,
        config.stash[ROWS],
        lambda row: None if committed is None else results.regression(row, committed),
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    rows = config.stash[ROWS]
    if not rows or config.option.benchmark_disable:
        return
    found = results.tables(rows, results.environment())
    terminalreporter.write_line("")
    terminalreporter.write_line(results.markdown(found))
    if config.option.record:
        results.write(config.option.results, found)
        terminalreporter.write_line(f"written to {config.option.results.name}, as Markdown too")

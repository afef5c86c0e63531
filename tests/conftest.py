"""What all tests share: how hard hypothesis tries, where matplotlib writes, whose commands are run, a terminal, S3."""

import importlib
import os
import select
import signal
import subprocess
import sys
import textwrap
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from pathlib import Path
from types import ModuleType

import coverage
import pytest
from hypothesis import is_hypothesis_test, settings

# HYPOTHESIS_PROFILE=nightly python -m pytest tests -q
# No deadlines: a busy machine is not a failure. Each run of the quick one draws other examples.
settings.register_profile("quick", deadline=None, max_examples=100)
settings.register_profile("nightly", deadline=None, max_examples=2_000)
settings.register_profile("mutation", deadline=None, max_examples=25, derandomize=True, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

# A job that a script starts in the background ignores interrupts, and so would what the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# It keeps its list of fonts in the home folder otherwise.
os.environ.setdefault("MPLCONFIGDIR", str(Path(__file__).parents[1] / ".pytest_cache" / "matplotlib"))
os.environ.setdefault("MPLBACKEND", "agg")


COVERAGE, MEASURED = "COVERAGE_PROCESS_CONFIG", pytest.StashKey[dict[str, str]]()
MEASURED_CASES = 40


@pytest.fixture(scope="session")
def scripts() -> Path:
    """The folder of the installed commands: CCFLOW_ETL_SCRIPTS, or where this Python is."""
    return Path(os.environ.get("CCFLOW_ETL_SCRIPTS", Path(sys.executable).parent))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks no_cover what takes twice as long when it is measured, and runs lines that others run: properties, and of
    a test with many cases all but some from first to last.
    """
    items.sort(key=lambda item: item.path.parent.name != "notebooks")  # the longest begin first
    cases = defaultdict[tuple[pytest.Item | pytest.Collector | None, str], list[pytest.Item]](list)
    for item in items:
        cases[item.parent, getattr(item, "originalname", item.name)].append(item)
    for those in cases.values():
        kept = 0 if is_hypothesis_test(getattr(those[0], "obj", None)) else MEASURED_CASES
        chosen = {those[place * len(those) // kept].nodeid for place in range(kept)}
        for item in those:
            if item.nodeid not in chosen:
                item.add_marker("no_cover")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Ends what measures a worker of xdist before the session: it would go on where pytest-cov pauses its own."""
    if hasattr(session.config, "workerinput"):
        while measuring := coverage.Coverage.current():
            measuring.stop()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Takes back what pytest-cov tells processes to come, which it tells again after each test marked no_cover."""
    told = os.environ.pop(COVERAGE, None)
    if told:
        item.config.stash[MEASURED] = {COVERAGE: told}


@pytest.fixture(scope="session")
def measured(pytestconfig: pytest.Config) -> dict[str, str]:
    """What the environment of a process holds that is measured. Of the others' lines the tests here run enough."""
    return pytestconfig.stash.get(MEASURED, {})


@pytest.fixture(scope="session")
def importable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder whose modules this process and those that it starts can import."""
    folder = tmp_path_factory.mktemp("importable")
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def import_as(importable: Path) -> Iterator[Callable[[str, str], ModuleType]]:
    """Imports a text as a module of some name, which the processes that tests start can import as well."""
    made = []

    def make(name: str, text: str) -> ModuleType:
        (importable / f"{name}.py").write_text(textwrap.dedent(text))
        importlib.invalidate_caches()
        made.append(name)
        return importlib.import_module(name)

    yield make
    for name in made:
        del sys.modules[name]


@pytest.fixture(scope="module")
def dask_pool(importable: Path) -> Iterator[Executor]:
    """Two Dask workers for the tests of a file: starting them takes seconds, and idle they take a tenth of a core."""
    from ccflow_etl import DaskExecutor

    with DaskExecutor(n_workers=2, threads_per_worker=1).open() as pool:
        yield pool


class Terminal:
    """A process in a terminal, whose screen can be looked at while it runs.

    The process waits for the test with ``os.read(int(os.environ["GO"]), 1)``.
    """

    def __init__(
        self, argv: list[str], columns: int, cwd: Path, stdout: int | None, environment: dict[str, str]
    ) -> None:
        import fcntl
        import pty
        import struct
        import termios

        import pyte

        self.screen = pyte.Screen(columns, 50)
        self._stream = pyte.ByteStream(self.screen)
        self.written = b""
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        waiting, self._go = os.pipe()
        told = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
        kept = {name: value for name, value in os.environ.items() if name not in told}
        self.process = subprocess.Popen(
            argv,
            stdin=theirs,
            stdout=theirs if stdout is None else stdout,
            stderr=theirs,
            cwd=cwd,
            env=kept | {"TERM": "xterm-256color", "GO": str(waiting)} | environment,
            pass_fds=[waiting],
        )
        os.close(theirs)
        os.close(waiting)

    def lines(self) -> list[str]:
        """What is on the screen."""
        return [line.rstrip() for line in self.screen.display if line.strip()]

    def until(self, text: str) -> list[str]:
        """The screen once it shows a text."""
        while not any(text in line for line in self.lines()):
            assert self._read(), f"the process ended without {text!r}: {self.lines()}"
        return self.lines()

    def go(self) -> None:
        """Let the process go on, once."""
        os.write(self._go, b".")

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._ours, text.encode())

    def hang_up(self) -> None:
        """Close the terminal, not the process."""
        os.close(self._ours)
        self._ours = -1

    def end(self) -> list[str]:
        """The screen when the process has ended."""
        while self._ours >= 0 and self._read():
            pass
        self.process.wait(timeout=60)
        return self.lines()

    def close(self) -> None:
        """End the process, whatever it does."""
        self.process.kill()
        self.process.wait()
        os.close(self._go)
        if self._ours >= 0:
            os.close(self._ours)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._ours], [], [], 60)
        assert ready, f"nothing happens any more: {self.lines()}"
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # the other side is closed
            return False
        self.written += data
        self._stream.feed(data)
        return bool(data)


@pytest.fixture
def terminal(tmp_path, measured):
    """Runs a command, or the text of a Python script, in a terminal of so many columns."""
    opened: list[Terminal] = []

    def run(command: str | list[str], columns: int = 80, stdout: int | None = None, **environment: str) -> Terminal:
        argv = [sys.executable, "-c", command] if isinstance(command, str) else command
        opened.append(Terminal(argv, columns, tmp_path, stdout, environment | measured))
        return opened[-1]

    yield run
    for each in opened:
        each.close()


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """The address of a server that speaks S3, on this machine and without buckets; it takes any keys."""
    command = [sys.executable, str(Path(__file__).with_name("s3_server.py"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        server.kill()

"""How far a run is: a bar in a terminal, a line now and then in a log, an output that changes in a notebook."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from .tally import Tally

__all__ = ["Progress", "open_progress", "progress_by_default"]

_SHOWN: ContextVar[bool] = ContextVar("ccflow_etl_progress", default=False)


class Progress(Protocol):
    """What a run tells of its steps, from one thread."""

    def ended(self, status: str, steps: int = 1) -> None:
        """Tell that steps ended, and with which status; ``retried`` is told of attempts and ends none."""


class _Silent:
    def ended(self, status: str, steps: int = 1) -> None:
        pass


@contextmanager
def progress_by_default(shown: bool = True) -> Iterator[None]:
    """Until this is left, show the progress of runs that do not say whether to.

    >>> with progress_by_default(sys.stderr is not None and sys.stderr.isatty()):
    ...     with open_progress("12 months", total=12) as progress:
    ...         progress.ended("succeeded")
    """
    token = _SHOWN.set(shown)
    try:
        yield
    finally:
        _SHOWN.reset(token)


@contextmanager
def open_progress(
    label: str,
    total: int,
    shown: bool | None = None,
    *,
    interval: float = 10.0,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Progress]:
    """Show how far a run is, on stderr or in the notebook, until this is left; the last state stays.

    Of runs within runs only the outermost one is shown.

    Args:
        label: What is run, such as ``"365 steps, 100 done before"``.
        total: How many steps there are to run; of none nothing is shown.
        shown: Whether to show it; None leaves it to :func:`progress_by_default`.
        interval: Seconds between two lines in a log.
        clock: Gives the seconds since some moment.

    >>> with open_progress("12 months", total=12, shown=False) as progress:
    ...     progress.ended("succeeded")
    """
    visible = (_SHOWN.get() if shown is None else shown) and total > 0 and sys.stderr is not None
    token = _SHOWN.set(False)
    try:
        if visible:
            with _display(label, Tally(total, clock), interval, clock) as progress:
                yield progress
        else:
            yield _Silent()
    finally:
        _SHOWN.reset(token)


def _display(label: str, tally: Tally, interval: float, clock: Callable[[], float]) -> AbstractContextManager[Progress]:
    if _in_notebook():
        from .progress_notebook import NotebookProgress

        return NotebookProgress(label, tally, clock)
    if sys.stderr.isatty():
        from .progress_bar import can_show_bar, show_bar

        if can_show_bar():
            return show_bar(label, tally)
    from .progress_lines import LineProgress

    return LineProgress(label, tally, interval, clock)


def _in_notebook() -> bool:
    """Whether this is a kernel that a notebook talks to; IPython in a terminal is a terminal."""
    if "IPython" not in sys.modules:
        return False
    shell: Any = sys.modules["IPython"].get_ipython()
    return getattr(shell, "kernel", None) is not None

"""Progress in a log: a plain line now and then."""

import contextlib
import sys
from collections.abc import Callable
from typing import Self

from .tally import Tally

__all__ = ["LineProgress"]


class LineProgress:
    """Writes a line to stderr at the start, at the end, and as a step ends after every so many seconds.

    >>> import contextlib, time
    >>> with contextlib.redirect_stderr(sys.stdout):
    ...     with LineProgress("3 steps", Tally(3, lambda: 0), interval=10, clock=lambda: 0) as progress:
    ...         progress.ended("succeeded", steps=2)
    3 steps: 0/3, 0%
    3 steps: 2/3, 66%, in 0:00
    """

    def __init__(self, label: str, tally: Tally, interval: float, clock: Callable[[], float]):
        self._label, self._tally, self._interval, self._clock = label, tally, interval, clock
        self._due = clock() + interval

    def __enter__(self) -> Self:
        self._write()
        return self

    def ended(self, status: str, steps: int = 1) -> None:
        """Count steps that ended, and write a line when one is due."""
        self._tally.ended(status, steps)
        now = self._clock()
        if now >= self._due and self._tally.done < self._tally.total:
            self._due = now + self._interval
            self._write()

    def __exit__(self, *error: object) -> None:
        self._write(over=True)

    def _write(self, over: bool = False) -> None:
        # A log that nobody takes any more does not end the run.
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"{self._label}: {', '.join(self._tally.parts(over))}\n")
            sys.stderr.flush()

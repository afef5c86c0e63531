"""StepReport: a line for each step of a backfill, kept as columns."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..pages.outline import outline
from .step_ranges import step_ranges
from .summary import RunSummary

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["StepReport"]

# The statuses that a step can have; a column holds their positions.
STATUSES = ("planned", "checkpoint", "skipped", "succeeded", "failed", "cancelled")
_CODES = {status: code for code, status in enumerate(STATUSES)}
_MOST_ATTEMPTS = 2**16 - 1
_TRACES = 20  # that are kept
_TRACES_OF_A_TYPE = 5  # of errors


class StepReport:
    """What became of each step, in about 30 bytes a step and the text of the errors.

    Every step is ``planned`` until :meth:`record` says otherwise.

    Args:
        steps: The steps, in the order they are run.
        windows: Answers with the steps' windows in the same order.
        keys: The steps' keys; None where they have none.

    Attributes:
        about: Names and texts: what was run, and for which range.
        configured: What it was set up with, which :attr:`settings` tells.
        began: When the run began, in seconds since 1970; NaN where it did not.
        ended: When it ended.
    """

    def __init__(
        self,
        steps: "pd.DatetimeIndex",
        windows: "Callable[[], pd.IntervalIndex]",
        keys: "Sequence[str] | None" = None,
    ):
        self._steps, self._windows, self._keys = steps, windows, keys
        self._status = np.zeros(len(steps), dtype=np.uint8)
        self._attempts = np.zeros(len(steps), dtype=np.uint16)
        self._started = np.full(len(steps), np.nan)
        self._seconds = np.full(len(steps), np.nan)
        self._errors: dict[int, str] = {}
        self._traces: dict[int, str] = {}
        self._traced: Counter[str] = Counter()
        self.about: list[tuple[str, str]] = []
        self.configured: Any = ""
        self.began, self.ended = np.nan, np.nan

    def __len__(self) -> int:
        return len(self._steps)

    def record(
        self,
        index: int,
        status: str,
        *,
        attempts: int = 0,
        started: float = np.nan,
        seconds: float = np.nan,
        error: str = "",
        trace: str = "",
    ) -> None:
        """Write the line of the step at a position; tracebacks are kept of the first errors of each type."""
        self._status[index] = _CODES[status]
        self._attempts[index] = min(attempts, _MOST_ATTEMPTS)
        self._started[index] = started
        self._seconds[index] = seconds
        if error:
            self._errors[index] = error
            kind = error.partition(":")[0]
            if trace and len(self._traces) < _TRACES and self._traced[kind] < _TRACES_OF_A_TYPE:
                self._traces[index] = trace
                self._traced[kind] += 1

    def mark(self, indices: "Sequence[int] | np.ndarray", status: str) -> None:
        """Give several steps a status."""
        self._status[indices] = _CODES[status]

    def decide(self, statuses: "Sequence[str]") -> None:
        """Give each step the status that was decided for it."""
        self._status[:] = [_CODES[status] for status in statuses]

    def key(self, index: int) -> str:
        """The key of the step at a position; empty where steps have no keys."""
        return "" if self._keys is None else self._keys[index]

    def keys(self, positions: "np.ndarray") -> "list[str | None]":
        """The keys of the steps at some positions; None where steps have no keys."""
        if self._keys is None:
            return [None] * len(positions)
        # All of them at once take a sixth of the time of each by its position.
        keys = self._keys if len(positions) * 6 < len(self) else list(self._keys)
        return [keys[index] for index in positions.tolist()]

    def having(self, status: str) -> "np.ndarray":
        """For each step, whether it has a status."""
        return self._status == _CODES[status]

    def positions(self, status: str) -> "np.ndarray":
        """The positions of the steps with a status, in order."""
        return np.flatnonzero(self.having(status))

    @property
    def errors(self) -> dict[int, str]:
        """The errors of steps by their position."""
        return self._errors

    @property
    def traces(self) -> dict[int, str]:
        """The tracebacks that are kept, by the position of their step."""
        return self._traces

    def planned(self) -> "np.ndarray":
        """The positions of the steps that nothing became of yet, in order."""
        return self.positions("planned")

    def decided(self) -> "np.ndarray":
        """The positions of the steps that something became of, in order."""
        return np.flatnonzero(self._status != _CODES["planned"])

    def summary(self) -> RunSummary:
        """The counts of the steps by status; a step that was tried again counts as ``retried``, too."""
        counts = dict(zip(STATUSES, np.bincount(self._status, minlength=len(STATUSES)).tolist(), strict=True))
        summary = RunSummary.from_statuses(status for status, count in counts.items() for _ in range(count))
        return summary.model_copy(update={"retried": int((self._attempts > 1).sum())})

    def coverage(self) -> "pd.DataFrame":
        """The ranges that are done and those that are missing, from the earliest on.

        Columns: ``start`` and ``end`` (half-open, from a first step to the end of a last window), ``done`` (bool)
        and ``steps`` (int, how many steps lie in the range).
        """
        done = np.isin(self._status, [_CODES["checkpoint"], _CODES["succeeded"]])
        return step_ranges(self.windows, done, "done")

    @property
    def settings(self) -> str:
        """How the run was set up, in lines without its secrets; empty where that is not known."""
        return self.configured if isinstance(self.configured, str) else outline(self.configured)

    def __getstate__(self) -> dict[str, Any]:
        # A result that travels takes its settings along as they are told: they may hold secrets and live objects.
        return self.__dict__ | {"configured": self.settings}

    @cached_property
    def windows(self) -> "pd.IntervalIndex":
        """The steps' windows, in the order of the steps."""
        return self._windows()

    @property
    def codes(self) -> "np.ndarray":
        """The position of each step's status among ``STATUSES``."""
        return self._status

    @property
    def attempts(self) -> "np.ndarray":
        """How often each step was tried."""
        return self._attempts

    @property
    def started(self) -> "np.ndarray":
        """When each step began, in seconds since 1970; NaN where it did not."""
        return self._started

    @property
    def seconds(self) -> "np.ndarray":
        """How long each step took; NaN where it did not run."""
        return self._seconds

    def frame(self, rows: "Sequence[int] | None" = None) -> "pd.DataFrame":
        """One line for each step, in the order they were run; or for the steps at some positions, in their order.

        Columns: ``step`` and ``end`` (the half-open window, ``datetime64[us]``), ``key`` (str or None), ``status``
        (category), ``attempts`` (int), ``started`` (``datetime64[us, UTC]``), ``seconds`` (float) and ``error`` (str or
        None).
        """
        import pandas as pd

        chosen = np.arange(len(self)) if rows is None else np.asarray(rows, dtype=np.intp)
        started = _instants(self._started[chosen])
        errors = [self._errors.get(index) for index in chosen.tolist()]
        return pd.DataFrame(
            {
                "step": self._steps[chosen],
                "end": self.windows.right[chosen],
                "key": pd.Series(self.keys(chosen), dtype=object),
                "status": pd.Categorical.from_codes(self._status[chosen], STATUSES),
                "attempts": self._attempts[chosen].astype(np.int64),
                "started": started,
                "seconds": self._seconds[chosen],
                "error": pd.Series(errors, dtype=object),
            }
        )


def _instants(seconds: "np.ndarray") -> "pd.DatetimeIndex":
    """Return seconds since 1970 as instants; ``pandas.to_datetime`` of NaN can overflow in pandas 2.2."""
    import pandas as pd

    instants = np.full(len(seconds), "NaT", dtype="M8[us]")
    known = ~np.isnan(seconds)
    instants[known] = np.rint(seconds[known] * 1e6).astype("M8[us]")
    return pd.DatetimeIndex(instants, tz="UTC")

"""StepReport: a line for each step of a backfill, kept as columns."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .summary import RunSummary

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["StepReport"]

# The statuses that a step can have; a column holds their positions.
STATUSES = ("planned", "checkpoint", "skipped", "succeeded", "failed", "cancelled")
_CODES = {status: code for code, status in enumerate(STATUSES)}


class StepReport:
    """What became of each step, in about 30 bytes a step and the text of the errors.

    Every step is ``planned`` until :meth:`record` says otherwise.

    Args:
        steps: The steps, in the order they are run.
        windows: Answers with the steps' windows in the same order.
        keys: The steps' keys; None where they have none.
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
    ) -> None:
        """Write the line of the step at a position."""
        self._status[index] = _CODES[status]
        self._attempts[index] = min(attempts, np.iinfo(np.uint16).max)
        self._started[index] = started
        self._seconds[index] = seconds
        if error:
            self._errors[index] = error

    def mark(self, indices: "Sequence[int] | np.ndarray", status: str) -> None:
        """Give several steps a status."""
        self._status[indices] = _CODES[status]

    def key(self, index: int) -> str:
        """The key of the step at a position; empty where steps have no keys."""
        return "" if self._keys is None else self._keys[index]

    def planned(self) -> "np.ndarray":
        """The positions of the steps that nothing became of yet, in order."""
        return np.flatnonzero(self._status == _CODES["planned"])

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
        import pandas as pd

        windows = self._windows()
        done = np.isin(self._status, [_CODES["checkpoint"], _CODES["succeeded"]])
        if len(self) > 1 and self._steps[0] > self._steps[-1]:
            windows, done = windows[::-1], done[::-1]
        first = np.flatnonzero(np.diff(done, prepend=not done[0])) if len(self) else np.empty(0, dtype=np.int64)
        last = np.append(first[1:], len(self)) - 1 if len(self) else first
        return pd.DataFrame(
            {
                "start": windows.left[first],
                "end": windows.right[last],
                "done": done[first],
                "steps": last - first + 1,
            }
        )

    def frame(self) -> "pd.DataFrame":
        """One line for each step, in the order they were run.

        Columns: ``step`` and ``end`` (the half-open window, ``datetime64[us]``), ``key`` (str or None), ``status``
        (category), ``attempts`` (int), ``started`` (``datetime64[us, UTC]``), ``seconds`` (float) and ``error`` (str or
        None).
        """
        import pandas as pd

        started = _instants(self._started)
        keys = [None] * len(self) if self._keys is None else list(self._keys)
        errors = [self._errors.get(index) for index in range(len(self))]
        return pd.DataFrame(
            {
                "step": self._steps,
                "end": self._windows().right,
                "key": pd.Series(keys, dtype=object),
                "status": pd.Categorical.from_codes(self._status, STATUSES),
                "attempts": self._attempts.astype(np.int64),
                "started": started,
                "seconds": self._seconds,
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

"""BackfillResult: what a backfill did, and the exceptions that carry it when it failed or was cancelled."""

import os
from typing import TYPE_CHECKING, Any, overload

from ccflow import GenericResult
from pydantic import Field, PrivateAttr

from ..pages.text import counted, number
from .report import StepReport
from .summary import RunSummary

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BackfillCancelled", "BackfillError", "BackfillResult"]


class BackfillResult(GenericResult[dict[str, Any]]):
    """What a backfill did.

    ``value`` is ``{"steps": n, "outputs": [{"context": {...}, "value": ...}]}`` in the order of the steps: the context
    as JSON, and the ``value`` of a ``GenericResult`` or any other result as JSON. Only steps that ran and succeeded
    have an output. Printed, a result is one line of counts.

    >>> import datetime as dt
    >>> from ccflow import CallableModel, DateContext, Flow, GenericResult
    >>> from ccflow_etl import BackfillModel
    >>> class Weekday(CallableModel):
    ...     @Flow.call
    ...     def __call__(self, context: DateContext) -> GenericResult[str]:
    ...         return GenericResult[str](value=context.date.strftime("%A"))
    >>> result = BackfillModel(model=Weekday())(["2024-02-29", "2024-03-01"])
    >>> print(result)
    2 steps: 2 succeeded
    >>> result.report[["step", "status", "attempts"]]
            step     status  attempts
    0 2024-02-29  succeeded         1
    1 2024-03-01  succeeded         1
    >>> result.coverage
           start        end  done  steps
    0 2024-02-29 2024-03-02  True      2
    """

    summary: RunSummary = Field(default_factory=RunSummary, description="Counts of the steps by what became of them.")
    _report: StepReport | None = PrivateAttr(None)
    _failure: str | None = PrivateAttr(None)

    @property
    def failure(self) -> str | None:
        """What the :class:`BackfillError` said in whose place this was returned, by ``raise_on_failure=False``.

        >>> print(BackfillResult(value={"steps": 0, "outputs": []}).failure)
        None
        """
        return self._failure

    @property
    def report(self) -> "pd.DataFrame":
        """One line for each step: step, end, key, status, attempts, started, seconds and error.

        Empty for a result that was read back from JSON, which carries the value and the summary only.
        """
        return self._lines.frame()

    @property
    def coverage(self) -> "pd.DataFrame":
        """The ranges of consecutive steps that are done, and those that are missing: start, end, done and steps."""
        return self._lines.coverage()

    @property
    def _lines(self) -> StepReport:
        """The lines of :attr:`report` as columns; none for a result that was read back from JSON."""
        if self._report is not None:
            return self._report
        import pandas as pd

        nothing = pd.IntervalIndex.from_arrays(*[pd.DatetimeIndex([], dtype="datetime64[us]")] * 2)
        return StepReport(nothing.left, lambda: nothing)

    def __str__(self) -> str:
        return f"{number(self.value['steps'], 'step')}: {counted(self.summary.by_status) or 'nothing was run'}"

    @overload
    def to_html(self, path: None = None) -> str: ...
    @overload
    def to_html(self, path: str | os.PathLike[str]) -> None: ...
    def to_html(self, path: str | os.PathLike[str] | None = None) -> str | None:
        """A page of the run, which fetches nothing: its summary, a map of the steps, failures, retries, slowest steps.

        Values under the names of secrets are hidden. Of many steps it tells the outlines, in some hundred kilobytes.

        Args:
            path: The file to write, complete or not at all; one that is there is replaced.

        Returns:
            The page, where there is no path.

        Raises:
            OSError: The file cannot be written.

        >>> BackfillResult(value={"steps": 0, "outputs": []}).to_html()[:15]
        '<!doctype html>'
        """
        from ..stores.atomic import write_atomic
        from .run_page import run_page

        page = run_page(self._lines, self.summary.by_status).html()
        if path is None:
            return page
        write_atomic(path, page.encode())
        return None

    def _repr_html_(self) -> str:
        from .cards import result_card

        return result_card(self).html()


class BackfillCancelled(KeyboardInterrupt):
    """The backfill was interrupted; ``result`` has the report, in which the steps that did not end are ``cancelled``.

    A ``KeyboardInterrupt``, so that what runs around the backfill stops as well.

    >>> BackfillCancelled(BackfillResult(value={"steps": 3, "outputs": []})).result.value["steps"]
    3
    """

    def __init__(self, result: BackfillResult):
        super().__init__(str(result))
        self.result = result


class BackfillError(RuntimeError):
    """More steps failed than the backfill allows; ``result`` has the full report of all of them.

    >>> error = BackfillError("2 of 3 steps failed", BackfillResult(value={"steps": 3, "outputs": []}))
    >>> error.result.value["steps"]
    3
    """

    def __init__(self, message: str, result: BackfillResult):
        super().__init__(message, result)
        self.result = result

    def __str__(self) -> str:
        return str(self.args[0])

"""Watch: everyone who follows a run of a backfill as its steps end."""

import os
from contextlib import ExitStack
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..execution.progress import open_progress
from ..execution.runner import Outcome
from ..pages.text import number
from .backfill_context import BackfillContext
from .backfill_settings import BackfillSettings
from .blocks import Block
from .report import StepReport
from .report_file import streamed_report
from .run_events import RunEvents
from .steps import StepContexts

__all__ = ["Watch"]


class Watch:
    """Passes on what becomes of steps: to ccflow's reporters, to the progress that is shown, to the file of the report.

    Args:
        settings: The backfill, which is what reporters are told of, and says who else follows.
        context: The range.
        contexts: The context of each step.
        report: The line of each step, written before anyone here is told of it.
    """

    def __init__(
        self,
        settings: BackfillSettings,
        context: BackfillContext,
        contexts: StepContexts[Any],
        report: StepReport,
    ):
        self._report, self._contexts = report, contexts
        self._events = RunEvents(settings, context, settings.model)
        to_run, done = len(report.planned()), len(report.decided())
        label = number(len(report), "step") + (f", {done:,} not to be run" if done else "")
        self._progress = open_progress(label, to_run, settings.progress)
        self._file = None if settings.report_path is None else streamed_report(settings.report_path, report)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Tell of the steps that are not run."""
        self._stack.enter_context(self._events)
        if self._events:
            self._events.begin(self._report.summary().by_status)
            for status in ("checkpoint", "skipped"):
                steps = self._report.positions(status).tolist()
                self._events.skipped((self._contexts[index] for index in steps), status)
        if self._file is not None:
            self._written = self._stack.enter_context(self._file)
            self._written(self._report.decided())
        self._shown = self._stack.enter_context(self._progress)
        return self

    def ended(self, block: Block, outcome: Outcome) -> None:
        """Tell of the steps of one call, whose lines are in the report."""
        if self._file is not None:
            self._written(block)
        self._shown.ended("succeeded" if outcome.error is None else "failed", len(block))
        if self._events:
            self._events.ended(
                outcome.item,
                here=outcome.process == os.getpid(),
                seconds=outcome.seconds,
                started=outcome.started,
                attempts=outcome.attempts,
                error=outcome.error,
                steps=len(block),
            )

    def over(self, cancelled: "NDArray[np.intp]") -> None:
        """Tell that no more steps will end, and of those that did not."""
        if self._file is not None:
            self._written(cancelled)
        if self._events:
            self._events.finish(self._report.summary().by_status)

    def __exit__(self, *error: object) -> None:
        self._stack.__exit__(*error)  # type: ignore[arg-type] # what a with statement passes

"""RunEvents: a run of many steps told as ccflow's report events, to every reporter that listens."""

import datetime as dt
import secrets
import time
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from typing import Any, Self

from ccflow import CallableModel, ContextBase
from ccflow.utils.reporting import ReportPhase, current_span_depth, current_span_id, run_scope

from ..execution.error_text import error_message
from .listeners import Listener, listeners

__all__ = ["RunEvents"]


class RunEvents:
    """Tells the reporters of the evaluator that a model is called through about its run of another model's steps.

    Entered, it binds a run id, or keeps the one that is bound already. A step that was evaluated in this process by an
    evaluator with the same reporter was told there, and is not told again; a reporter of alerts is told of nothing but
    the failures of other steps. Without a reporter it is false, and costs next to nothing.

    Args:
        model: The model that runs the steps. The evaluator of a single call, ``model(context, _options=...)``, is not
            found.
        context: What it was called with.
        step_model: The model that is called for the steps.

    >>> from ccflow import FlowOptions, FlowOptionsOverride, NullContext
    >>> from ccflow.evaluators import LoggingEvaluator
    >>> from ccflow.utils.reporting import InMemoryReporter
    >>> from ccflow_etl import LocalWriteModel
    >>> model, reporter = LocalWriteModel(), InMemoryReporter()
    >>> with FlowOptionsOverride(options=FlowOptions(evaluator=LoggingEvaluator(reporter=reporter))):
    ...     with RunEvents(model, NullContext(), model) as events:
    ...         events.begin({"planned": 1})
    ...         events.ended(NullContext(), here=False, seconds=0.5)
    ...         events.finish({"succeeded": 1})
    >>> [event.phase.name for event in reporter.events]
    ['RUN_STARTED', 'START', 'SUCCESS', 'END', 'RUN_FINISHED']
    """

    def __init__(self, model: CallableModel, context: ContextBase, step_model: CallableModel):
        self._model, self._context, self._step_model = model, context, step_model
        self._listeners = listeners(model)
        by_steps = listeners(step_model) if self._listeners else []
        self._untold = [listener for listener in self._listeners if not listener.is_told_by(by_steps)]
        self._counts: dict[str, int] = {}

    def __bool__(self) -> bool:
        return bool(self._listeners)

    def __enter__(self) -> Self:
        self._scope = run_scope() if self else nullcontext()
        self._scope.__enter__()
        self._span, self._depth = current_span_id() or _new_span(), current_span_depth() or 0
        self._began = time.perf_counter()
        return self

    def begin(self, counts: Mapping[str, int]) -> None:
        """Tell that the run starts, of which range, and how many steps there are of each decision."""
        self._tell_of_run(ReportPhase.RUN_STARTED, counts)

    def skipped(self, contexts: Iterable[ContextBase], status: str) -> None:
        """Tell of steps that are not run, and why, such as ``checkpoint``: an event for each."""
        for context in contexts if self else ():
            self._tell(self._listeners, ReportPhase.SKIPPED, context, _new_span(), {"status": status})

    def ended(
        self,
        context: ContextBase,
        *,
        here: bool,
        seconds: float,
        started: float | None = None,
        attempts: int = 1,
        error: BaseException | None = None,
        steps: int = 1,
    ) -> None:
        """Tell of a call that ended: that it started, and its outcome.

        Args:
            context: What the model of the steps was called with.
            here: Whether it was evaluated in this process.
            seconds: What it took, with all its attempts.
            started: When it started, in seconds since 1970; by default so many seconds ago.
            attempts: How many there were.
            error: What it failed with.
            steps: How many steps it stands for.
        """
        told = self._untold if here else self._listeners
        if not told:
            return
        span, extra = _new_span(), {"steps": steps}
        outcome = ReportPhase.SUCCESS if error is None else ReportPhase.ERROR
        began = dt.datetime.fromtimestamp(time.time() - seconds if started is None else started, dt.UTC)
        end = {"timestamp": began + dt.timedelta(seconds=seconds), "duration": seconds}
        self._tell(told, ReportPhase.START, context, span, extra, timestamp=began)
        self._tell(told, outcome, context, span, extra, attempt=attempts, **end, **_failure(error))
        self._tell(told, ReportPhase.END, context, span, extra, **end)

    def finish(self, counts: Mapping[str, int]) -> None:
        """Say how many steps ended with each status: told on leaving, with the error that ends the run, if any."""
        self._counts = dict(counts)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        seconds = time.perf_counter() - self._began
        self._tell_of_run(ReportPhase.RUN_FINISHED, self._counts, duration=seconds, **_failure(error))
        self._scope.__exit__(None, None, None)

    def _tell_of_run(self, phase: ReportPhase, counts: Mapping[str, int], **details: Any) -> None:
        for listener in self._listeners:
            extra = {"steps": sum(counts.values()), "counts": dict(counts), **_range(self._context)}
            listener.tell(phase, self._model, self._context, extra, span_id=self._span, depth=self._depth, **details)

    def _tell(
        self, told: list[Listener], phase: ReportPhase, context: ContextBase, span: str, extra: Any, **details: Any
    ) -> None:
        place = {"span_id": span, "parent_span_id": self._span, "depth": self._depth + 1}
        for listener in told:
            listener.tell(phase, self._step_model, context, extra, **place, **details)


def _new_span() -> str:
    return secrets.token_hex(8)


def _failure(error: BaseException | None) -> dict[str, str]:
    return {} if error is None else {"exception_type": type(error).__name__, "exception_message": error_message(error)}


def _range(context: ContextBase) -> dict[str, str]:
    """The bounds of a range context, as texts."""
    bounds = {name: getattr(context, f"{name}_datetime", None) for name in ("start", "end")}
    return {name: bound.isoformat() for name, bound in bounds.items() if bound is not None}

"""One run of a backfill: decide on all steps, run those that are left, record each as it ends."""

import contextlib
import logging
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from ccflow import CallableModel, ContextBase, GenericResult, ResultBase
from pydantic_core import PydanticSerializationError

from ..calendars.interval import Interval
from ..execution.executors import BaseExecutor
from ..execution.retry import RetryPolicy
from ..execution.runner import Outcome, run_calls
from ..stores.checkpoint_protocol import should_skip_many
from .backfill_context import BackfillContext
from .backfill_policy import FailurePolicy
from .backfill_result import BackfillError, BackfillResult
from .blocks import Block, Work, cut
from .report import StepReport
from .step_keys import StepKeys
from .steps import StepContexts

__all__ = ["BackfillRun"]

log = logging.getLogger(__name__)

Only = Literal["missing", "failed"]


@dataclass
class BackfillRun:
    """Everything one call of a backfill needs; made for the call and gone with it."""

    model: CallableModel
    context: BackfillContext[Any]
    key: str
    code_version: str | None = None
    store: Any = None
    overwrite: bool = False
    only: Only | None = None
    retry: RetryPolicy | None = None
    policy: FailurePolicy = field(default_factory=FailurePolicy)
    executor: BaseExecutor | Executor | None = None
    collect: bool = True
    chunk: int | Interval | None = None
    split_failed: bool = False
    depends_on_past: bool = False

    @cached_property
    def contexts(self) -> StepContexts[Any]:
        """The context of each step."""
        return self.context.step_contexts()

    @cached_property
    def report(self) -> StepReport:
        """The line of each step: ``planned`` for those to run, and for the others why they are not."""
        if self.store is None:
            return StepReport(self.contexts.steps, self.context.windows)
        keys = StepKeys(self.key, self.model, self.code_version, self.context.context, self.contexts)
        report = StepReport(self.contexts.steps, self.context.windows, keys)
        if not self.overwrite:
            done = should_skip_many(self.store, keys.all())
            report.mark(np.flatnonzero(done), "checkpoint")
        if self.only is not None:
            report.mark([index for index in report.planned() if not self._is_wanted(keys[index])], "skipped")
        return report

    def _is_wanted(self, key: str) -> bool:
        if not hasattr(self.store, "get"):
            raise ValueError(
                f"only={self.only!r} asks the checkpoint store for each mark, "
                f"and {type(self.store).__name__} has no get(key)."
            )
        record = self.store.get(key)
        return record is None if self.only == "missing" else record is not None and record.status == "failed"

    def run(self) -> BackfillResult:
        """Run the chosen steps.

        Raises:
            BackfillError: more steps failed than the policy allows.
            Exception: of the first step that failed, where the policy is to raise.
        """
        chosen = self.report.planned().tolist()
        if not chosen:
            log.warning(
                "Nothing to run from %s to %s: %d steps, %d of them done.",
                *(self.context.start_datetime, self.context.end_datetime, len(self.report)),
                len(self.report) - len(chosen),
            )
        outputs: dict[int, dict[str, Any]] = {}
        failures: dict[int, Outcome] = {}
        work = Work(cut(self.report.planned(), self.chunk, self.contexts.steps), self.contexts)
        with _opened(self.executor) as pool:
            outcomes = run_calls(
                self.model,
                work,
                pool=pool,
                policy=self.retry,
                ahead=1 if self.depends_on_past else None,
                go_on=lambda: not self._stops(len(failures), len(chosen)),
            )
            for outcome in outcomes:
                block = work.take(outcome.index)
                if outcome.error is None:
                    if self.collect:
                        outputs[block[0]] = _output(outcome.item, outcome.result)
                elif self.split_failed and len(block) > 1:
                    work.halve(block)
                    continue
                else:
                    failures |= dict.fromkeys(block, outcome)
                self._record(block, outcome)
        self.report.mark(self.report.planned(), "cancelled")
        return self._result(outputs, failures, len(chosen))

    def _stops(self, failures: int, steps: int) -> bool:
        return (self.depends_on_past and failures > 0) or self.policy.stops(failures, steps)

    def _record(self, block: Block, outcome: Outcome) -> None:
        error = outcome.error
        told = "" if error is None else f"{type(error).__name__}: {error}"
        seconds = outcome.seconds / len(block)
        for index in block:
            self.report.record(
                index,
                "succeeded" if error is None else "failed",
                attempts=outcome.attempts,
                started=outcome.started,
                seconds=seconds,
                error=told,
            )
        if self.store is not None:
            metadata = {"attempts": outcome.attempts, "seconds": round(seconds, 6)} | ({"error": told} if told else {})
            _mark(self.store, [self.report.key(index) for index in block], metadata, failed=error is not None)

    def _result(self, outputs: dict[int, Any], failures: dict[int, Outcome], chosen: int) -> BackfillResult:
        value = {"steps": len(self.report), "outputs": [outputs[index] for index in sorted(outputs)]}
        result = BackfillResult(value=value, summary=self.report.summary())
        result._report = self.report
        if failures and self.policy.on_error == "raise":
            index, outcome = next(iter(failures.items()))
            assert outcome.error is not None
            outcome.error.add_note(f"in the backfill's step {self.contexts.steps[index]}; {result}")
            raise outcome.error
        if self.policy.on_error == "continue" and len(failures) > self.policy.allowed(chosen):
            index, outcome = min(failures.items(), key=lambda failure: failure[0])
            raise BackfillError(
                f"{len(failures)} of {chosen} steps failed, first {self.contexts.steps[index]}: "
                f"{type(outcome.error).__name__}: {outcome.error}",
                result,
            )
        return result


@contextlib.contextmanager
def _opened(executor: BaseExecutor | Executor | None) -> Iterator[Executor | None]:
    """The pool of an executor: opened for the run, or the caller's own, which stays open."""
    if isinstance(executor, BaseExecutor):
        with executor.open() as pool:
            yield pool
    else:
        yield executor


def _mark(store: Any, keys: list[str], metadata: dict[str, Any], failed: bool) -> None:
    """Mark steps, as far as the store can: one that only answers should_skip keeps marks of its own."""
    status = "failed" if failed else "succeeded"
    if len(keys) > 1 and hasattr(store, "mark_many"):
        store.mark_many(keys, status, metadata=metadata)
        return
    for key in keys:
        if not failed and hasattr(store, "mark_succeeded"):
            store.mark_succeeded(key, metadata=metadata)
        elif hasattr(store, "mark"):
            store.mark(key, status, metadata=metadata)


def _output(step: ContextBase, result: ResultBase) -> dict[str, Any]:
    return {"context": step.model_dump(mode="json"), "value": _value_of(result)}


def _value_of(result: ResultBase) -> Any:
    if isinstance(result, GenericResult):
        return result.value
    try:
        return result.model_dump(mode="json")
    except PydanticSerializationError:  # a DataFrame, say, has no JSON: it is kept as it is
        return result.model_dump()

"""One run of a backfill: decide on all steps, run those that are left, record each as it ends."""

import contextlib
import logging
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from ccflow import CallableModel, ContextBase, GenericResult, ResultBase
from pydantic_core import PydanticSerializationError

from ..calendars.interval import Interval
from ..execution.cancel import Cancellation
from ..execution.executors import BaseExecutor
from ..execution.retry import RetryPolicy
from ..execution.runner import Outcome, run_calls
from ..stores.checkpoint_protocol import get_many, should_skip_many
from ..stores.records import CheckpointRecord
from .backfill_context import BackfillContext
from .backfill_policy import FailurePolicy
from .backfill_result import BackfillCancelled, BackfillError, BackfillResult
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
            planned = report.planned()
            records = get_many(self.store, [keys[index] for index in planned], needed_for=f"only={self.only!r}")
            wanted = np.fromiter(map(self._is_wanted, records), dtype=bool, count=len(planned))
            report.mark(planned[~wanted], "skipped")
        return report

    def _is_wanted(self, record: CheckpointRecord | None) -> bool:
        """Whether a step has the mark that ``only`` asks for."""
        return record is None if self.only == "missing" else record is not None and record.status == "failed"

    def run(self) -> BackfillResult:
        """Run the chosen steps.

        Raises:
            BackfillCancelled: the run was interrupted; what had ended is recorded.
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
        abandoned = False
        with Cancellation(_tell_to_wait) as cancellation:
            try:
                for block, outcome in self._outcomes(lambda: not cancellation.requested, failures, len(chosen)):
                    if outcome.error is not None:
                        failures |= dict.fromkeys(block, outcome)
                    elif self.collect:
                        outputs[block[0]] = _output(outcome.item, outcome.result)
                    self._record(block, outcome)
            except KeyboardInterrupt:
                abandoned = True
        self.report.mark(self.report.planned(), "cancelled")
        result = self._result(outputs)
        if cancellation.requested or abandoned:
            raise BackfillCancelled(result)
        if failures:
            self._fail(failures, len(chosen), result)
        return result

    def _outcomes(
        self, go_on: Callable[[], bool], failures: Collection[int], chosen: int
    ) -> Iterator[tuple[Block, Outcome]]:
        """What became of each block, as it ends; a failed one that is split comes as its parts."""
        work = Work(cut(self.report.planned(), self.chunk, self.contexts.steps), self.contexts)
        with _opened(self.executor) as pool:
            for outcome in run_calls(
                self.model,
                work,
                pool=pool,
                policy=self.retry,
                ahead=1 if self.depends_on_past else None,
                go_on=lambda: go_on() and not self._stops(len(failures), chosen),
            ):
                block = work.take(outcome.index)
                if outcome.error is not None and self.split_failed and len(block) > 1:
                    work.halve(block)
                else:
                    yield block, outcome

    def _stops(self, failures: int, steps: int) -> bool:
        return (self.depends_on_past and failures > 0) or self.policy.stops(failures, steps)

    def _record(self, block: Block, outcome: Outcome) -> None:
        failed, told = outcome.error is not None, outcome.told
        seconds = outcome.seconds / len(block)
        for index in block:
            self.report.record(
                index,
                "failed" if failed else "succeeded",
                attempts=outcome.attempts,
                started=outcome.started,
                seconds=seconds,
                error=told,
            )
        if self.store is not None:
            metadata = {"attempts": outcome.attempts, "seconds": round(seconds, 6)} | ({"error": told} if told else {})
            _mark(self.store, [self.report.key(index) for index in block], metadata, failed=failed)

    def _result(self, outputs: dict[int, Any]) -> BackfillResult:
        value = {"steps": len(self.report), "outputs": [outputs[index] for index in sorted(outputs)]}
        result = BackfillResult(value=value, summary=self.report.summary())
        result._report = self.report
        return result

    def _fail(self, failures: dict[int, Outcome], chosen: int, result: BackfillResult) -> None:
        """Raise what the policy says about these failures, if anything."""
        if self.policy.on_error == "raise":
            raise self._noted(next(iter(failures)), failures, result)
        if len(failures) > self.policy.allowed(chosen):
            first = min(failures)
            told = f"first {self.contexts.steps[first]}: {failures[first].told}"
            message = f"{len(failures)} of {chosen} steps failed, {told}"
            raise BackfillError(message, result) from self._noted(first, failures, result)

    def _noted(self, index: int, failures: dict[int, Outcome], result: BackfillResult) -> Exception:
        """The error of a step, with what it cannot say itself."""
        outcome = failures[index]
        assert outcome.error is not None
        outcome.error.add_note(f"in the backfill's step {self.contexts.steps[index]}; {result}")
        if outcome.error.__traceback__ is None:  # it comes from another process
            outcome.error.add_note(outcome.trace)
        return outcome.error


def _tell_to_wait() -> None:
    log.warning("Stopping after the steps that are running; interrupt again to abandon them.")


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
    # A context is told, whatever it holds; a result that has no JSON, as a DataFrame has none, is kept as it is.
    context = step.__pydantic_serializer__.to_python(step, mode="json", fallback=repr)
    if isinstance(result, GenericResult):
        return {"context": context, "value": result.value}
    try:
        return {"context": context, "value": result.model_dump(mode="json")}
    except PydanticSerializationError:
        return {"context": context, "value": result.model_dump()}

"""One run of a backfill: decide on all steps, run those that are left, record each as it ends."""

import logging
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import compress
from typing import TYPE_CHECKING, Any

from ccflow import ContextBase, GenericResult, ResultBase
from pydantic_core import PydanticSerializationError

from ..execution.cancel import Cancellation
from ..execution.pause import interruptible
from ..execution.runner import Outcome, run_calls
from ..pages.text import counted
from .backfill_context import BackfillContext
from .backfill_policy import FailurePolicy
from .backfill_result import BackfillCancelled, BackfillError, BackfillResult
from .backfill_settings import BackfillSettings
from .blocks import Block, Work, cut
from .executor import opened
from .graph_steps import BackfillDecisions, BackfillStep, StepCall
from .marks import check_marks, mark_ended
from .report import StepReport
from .run_facts import range_facts
from .step_decisions import decide
from .step_keys import StepKeys
from .steps import StepContexts
from .watch import Watch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["BackfillRun"]

log = logging.getLogger(__name__)


@dataclass
class BackfillRun:
    """Everything one call of a backfill needs; made for the call and gone with it."""

    settings: BackfillSettings
    context: BackfillContext[Any]
    decider: BackfillDecisions | None = None
    decisions: Sequence[str] | None = None  # of a plan; None to ask the store
    noted: dict[str, Any] = field(default_factory=dict)  # what every mark tells besides

    @cached_property
    def contexts(self) -> StepContexts[Any]:
        """The context of each step."""
        return self.context.step_contexts()

    @cached_property
    def report(self) -> StepReport:
        """The line of each step: ``planned`` for those to run, and for the others why they are not."""
        settings, keys = self.settings, None
        if settings.checkpoint_store is not None:
            keys = StepKeys(settings.key, settings.model, settings.code_version, self.context.context, self.contexts)
        report = StepReport(self.contexts.steps, self.context.windows, keys)
        if self.decisions is not None:
            report.decide(self.decisions)
        elif keys is not None and self.decider is not None:
            report.decide(self.decider(self.context).decisions)
        elif keys is not None:
            decide(report, keys, settings)
        return report

    @cached_property
    def policy(self) -> FailurePolicy:
        """When the run stops, and whether it failed."""
        return self.settings.policy

    @cached_property
    def node(self) -> BackfillStep | None:
        """The node of every step, where steps are nodes of a graph."""
        if self.decider is None:
            return None
        step = BackfillStep(
            model=self.settings.model,
            checkpoint_store=self.settings.checkpoint_store,
            retry=self.settings.retry,
            policy=self.policy,
            decisions=self.decider,
            range=self.context,
        )
        step._to_run = len(self.report.planned())
        return step

    def run(self) -> BackfillResult:
        """Run the chosen steps.

        Raises:
            BackfillCancelled: the run was interrupted; what had ended is recorded.
            BackfillError: more steps failed than the policy allows.
            Exception: of the first step that failed, where the policy is to raise.
        """
        self.report.began = time.time()
        self.report.about = [("model", type(self.settings.model).__name__), *range_facts(self.context)]
        self.report.configured = {"backfill": self.settings, "context": self.context}
        if self.settings._runs is not None:
            self.settings._runs.append(self.report)
        chosen = self.report.planned().tolist()
        if not chosen:
            bounds = (self.context.start_datetime, self.context.end_datetime)
            counts = counted(self.report.summary().by_status)
            log.warning("Nothing to run from %s to %s: %s.", *bounds, counts or "no steps")
        elif self._store_to_mark is not None:
            check_marks(self._store_to_mark)
        with Watch(self.settings, self.context, self.contexts, self.report) as watch:
            return self._run(watch, len(chosen))

    def _run(self, watch: Watch, chosen: int) -> BackfillResult:
        outputs: dict[int, dict[str, Any]] = {}
        failures: dict[int, Outcome] = {}
        collect, abandoned = self.settings.collect, False
        with Cancellation(_tell_to_wait) as cancellation, interruptible(cancellation.wait):
            try:
                for block, outcome in self._outcomes(lambda: not cancellation.requested, failures, chosen):
                    if outcome.cancelled:
                        continue
                    if outcome.error is not None:
                        failures |= dict.fromkeys(block, outcome)
                    elif collect:
                        outputs[block[0]] = self._output(outcome.item, outcome.result)
                    self._record(block, outcome, watch)
            except KeyboardInterrupt:
                abandoned = True
            except BaseException as error:  # of the store, or of a model that ends the process
                watch.over(self._cancel_rest())
                error.add_note(f"the backfill ended with this error: {self._result(outputs)}")
                raise
            cancelled = self._cancel_rest()
            watch.over(cancelled)
        result = self._result(outputs)
        if cancellation.requested or abandoned:
            raise BackfillCancelled(result)
        if failures:
            self._fail(failures, chosen, len(cancelled), result)
        return result

    def _cancel_rest(self) -> "NDArray[np.intp]":
        """Mark the steps that have not ended, and never will, in the report."""
        rest = self.report.planned()
        self.report.mark(rest, "cancelled")
        return rest

    def _outcomes(
        self, go_on: Callable[[], bool], failures: Collection[int], chosen: int
    ) -> Iterator[tuple[Block, Outcome]]:
        """What became of each block, as it ends; a failed one that is split comes as its parts."""
        if self.node is not None:
            yield from self._outcomes_of_nodes(self.node, go_on)
            return
        settings = self.settings
        endured = 0 if settings.depends_on_past else self.policy.endures(chosen)
        work = Work(cut(self.report.planned(), settings.chunk, self.contexts.steps), self.contexts)
        with opened(settings.executor) as pool:
            for outcome in run_calls(
                settings.model,
                work,
                pool=pool,
                policy=settings.retry,
                ahead=1 if settings.depends_on_past else None,
                go_on=lambda: go_on() and len(failures) <= endured,
            ):
                block = work.take(outcome.index)
                broke = isinstance(outcome.error, BrokenExecutor)  # and takes no halves any more
                if settings.split_failed and len(block) > 1 and outcome.failed and not broke:
                    work.halve(block)
                else:
                    yield block, outcome

    def _outcomes_of_nodes(self, node: BackfillStep, go_on: Callable[[], bool]) -> Iterator[tuple[Block, Outcome]]:
        """What became of each step that a graph evaluator ran already, or runs now that it is asked for."""
        for index, call in zip(self.report.planned().tolist(), self.calls(), strict=True):
            if not go_on() or node.has_stopped:
                return
            outcome = node(call).outcome
            if outcome is not None:  # of steps at a time, one may not have run and the next have
                outcome.item = call.context
                yield range(index, index + 1), outcome

    def calls(self) -> Iterator[StepCall]:
        """What the node of a step is called with, for each step that is to run."""
        # One after the other is far cheaper than each by its position.
        contexts = compress(self.contexts, self.report.having("planned"))
        for context, key in zip(contexts, self.report.keys(self.report.planned()), strict=True):
            yield StepCall(context=context, key=key or "")

    @cached_property
    def _store_to_mark(self) -> Any:
        """The checkpoint store, unless the nodes of a graph do the marking."""
        return self.settings.checkpoint_store if self.node is None else None

    def _record(self, block: Block, outcome: Outcome, watch: Watch) -> None:
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
                trace=outcome.trace,
            )
        try:
            if self._store_to_mark is not None:
                mark_ended(self._store_to_mark, [self.report.key(index) for index in block], outcome, self.noted)
        finally:  # it has ended, even where it could not be marked
            watch.ended(block, outcome)

    @cached_property
    def _type_of_contexts(self) -> str:
        return str(self.context.context.type_)

    def _output(self, step: ContextBase, result: ResultBase) -> dict[str, Any]:
        # A context is told, whatever it holds; a result that has no JSON, as a DataFrame has none, is kept as it is.
        context = type(step).__pydantic_serializer__.to_python(step, mode="json", fallback=repr, exclude={"type_"})
        context["type_"] = self._type_of_contexts  # looked up by pydantic it costs more than all the rest
        if _is_generic(type(result)):
            return {"context": context, "value": result.value}
        try:
            return {"context": context, "value": result.model_dump(mode="json")}
        except PydanticSerializationError:
            return {"context": context, "value": result.model_dump()}

    def _result(self, outputs: dict[int, Any]) -> BackfillResult:
        self.report.ended = time.time()
        value = {"steps": len(self.report), "outputs": [outputs[index] for index in sorted(outputs)]}
        result = BackfillResult(value=value, summary=self.report.summary())
        result._report = self.report
        return result

    def _fail(self, failures: dict[int, Outcome], chosen: int, kept: int, result: BackfillResult) -> None:
        """Raise what the policy says about these failures, if anything; ``kept`` steps did not run because of them."""
        if self.policy.on_error == "raise":
            raise self._noted(next(iter(failures)), failures, result)
        if len(failures) + kept > self.policy.allowed(chosen):
            first = min(failures)
            told = f"first {self.contexts.steps[first]}: {failures[first].told}"
            besides = f" and {kept} did not run" if kept else ""
            message = f"{len(failures)} of {chosen} steps failed{besides}, {told}"
            raise BackfillError(message, result) from self._noted(first, failures, result)

    def _noted(self, index: int, failures: dict[int, Outcome], result: BackfillResult) -> BaseException:
        """The error of a step, with what it cannot say itself."""
        return failures[index].noted(f"in the backfill's step {self.contexts.steps[index]}; {result}")


def _tell_to_wait() -> None:
    log.warning("Stopping after the steps that are running; interrupt again to abandon them.")


@lru_cache
def _is_generic(kind: type[ResultBase]) -> bool:
    return issubclass(kind, GenericResult)

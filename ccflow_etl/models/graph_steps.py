"""Steps as nodes of a dependency graph, where there is more to a step than its result: a mark, a failure, a retry.

A graph evaluator runs the nodes before the backfill itself. So the node sees to what the backfill would, and the
decisions on all steps are a node too, which comes first: taken afterwards, they would find the steps done.
"""

from typing import Annotated, Any, TypeVar

from ccflow import CallableModel, ContextBase, Flow, ResultBase
from ccflow.callable import GraphDepList
from pydantic import Field, InstanceOf, PrivateAttr, ValidatorFunctionWrapHandler, WrapValidator, field_serializer

from ..execution.retry import RetryPolicy
from ..execution.runner import Outcome, attempt
from .backfill_context import BackfillContext
from .backfill_policy import FailurePolicy
from .checkpoint_store import OptionalCheckpointStore
from .marks import check_marks, mark_ended
from .plan import BackfillPlan

__all__ = ["BackfillDecisions", "BackfillStep", "StepCall", "StepResult"]

Context = TypeVar("Context", bound=ContextBase)


def _as_it_is(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    return value if isinstance(value, ContextBase) else validate(value)


AsItIs = Annotated[Context, WrapValidator(_as_it_is)]
"""A field type: a context, taken as it is; only the dump of one is validated."""


class BackfillDecisions(CallableModel):
    """The decisions on all steps of a range, as they were before the first of them ran."""

    backfill: CallableModel = Field(description="The backfill that decides.")

    @Flow.call(cacheable=False)
    def __call__(self, context: BackfillContext) -> BackfillPlan:
        """The backfill's plan, without reasons; taken for a run, so the steps' marks have to be possible."""
        backfill: Any = self.backfill  # imports point down only
        plan: BackfillPlan = backfill._decide(context)
        if backfill.checkpoint_store is not None:
            check_marks(backfill.checkpoint_store)
        return plan


class StepCall(ContextBase):
    """What one step is called with."""

    context: AsItIs[ContextBase] = Field(description="The context of the step.")
    key: str = Field("", description="Its key in the checkpoint store.")


class StepResult(ResultBase):
    """What became of one step."""

    outcome: InstanceOf[Outcome] | None = Field(
        description="None for a step that did not run, because too many before it had failed."
    )

    @field_serializer("outcome")
    def _told(self, outcome: Outcome | None) -> dict[str, Any] | None:
        # What the step returned, or failed with, may have no JSON, and whoever reads a dump has no use for it.
        if outcome is None:
            return None
        return {"attempts": outcome.attempts, "seconds": outcome.seconds, "error": outcome.told}


class BackfillStep(CallableModel):
    """Runs one step of a range, with its attempts, and marks it; a failure is part of the result."""

    model: CallableModel = Field(description="The model to run.")
    checkpoint_store: OptionalCheckpointStore = Field(None, description="Where the step is marked.")
    retry: RetryPolicy | None = Field(None, description="How it is tried again.")
    policy: FailurePolicy = Field(description="When failures of other steps keep this one from running.")
    decisions: BackfillDecisions = Field(description="The node that has to come first.")
    range: AsItIs[BackfillContext] = Field(description="The range that the step is part of.")
    _to_run: int = PrivateAttr(0)
    _failed: list[str] = PrivateAttr(default_factory=list)  # in threads a list loses none, as a count would

    @property
    def has_stopped(self) -> bool:
        """Whether more of the steps that were run here have failed than the run goes on with."""
        return len(self._failed) > self.policy.endures(self._to_run)

    @Flow.call(cacheable=False)
    def __call__(self, context: StepCall) -> StepResult:
        """Run the step, and mark it when it has ended."""
        if self.has_stopped:
            return StepResult(outcome=None)
        outcome = attempt(self.model, self.retry, 0, context.context)
        if self.checkpoint_store is not None and not outcome.cancelled:
            mark_ended(self.checkpoint_store, [context.key], outcome)
        if outcome.error is not None:
            self._failed.append(context.key)
        return StepResult(outcome=outcome)

    @Flow.deps(cacheable=False)
    def __deps__(self, context: StepCall) -> GraphDepList:
        """The decisions, which have to be taken before any step is marked."""
        return [(self.decisions, [self.range])]

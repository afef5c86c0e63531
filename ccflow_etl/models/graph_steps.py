"""Steps as nodes of a dependency graph, where there is more to a step than its result: a mark, a failure, a retry.

A graph evaluator runs the nodes before the backfill itself. So the node sees to what the backfill would, and the
decisions on all steps are a node too, which comes first: taken afterwards, they would find the steps done.
"""

from typing import Any

from ccflow import CallableModel, ContextBase, Flow, GenericResult
from ccflow.callable import GraphDepList
from pydantic import Field, InstanceOf, PrivateAttr

from ..execution.retry import RetryPolicy
from ..execution.runner import attempt
from .backfill_context import BackfillContext
from .backfill_policy import FailurePolicy
from .checkpoint_store import OptionalCheckpointStore
from .marks import mark_ended
from .plan import BackfillPlan

__all__ = ["BackfillDecisions", "BackfillStep", "StepCall"]


class BackfillDecisions(CallableModel):
    """The decisions on all steps of a range, as they were before the first of them ran."""

    backfill: CallableModel = Field(description="The backfill that decides.")

    @Flow.call(cacheable=False)
    def __call__(self, context: BackfillContext) -> BackfillPlan:
        """The backfill's plan, without reasons."""
        plan: BackfillPlan = self.backfill._decide(context)  # type: ignore[attr-defined] # imports point down only
        return plan


class StepCall(ContextBase):
    """What one step is called with."""

    context: InstanceOf[ContextBase] = Field(description="The context of the step.")
    key: str = Field("", description="Its key in the checkpoint store.")


class BackfillStep(CallableModel):
    """Runs one step of a range, with its attempts, and marks it; a failure is part of the result.

    The result's value is an :class:`~ccflow_etl.execution.runner.Outcome`, or None for a step that did not run because
    too many before it had failed.
    """

    model: CallableModel = Field(description="The model to run.")
    checkpoint_store: OptionalCheckpointStore = Field(None, description="Where the step is marked.")
    retry: RetryPolicy | None = Field(None, description="How it is tried again.")
    policy: FailurePolicy = Field(description="When failures of other steps keep this one from running.")
    decisions: BackfillDecisions = Field(description="The node that has to come first.")
    range: InstanceOf[BackfillContext] = Field(description="The range that the step is part of.")
    _to_run: int = PrivateAttr(0)
    _failed: list[str] = PrivateAttr(default_factory=list)  # in threads a list loses none, as a count would

    @property
    def has_stopped(self) -> bool:
        """Whether more of the steps that were run here have failed than the run goes on with."""
        return len(self._failed) > self.policy.endures(self._to_run)

    @Flow.call(cacheable=False)
    def __call__(self, context: StepCall) -> GenericResult[Any]:
        """Run the step, and mark it when it has ended."""
        if self.has_stopped:
            return GenericResult[Any](value=None)
        outcome = attempt(self.model, self.retry, 0, context.context)
        if self.checkpoint_store is not None and not outcome.cancelled:
            mark_ended(self.checkpoint_store, [context.key], outcome)
        if outcome.error is not None:
            self._failed.append(context.key)
        return GenericResult[Any](value=outcome)

    @Flow.deps
    def __deps__(self, context: StepCall) -> GraphDepList:
        """The decisions, which have to be taken before any step is marked."""
        return [(self.decisions, [self.range])]

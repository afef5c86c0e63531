"""BackfillModel: a model run for every step of a range."""

import logging
from typing import Any

from ccflow import CallableModel, ContextBase, Flow, GenericResult, ResultBase
from ccflow.callable import GraphDepList
from pydantic import Field
from pydantic_core import PydanticSerializationError

from .backfill_context import BackfillContext
from .plan import BackfillPlan
from .summary import RunSummary

__all__ = ["BackfillModel", "BackfillResult"]

log = logging.getLogger(__name__)


class BackfillResult(GenericResult[dict[str, Any]]):
    """What a backfill did.

    ``value`` is ``{"steps": n, "outputs": [{"context": {...}, "value": ...}]}`` in the order of the steps: the context
    as JSON, and the ``value`` of a ``GenericResult`` or any other result as JSON.

    Printed, it is one line of counts.

    >>> print(BackfillResult(value={"steps": 2, "outputs": []}, summary=RunSummary.from_statuses(["succeeded"] * 2)))
    2 steps: 2 succeeded
    """

    summary: RunSummary = Field(default_factory=RunSummary, description="Counts of the steps by what became of them.")

    def __str__(self) -> str:
        counts = ", ".join(f"{count:,} {status}" for status, count in self.summary.by_status.items())
        return f"{self.value['steps']:,} steps: {counts or 'nothing was run'}"


class BackfillModel(CallableModel):
    """Runs a model once for each step of a :class:`BackfillContext` of the model's own context type.

    The steps are declared as dependencies, so that a graph evaluator can run them; a step that was run there is not
    run again. The model keeps nothing between calls: one instance serves any number of ranges and threads.

    >>> import datetime as dt
    >>> from ccflow import DateContext
    >>> class Weekday(CallableModel):
    ...     @Flow.call
    ...     def __call__(self, context: DateContext) -> GenericResult[str]:
    ...         return GenericResult[str](value=context.date.strftime("%A"))
    >>> result = BackfillModel(model=Weekday())(["2024-02-29", "2024-03-01"])
    >>> [output["value"] for output in result.value["outputs"]]
    ['Thursday', 'Friday']
    """

    model: CallableModel = Field(description="The model to run for each step.")

    @property
    def context_type(self) -> Any:
        """``BackfillContext`` of the wrapped model's context type."""
        return BackfillContext.__class_getitem__(_required(self.model.context_type))

    @Flow.call
    def __call__(self, context: BackfillContext) -> BackfillResult:
        """Run the model for each step, in order; the first failure ends the run and is raised as it is."""
        outputs = []
        for step in context.step_contexts():
            outputs.append({"context": step.model_dump(mode="json"), "value": _value_of(self.model(step))})
        if not outputs:
            log.warning("No steps from %s to %s: nothing was run.", context.start_datetime, context.end_datetime)
        return BackfillResult(
            value={"steps": len(outputs), "outputs": outputs},
            summary=RunSummary.from_statuses(["succeeded"] * len(outputs)),
        )

    def plan(self, context: Any) -> BackfillPlan:
        """What a call with this context would run; nothing is run and nothing written.

        Args:
            context: A :class:`BackfillContext`, or anything that validates as one.

        Raises:
            pydantic.ValidationError: ``context`` is not a backfill of the wrapped model.

        >>> from ccflow_etl import LocalWriteModel
        >>> BackfillModel(model=LocalWriteModel()).plan(
        ...     {"start_datetime": "2024-01-01", "end_datetime": "2024-01-31", "context": {"path": "a", "payload": 1}}
        ... ).counts
        {'planned': 31}
        """
        return BackfillPlan(context=self.context_type.model_validate(context))

    @Flow.deps
    def __deps__(self, context: BackfillContext) -> GraphDepList:
        """One dependency for each step: the wrapped model on the step's context."""
        return [(self.model, list(context.step_contexts()))]


def _required(context_type: Any) -> type[ContextBase]:
    """The context type of a signature, without the ``| None`` of a context that may be left out."""
    kinds = [kind for kind in getattr(context_type, "__args__", ()) if kind is not type(None)]
    return kinds[0] if kinds and not isinstance(context_type, type) else context_type


def _value_of(result: ResultBase) -> Any:
    if isinstance(result, GenericResult):
        return result.value
    try:
        return result.model_dump(mode="json")
    except PydanticSerializationError:  # a DataFrame, say, has no JSON: it is kept as it is
        return result.model_dump()

"""BackfillModel: a model run for every step of a range."""

from dataclasses import replace
from typing import Any

from ccflow import Flow
from ccflow.callable import GraphDepList

from .backfill_context import BackfillContext
from .backfill_result import BackfillError, BackfillResult
from .backfill_run import BackfillRun
from .backfill_settings import BackfillSettings
from .backfill_status import BackfillStatus
from .flow import flow_call
from .graph_steps import BackfillDecisions
from .plan import BackfillPlan
from .plan_run import decided_plan, explained_plan, remaining_plan
from .step_keys import StepKeys

__all__ = ["BackfillModel"]


class BackfillModel(BackfillSettings):
    """Runs a model once for each step of a :class:`BackfillContext` of the model's own context type.

    A plain backfill declares its steps as dependencies, so that a graph evaluator can run them; a step that was run
    there is not run again. The model keeps nothing between calls: one instance serves any number of ranges and threads.

    With a checkpoint store, steps that are done are not run again, and a run that was killed goes on where it was.
    Without any of the other fields, a backfill is a plain loop.

    >>> import datetime as dt
    >>> from ccflow import CallableModel, DateContext, GenericResult
    >>> class Weekday(CallableModel):
    ...     @Flow.call
    ...     def __call__(self, context: DateContext) -> GenericResult[str]:
    ...         return GenericResult[str](value=context.date.strftime("%A"))
    >>> result = BackfillModel(model=Weekday())(["2024-02-29", "2024-03-01"])
    >>> [output["value"] for output in result.value["outputs"]]
    ['Thursday', 'Friday']
    """

    @flow_call(cacheable=False)
    def __call__(self, context: BackfillContext) -> BackfillResult:  # type: ignore[override]  # of any context in ccflow
        """Run the model for each step that is not done.

        Never taken from a cache as a whole, because what is done is not part of its context; its steps may be.

        Raises:
            BackfillError: ``on_error`` is ``"continue"`` and more steps failed than are allowed.
            Exception: of the first step that failed, as it is, where ``on_error`` is ``"raise"``.
        """
        return self._finish(self._run(context, self._decider))

    def _finish(self, run: BackfillRun) -> BackfillResult:
        try:
            return run.run()
        except BackfillError as error:
            if self.raise_on_failure:
                raise
            error.result._failure = str(error)
            return error.result

    @property
    def _decider(self) -> BackfillDecisions | None:
        """The node that decides on all steps, where a graph evaluator may run those that are left."""
        return None if self.is_plain or self.schedules_itself else BackfillDecisions(backfill=self)

    def _run(self, context: BackfillContext, decider: BackfillDecisions | None = None) -> BackfillRun:
        return BackfillRun(self, context, decider=decider)

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
        return explained_plan(self, self._decide(self.context_type.model_validate(context)))

    def _decide(self, context: BackfillContext) -> BackfillPlan:
        return decided_plan(self._run(context))

    def remaining(self, plan: BackfillPlan, context: Any = None) -> BackfillPlan:
        """What :meth:`run_plan` would run now: the plan without the steps that a run of it has done already.

        >>> from tempfile import TemporaryDirectory
        >>> from ccflow_etl import LocalWriteModel, MemoryCheckpointStore
        >>> backfill = BackfillModel(model=LocalWriteModel(), checkpoint_store=MemoryCheckpointStore())
        >>> with TemporaryDirectory() as folder:
        ...     days = ["2024-01-01", "2024-01-02", {"path": f"{folder}/sales.json", "payload": 1}]
        ...     plan = backfill.plan(days)
        ...     print(backfill.run_plan(plan))
        ...     backfill.remaining(plan).counts
        2 steps: 2 succeeded
        {'checkpoint': 2}
        """
        return remaining_plan(self, plan, context)

    def run_plan(self, plan: BackfillPlan, context: Any = None) -> BackfillResult:
        """Run the steps that a plan lists as planned, whatever has been marked since by others.

        A plan is one run, however often it is started: steps that were marked as done by an earlier run of the same
        plan are not run again. Without a checkpoint store, every start runs all of them.

        Args:
            plan: A plan of this backfill. Settings of how to run it, such as the executor, may have changed.
            context: What is known of the plan's context, to be compared with it; relative bounds are the plan's.

        Raises:
            PlanError: The plan was made for another model, store or range; the message says what differs.
            BackfillError: As from a call.

        >>> from ccflow_etl import LocalWriteModel
        >>> backfill = BackfillModel(model=LocalWriteModel())
        >>> none = ["2024-01-02", "2024-01-01", {"path": "sales.json", "payload": 1}]
        >>> print(backfill.run_plan(backfill.plan(none)))
        0 steps: nothing was run
        """
        rest = self.remaining(plan, context)
        return self._finish(replace(self._run(rest.context), decisions=rest.decisions, noted={"plan": plan.id}))

    def status(self, context: Any) -> BackfillStatus:
        """How the steps are marked now, whoever marked them; nothing is run and nothing written.

        Args:
            context: A :class:`BackfillContext`, or anything that validates as one.

        Raises:
            ValueError: The backfill has no checkpoint store, or ``context`` is not a backfill of the wrapped model.

        >>> from ccflow_etl import LocalWriteModel, MemoryCheckpointStore
        >>> backfill = BackfillModel(model=LocalWriteModel(), checkpoint_store=MemoryCheckpointStore())
        >>> backfill.status(["2024-01-01", "2024-01-31", {"path": "sales.json", "payload": 1}]).counts
        {'unmarked': 31}
        """
        if self.checkpoint_store is None:
            raise ValueError("status needs a checkpoint_store, whose marks it tells.")
        context = self.context_type.model_validate(context)
        keys = StepKeys(self.key, self.model, self.code_version, context.context, context.step_contexts())
        return BackfillStatus(context, keys, self.checkpoint_store)

    @Flow.deps(cacheable=False)
    def __deps__(self, context: BackfillContext) -> GraphDepList:
        """One dependency for each step that is to run; which steps these are is no part of the context either.

        Of a plain backfill it is the wrapped model on the step's context. Where there is more to a step than its result
        (a mark, a failure to live with, another attempt) it is a :class:`BackfillStep`, which sees to that. With an
        executor, a chunk, ``depends_on_past``, progress or a ``report_path`` there are none: the backfill itself says
        when and where a step runs.
        """
        if self.schedules_itself:
            return []
        if self.is_plain:
            return [(self.model, list(context.step_contexts()))]
        run = self._run(context, self._decider)
        return [(run.node, list(run.calls()))] if run.node else []

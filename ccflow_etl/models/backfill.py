"""BackfillModel: a model run for every step of a range."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from ccflow import CallableModel, ContextBase, Flow
from ccflow.callable import GraphDepList
from pydantic import AfterValidator, Field, NonNegativeInt, PositiveInt, model_validator

from ..calendars.interval import Interval
from ..execution.retry import RetryPolicy
from .backfill_context import BackfillContext
from .backfill_policy import FailurePolicy
from .backfill_result import BackfillError, BackfillResult
from .backfill_run import BackfillRun, Only
from .backfill_status import BackfillStatus
from .checkpoint_store import OptionalCheckpointStore
from .executor import OptionalExecutor
from .graph_steps import BackfillDecisions
from .plan import BackfillPlan
from .plan_run import decided_plan, explained_plan, remaining_plan
from .report_file import check_report_path
from .step_keys import DEFAULT_KEY, StepKeys, check_key
from .step_maker import carries_window

__all__ = ["BackfillModel"]


class BackfillModel(CallableModel):
    """Runs a model once for each step of a :class:`BackfillContext` of the model's own context type.

    A plain backfill declares its steps as dependencies, so that a graph evaluator can run them; a step that was run
    there is not run again. The model keeps nothing between calls: one instance serves any number of ranges and threads.

    With a checkpoint store, steps that are done are not run again, and a run that was killed goes on where it was.
    Without any of the other fields, a backfill is a plain loop.

    >>> import datetime as dt
    >>> from ccflow import DateContext, GenericResult
    >>> class Weekday(CallableModel):
    ...     @Flow.call
    ...     def __call__(self, context: DateContext) -> GenericResult[str]:
    ...         return GenericResult[str](value=context.date.strftime("%A"))
    >>> result = BackfillModel(model=Weekday())(["2024-02-29", "2024-03-01"])
    >>> [output["value"] for output in result.value["outputs"]]
    ['Thursday', 'Friday']
    """

    model: CallableModel = Field(description="The model to run for each step.")
    checkpoint_store: OptionalCheckpointStore = Field(
        None, description="Where the steps that are done are marked; done steps are not run again."
    )
    key: Annotated[str, AfterValidator(check_key)] = Field(
        DEFAULT_KEY, description="Template of a step's checkpoint key: {model}, {version}, {step} and {context}."
    )
    code_version: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="Changes every key, so that a new version runs every step."
    )
    overwrite: bool = Field(False, description="Run steps that are done, too.")
    only: Only | None = Field(
        None, description="Run only steps without a mark (missing), or marked as failed (failed)."
    )
    retry: RetryPolicy | None = Field(None, description="How each step is tried again.")
    on_error: Literal["raise", "continue"] = Field(
        "raise", description="Stop at the first failure, or go on; with a limit of failures, go on."
    )
    max_failures: NonNegativeInt | None = Field(None, description="How many steps may fail; one more ends the run.")
    min_success_ratio: Annotated[float, Field(ge=0, le=1)] | None = Field(
        None, description="Which part of the steps has to succeed; the run ends when it no longer can."
    )
    raise_on_failure: bool = Field(True, description="Raise BackfillError for too many failures, or return the result.")
    executor: OptionalExecutor = Field(None, description="Where the steps run; by default here, one by one.")
    chunk: PositiveInt | Interval | None = Field(
        None,
        description="Steps that a model with a range context is called for at once: how many, or an interval.",
    )
    split_failed: bool = Field(False, description="Call for the halves of a chunk that failed, down to single steps.")
    depends_on_past: bool = Field(False, description="Run in order, one at a time, and not past a failure.")
    report_path: Annotated[Path, AfterValidator(check_report_path)] | None = Field(
        None, description="A .jsonl or .parquet file to write the report's lines to as the steps end."
    )
    collect: bool = Field(True, description="Whether to keep the steps' outputs.")

    @model_validator(mode="after")
    def _check_chunk(self) -> Self:
        if self.chunk is not None and not carries_window(_required(self.model.context_type)):
            raise ValueError(
                f"chunk needs a model whose context has start_date and end_date, or start_datetime and end_datetime: "
                f"{type(self.model).__name__} is called for one step at a time."
            )
        return self

    @property
    def _has_limit(self) -> bool:
        return self.max_failures is not None or self.min_success_ratio is not None

    @model_validator(mode="after")
    def _check_limit(self) -> Self:
        if self._has_limit and self.on_error == "raise" and "on_error" in self.model_fields_set:
            raise ValueError(
                "on_error='raise' stops at the first failure: leave it out, or max_failures and the ratio."
            )
        return self

    @model_validator(mode="after")
    def _check_only(self) -> Self:
        if self.only is not None and self.checkpoint_store is None:
            raise ValueError(f"only={self.only!r} needs a checkpoint_store, whose marks say which steps those are.")
        return self

    @property
    def context_type(self) -> Any:
        """``BackfillContext`` of the wrapped model's context type."""
        return BackfillContext.__class_getitem__(_required(self.model.context_type))

    @Flow.call(cacheable=False)
    def __call__(self, context: BackfillContext) -> BackfillResult:
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
            return error.result

    @property
    def _policy(self) -> FailurePolicy:
        return FailurePolicy(
            on_error="continue" if self._has_limit else self.on_error,
            max_failures=self.max_failures,
            min_success_ratio=self.min_success_ratio,
        )

    @property
    def _schedules(self) -> bool:
        """Whether when and where a step runs is said here, so that no graph evaluator can."""
        return (
            self.executor is not None or self.chunk is not None or self.depends_on_past or self.report_path is not None
        )

    @property
    def _is_plain(self) -> bool:
        """Whether a step is nothing but the model's call."""
        return self.checkpoint_store is None and self.retry is None and self._policy == FailurePolicy()

    @property
    def _decider(self) -> BackfillDecisions | None:
        """The node that decides on all steps, where a graph evaluator may run those that are left."""
        return None if self._is_plain or self._schedules else BackfillDecisions(backfill=self)

    def _run(self, context: BackfillContext, decider: BackfillDecisions | None = None) -> BackfillRun:
        return BackfillRun(
            model=self.model,
            context=context,
            key=self.key,
            code_version=self.code_version,
            store=self.checkpoint_store,
            overwrite=self.overwrite,
            only=self.only,
            retry=self.retry,
            policy=self._policy,
            executor=self.executor,
            collect=self.collect,
            chunk=self.chunk,
            split_failed=self.split_failed,
            depends_on_past=self.depends_on_past,
            decider=decider,
            report_path=self.report_path,
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
        return explained_plan(self, self._decide(self.context_type.model_validate(context)))

    def _decide(self, context: BackfillContext) -> BackfillPlan:
        return decided_plan(self._run(context))

    def remaining(self, plan: BackfillPlan, context: Any = None) -> BackfillPlan:
        """What :meth:`run_plan` would run now: the plan without the steps that a run of it has done already."""
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

    @Flow.deps
    def __deps__(self, context: BackfillContext) -> GraphDepList:
        """One dependency for each step that is to run.

        Of a plain backfill it is the wrapped model on the step's context. Where there is more to a step than its result
        (a mark, a failure to live with, another attempt) it is a :class:`BackfillStep`, which sees to that. With an
        executor, a chunk, ``depends_on_past`` or a ``report_path`` there are none: the backfill itself says when and
        where a step runs.
        """
        if self._schedules:
            return []
        if self._is_plain:
            return [(self.model, list(context.step_contexts()))]
        run = self._run(context, self._decider)
        return [(run.node, list(run.calls()))] if run.node else []


def _required(context_type: Any) -> type[ContextBase]:
    """The context type of a signature, without the ``| None`` of a context that may be left out."""
    kinds = [kind for kind in getattr(context_type, "__args__", ()) if kind is not type(None)]
    return kinds[0] if kinds and not isinstance(context_type, type) else context_type

"""BackfillSettings: everything that is said of a backfill before it is given a range."""

import abc
from typing import Annotated, Any, Literal, Self

from ccflow import CallableModel, ContextBase
from pydantic import AfterValidator, Field, NonNegativeInt, PositiveInt, PrivateAttr, field_validator, model_validator

from ..calendars.interval import Interval
from ..execution.retry import RetryPolicy
from ..stores.text_path import TextPath
from .backfill_context import BackfillContext
from .backfill_policy import FailurePolicy
from .checkpoint_store import OptionalCheckpointStore
from .executor import OptionalExecutor
from .report import StepReport
from .report_file import check_report_path
from .step_keys import DEFAULT_KEY, check_key, placeholders
from .step_maker import carries_window

__all__ = ["BackfillSettings"]


class BackfillSettings(CallableModel, abc.ABC):
    """What a backfill runs, where it keeps its marks, and how it goes about its steps."""

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
    only: Literal["missing", "failed"] | None = Field(
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
    progress: bool | None = Field(
        None, description="Whether to show how far the run is; by default only for cc-etl in a terminal."
    )
    report_path: Annotated[TextPath, AfterValidator(check_report_path)] | None = Field(
        None, description="A .jsonl or .parquet file to write the report's lines to as the steps end."
    )
    collect: bool = Field(True, description="Whether to keep the steps' outputs.")
    _runs: list[StepReport] | None = PrivateAttr(None)

    @field_validator("chunk")
    @classmethod
    def _check_chunk_interval(cls, value: int | Interval | None) -> int | Interval | None:
        if isinstance(value, Interval):
            try:
                value.grid(0)
            except ValueError:
                raise ValueError(
                    f"chunk {value} cannot be cut: give a number of steps, or an interval such as 1W or MS."
                ) from None
        return value

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

    @model_validator(mode="after")
    def _check_code_version(self) -> Self:
        if self.code_version is not None and not {"model", "version"} & placeholders(self.key):
            raise ValueError(
                f"code_version={self.code_version!r} would change nothing, as key {self.key!r} does not have it: "
                "add {version} or {model}."
            )
        return self

    @property
    def context_type(self) -> Any:
        """``BackfillContext`` of the wrapped model's context type."""
        return BackfillContext.__class_getitem__(_required(self.model.context_type))

    @property
    def policy(self) -> FailurePolicy:
        """When the backfill stops, and whether it failed."""
        return FailurePolicy(
            on_error="continue" if self._has_limit else self.on_error,
            max_failures=self.max_failures,
            min_success_ratio=self.min_success_ratio,
        )

    @property
    def schedules_itself(self) -> bool:
        """Whether when and where a step runs is said here, so that no graph evaluator can."""
        return (
            self.executor is not None
            or self.chunk is not None
            or self.depends_on_past
            or bool(self.progress)
            or self.report_path is not None
        )

    @property
    def is_plain(self) -> bool:
        """Whether a step is nothing but the model's call."""
        nothing_else = self.checkpoint_store is None and self.retry is None and self.policy == FailurePolicy()
        return nothing_else and self._runs is None

    def followed(self) -> tuple[Self, list[StepReport]]:
        """The same backfill, and a list in which the lines of each of its runs are, however it ends.

        Steps that a graph evaluator runs are timed there, as those with a retry are.
        """
        runs: list[StepReport] = []
        followed = self.model_copy()
        followed._runs = runs
        return followed, runs


def _required(context_type: Any) -> type[ContextBase]:
    """The context type of a signature, without the ``| None`` of a context that may be left out."""
    kinds = [kind for kind in getattr(context_type, "__args__", ()) if kind is not type(None)]
    return kinds[0] if kinds and not isinstance(context_type, type) else context_type

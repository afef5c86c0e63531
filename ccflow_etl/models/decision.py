"""Which units of work still have to run, from their checkpoint marks and their outputs."""

import os
from collections import Counter
from pathlib import Path
from typing import Any, Literal, Self

from ccflow import BaseModel, CallableModel, ContextBase, Flow, ResultBase
from pydantic import ConfigDict, Field, ModelWrapValidatorHandler, field_validator, model_validator

from ..stores.checkpoint_protocol import should_skip_many
from .checkpoint_store import OptionalCheckpointStore

DecisionStatus = Literal["planned", "checkpoint", "exists", "database"]
"""``planned`` units run; the other statuses say what shows that a unit is already done."""


class CheckpointDecisionUnit(BaseModel):
    """One unit of work to decide on.

    >>> CheckpointDecisionUnit(key="prices/2024-01-03", output_path="prices/2024-01-03.json").output_path
    'prices/2024-01-03.json'
    """

    model_config = ConfigDict(frozen=True)

    key: str = Field(description="The unit's checkpoint key, unique among the units.")
    output_path: Path | str | None = Field(None, description="The local file that the unit writes, kept as given.")
    metadata: dict[str, Any] = Field(default_factory=dict, description="Anything the caller wants back.")


class CheckpointDecision(CheckpointDecisionUnit):
    """A unit with the decision on it: ``planned`` to run, or what shows that it is done.

    >>> CheckpointDecision(key="prices/2024-01-03", status="checkpoint").status
    'checkpoint'
    """

    status: DecisionStatus = Field(description="'planned' runs; the other statuses say why the unit is skipped.")


class CheckpointDecisionContext(ContextBase):
    """The units to decide on, and where to look for what is done.

    The store may be a live object: unlike ccflow's other contexts, this one and its copies share the store and the
    units instead of copying them. Raises ``pydantic.ValidationError`` for a store without ``should_skip``, and for a
    key that occurs twice: one mark cannot tell two units apart, so the first to finish would skip the second.

    >>> context = CheckpointDecisionContext(units=[{"key": "prices/2024-01-03"}])
    >>> context.checkpoint_store, context.overwrite, context.skip_existing
    (None, False, True)
    """

    units: list[CheckpointDecisionUnit] = Field(description="The units, in the order of the answer.")
    checkpoint_store: OptionalCheckpointStore = Field(
        None, description="Any object with should_skip(key), or the registry path of one such as /checkpoint/store."
    )
    overwrite: bool = Field(False, description="Plan every unit and look at nothing.")
    skip_existing: bool = Field(True, description="Skip a unit whose output_path exists.")

    @model_validator(mode="wrap")
    @classmethod
    def _share_store(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        # Outermost, so ahead of the deep copy that ccflow takes of whatever a context is made from.
        return handler(_Shared(value) if isinstance(value, dict) else value)

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        return self.__copy__()

    @field_validator("units")
    @classmethod
    def _have_distinct_keys(cls, units: list[CheckpointDecisionUnit]) -> list[CheckpointDecisionUnit]:
        repeated = [key for key, count in Counter(unit.key for unit in units).items() if count > 1]
        if repeated:
            raise ValueError(
                f"{len(repeated)} key(s) occur more than once, such as {repeated[0]!r}: give each unit a key of its own"
            )
        return units


class CheckpointDecisionResult(ResultBase):
    """The decisions in the units' order, and the keys of those that run.

    >>> CheckpointDecisionResult(decisions=[], runnable_keys=[]).runnable_keys
    []
    """

    decisions: list[CheckpointDecision] = Field(description="One for each unit, in order.")
    runnable_keys: list[str] = Field(description="The keys of the planned units, in order.")


class CheckpointDecisionModel(CallableModel):
    """Decides for each unit of work whether it still has to run.

    A unit that the store says to skip is ``checkpoint``; else one whose ``output_path`` is there is ``exists`` (unless
    ``skip_existing`` is off); every other unit is ``planned``. ``overwrite`` plans them all. The store is asked once
    if it has ``should_skip_many(keys)``, otherwise once for each key. Never cached: the answer changes with the store.

    >>> class Done:
    ...     def should_skip(self, key):
    ...         return key == "monday"
    >>> units = [{"key": "monday"}, {"key": "tuesday"}]
    >>> result = CheckpointDecisionModel()(CheckpointDecisionContext(units=units, checkpoint_store=Done()))
    >>> [decision.status for decision in result.decisions], result.runnable_keys
    (['checkpoint', 'planned'], ['tuesday'])
    """

    @Flow.call(volatile=True)
    def __call__(self, context: CheckpointDecisionContext) -> CheckpointDecisionResult:
        """The decisions on the context's units; O(units) questions to the store and the file system."""
        decisions = [
            CheckpointDecision(key=unit.key, status=status, output_path=unit.output_path, metadata=unit.metadata)
            for unit, status in zip(context.units, _statuses(context), strict=True)
        ]
        runnable = [decision.key for decision in decisions if decision.status == "planned"]
        return CheckpointDecisionResult(decisions=decisions, runnable_keys=runnable)


class _Shared(dict[str, Any]):
    """A mapping whose deep copy is itself."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


def _statuses(context: CheckpointDecisionContext) -> list[DecisionStatus]:
    if context.overwrite:
        return ["planned"] * len(context.units)
    marked = [False] * len(context.units)
    if context.checkpoint_store is not None:
        marked = should_skip_many(context.checkpoint_store, [unit.key for unit in context.units])
    return [_status(unit, done, context.skip_existing) for unit, done in zip(context.units, marked, strict=True)]


def _status(unit: CheckpointDecisionUnit, marked: bool, skip_existing: bool) -> DecisionStatus:
    if marked:
        return "checkpoint"
    if skip_existing and unit.output_path is not None and os.path.exists(unit.output_path):
        return "exists"
    return "planned"

"""Which units of work still have to run, from their checkpoint marks, their outputs and a database."""

from collections import Counter
from typing import Any, Self

from ccflow import CallableModel, ContextBase, ResultBase
from pydantic import Field, ModelWrapValidatorHandler, field_validator, model_validator

from .checkpoint_store import OptionalByteStore, OptionalCheckpointStore, OptionalDatabase
from .decision_unit import CheckpointDecisionUnit, DecisionStatus
from .flow import flow_call
from .shared import shared
from .skip_policies import SkipAny, SkipExisting, SkipInDatabase, SkipMarked, SkipPolicy


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
        return handler(shared(value))

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

    A unit that the checkpoint store says to skip is ``checkpoint``; else one whose output is there is ``exists``
    (unless ``skip_existing`` is off); else one that the database has is ``database``; else it is what ``policy``
    says; every other unit is ``planned``. ``overwrite`` plans them all. A checkpoint store with
    ``should_skip_many(keys)`` is asked once, each folder of outputs is listed once. Never cached: the answer changes
    with what is there.

    With ``verify`` an output counts only if it is as recorded: its ``size`` and ``sha256`` are taken from the unit's
    metadata or else from its mark's, and where neither is recorded it must not be empty. Then the mark of a unit that
    names an output does not count either without that output. Record them when you mark:
    ``mark_succeeded(key, metadata={"size": artifact.size, "sha256": artifact.sha256})``.

    >>> class Done:
    ...     def should_skip(self, key):
    ...         return key == "monday"
    >>> units = [{"key": "monday"}, {"key": "tuesday"}, {"key": "wednesday", "output_path": __file__}]
    >>> result = CheckpointDecisionModel()(CheckpointDecisionContext(units=units, checkpoint_store=Done()))
    >>> [decision.status for decision in result.decisions], result.runnable_keys
    (['checkpoint', 'planned', 'exists'], ['tuesday'])

    With a byte store the outputs are its keys:

    >>> from ccflow_etl import MemoryCacheStore
    >>> store = MemoryCacheStore()
    >>> store.put_bytes("daily/tuesday.json", b"{}")
    >>> units = [{"key": day, "output_path": f"daily/{day}.json"} for day in ("monday", "tuesday")]
    >>> CheckpointDecisionModel(store=store)(units=units).runnable_keys
    ['monday']
    """

    store: OptionalByteStore = Field(None, description="The byte store that outputs are in; None is local files.")
    database: OptionalDatabase = Field(None, description="Any object with exists(key), asked last about each key.")
    verify: bool = Field(False, description="Do not trust an output that is empty or is not as recorded.")
    policy: SkipPolicy | None = Field(None, description="Decides on the units that nothing else skips.")

    @flow_call(volatile=True)
    def __call__(self, context: CheckpointDecisionContext) -> CheckpointDecisionResult:  # type: ignore[override]  # of any context in ccflow
        """The decisions on the context's units, in order."""
        decisions = [
            CheckpointDecision(key=unit.key, status=status, output_path=unit.output_path, metadata=unit.metadata)
            for unit, status in zip(context.units, self._statuses(context), strict=True)
        ]
        runnable = [decision.key for decision in decisions if decision.status == "planned"]
        return CheckpointDecisionResult(decisions=decisions, runnable_keys=runnable)

    def _statuses(self, context: CheckpointDecisionContext) -> list[DecisionStatus]:
        marks = context.checkpoint_store
        outputs = SkipExisting(store=self.store, verify=self.verify, checkpoint_store=marks)
        policies: list[SkipPolicy | None] = [
            None if marks is None else SkipMarked(checkpoint_store=marks, outputs=outputs if self.verify else None),
            outputs if context.skip_existing else None,
            None if self.database is None else SkipInDatabase(database=self.database),
            self.policy,
        ]
        asked = [] if context.overwrite else [policy for policy in policies if policy is not None]
        return SkipAny(policies=asked).decide(context.units)

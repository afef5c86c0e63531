"""What shows that a unit of work need not run: small policies, and their combinations."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ccflow import BaseModel
from pydantic import Field

from ..stores.checkpoint_protocol import get_many, should_skip_many
from ..stores.records import CheckpointRecord
from .checkpoint_store import AnyCheckpointStore, AnyDatabase, OptionalByteStore, OptionalCheckpointStore
from .decision_unit import CheckpointDecisionUnit, DecisionStatus
from .outputs import is_intact, which_exist


class SkipPolicy(BaseModel):
    """What shows that a unit of work need not run.

    A policy of your own has one method, ``decide``, which is asked about all units at once. ``a | b`` skips what
    either skips (``b`` is asked about the rest only), ``a & b`` what both skip.

    >>> class SkipWeekend(SkipPolicy):
    ...     def decide(self, units):
    ...         return ["exists" if unit.key in ("saturday", "sunday") else "planned" for unit in units]
    >>> units = [CheckpointDecisionUnit(key=key) for key in ("friday", "saturday")]
    >>> SkipWeekend().decide(units), (SkipWeekend() & SkipExisting()).decide(units)
    (['planned', 'exists'], ['planned', 'planned'])
    """

    def decide(self, units: Sequence[CheckpointDecisionUnit]) -> list[DecisionStatus]:
        """Return one status for each unit, in order: ``planned``, or what shows that it need not run."""
        raise NotImplementedError(f"{type(self).__name__} needs a method decide(units)")

    def __or__(self, other: "SkipPolicy") -> "SkipAny":
        return SkipAny(policies=[self, other])

    def __and__(self, other: "SkipPolicy") -> "SkipAll":
        return SkipAll(policies=[self, other])


class SkipExisting(SkipPolicy):
    """Skips units whose output is there, as ``exists``.

    The output is ``output_path``: a local path or, with ``store``, a key in that byte store (without an
    ``output_path`` the unit's own key). With ``verify`` an output counts if its size and SHA-256 are those that are
    recorded as ``size`` and ``sha256`` in the unit's metadata or else in that of its mark in ``checkpoint_store``;
    where neither is recorded, if it is not empty.

    >>> unit = CheckpointDecisionUnit(key="this", output_path=__file__, metadata={"size": 3})
    >>> SkipExisting().decide([unit]), SkipExisting(verify=True).decide([unit])
    (['exists'], ['planned'])
    """

    store: OptionalByteStore = Field(None, description="The byte store that outputs are in; None is local files.")
    verify: bool = Field(False, description="Look at size and hash, and not only for something of that name.")
    checkpoint_store: OptionalCheckpointStore = Field(None, description="Whose marks may record size and sha256.")

    def decide(self, units: Sequence[CheckpointDecisionUnit]) -> list[DecisionStatus]:
        """Return ``exists`` for each unit whose output is there; one listing for each folder."""
        outputs = {index: output for index, unit in enumerate(units) if (output := self._output(unit)) is not None}
        there = which_exist(list(outputs.values()), self.store)
        found = [(index, output) for (index, output), exists in zip(outputs.items(), there, strict=True) if exists]
        if self.verify:
            recorded = self._recorded([units[index] for index, _ in found])
            found = [
                (index, output)
                for (index, output), known in zip(found, recorded, strict=True)
                if is_intact(output, self.store, known.get("size"), known.get("sha256"))
            ]
        return _statuses(len(units), [index for index, _ in found], "exists")

    def _output(self, unit: CheckpointDecisionUnit) -> str | Path | None:
        return unit.key if unit.output_path is None and self.store is not None else unit.output_path

    def _recorded(self, units: Sequence[CheckpointDecisionUnit]) -> list[dict[str, Any]]:
        """What is recorded of the units' outputs: by the units, or else by their marks."""
        marks: list[CheckpointRecord | None] = [None] * len(units)
        if hasattr(self.checkpoint_store, "get"):
            marks = get_many(self.checkpoint_store, [unit.key for unit in units], needed_for="verify=True")
        return [
            unit.metadata if mark is None else mark.metadata | unit.metadata
            for unit, mark in zip(units, marks, strict=True)
        ]


class SkipMarked(SkipPolicy):
    """Skips units that a checkpoint store says to skip, as ``checkpoint``.

    With ``outputs`` the mark of a unit that names an output counts only while that policy skips the unit as well.

    >>> from ccflow_etl import MemoryCheckpointStore
    >>> store = MemoryCheckpointStore()
    >>> _ = store.mark_succeeded("monday")
    >>> SkipMarked(checkpoint_store=store).decide([CheckpointDecisionUnit(key=key) for key in ("monday", "tuesday")])
    ['checkpoint', 'planned']
    """

    checkpoint_store: AnyCheckpointStore = Field(description="Any object with should_skip(key).")
    outputs: SkipExisting | None = Field(None, description="How to look for the outputs of units that name one.")

    def decide(self, units: Sequence[CheckpointDecisionUnit]) -> list[DecisionStatus]:
        """Return ``checkpoint`` for each unit that is marked; one question to a store with a bulk form."""
        flags = should_skip_many(self.checkpoint_store, [unit.key for unit in units])
        marked = [index for index, flag in enumerate(flags) if flag]
        if self.outputs is not None:
            named = [index for index in marked if units[index].output_path is not None]
            statuses = self.outputs.decide([units[index] for index in named])
            doubted = {index for index, status in zip(named, statuses, strict=True) if status == "planned"}
            marked = [index for index in marked if index not in doubted]
        return _statuses(len(units), marked, "checkpoint")


class SkipInDatabase(SkipPolicy):
    """Skips units whose key a database has, as ``database``.

    The database is any object with ``exists(key)``; one that also has ``exists_many(keys)`` is asked once.

    >>> class Rows:
    ...     def exists(self, key):
    ...         return key == "monday"
    >>> SkipInDatabase(database=Rows()).decide([CheckpointDecisionUnit(key=key) for key in ("monday", "tuesday")])
    ['database', 'planned']
    """

    database: AnyDatabase = Field(description="Any object with exists(key), its registry path or its config.")

    def decide(self, units: Sequence[CheckpointDecisionUnit]) -> list[DecisionStatus]:
        """Return ``database`` for each unit that is in the database."""
        keys = [unit.key for unit in units]
        bulk = getattr(self.database, "exists_many", None)
        flags = bulk(keys) if bulk is not None else map(self.database.exists, keys)
        return _statuses(len(units), [index for index, flag in enumerate(flags) if flag], "database")


class SkipAny(SkipPolicy):
    """Skips what any of its policies skips, for the reason of the first that does. Also written ``a | b``.

    >>> SkipAny(policies=[]).decide([CheckpointDecisionUnit(key="monday")])
    ['planned']
    """

    policies: list[SkipPolicy] = Field(description="In the order that they are asked; each about the rest only.")

    def decide(self, units: Sequence[CheckpointDecisionUnit]) -> list[DecisionStatus]:
        """Return the first reason to skip each unit."""
        statuses: list[DecisionStatus] = ["planned"] * len(units)
        for policy in self.policies:
            rest = [index for index, status in enumerate(statuses) if status == "planned"]
            for index, status in zip(rest, policy.decide([units[index] for index in rest]), strict=True):
                statuses[index] = status
        return statuses


class SkipAll(SkipPolicy):
    """Skips what all of its policies skip, for the reason of the first. Also written ``a & b``.

    >>> SkipAll(policies=[SkipExisting()]).decide([CheckpointDecisionUnit(key="this", output_path=__file__)])
    ['exists']
    """

    policies: list[SkipPolicy] = Field(min_length=1, description="In the order that they are asked.")

    def decide(self, units: Sequence[CheckpointDecisionUnit]) -> list[DecisionStatus]:
        """Return the first policy's reason to skip each unit that all skip."""
        first, *others = self.policies
        statuses = list(first.decide(units))
        for policy in others:
            skipped = [index for index, status in enumerate(statuses) if status != "planned"]
            for index, status in zip(skipped, policy.decide([units[index] for index in skipped]), strict=True):
                if status == "planned":
                    statuses[index] = "planned"
        return statuses


def _statuses(count: int, skipped: Sequence[int], reason: DecisionStatus) -> list[DecisionStatus]:
    statuses: list[DecisionStatus] = ["planned"] * count
    for index in skipped:
        statuses[index] = reason
    return statuses

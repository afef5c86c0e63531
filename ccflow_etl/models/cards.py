"""What a notebook shows of plans, marks, runs and what they made."""

import reprlib
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
from ccflow import BaseModel

from ..pages.card import Card, Table
from ..pages.text import cut, duration, number
from .coverage_map import coverage_map
from .frame_text import page_table
from .plan_text import counts_of_plan, parts_of_plan
from .report import STATUSES
from .run_facts import range_facts, run_facts
from .status_text import counts_told, last_failures, steps_told

if TYPE_CHECKING:
    from .artifact import ETLArtifact
    from .backfill_result import BackfillResult
    from .backfill_status import BackfillStatus
    from .cache import CacheResult
    from .plan import BackfillPlan
    from .summary import RunSummary
    from .write import WriteResult

__all__ = [
    "artifact_card",
    "handoff_card",
    "plan_card",
    "result_card",
    "status_card",
    "summary_card",
    "write_card",
]

_ERROR = 300  # characters of an error
_FAILURES = 5  # that are shown


def plan_card(plan: "BackfillPlan") -> Card:
    """The counts by decision, the first and last steps, and the gaps."""
    decisions = list(plan.counts)
    code = {decision: position for position, decision in enumerate(decisions)}
    codes = np.array([code[decision] for decision in plan.decisions], dtype=np.int64)
    tables = [page_table(title, frame) for title, frame in parts_of_plan(plan) if len(frame)]
    picture = coverage_map("Steps by decision", plan.context.windows(), decisions, codes)
    return Card("BackfillPlan", counts_of_plan(plan), range_facts(plan.context), picture, tables)


def status_card(status: "BackfillStatus") -> Card:
    """The counts by status, the gaps and the last failures."""
    tables = [_counts("By the status of the mark", "status", counts_told(status.counts))]
    gaps, failures = status.gaps, status.failures
    if len(gaps):
        tables.append(page_table(number(len(gaps), "gap"), gaps))
    if len(failures):
        title, lines = last_failures(failures)
        told = [(step, when, cut(error, _ERROR)) for step, when, error in lines]
        tables.append(Table(title, ("step", "failed at", "error"), told, wide=frozenset({"error"})))
    return Card("BackfillStatus", steps_told(status._store_name, status.counts), tables=tables)


def summary_card(summary: "RunSummary") -> Card:
    """The counts by outcome, by status and by stage."""
    counts = {name: f"{count:,}" for name, count in summary.legacy_counts().items() if count}
    tables = [
        _counts(caption, name, {key: f"{count:,}" for key, count in found.items()})
        for caption, name, found in (
            ("Units by status", "status", summary.by_status),
            ("Artifacts by stage", "stage", summary.by_stage),
        )
        if found
    ]
    return Card(type(summary).__name__, number(summary.total, "unit"), list(counts.items()), tables=tables)


def result_card(result: "BackfillResult") -> Card:
    """The counts by status, when the run was and how long its steps took, and the first failures."""
    lines = result._lines
    failed = lines.positions("failed")
    tables = []
    if len(failed):
        of_these = f", the first {_FAILURES}" if len(failed) > _FAILURES else ""
        frame = lines.frame(failed[:_FAILURES].tolist())
        rows = [
            (step, f"{attempts:,}", duration(seconds), cut(error, _ERROR))
            for step, attempts, seconds, error in zip(
                frame["step"].astype(str), frame["attempts"], frame["seconds"], frame["error"], strict=True
            )
        ]
        columns = ("step", "attempts", "took", "error")
        tables.append(
            Table(
                number(len(failed), "failure") + of_these, columns, rows, frozenset(columns[1:3]), frozenset({"error"})
            )
        )
    picture = coverage_map("Steps by what became of them", lines.windows, STATUSES, lines.codes)
    return Card("BackfillResult", str(result), run_facts(lines), picture, tables)


def artifact_card(artifact: "ETLArtifact") -> Card:
    """Everything that is known of an artifact."""
    facts = [*_known(artifact, "dataset", "uri", "media_type", "size", "rows", "sha256"), *_metadata(artifact.metadata)]
    return Card("ETLArtifact", f"{artifact.key}: {artifact.stage}, {artifact.status}", facts)


def handoff_card(result: "CacheResult") -> Card:
    """What became of the payload, where it is, and what it is."""
    facts = _known(result, "cache_key", "uri", "format", "media_type", "payload")
    facts += _known(result.artifact, "dataset", "stage", "size", "rows", "sha256")
    return Card(type(result).__name__, f"{result.key}: {result.status}", facts)


def write_card(result: "WriteResult") -> Card:
    """What became of the write, and where it went."""
    others = [name for name in type(result).model_fields if name != "status"]
    return Card(type(result).__name__, result.status, _known(result, *others))


def _counts(caption: str, name: str, counts: Mapping[str, str]) -> Table:
    return Table(caption, (name, "count"), list(counts.items()), frozenset({"count"}))


def _known(model: BaseModel, *names: str) -> list[tuple[str, str]]:
    found = ((name, getattr(model, name, None)) for name in names)
    return [(name.replace("_", " "), _text(value)) for name, value in found if value is not None]


def _metadata(metadata: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    return ((cut(name, 60), _text(value)) for name, value in metadata.items())


def _text(value: Any) -> str:
    """A value in a line: a table by its shape, and of what is long only the beginning."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return f"{type(value).__name__} of shape {shape}"
    return cut(value if isinstance(value, str | PurePath) else reprlib.repr(value), _ERROR)

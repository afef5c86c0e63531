"""RunSummary: how a run went, in numbers."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from ccflow import ResultBase
from pydantic import Field, NonNegativeInt

from .artifact import ETLArtifact

_SKIPPED = frozenset({"checkpoint", "database", "exists", "skipped"})
_SUCCEEDED = frozenset({"succeeded", "success", "updated", "upserted", "written"})


class RunSummary(ResultBase):
    """Counts of a run's units by what became of them, and of its artifacts by stage.

    ``planned``, ``failed``, ``retried`` and ``cancelled`` count the status of that name; ``skipped`` counts
    ``checkpoint``, ``database``, ``exists`` and ``skipped``; ``succeeded`` counts ``succeeded``, ``success``,
    ``updated``, ``upserted`` and ``written``.

    Any other status is counted in ``total`` and ``by_status`` only.

    >>> summary = RunSummary.from_statuses(["written", "written", "exists", "failed"])
    >>> summary.total, summary.succeeded, summary.skipped, summary.failed
    (4, 2, 1, 1)
    >>> summary.by_status
    {'exists': 1, 'failed': 1, 'written': 2}
    """

    total: NonNegativeInt = Field(0, description="Number of units, whatever their status.")
    planned: NonNegativeInt = Field(0, description="Units that are still to be run.")
    skipped: NonNegativeInt = Field(0, description="Units that needed no run.")
    succeeded: NonNegativeInt = Field(0, description="Units that ran and did what they should.")
    failed: NonNegativeInt = Field(0, description="Units that ran and did not.")
    retried: NonNegativeInt = Field(0, description="Units whose last word is that they are tried again.")
    cancelled: NonNegativeInt = Field(0, description="Units that were given up before they ended.")
    by_status: dict[str, NonNegativeInt] = Field(default_factory=dict, description="Units by status, sorted.")
    by_stage: dict[str, NonNegativeInt] = Field(default_factory=dict, description="Artifacts by stage, sorted.")

    @classmethod
    def from_items(cls, items: Iterable[Mapping[str, Any]], artifacts: Iterable[ETLArtifact] = ()) -> "RunSummary":
        """Count mappings that each have a ``status``.

        Raises:
            ValueError: If an item has no ``status``; the message gives its position.

        >>> RunSummary.from_items([{"key": "2024-01-03", "status": "upserted"}]).legacy_counts()["succeeded"]
        1
        """
        return cls.from_statuses((_status(position, item) for position, item in enumerate(items)), artifacts)

    @classmethod
    def from_statuses(cls, statuses: Iterable[str], artifacts: Iterable[ETLArtifact] = ()) -> "RunSummary":
        """Count statuses, and artifacts by their stage.

        >>> RunSummary.from_statuses([], [ETLArtifact(key="AAA", stage="load")]).by_stage
        {'load': 1}
        """
        by_status = Counter(statuses)
        by_stage = Counter(artifact.stage for artifact in artifacts)
        return cls(
            total=by_status.total(),
            planned=by_status["planned"],
            skipped=sum(by_status[status] for status in _SKIPPED),
            succeeded=sum(by_status[status] for status in _SUCCEEDED),
            failed=by_status["failed"],
            retried=by_status["retried"],
            cancelled=by_status["cancelled"],
            by_status=dict(sorted(by_status.items())),
            by_stage=dict(sorted(by_stage.items())),
        )

    def legacy_counts(self) -> dict[str, int]:
        """Return the six counts by outcome, without the total and the breakdowns.

        >>> RunSummary.from_statuses(["written", "checkpoint"]).legacy_counts()
        {'planned': 0, 'skipped': 1, 'succeeded': 1, 'failed': 0, 'retried': 0, 'cancelled': 0}
        """
        names = ("planned", "skipped", "succeeded", "failed", "retried", "cancelled")
        return {name: getattr(self, name) for name in names}

    def _repr_html_(self) -> str:
        from .cards import summary_card

        return summary_card(self).html()


def _status(position: int, item: Mapping[str, Any]) -> str:
    if not isinstance(item, Mapping) or "status" not in item:
        raise ValueError(f"item {position} has no 'status': {item!r:.200}; each item is a mapping with one")
    return str(item["status"])

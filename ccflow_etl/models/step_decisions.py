"""Which steps of a backfill are to run: decided on all of them, in bulk, before the first one runs."""

import numpy as np

from ..stores.checkpoint_protocol import get_many, should_skip_many
from ..stores.records import CheckpointRecord
from .backfill_settings import BackfillSettings
from .report import StepReport
from .step_keys import StepKeys

__all__ = ["decide"]


def decide(report: StepReport, keys: StepKeys, settings: BackfillSettings) -> None:
    """Mark the steps of a report that need not run: ``checkpoint`` if they are done, ``skipped`` if not asked for.

    Raises:
        ValueError: ``only`` is asked for of a store that does not tell its marks.
    """
    store, only = settings.checkpoint_store, settings.only
    every = keys.all()
    if not settings.overwrite:
        report.mark(np.flatnonzero(should_skip_many(store, every)), "checkpoint")
    if only is not None:
        planned = report.planned()
        records = get_many(store, [every[index] for index in planned.tolist()], needed_for=f"only={only!r}")
        wanted = [_is_wanted(record, only) for record in records]
        report.mark(planned[~np.array(wanted, dtype=bool)], "skipped")


def _is_wanted(record: CheckpointRecord | None, only: str) -> bool:
    return record is None if only == "missing" else record is not None and record.status == "failed"

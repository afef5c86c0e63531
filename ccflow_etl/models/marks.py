"""Marking steps in a checkpoint store as they end."""

from collections.abc import Mapping
from typing import Any

from ..execution.runner import Outcome

__all__ = ["check_marks", "mark_ended"]


def check_marks(store: Any) -> None:
    """Raise what the first mark would, as of a file that cannot be written, before any step has run for nothing.

    A store that marks in bulk is told of no steps at all; others are found out by the first step that ends.
    """
    if hasattr(store, "mark_many"):
        store.mark_many([], "planned")


def mark_ended(store: Any, keys: list[str], outcome: Outcome, noted: Mapping[str, Any] | None = None) -> None:
    """Mark the steps of one call as succeeded or failed, with its attempts, its share of the seconds and its error,
    and what is noted besides.

    As far as the store can: one that only answers ``should_skip`` keeps marks of its own.

    >>> class Log:
    ...     def mark(self, key, status, metadata=None):
    ...         print(key, status, metadata["error"])
    >>> mark_ended(Log(), ["monday"], Outcome(0, told="OSError: full", error=OSError("full")))
    monday failed OSError: full
    """
    seconds = round(outcome.seconds / len(keys), 6)
    metadata: dict[str, Any] = {**(noted or {}), "attempts": outcome.attempts, "seconds": seconds}
    if outcome.error is not None:
        metadata["error"] = outcome.told
    status = "succeeded" if outcome.error is None else "failed"
    if len(keys) > 1 and hasattr(store, "mark_many"):
        store.mark_many(keys, status, metadata=metadata)
        return
    for key in keys:
        if outcome.error is None and hasattr(store, "mark_succeeded"):
            store.mark_succeeded(key, metadata=metadata)
        elif hasattr(store, "mark"):
            store.mark(key, status, metadata=metadata)

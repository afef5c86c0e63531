"""Marking steps in a checkpoint store as they end."""

from typing import Any

from ..execution.runner import Outcome

__all__ = ["mark_ended"]


def mark_ended(store: Any, keys: list[str], outcome: Outcome) -> None:
    """Mark the steps of one call as succeeded or failed, with its attempts, its share of the seconds and its error.

    As far as the store can: one that only answers ``should_skip`` keeps marks of its own.

    >>> class Log:
    ...     def mark(self, key, status, metadata=None):
    ...         print(key, status, metadata["error"])
    >>> mark_ended(Log(), ["monday"], Outcome(0, told="OSError: full", error=OSError("full")))
    monday failed OSError: full
    """
    metadata: dict[str, Any] = {"attempts": outcome.attempts, "seconds": round(outcome.seconds / len(keys), 6)}
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

"""Why a step is to be run or not, as a plan says it, going by its mark."""

from collections.abc import Sequence
from typing import Any

__all__ = ["reasons"]


def reasons(
    decisions: Sequence[str], keys: Sequence[str] | None, store: Any, only: str | None, overwrite: bool
) -> list[str]:
    """A few words for each step.

    >>> reasons(["planned", "checkpoint"], None, None, None, False)
    ['no checkpoint store', 'marked succeeded']
    """
    why = {"checkpoint": "marked succeeded", "skipped": "already marked", "planned": "not marked succeeded"}
    if only == "failed":
        why |= {"skipped": "not marked failed", "planned": "marked failed"}
    elif only == "missing":
        why["planned"] = "not marked"
    elif overwrite:
        why["planned"] = "overwrite"
    elif keys is None:
        why["planned"] = "no checkpoint store"
    else:
        bulk = getattr(store, "get_many", None)  # one look-up more for each step would take too long
        if bulk is not None:
            planned = [key for key, decision in zip(keys, decisions, strict=True) if decision == "planned"]
            told = iter("not marked" if record is None else f"marked {record.status}" for record in bulk(planned))
            return [next(told) if decision == "planned" else why[decision] for decision in decisions]
    return [why[decision] for decision in decisions]

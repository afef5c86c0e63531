"""Why a step is to be run or not, as a plan says it."""

from collections.abc import Sequence
from typing import Any

__all__ = ["reasons"]

_UNFINISHED = ("planned", "running", "failed", "skipped")


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
    elif hasattr(store, "keys"):
        marks = {key: status for status in _UNFINISHED for key in store.keys(status=status)}
        return [
            _marked(marks.get(key)) if decision == "planned" else why[decision]
            for decision, key in zip(decisions, keys, strict=True)
        ]
    return [why[decision] for decision in decisions]


def _marked(status: str | None) -> str:
    return "not marked" if status is None else f"marked {status}"

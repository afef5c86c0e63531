"""Why a step is to be run or not, as a plan says it, going by its mark."""

from collections.abc import Sequence
from typing import Any

__all__ = ["reasons", "records_of"]


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
        planned = [key for key, decision in zip(keys, decisions, strict=True) if decision == "planned"]
        records = records_of(store, planned)
        if records is not None:
            told = iter("not marked" if record is None else f"marked {record.status}" for record in records)
            return [next(told) if decision == "planned" else why[decision] for decision in decisions]
    return [why[decision] for decision in decisions]


def records_of(store: Any, keys: Sequence[str]) -> list[Any] | None:
    """The record of each key, or None where it has none; None for a store that does not tell its records.

    >>> records_of({"2024-01-01": "a record"}, ["2024-01-01", "2024-01-02"])
    ['a record', None]
    """
    bulk, get = getattr(store, "get_many", None), getattr(store, "get", None)
    if bulk is not None:
        return list(bulk(keys))
    return None if get is None else [get(key) for key in keys]

"""What any checkpoint store must offer, and how it is asked about many keys."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from .records import CheckpointRecord


class CheckpointStore(Protocol):
    """The one method that a checkpoint store needs; no base class does.

    When present these are used too: ``get(key)``, ``mark(key, status, metadata=None)``,
    ``mark_succeeded(key, metadata=None)``, ``list(prefix=None, status=None)``, ``delete(key)`` and the bulk forms
    ``should_skip_many(keys)``, ``get_many(keys)`` and ``mark_many(keys, status, metadata=None)``. A backfill begins
    with ``mark_many`` of no keys, which a store that cannot be written to should refuse.

    >>> class Done:
    ...     def should_skip(self, key):
    ...         return key == "monday"
    >>> from ccflow_etl import CheckpointDecisionModel
    >>> units = [{"key": "sunday"}, {"key": "monday"}]
    >>> CheckpointDecisionModel()(units=units, checkpoint_store=Done()).runnable_keys
    ['sunday']
    """

    def should_skip(self, key: str) -> bool:
        """Return whether the unit of work is done."""
        ...


def should_skip_many(store: CheckpointStore, keys: Sequence[str]) -> list[bool]:
    """Return one flag for each key, in order: whether it is done. One call if the store has a bulk form, else n.

    >>> class Done:
    ...     def should_skip(self, key):
    ...         return key == "monday"
    >>> should_skip_many(Done(), ["sunday", "monday"])
    [False, True]
    """
    bulk = getattr(store, "should_skip_many", None)
    flags: Iterable[Any] = bulk(keys) if bulk is not None else map(store.should_skip, keys)
    return [bool(flag) for flag in flags]


def get_many(store: Any, keys: Sequence[str], needed_for: str) -> list[CheckpointRecord | None]:
    """Return the record of each key, in order, or None. One call if the store has a bulk form, else n.

    Raises:
        ValueError: If the store does not tell its records; the message says what they are needed for.

    >>> class Log:
    ...     def get(self, key):
    ...         return None if key == "sunday" else f"the record of {key}"
    >>> get_many(Log(), ["sunday", "monday"], needed_for="a look")
    [None, 'the record of monday']
    """
    bulk, get = getattr(store, "get_many", None), getattr(store, "get", None)
    if bulk is not None:
        return list(bulk(keys))
    if get is None:
        raise ValueError(
            f"{needed_for} needs a checkpoint store that tells its marks, and {type(store).__name__} has no get(key)"
        )
    return [get(key) for key in keys]

"""What any checkpoint store must offer, and how it is asked about many keys."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol


class CheckpointStore(Protocol):
    """The one method that a checkpoint store needs; no base class does.

    When present, ``get(key)``, ``mark(key, status, metadata=None)``, ``mark_succeeded(key, metadata=None)`` and the
    bulk forms ``should_skip_many(keys)`` and ``mark_many(keys, status, metadata=None)`` are used too.

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

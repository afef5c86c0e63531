"""Checkpoint marks in the memory of this process."""

import builtins
from collections.abc import Iterable
from typing import Any, NoReturn, Self
from uuid import uuid4

from ccflow import BaseModel
from pydantic import Field, PrivateAttr

from .records import CheckpointRecord, CheckpointStatus, Row, new_record, record_of, row_of, several


class MemoryCheckpointStore(BaseModel):
    """Checkpoint marks in the memory of this process, for tests, notebooks and runs that need not be resumed.

    Any number of threads may use it at once. A copy is the same store. It cannot be sent to another process, where
    marks would be lost: pickling is a ``TypeError``.

    >>> store = MemoryCheckpointStore()
    >>> store.mark_succeeded("prices/2024-01-03", metadata={"rows": 390}).status
    'succeeded'
    >>> store.should_skip_many(["prices/2024-01-02", "prices/2024-01-03"])
    [False, True]
    >>> store.mark_many(["prices/2024-01-04", "prices/2024-01-05"], "failed", {"error": "no quotes"})
    >>> store.mark("prices/2024-01-05", "planned").status
    'planned'
    >>> [record.status for record in store.get_many(["prices/2024-01-03", "prices/2024-01-05"])]
    ['succeeded', 'planned']
    >>> store.delete("prices/2024-01-04"), store.get("prices/2024-01-04"), store.should_skip("prices/2024-01-03")
    (True, None, True)
    >>> [record.key for record in store.list(prefix="prices/")]
    ['prices/2024-01-03', 'prices/2024-01-05']
    """

    name: str = Field(
        default_factory=lambda: uuid4().hex,
        description="What tells the store from others in the keys of caching evaluators.",
    )
    # Each change is one operation of a dict, which threads cannot interrupt. Rows are text, so that what callers do
    # to their metadata later is not seen here.
    _rows: dict[str, Row] = PrivateAttr(default_factory=dict)

    def get(self, key: str) -> CheckpointRecord | None:
        """Return the record of ``key``, or None when it has no mark."""
        row = self._rows.get(key)
        return None if row is None else record_of(row)

    def get_many(self, keys: Iterable[str]) -> builtins.list[CheckpointRecord | None]:
        """Return the record of each key, in order, or None where there is no mark."""
        return [self.get(key) for key in several(keys)]

    def should_skip(self, key: str) -> bool:
        """Return whether ``key`` is marked ``succeeded``."""
        row = self._rows.get(key)
        return row is not None and row[1] == "succeeded"

    def should_skip_many(self, keys: Iterable[str]) -> builtins.list[bool]:
        """Return one flag for each key, in order: whether it is marked ``succeeded``."""
        return [self.should_skip(key) for key in several(keys)]

    def list(
        self, prefix: str | None = None, status: CheckpointStatus | None = None
    ) -> builtins.list[CheckpointRecord]:
        """Return the records whose key starts with ``prefix`` and that have ``status``, in the order of their keys."""
        found = (row for row in self._rows.copy().values() if row[0].startswith(prefix or ""))
        return [record_of(row) for row in sorted(found) if status in (None, row[1])]

    def mark(self, key: str, status: CheckpointStatus, metadata: dict[str, Any] | None = None) -> CheckpointRecord:
        """Set the status of ``key`` and replace its metadata; return the record as written.

        Raises ``pydantic.ValidationError`` for an unknown status, ``TypeError`` for metadata that is not JSON.
        """
        record = new_record(key, status, metadata)
        self._rows[key] = row_of(record)
        return record

    def mark_succeeded(self, key: str, metadata: dict[str, Any] | None = None) -> CheckpointRecord:
        """Mark ``key`` as done, so that later runs skip it."""
        return self.mark(key, "succeeded", metadata)

    def mark_many(self, keys: Iterable[str], status: CheckpointStatus, metadata: dict[str, Any] | None = None) -> None:
        """Set one status and metadata for all keys."""
        _, value, updated_at, text = row_of(new_record("", status, metadata))
        self._rows.update({key: (key, value, updated_at, text) for key in several(keys)})

    def delete(self, key: str) -> bool:
        """Remove the mark of ``key``; return whether there was one."""
        return self._rows.pop(key, None) is not None

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            f"MemoryCheckpointStore(name={self.name!r}) lives in this process and cannot be pickled; "
            "to share marks between processes use LocalCheckpointStore or CacheCheckpointStore"
        )

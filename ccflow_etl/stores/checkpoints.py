"""The embedded checkpoint store: marks in an SQLite file."""

import builtins
import datetime as dt
import itertools
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from ccflow import BaseModel
from pydantic import ConfigDict, Field, PrivateAttr, field_validator

from .records import CheckpointRecord, CheckpointStatus
from .sqlite import SQLiteFile

_TABLE = re.compile(r"(?!sqlite_)[A-Za-z_][A-Za-z0-9_]*", re.ASCII | re.IGNORECASE)


class LocalCheckpointStore(BaseModel):
    """Checkpoint marks in a local SQLite file: durable, and safe to share between threads and processes.

    The file and its parent folders are created by the first mark; asking before that creates nothing. Reading does not
    wait for what other processes write. A store can be pickled, copied and carried over a fork.

    A mark that has returned survives the death of the process, SIGKILL included. After a power loss or a crash of the
    operating system the file is intact but the last moments' marks may be missing, and those units run again; in
    exchange a mark costs microseconds instead of a disk flush (``synchronous=NORMAL`` in WAL mode). WAL needs shared
    memory between the processes, so keep the file on a local disk and not on a network share.

    Every method raises ``sqlite3.Error`` (or ``IsADirectoryError``) with the path when the file cannot be used.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> store = LocalCheckpointStore(path=f"{folder.name}/run/checkpoints.sqlite")
    >>> store.mark_succeeded("prices/2024-01-03", metadata={"rows": 390}).status
    'succeeded'
    >>> store.should_skip_many(["prices/2024-01-02", "prices/2024-01-03"])
    [False, True]
    >>> [record.key for record in store.list(prefix="prices/")]
    ['prices/2024-01-03']
    >>> store.close(); folder.cleanup()
    """

    model_config = ConfigDict(frozen=True)

    path: Path = Field(description="The SQLite file, on a local disk. Relative to the working folder at construction.")
    table: str = Field("checkpoints", description="The table that holds the marks; several may share one file.")
    _file: SQLiteFile = PrivateAttr()

    @field_validator("path")
    @classmethod
    def _is_a_file(cls, path: Path) -> Path:
        if str(path) == ":memory:":
            raise ValueError("':memory:' would be lost with the process; expected the path of a file")
        return path

    @field_validator("table")
    @classmethod
    def _is_an_identifier(cls, table: str) -> str:
        if not _TABLE.fullmatch(table):
            raise ValueError(
                f"table {table!r} is not usable: expected letters, digits and underscores, "
                "not starting with a digit or 'sqlite_'"
            )
        return table

    def model_post_init(self, context: Any, /) -> None:
        """Bind the file that the fields name, without opening it."""
        # The columns are those of ccflow_db's checkpoint store, so that either can read the other's file.
        self._file = SQLiteFile(
            self.path.absolute(),
            f'CREATE TABLE IF NOT EXISTS "{self.table}" (key TEXT PRIMARY KEY, status TEXT NOT NULL, '
            "updated_at TEXT NOT NULL, metadata TEXT NOT NULL) WITHOUT ROWID",
        )

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with its own connection, to the updated path and table."""
        copied = super().model_copy(update=update, deep=deep)
        copied.model_post_init(None)
        return copied

    def get(self, key: str) -> CheckpointRecord | None:
        """The record of ``key``, or None when it has no mark."""
        records = self._select("key = ?", (key,))
        return records[0] if records else None

    def get_many(self, keys: Iterable[str]) -> builtins.list[CheckpointRecord | None]:
        """The record of each key, in order, or None where there is no mark, all as of one instant."""
        keys = _many(keys)
        if not self._file.exists():
            return [None] * len(keys)
        query = f'SELECT key, status, updated_at, metadata FROM "{self.table}" WHERE key = ?'
        with self._file.connection() as connection, connection:
            connection.execute("BEGIN")
            rows = [connection.execute(query, (key,)).fetchone() for key in keys]
        return [None if row is None else _record(row) for row in rows]

    def should_skip(self, key: str) -> bool:
        """Whether ``key`` is marked ``succeeded``."""
        return self.should_skip_many([key])[0]

    def should_skip_many(self, keys: Iterable[str]) -> builtins.list[bool]:
        """One flag for each key, in order: whether it is marked ``succeeded``, all as of one instant."""
        keys = _many(keys)
        if not self._file.exists():
            return [False] * len(keys)
        query = f"SELECT 1 FROM \"{self.table}\" WHERE key = ? AND status = 'succeeded'"
        with self._file.connection() as connection, connection:
            connection.execute("BEGIN")
            return [connection.execute(query, (key,)).fetchone() is not None for key in keys]

    def mark(self, key: str, status: CheckpointStatus, metadata: dict[str, Any] | None = None) -> CheckpointRecord:
        """Set the status of ``key`` and replace its metadata; returns the record as written.

        Raises ``pydantic.ValidationError`` for an unknown status, ``TypeError`` for metadata that is not JSON.
        """
        record = _new_record(key, status, metadata)
        with self._file.connection() as connection:
            connection.execute(self._replace, (record.key, *_columns(record)))
        return record

    def mark_succeeded(self, key: str, metadata: dict[str, Any] | None = None) -> CheckpointRecord:
        """Mark ``key`` as done, so that later runs skip it."""
        return self.mark(key, "succeeded", metadata)

    def mark_many(self, keys: Iterable[str], status: CheckpointStatus, metadata: dict[str, Any] | None = None) -> None:
        """Set one status and metadata for all keys, in one transaction: all of them or, on an error, none."""
        keys = _many(keys)
        columns = _columns(_new_record("", status, metadata))
        with self._file.connection() as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(self._replace, ((key, *columns) for key in keys))

    def delete(self, key: str) -> bool:
        """Remove the mark of ``key``; returns whether there was one."""
        if not self._file.exists():
            return False
        with self._file.connection() as connection:
            return connection.execute(f'DELETE FROM "{self.table}" WHERE key = ?', (key,)).rowcount > 0

    def close(self) -> None:
        """Close this process's connection, for example to move the file. The next use opens it again."""
        self._file.close()

    def list(
        self, prefix: str | None = None, status: CheckpointStatus | None = None
    ) -> builtins.list[CheckpointRecord]:
        """The records in the order of their keys: those whose key starts with ``prefix`` and that have ``status``."""
        return self._select("key >= ? AND status = coalesce(?, status)", (prefix or "", status), prefix or "")

    def keys(self, status: CheckpointStatus | None = None) -> builtins.list[str]:
        """The keys that are marked, or those that have ``status``, in order: a tenth of the time of their records."""
        if not self._file.exists():
            return []
        query = f'SELECT key FROM "{self.table}" WHERE status = coalesce(?, status) ORDER BY key'
        with self._file.connection() as connection:
            return [key for (key,) in connection.execute(query, (status,))]

    @property
    def _replace(self) -> str:
        return f'REPLACE INTO "{self.table}" (key, status, updated_at, metadata) VALUES (?, ?, ?, ?)'

    def _select(self, condition: str, parameters: tuple[Any, ...], prefix: str = "") -> builtins.list[CheckpointRecord]:
        if not self._file.exists():
            return []
        query = f'SELECT key, status, updated_at, metadata FROM "{self.table}" WHERE {condition} ORDER BY key'
        with self._file.connection() as connection:
            # SQLite orders by UTF-8 bytes, which is Python's order of strings: keys with the prefix come first.
            rows = list(
                itertools.takewhile(lambda row: row[0].startswith(prefix), connection.execute(query, parameters))
            )
        return [_record(row) for row in rows]


def _many(keys: Iterable[str]) -> list[str]:
    if isinstance(keys, str):
        raise TypeError(f"expected several keys, got the string {keys!r}; pass [{keys!r}] for one key")
    return list(keys)


def _new_record(key: str, status: CheckpointStatus, metadata: dict[str, Any] | None) -> CheckpointRecord:
    now = dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
    return CheckpointRecord(key=key, status=status, updated_at=now, metadata=metadata or {})


def _columns(record: CheckpointRecord) -> tuple[str, str, str]:
    try:
        metadata = json.dumps(record.metadata, sort_keys=True)
    except TypeError as error:
        raise TypeError(f"metadata of checkpoint {record.key!r} must be JSON values: {error}") from error
    return record.status, record.updated_at, metadata


def _record(row: tuple[str, str, str, str]) -> CheckpointRecord:
    key, status, updated_at, metadata = row
    return CheckpointRecord(key=key, status=status, updated_at=updated_at, metadata=json.loads(metadata))

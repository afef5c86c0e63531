"""The embedded checkpoint store: marks in an SQLite file."""

import builtins
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from ccflow import BaseModel
from pydantic import ConfigDict, Field, PrivateAttr, field_validator

from .records import CheckpointRecord, CheckpointStatus, new_record, record_of, row_of, several
from .sqlite import SQLiteFile
from .text_path import TextPath

_COLUMNS = "key, status, updated_at, metadata"

_TABLE = re.compile(r"(?!sqlite_)[A-Za-z_][A-Za-z0-9_]*", re.ASCII | re.IGNORECASE)


class LocalCheckpointStore(BaseModel):
    """Checkpoint marks in a local SQLite file: durable, and safe to share between threads and processes.

    The file and its parent folders are created by the first mark; asking before that creates nothing. Reading does not
    wait for what other processes write. A store can be pickled, copied and carried over a fork.

    A mark that has returned survives the death of the process, SIGKILL included. After a power loss or a crash of the
    operating system the file is intact but the last moments' marks may be missing, and those units run again; in
    exchange a mark costs microseconds instead of a disk flush (``synchronous=NORMAL`` in WAL mode).

    Keep the file on a local disk, never on a network share (NFS, SMB, a synchronised folder): WAL needs memory that
    the processes share, and locks that such shares do not keep, so marks could be lost. Several machines share marks
    by ``CacheCheckpointStore``.

    Every method raises ``sqlite3.Error``, or ``OSError``, with the path when the file cannot be used.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> store = LocalCheckpointStore(path=f"{folder.name}/run/checkpoints.sqlite")
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
    >>> store.close(); folder.cleanup()
    """

    model_config = ConfigDict(frozen=True)

    path: TextPath = Field(
        description="The SQLite file, on a local disk. Relative to the working folder at construction."
    )
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
            f"CREATE TABLE IF NOT EXISTS {self._table} (key TEXT PRIMARY KEY, status TEXT NOT NULL, "
            "updated_at TEXT NOT NULL, metadata TEXT NOT NULL) WITHOUT ROWID",
        )

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with its own connection, to the updated path and table."""
        copied = super().model_copy(update=update, deep=deep)
        copied.model_post_init(None)
        return copied

    def get(self, key: str) -> CheckpointRecord | None:
        """The record of ``key``, or None when it has no mark."""
        return self.get_many([key])[0]

    def get_many(self, keys: Iterable[str]) -> builtins.list[CheckpointRecord | None]:
        """The record of each key, in order, or None where there is no mark, all as of one instant."""
        rows = self._look_up(f"SELECT {_COLUMNS} FROM {self._table} WHERE key = ?", keys)
        return [None if row is None else record_of(row) for row in rows]

    def should_skip(self, key: str) -> bool:
        """Whether ``key`` is marked ``succeeded``."""
        with self._file.reading() as connection:
            return connection is not None and connection.execute(self._succeeded, (key,)).fetchone() is not None

    def should_skip_many(self, keys: Iterable[str]) -> builtins.list[bool]:
        """One flag for each key, in order: whether it is marked ``succeeded``, all as of one instant."""
        return [row is not None for row in self._look_up(self._succeeded, keys)]

    def list(
        self, prefix: str | None = None, status: CheckpointStatus | None = None
    ) -> builtins.list[CheckpointRecord]:
        """The records in the order of their keys: those whose key starts with ``prefix`` and that have ``status``."""
        # SQLite orders by UTF-8 bytes, which is Python's order of strings: keys with a prefix lie side by side.
        bounds = {"key >= ?": prefix, "key < ?": _beyond(prefix or ""), "status = ?": status}
        bounds = {condition: value for condition, value in bounds.items() if value is not None}
        where = " AND ".join(bounds) or "TRUE"
        query = f"SELECT {_COLUMNS} FROM {self._table} WHERE {where} ORDER BY key"
        with self._file.reading() as connection:
            rows = [] if connection is None else connection.execute(query, list(bounds.values())).fetchall()
        return [record_of(row) for row in rows]

    def mark(self, key: str, status: CheckpointStatus, metadata: dict[str, Any] | None = None) -> CheckpointRecord:
        """Set the status of ``key`` and replace its metadata; returns the record as written.

        Raises ``pydantic.ValidationError`` for an unknown status, ``TypeError`` for metadata that is not JSON.
        """
        record = new_record(key, status, metadata)
        with self._file.connection() as connection:
            connection.execute(self._write, row_of(record))
        return record

    def mark_succeeded(self, key: str, metadata: dict[str, Any] | None = None) -> CheckpointRecord:
        """Mark ``key`` as done, so that later runs skip it."""
        return self.mark(key, "succeeded", metadata)

    def mark_many(self, keys: Iterable[str], status: CheckpointStatus, metadata: dict[str, Any] | None = None) -> None:
        """Set one status and metadata for all keys, in one transaction: all of them or, on an error, none.

        Without keys it finds out whether the file can be written to, and creates it.
        """
        keys = several(keys)
        _, *columns = row_of(new_record("", status, metadata))
        with self._file.connection() as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(self._write, ((key, *columns) for key in keys))

    def delete(self, key: str) -> bool:
        """Remove the mark of ``key``; returns whether there was one."""
        query = f"DELETE FROM {self._table} WHERE key = ?"
        with self._file.reading() as connection:
            return connection is not None and connection.execute(query, (key,)).rowcount > 0

    def close(self) -> None:
        """Close this process's connection, for example to move the file. The next use opens it again."""
        self._file.close()

    @property
    def _table(self) -> str:
        return f'"{self.table}"'

    @property
    def _succeeded(self) -> str:
        return f"SELECT 1 FROM {self._table} WHERE key = ? AND status = 'succeeded'"

    @property
    def _write(self) -> str:
        # Unlike REPLACE this is an error in a table whose keys are not unique, where marks would pile up.
        return (
            f"INSERT INTO {self._table} ({_COLUMNS}) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
            "status = excluded.status, updated_at = excluded.updated_at, metadata = excluded.metadata"
        )

    def _look_up(self, query: str, keys: Iterable[str]) -> builtins.list[Any]:
        """The row that a query finds for each key, or None, all as of one instant."""
        keys = several(keys)
        with self._file.reading() as connection:
            if connection is None:
                return [None] * len(keys)
            with connection:
                connection.execute("BEGIN")
                return [connection.execute(query, (key,)).fetchone() for key in keys]


def _beyond(prefix: str) -> str | None:
    """The first text behind all that start with ``prefix``, or None where there is none."""
    stem = prefix.rstrip(chr(sys.maxunicode))
    if not stem:
        return None
    successor = ord(stem[-1]) + 1
    return stem[:-1] + chr(0xE000 if successor == 0xD800 else successor)  # no text can hold a surrogate

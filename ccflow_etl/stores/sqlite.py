"""This process's connection to an SQLite file: opened when needed, shared by threads, never carried over a fork."""

import errno
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from .folders import make_folder

BUSY_TIMEOUT_SECONDS = 60.0


class _Forks:
    """Closes every connection before this process forks.

    SQLite keeps its locks by inode in process memory and POSIX does not pass them on: a forked child believes it holds
    locks that it does not, even on a connection it opens itself. Another process then takes itself for the last one,
    deletes the write-ahead log, and the child's commits are gone without an error. The only cure is to have nothing
    open at the fork; both sides open again at their next use.
    """

    def __init__(self) -> None:
        self._files: weakref.WeakSet[SQLiteFile] = weakref.WeakSet()
        self._lock = threading.RLock()
        self._held: list[SQLiteFile] = []
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=self._close_all, after_in_parent=self._release, after_in_child=self._release)

    def watch(self, file: "SQLiteFile") -> None:
        with self._lock:
            self._files.add(file)

    def _close_all(self) -> None:
        self._lock.acquire()
        self._held = list(self._files)
        for file in self._held:
            file.lock.acquire()
            file.close()

    def _release(self) -> None:
        for file in self._held:
            file.lock.release()
        self._held = []
        self._lock.release()


# Process-wide by nature: the hooks of os.register_at_fork cannot be taken back, so there is one set of them.
_forks = _Forks()


class SQLiteFile:
    """An SQLite file in WAL mode, with one connection in this process that its threads take turns on.

    One connection under a lock commits faster than one per thread: SQLite has a single writer, and connections that
    compete for it wait in steps of milliseconds. A copy or an unpickled instance opens its own connection.

    ``schema`` is a statement that is run at each opening.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = SQLiteFile(Path(folder) / "new" / "a.sqlite", "CREATE TABLE IF NOT EXISTS numbers (n INTEGER)")
    ...     with file.connection() as connection:
    ...         connection.execute("INSERT INTO numbers VALUES (42)").rowcount
    ...     file.close()
    1
    """

    def __init__(self, path: Path, schema: str) -> None:
        self.path = path
        self.lock = threading.RLock()
        self._schema = schema
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        _forks.watch(self)

    def __reduce__(self) -> tuple[type["SQLiteFile"], tuple[Path, str]]:
        return type(self), (self.path, self._schema)

    def connection(self) -> AbstractContextManager[sqlite3.Connection]:
        """Give the open connection in autocommit mode, to this thread alone; creates the file and its folders.

        Raises ``sqlite3.Error`` that names the path, or ``OSError`` where there can be no such file.
        """
        return self._turn(create=True)

    def reading(self) -> AbstractContextManager[sqlite3.Connection | None]:
        """Give the open connection, or None where there is no file: reading from nothing need not create one."""
        return self._turn(create=False)

    def close(self) -> None:
        """Close this process's connection, if it is open. The next use opens it again."""
        with self.lock:
            if self._connection is not None:
                self._finalizer()
                self._connection = None

    @contextmanager
    def _turn(self, create: bool) -> Iterator[Any]:
        with self.lock:
            try:
                yield self._current() or (self._open() if create or self.path.exists() else None)
            except sqlite3.Error as error:
                raise type(error)(f"{self.path}: {error}{_hint(error)}") from error

    def _current(self) -> sqlite3.Connection | None:
        """The connection, while the file that it is to is the one at the path."""
        if self._connection is not None and self._identity != _identity(self.path):
            self.close()  # someone deleted or replaced the file: marks written to the old one would be lost
        return self._connection

    def _open(self) -> sqlite3.Connection:
        if self.path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "expected a file for SQLite, found a folder", str(self.path))
        make_folder(self.path.parent)
        connection = sqlite3.connect(
            self.path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            _use_write_ahead_log(connection)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(self._schema)
        except BaseException:
            connection.close()
            raise
        self._connection, self._identity = connection, _identity(self.path)
        self._finalizer = weakref.finalize(self, connection.close)
        return connection


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    # When several processes open a new file at once, SQLite refuses the switch to all but one without waiting.
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.005)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _code(error: sqlite3.Error) -> int | None:
    extended: int | None = getattr(error, "sqlite_errorcode", None)  # an error of the module itself has none
    return None if extended is None else extended & 0xFF


def _hint(error: sqlite3.Error) -> str:
    match _code(error):
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
            return ". Give the path of an SQLite file, or move this one away to start a new one"
        case sqlite3.SQLITE_BUSY:
            return f". Another process has held it for {BUSY_TIMEOUT_SECONDS:.0f} s"
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY:
            return ". This process must be allowed to write to the file and to its folder"
        case sqlite3.SQLITE_ERROR:  # our statements are right, so the table that they are for is another's
            return ". The table was made for something else; give the name of another one"
        case _:
            return ""

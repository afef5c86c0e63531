"""Folders that files are to be in."""

import errno
import os
from pathlib import Path

__all__ = ["make_folder", "sync_folder"]


def make_folder(folder: Path, *, durable: bool = False) -> None:
    """Make a folder and those above it, as far as they are missing.

    Args:
        folder: The folder.
        durable: Return only when their names are on disk (fsync).

    Raises:
        NotADirectoryError: There is something else in the place of one of them.
        OSError: One cannot be made (no permission, a disk that can only be read).

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     make_folder(Path(folder, "a", "b"))
    ...     Path(folder, "a", "b").is_dir()
    True
    """
    if folder.is_dir():
        return
    make_folder(folder.parent, durable=durable)
    try:
        folder.mkdir(exist_ok=True)
    except FileExistsError:
        told = "expected a folder, found a file; give another path, or move the file away"
        raise NotADirectoryError(errno.ENOTDIR, told, str(folder)) from None
    if durable:
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Put a folder's list of names on disk; only POSIX can, elsewhere the file system sees to it."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

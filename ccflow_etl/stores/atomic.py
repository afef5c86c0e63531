"""Files that appear whole or not at all."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from .folders import make_folder, sync_folder
from .unfinished import temporary_file

# How file systems without hard links (FAT, some network mounts) say so.
_NO_HARD_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


def write_atomic(path: str | os.PathLike[str], data: bytes, *, overwrite: bool = True, durable: bool = True) -> bool:
    """Write a file so that every reader, at every moment, sees the old content or the new, never a part.

    The data goes to a temporary file in the same folder, which takes the place of ``path`` when it is complete.
    Missing parent folders are made. A symbolic link is followed; an existing file keeps its permissions.

    Args:
        path: The file.
        data: Its content.
        overwrite: With False the file is only created: of any number of writers at once, one succeeds.
        durable: Return only when the file and its name are on disk (fsync).

    Returns:
        True if it was written, False if ``overwrite`` is False and there is a file already.

    Raises:
        OSError: If it cannot be written (a full disk, a folder or a device at ``path``, no permission). An existing
            file is left as it was and no temporary file remains.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "a", "b.txt")
    ...     write_atomic(path, b"one", overwrite=False), write_atomic(path, b"two", overwrite=False), path.read_bytes()
    (True, False, b'one')
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "this is a folder; give the path of a file in it", str(path))
    if target.exists():
        if not target.is_file():
            raise OSError(errno.EINVAL, "this is a device or a pipe; give the path of a regular file", str(path))
        if not overwrite:
            return False
    make_folder(target.parent, durable=durable)
    with _complete_file(target, data, durable) as temporary:
        if overwrite:
            os.replace(temporary, target)
        elif not _create(temporary, target):
            return False
    if durable:
        sync_folder(target.parent)
    return True


@contextlib.contextmanager
def _complete_file(target: Path, data: bytes, durable: bool) -> Iterator[Path]:
    """Give a temporary file beside the target that holds the data and has the permissions of a target that is there."""
    with temporary_file(target.parent) as (file, path):
        with contextlib.suppress(FileNotFoundError):
            os.chmod(path, stat.S_IMODE(target.stat().st_mode))
        file.write(data)
        file.flush()
        if durable:
            os.fsync(file.fileno())
        if os.name != "posix":
            file.close()  # an open file cannot be renamed there; elsewhere it stays open for its lock
        yield path


def _create(temporary: Path, target: Path) -> bool:
    """Give the complete file its name unless the name is taken; the kernel decides between racing writers."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        return _claim(temporary, target)
    return True


def _claim(temporary: Path, target: Path) -> bool:
    """Create without hard links: take the name with an empty file, then put the complete one in its place."""
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except FileExistsError:
        return False
    try:
        os.replace(temporary, target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return True

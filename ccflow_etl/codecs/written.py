"""The bytes of a file that is written in memory."""

import io
from collections.abc import Callable
from typing import BinaryIO

__all__ = ["written"]


def written(write: Callable[[BinaryIO], None], size: int) -> bytes:
    """Return what a function writes to a file in memory, which is thought to become about so many bytes.

    With room for all of it the file is not copied as it grows, and leaves no holes in the memory of the process. What
    is not written takes none: until then, room of some size is addresses without pages.

    >>> written(lambda file: print(file.write(b"rain")), 1_000)
    4
    b'rain'
    """
    file = io.BytesIO(_room(size))
    write(file)
    file.truncate()
    return file.getvalue()


def _room(size: int) -> bytes:
    try:
        return bytes(size)
    except MemoryError:  # a table may hold the same memory many times, and its file be small
        return b""

"""Which outputs are there, from one listing for each folder, and whether they are as recorded."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from ..stores.threads import in_threads
from .stores import store_method

_REQUESTS = 16  # at once, to a store that may be far away


def which_exist(outputs: Sequence[str | Path], store: Any = None) -> list[bool]:
    """Return one flag for each output, in order: whether it is there.

    Outputs are local paths or, with a byte store, its keys. Several in one folder cost one listing of that folder,
    one alone in its folder costs one question about it. A store that cannot list is asked about each.

    >>> which_exist([__file__, f"{__file__}.missing"])
    [True, False]
    """
    if store is None:
        return _which([os.fspath(path) for path in outputs], os.path.split, _names_in, os.path.exists)
    listed = store_method(store, "list")
    return _which(
        [key_of(output) for output in outputs],
        lambda key: (key.rpartition("/")[0], key),
        None if listed is None else lambda _, keys: set(listed(os.path.commonprefix(keys))),  # noqa: RUF071 - text
        store.exists,
    )


def is_intact(output: str | Path, store: Any, size: Any, sha256: Any) -> bool:
    """Return whether an output that is there has this size and SHA-256; without either, whether it is not empty.

    A folder has neither: it is intact if there is something in it and nothing is recorded. A payload in a byte store
    is fetched, a local file is read if there is a hash to compare.

    >>> is_intact(__file__, None, None, None), is_intact(__file__, None, 3, None)
    (True, False)
    """
    try:
        if store is not None:
            payload = store.get_bytes(key_of(output))
            return _agree(len(payload), lambda: hashlib.sha256(payload).hexdigest(), size, sha256)
        if os.path.isdir(output):
            return size is None and sha256 is None and bool(os.listdir(output))
        return _agree(os.path.getsize(output), lambda: _sha256_of(output), size, sha256)
    except FileNotFoundError:
        return False


def key_of(output: str | Path) -> str:
    """Return an output as the key of a byte store, without a leading slash as everywhere.

    >>> key_of("/daily/AAA.json"), key_of(Path("daily") / "AAA.json")
    ('daily/AAA.json', 'daily/AAA.json')
    """
    return (output.as_posix() if isinstance(output, Path) else output).lstrip("/")


def _which(
    outputs: Sequence[str],
    split: Callable[[str], tuple[str, str]],
    listed: Callable[[str, list[str]], set[str] | None] | None,
    exists: Callable[[str], bool],
) -> list[bool]:
    folders: dict[str, dict[str, str]] = defaultdict(dict)
    for output in outputs:
        folder, name = split(output)
        folders[folder][output] = name
    flags: dict[str, bool] = {}
    for folder, names in folders.items():
        there = None if listed is None or len(names) == 1 else listed(folder, list(names))
        if there is not None:
            flags |= {output: name in there for output, name in names.items()}
    alone = [output for output in dict.fromkeys(outputs) if output not in flags]
    flags |= zip(alone, map(bool, in_threads(exists, alone, _REQUESTS)), strict=True)
    return [flags[output] for output in outputs]


def _names_in(folder: str, _: Iterable[str]) -> set[str] | None:
    """The names in a local folder that lead to something, or None where each path has to be asked about."""
    try:
        with os.scandir(folder or ".") as entries:
            names = {entry.name for entry in entries if not entry.is_symlink() or os.path.exists(entry.path)}
    except FileNotFoundError:
        return set()
    except (OSError, ValueError):  # it may not be listed, or can be no folder
        return None
    return names | {".", ".."} | ({""} if folder else set())


def _agree(length: int, digest: Callable[[], str], size: Any, sha256: Any) -> bool:
    if size is None and sha256 is None:
        return length > 0
    return size in (None, length) and (sha256 is None or digest() == str(sha256).lower())


def _sha256_of(path: str | Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

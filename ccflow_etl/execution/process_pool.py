"""A pool of processes of this machine, to which what is the same for all calls of a run goes once."""

import multiprocessing
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from .interrupts import interrupts_blocked

__all__ = ["ProcessPool"]


class ProcessPool(ProcessPoolExecutor):
    """Spawned processes that leave interrupts to whoever runs the pool, and end with this one.

    Args:
        max_workers: How many; None for one for each processor.
    """

    def __init__(self, max_workers: int | None = None):
        super().__init__(max_workers, multiprocessing.get_context("spawn"), initializer=_start_worker)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Call in a process, which may be started for it."""
        with interrupts_blocked():
            return super().submit(fn, *args, **kwargs)

    @contextmanager
    def carrying(self, fn: Callable[..., Any], cargo: bytes) -> Iterator[Callable[..., "Future[Any]"]]:
        """For the length of the context, a function that submits ``fn(cargo, *args)`` for its arguments.

        The cargo lies in a file, which each process reads once.
        """
        with tempfile.TemporaryDirectory(prefix="ccflow-etl-", ignore_cleanup_errors=True) as folder:
            file = Path(folder, "cargo")
            file.write_bytes(cargo)
            yield lambda *args: self.submit(_call_with_cargo, fn, file, *args)


@lru_cache(maxsize=1)
def _read(file: Path) -> bytes:
    return file.read_bytes()


def _call_with_cargo(fn: Callable[..., Any], file: Path, *args: Any) -> Any:
    return fn(_read(file), *args)


def _start_worker() -> None:
    """Ignore interrupts, and end with the parent: a worker of a killed process would wait for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

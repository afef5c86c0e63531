"""A pool of processes of this machine, to which what is the same for all calls of a run goes once."""

import gc
import multiprocessing
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from types import FrameType
from typing import Any

from .interrupts import interrupts_blocked

__all__ = ["ProcessPool"]


class Worker(SpawnProcess):
    """A process that SIGTERM does not end."""

    def terminate(self) -> None:
        """End it all the same: what the pool does with the others when one has died."""
        self.kill()


class Workers(SpawnContext):
    """How the pool's processes are made."""

    Process = Worker


class ProcessPool(ProcessPoolExecutor):
    """Spawned processes that leave Ctrl-C and SIGTERM to whoever runs the pool, and end with this one.

    Args:
        max_workers: How many; None for one for each processor.
    """

    def __init__(self, max_workers: int | None = None):
        super().__init__(max_workers, Workers(), initializer=_start_worker)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Call in a process, which may be started for it."""
        with interrupts_blocked(signal.SIGTERM):
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
    """Ignore what stops a run, and end with the parent: a worker of a killed process would wait for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # By a handler of its own, which is not passed on to the programs that it starts: those SIGTERM has to end.
    signal.signal(signal.SIGTERM, _ignore)
    if hasattr(signal, "pthread_sigmask"):  # not on Windows
        signal.siginterrupt(signal.SIGTERM, False)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _import_what_calls_need()


def _import_what_calls_need() -> None:
    """Without looking for garbage: importing makes only objects that stay, and a fifth of the time would go into it."""
    gc.disable()
    import ccflow  # noqa: F401 - each call is one of its models

    gc.freeze()
    gc.enable()


def _ignore(number: int, frame: FrameType | None) -> None:
    pass


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

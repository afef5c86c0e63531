"""Executors: where the calls of a run take place, as configuration.

Each class describes a pool and opens it for the length of a run as a ``concurrent.futures.Executor``.
"""

import abc
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from ccflow import BaseModel
from pydantic import ConfigDict, Field, PositiveInt

from .process_pool import ProcessPool

__all__ = ["BaseExecutor", "ProcessExecutor", "SerialExecutor", "ThreadExecutor", "until_interrupted"]


class BaseExecutor(BaseModel, abc.ABC):
    """A pool that can be opened; configuration only, so that it can be written in YAML, compared and sent elsewhere."""

    model_config = ConfigDict(frozen=True)

    @abc.abstractmethod
    def open(self) -> AbstractContextManager[Executor]:
        """The pool as a ``concurrent.futures.Executor``; leaving the context waits for its calls and closes it."""


@contextmanager
def until_interrupted(pool: Executor) -> Iterator[Executor]:
    """A pool that waits for its calls at the end, unless it is interrupted."""
    try:
        yield pool
    except KeyboardInterrupt:
        workers = list((getattr(pool, "_processes", None) or {}).values())
        for worker in workers:
            worker.kill()
        # Threads cannot be ended and are not waited for; of killed processes there is only the rest to clear away.
        pool.shutdown(wait=bool(workers), cancel_futures=True)
        raise
    except BaseException:
        pool.shutdown()
        raise
    pool.shutdown()


class CallingThread(Executor):
    """Runs each call where it is submitted."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # an interrupt is for the caller, everything else for whoever asks for the result
            future.set_exception(error)
        return future


class SerialExecutor(BaseExecutor):
    """One call after the other, in the calling thread.

    >>> with SerialExecutor().open() as pool:
    ...     pool.submit(divmod, 7, 2).result()
    (3, 1)
    """

    def open(self) -> AbstractContextManager[Executor]:
        """A pool that runs each call when it is submitted."""
        return CallingThread()


class ThreadExecutor(BaseExecutor):
    """Threads of this process: for calls that wait, on files, networks or databases.

    >>> with ThreadExecutor(max_workers=2).open() as pool:
    ...     list(pool.map(abs, [-1, -2]))
    [1, 2]
    """

    max_workers: PositiveInt | None = Field(None, description="How many threads; by default what Python chooses.")

    def open(self) -> AbstractContextManager[Executor]:
        """A ``ThreadPoolExecutor``; an interrupt does not wait for its calls, which Python cannot end."""
        return until_interrupted(ThreadPoolExecutor(self.max_workers, thread_name_prefix="ccflow-etl"))


class ProcessExecutor(BaseExecutor):
    """Processes of this machine: for calls that compute.

    Processes are spawned, never forked, because a fork of a process with threads may hang.

    >>> ProcessExecutor(max_workers=2)
    ProcessExecutor(max_workers=2)
    """

    max_workers: PositiveInt | None = Field(None, description="How many processes; by default one for each processor.")

    def open(self) -> AbstractContextManager[Executor]:
        """A ``ProcessPoolExecutor`` of spawned processes, which an interrupt ends, and the end of this process as well.

        They leave Ctrl-C and SIGTERM, which may go to all of them, to whoever runs the pool: SIGKILL ends one alone.
        """
        return until_interrupted(ProcessPool(self.max_workers))

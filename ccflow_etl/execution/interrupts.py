"""Processes that Ctrl-C, which a terminal sends to all of a run's processes, does not reach."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker

__all__ = ["interrupts_blocked"]


@contextmanager
def interrupts_blocked(*more: signal.Signals) -> Iterator[None]:
    """Threads and processes that are started meanwhile, and theirs, never hear Ctrl-C: this thread does, afterwards.

    Args:
        more: Further signals that they do not hear before they unblock them.

    >>> with interrupts_blocked():
    ...     signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    True
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    # multiprocessing starts it with its first process, and then unblocks Ctrl-C for that one and all that follow.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, *more})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

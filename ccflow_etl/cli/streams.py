"""The standard streams: with `--json` stdout is for the result alone; none is missing, and a full one is told of."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout

from ccflow_etl.cli.errors import RunFailed

_STDOUT, _STDERR = 1, 2  # file descriptors


def write_stdout(text: str, end: str = "\n") -> None:
    """Print to stdout, at once: what cannot be written is known here.

    Raises:
        BrokenPipeError: Nobody reads it any more.
        RunFailed: It is full, or closed, or has no form for the text.

    >>> write_stdout("a result")
    a result
    """
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        raise RunFailed(f"stdout could not be written: {type(error).__name__}: {error}") from error


@contextmanager
def kept_for_result(kept: bool) -> Iterator[None]:
    """While it is entered, what is printed goes to stderr, if stdout is to be kept: here, in workers and in programs.

    >>> with kept_for_result(True):
    ...     print("not for whoever reads the result")
    """
    with ExitStack() as stack:
        if kept:
            stack.enter_context(redirect_stdout(sys.stderr))
            stack.enter_context(_as_stderr())
        yield


@contextmanager
def _as_stderr() -> Iterator[None]:
    """The file descriptor that other processes inherit as their stdout leads to stderr."""
    before = os.dup(_STDOUT)
    os.dup2(_STDERR, _STDOUT)
    try:
        yield
    finally:
        if sys.__stdout__ is not None:  # it never is in a command
            sys.__stdout__.flush()  # what was written past the redirection
        os.dup2(before, _STDOUT)
        os.close(before)


def open_closed_streams() -> None:
    """Give a command that was started without one, as by `>&-`, a stream that leads nowhere.

    Left closed, its number would be that of the next file that is opened, and what a worker prints would go into that.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)  # of the lowest number that is free
            os.set_inheritable(nowhere, True)
            stream = open(nowhere, mode, closefd=False)  # noqa: SIM115 - open as long as the process is
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)

"""What the three commands share: `--help`, `--version`, and exceptions turned into messages and exit codes."""

import gc
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType

from ccflow_etl import __version__
from ccflow_etl.cli.arguments import Arguments, read_arguments
from ccflow_etl.cli.errors import BROKEN_PIPE, INTERRUPTED, RUN_FAILED, SUCCESS, TERMINATED, CommandError
from ccflow_etl.cli.help import HELP
from ccflow_etl.cli.streams import open_closed_streams, write_stdout

COMMON_FLAGS = ("--json", "--debug")


def run_command(
    name: str,
    body: Callable[[Arguments], None],
    flags: tuple[str, ...] = (),
    options: Mapping[str, str] = MappingProxyType({}),
) -> int:
    """Run `body` on the process's arguments and return the exit code; a message goes to stderr.

    0 it worked, 1 the run failed or could not be told of, 2 the arguments or the config are wrong, 130 interrupted, 143
    terminated. The traceback is shown only with `--debug` or HYDRA_FULL_ERROR=1.

    Args:
        name: The command's name.
        body: What the command does.
        flags: The command's own flags, besides `--json` and `--debug`.
        options: The command's own flags that have a value, and what the value is.
    """
    open_closed_streams()
    argv = sys.argv[1:]
    debug = "--debug" in argv or os.environ.get("HYDRA_FULL_ERROR") == "1"
    # importing makes only objects that stay, a fifth of the start-up went into looking for others
    gc.disable()
    terminated: list[int] = []

    def terminate(number: int, frame: object) -> None:
        terminated.append(number)
        signal.raise_signal(signal.SIGINT)

    # in the background of a script Ctrl-C is ignored, and SIGTERM has to interrupt without it
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    signal.signal(signal.SIGTERM, signal.default_int_handler if ignored else terminate)
    try:
        if "--help" in argv or "-h" in argv:
            write_stdout(HELP[name], end="")
        elif "--version" in argv:
            write_stdout(f"ccflow-etl {__version__}")
        else:
            # as with `python my_script.py`: the user's own module is in the working folder
            sys.path.insert(0, _working_folder())
            body(read_arguments(argv, (*COMMON_FLAGS, *flags), options))
        write_stdout("", end="")  # what a model printed
    except KeyboardInterrupt as interrupt:
        return _report_interrupt(interrupt, TERMINATED if terminated or ignored else INTERRUPTED)
    except BrokenPipeError:
        # a model's own errors come as RunFailed: this is `cc-etl ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:
        if debug:
            traceback.print_exc()
        return _report(error, debug)
    finally:
        gc.enable()
    return SUCCESS


def _working_folder() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:
        raise CommandError("the working folder no longer exists", "go to one that does, with cd") from None


def warn(message: str) -> None:
    """Print one line of warning to stderr."""
    print(f"warning: {message}", file=sys.stderr)


def _report_interrupt(interrupt: KeyboardInterrupt, code: int) -> int:
    """Tell what a cancelled backfill did; anything else was interrupted in the middle and has nothing to tell."""
    if str(interrupt):
        print(f"cancelled: {interrupt}", file=sys.stderr)
    with suppress(OSError, ValueError):  # a stream that a model closed, or that is full
        sys.stdout.flush()
    sys.stderr.flush()
    if any(thread is not threading.current_thread() and not thread.daemon for thread in threading.enumerate()):
        os._exit(code)  # Python would wait for threads that were abandoned
    return code


def _report(error: Exception, debug: bool) -> int:
    from ccflow_etl.cli.messages import explain

    told = error if isinstance(error, CommandError) else explain(error)
    print(f"error: {told}", file=sys.stderr)
    if told.hint:
        print(f"hint: {told.hint}", file=sys.stderr)
    if not debug and told.exit_code == RUN_FAILED:
        print("hint: --debug shows the full traceback", file=sys.stderr)
    return told.exit_code

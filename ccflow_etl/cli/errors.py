"""What a command says when it cannot go on: one message, one hint, one exit code."""

from typing import ClassVar

SUCCESS = 0
RUN_FAILED = 1
BAD_CONFIGURATION = 2
INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it
TERMINATED = 143  # 128 + SIGTERM
BROKEN_PIPE = 141  # 128 + SIGPIPE


class CommandError(Exception):
    """A mistake in the arguments or the config, told to the user with what to do next.

    >>> error = CommandError("no config named 'bas'", hint="did you mean 'base'?")
    >>> str(error), error.hint, error.exit_code
    ("no config named 'bas'", "did you mean 'base'?", 2)
    """

    exit_code: ClassVar[int] = BAD_CONFIGURATION

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class RunFailed(CommandError):
    """The config was right, and the model that it runs raised, or what came of it could not be told.

    The cause is the model's own exception, or that of whatever could not be told.

    >>> RunFailed("/model failed: ValueError: no words").exit_code
    1
    """

    exit_code = RUN_FAILED


def did_you_mean(name: str, candidates: list[str]) -> str | None:
    """Return a hint with the closest of `candidates`, or None when none is close.

    >>> did_you_mean("modle", ["model", "backfill"])
    "did you mean 'model'?"
    """
    from difflib import get_close_matches

    close = get_close_matches(name, candidates, n=1)
    return f"did you mean {close[0]!r}?" if close else None

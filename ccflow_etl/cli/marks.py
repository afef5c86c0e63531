"""`--status`, `--clear` and `--clear-failed`: the marks of a backfill's steps, shown and removed."""

import sys
from typing import TYPE_CHECKING, Any

from ccflow_etl.cli.arguments import Arguments
from ccflow_etl.cli.errors import CommandError
from ccflow_etl.pages.text import number

if TYPE_CHECKING:
    from ccflow_etl import BackfillStatus
    from ccflow_etl.cli.job import Job

STATUS, CLEAR, CLEAR_FAILED, YES = "--status", "--clear", "--clear-failed", "--yes"
_NOT_BESIDE = {
    "--from-plan": "leave it out: marks are those of the config's own context",
    "--output": "leave it out: --json prints the status for a program, and --output saves a plan",
}


def about_marks(arguments: Arguments) -> bool:
    """Return whether it is marks that are asked for, and not a plan.

    Raises:
        CommandError: The flags do not go together, or a question would have to be asked where nobody can answer.
    """
    given = arguments.flags | arguments.options.keys()
    asked = [name for name in (STATUS, CLEAR, CLEAR_FAILED) if name in given]
    if {CLEAR, CLEAR_FAILED} <= given:
        raise CommandError(f"{CLEAR} does not go with {CLEAR_FAILED}", "give one of them, and then the other")
    clears = [name for name in asked if name != STATUS]
    if YES in given and not clears:
        raise CommandError(f"{YES} answers the question of {CLEAR} or {CLEAR_FAILED}, and neither is given")
    for other, hint in _NOT_BESIDE.items():
        if asked and other in given:
            raise CommandError(f"{asked[-1]} does not go with {other}", hint)
    if clears and YES not in given and not _can_ask():
        raise CommandError(
            f"{clears[0]} asks before it removes marks, and there is no terminal to ask in",
            f"{YES} removes them without a question",
        )
    return bool(asked)


def show_marks(job: "Job", arguments: Arguments) -> None:
    """Remove the marks that the arguments name, and print how many; with `--status`, print the marks.

    Raises:
        CommandError: The callable is no backfill, it has no store, or the store cannot remove marks.
    """
    from ccflow_etl.cli.json_text import to_json
    from ccflow_etl.cli.streams import write_stdout

    told: dict[str, Any] = {}
    lines: list[str] = []
    if CLEAR in arguments.options or CLEAR_FAILED in arguments.flags:
        removed = _clear(job.status(), arguments)
        told["removed"] = removed
        lines.append(f"removed {number(len(removed), 'mark')}")
    if STATUS in arguments.flags:
        status = job.status()
        told |= status.to_dict()
        lines.append(str(status))
    write_stdout(to_json(told) if "--json" in arguments.flags else "\n".join(lines))


def _clear(status: "BackfillStatus", arguments: Arguments) -> list[str]:
    try:
        keys = status.removable(arguments.options.get(CLEAR, "*"), failed=CLEAR_FAILED in arguments.flags)
        return status.remove(keys) if YES in arguments.flags or _agreed(keys) else []
    except (ValueError, NotImplementedError) as error:
        raise CommandError(str(error)) from error


def _can_ask() -> bool:
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def _agreed(keys: list[str]) -> bool:
    if not keys:
        return True
    such_as = keys[0] if len(keys) == 1 else f"such as {keys[0]}"
    answer = ""
    try:
        print(f"Remove {number(len(keys), 'mark')}, {such_as}? [y/N] ", end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline()
    finally:
        if not answer.endswith("\n"):  # Ctrl-C and Ctrl-D leave the cursor behind the question
            print(file=sys.stderr)
    return answer.strip().lower() in ("y", "yes")

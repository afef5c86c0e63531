"""pydantic's validation errors, one line per field with the value that it got."""

import re
import reprlib
from typing import Any

from pydantic import ValidationError

from ccflow_etl.cli.errors import CommandError, did_you_mean

_UNRESOLVED = "Could not resolve model"
# pydantic puts the members of a union and the validators into the location: list[str], function-wrap[...],
# constrained-int; a plain int or a class may as well be a key
_LABEL = re.compile(r"\[|^constrained-")


def explain_invalid(error: ValidationError, what: str, key: str) -> CommandError:
    """Return what to tell about values that do not fit a model or a context: a line per field.

    Args:
        error: pydantic's error.
        what: What is wrong, the first line.
        key: The config key that the fields are under, so that each line begins with what an override would set.

    >>> from pydantic import BaseModel
    >>> class Stats(BaseModel):
    ...     min_length: int
    >>> try:
    ...     Stats(min_length="many")
    ... except ValidationError as error:
    ...     print(explain_invalid(error, "the context does not fit Stats", "context"))
    the context does not fit Stats
      context.min_length: Input should be a valid integer, unable to parse string as an integer (got 'many')
    """
    details = error.errors(include_url=False)
    reasons: dict[str, list[str]] = {}
    for detail in details:
        reasons.setdefault(_dotted(key, detail["loc"]), []).append(_reason(detail))
    # each member of a union has its own reason
    lines = [f"  {field}{'; or: '.join(dict.fromkeys(told))}" for field, told in reasons.items()]
    return CommandError("\n".join([what, *lines]), _hint(details, key))


def _dotted(key: str, where: tuple[Any, ...]) -> str:
    names = [str(part) for part in where if not _LABEL.search(str(part))]
    parts = [key, *names] if key else names
    return ".".join(parts) + ": " if parts else ""


def _reason(detail: Any) -> str:
    reason = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "missing":
        return "is required and has no value"
    if detail["type"] == "extra_forbidden":
        return f"no such field (got {reprlib.repr(detail['input'])})"
    if _UNRESOLVED in reason:
        return f"no model {detail['input']!r} in the registry"
    if detail["type"] in ("value_error", "assertion_error"):
        # a validator's own message names the value
        return str(reason)
    return f"{reason} (got {reprlib.repr(detail['input'])})"


def _hint(details: list[Any], key: str) -> str | None:
    for detail in details:
        if detail["type"] == "missing":
            return f"give it on the command line with +{_dotted(key, detail['loc']).removesuffix(': ')}=..."
        if _UNRESOLVED in detail["msg"] or "calendar" in detail["loc"]:
            from ccflow import ModelRegistry

            paths = [f"/{name}" for name in ModelRegistry.root()]
            ends = [path for path in paths if path.endswith(f"/{str(detail['input']).lstrip('/')}")]
            if ends:
                return f"a registry path is written in full: {' or '.join(ends)}"
            if _UNRESOLVED in detail["msg"]:
                return (
                    did_you_mean(f"/{detail['input'].lstrip('/')}", paths) or f"it has {', '.join(paths) or 'nothing'}"
                )
    return None

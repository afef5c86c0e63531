"""Configuration as indented lines, like YAML, without its secrets and what would make it long."""

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr

from .declared import is_declared_secret
from .secrets import HIDDEN, is_secret, without_secrets

__all__ = ["outline"]

_LINES = 1000
_ITEMS = 20  # of one list or mapping
_DEPTH = 12
_LONGEST = 400  # characters of a value
_TEMPLATE = re.compile(r"\{(model|version|step|context)\}")  # of a step's key
_SCALARS = (dt.date, dt.time, dt.timedelta, Decimal, Enum, PurePath)
_PLAIN = re.compile(r"[A-Za-z/.<(_][\w ./<>(),+@=\-]*")


def outline(value: Any) -> str:
    """The lines of a mapping, a pydantic model's fields that were given, or any of these within each other.

    Values under the names of secrets, passwords in addresses and pydantic's secrets are hidden; a live object is its
    type only.

    >>> print(outline({"store": {"uri": "s3://me:hunter2@host", "api_key": "abc"}, "formats": ["json", "gzip"]}))
    store:
      uri: "s3://me:***@host"
      api_key: ***
    formats:
      - json
      - gzip
    """
    lines: list[str] = []
    for line in _lines(value, "", hidden=False):
        if len(lines) == _LINES:
            lines.append("...")
            break
        lines.append(line)
    return "\n".join(lines)


def _lines(value: Any, indent: str, hidden: bool) -> Iterator[str]:
    """The lines of the parts of a value that has some."""
    for mark, part, secret in _some(_parts(value, hidden)):
        if _parts(part, secret) is None or len(indent) > 2 * _DEPTH:
            yield f"{indent}{mark} {_scalar(part, secret)}"
        else:
            yield f"{indent}{mark}"
            yield from _lines(part, f"{indent}  ", secret)


def _some(parts: "Iterable[tuple[str, Any, bool]] | None") -> Iterator[tuple[str, Any, bool]]:
    for number, part in enumerate(parts or ()):
        if number == _ITEMS:
            yield "...", "more", False
            return
        yield part


def _parts(value: Any, hidden: bool) -> "Iterable[tuple[str, Any, bool]] | None":
    """What is before each part of a value, the part, and whether it is hidden; None of a value without parts."""
    if isinstance(value, BaseModel):
        kind = ("_target_:", f"{type(value).__module__}.{type(value).__name__}", False)
        shown = (
            (f"{name}:", part, hidden or is_secret(name) or is_declared_secret(value, name))
            for name, part in value.__dict__.items()
            if name in value.model_fields_set
        )
        return (part for parts in ((kind,), shown) for part in parts)
    if isinstance(value, Mapping) and value:
        return ((f"{_text(str(name))}:", part, hidden or is_secret(str(name))) for name, part in value.items())
    if isinstance(value, list | tuple | set | frozenset) and value:
        return (("-", part, hidden) for part in value)
    return None


def _scalar(value: Any, hidden: bool) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if hidden and not (isinstance(value, str) and _TEMPLATE.search(value)):
        return HIDDEN
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, _SCALARS):
        return without_secrets(str(value.value if isinstance(value, Enum) else value))
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return "..." if value else "{}" if isinstance(value, Mapping) else "[]"
    return HIDDEN if isinstance(value, SecretStr | SecretBytes) else f"<{type(value).__name__}>"


def _text(text: str) -> str:
    text = without_secrets(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...")
    return text if text == HIDDEN or _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)

"""What is not for everyone: passwords, tokens and keys, found by the names that they go under, and left out."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr

from .declared import is_declared_secret

__all__ = ["HIDDEN", "is_secret", "secrets_in", "spellings", "without_secrets", "without_these"]

HIDDEN = "***"
"""What stands in the place of a secret."""

# Anywhere in a name, and as one of its words.
_STEMS = re.compile("passw|passphrase|secret|token|credential|apikey|accesskey|privatekey|authorization", re.IGNORECASE)
_WORDS = {
    "key",
    "keys",
    "pass",
    "pwd",
    "auth",
    "bearer",
    "cookie",
    "cookies",
    "dsn",
    "jwt",
    "pin",
    "sas",
    "sig",
    "signature",
}
_WORD = re.compile("[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

_NAMES = ("key", "keys")
"""What may be a secret, and far more often is the name of something."""

_SHORTEST = 5
"""Characters of a secret that is looked for elsewhere: shorter ones are found in ordinary words."""

# From where such a name begins, or a text of letters only would be read once for each of them.
_NAME = r"(?<![\w.\-/@+~])[\w.\-/@+~]+"
_PATTERNS = (
    # the password between a user's name and a host
    (
        re.compile(r"(?P<kept>[a-z][a-z0-9+.\-]{0,30}://[^\s:/@'\"]*):[^\s'\"]{1,4000}@", re.IGNORECASE),
        rf"\g<kept>:{HIDDEN}@",
    ),
    (re.compile(r"(?P<kept>\b(?:bearer|basic))\s+[A-Za-z0-9._~+/=\-]{8,}", re.IGNORECASE), rf"\g<kept> {HIDDEN}"),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), HIDDEN),
)
# A quote that is escaped ends no value.
_QUOTED = r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'"
# password=..., "token": "...", ?sig=...
_ASSIGNED = re.compile(
    rf"(?P<name>{_NAME})(?P<between>['\"]?\s*(?:=|:\s)\s*)(?P<value>{_QUOTED}|\"[^\"\n]*\"|'[^'\n]*'|[^\s,;&'\")\]}}]+)"
)


def is_secret(name: str) -> bool:
    """Whether what goes under a name is left out.

    >>> [is_secret(name) for name in ("db_password", "apiKey", "key", "author", "monkey")]
    [True, True, True, False, False]
    """
    return bool(_STEMS.search(name)) or any(word.lower() in _WORDS for word in _WORD.findall(name))


def secrets_in(value: Any, secret: bool = False) -> Iterator[str]:
    """The texts that are secrets in a mapping, by their names, or in a model, by its fields; none of a few characters.

    A number is found as the text that it is shown as.

    >>> sorted(secrets_in({"db": {"user": "etl", "password": "hunter2"}, "tokens": ["abcdef", "-"]}))
    ['abcdef', 'hunter2']
    """
    if isinstance(value, SecretStr | SecretBytes):
        found = value.get_secret_value()
        value, secret = found.decode(errors="replace") if isinstance(found, bytes) else found, True
    if isinstance(value, BaseModel):
        for name, part in value.__dict__.items():
            if name in value.model_fields_set:
                yield from secrets_in(part, secret or _names_secret(name) or is_declared_secret(value, name))
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from secrets_in(part, secret or _names_secret(str(name)))
    elif isinstance(value, list | tuple | set | frozenset):
        for part in value:
            yield from secrets_in(part, secret)
    elif secret and len(text := _shown(value)) >= _SHORTEST:
        yield text


def _shown(value: Any) -> str:
    """A text, or a number as one; empty of anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    try:
        return str(value)
    except ValueError:  # Python shows no number of thousands of digits
        return ""


def _names_secret(name: str) -> bool:
    return is_secret(name) and name not in _NAMES


def spellings(secrets: Iterable[str]) -> list[str]:
    """Secrets as they are and as they are shown in quotes or on one line, the longest first.

    >>> spellings(["it's\\n12"])
    ["it\\\\'s\\\\n12", "it's\\\\n12", "it\\\\'s\\n12", "it\\\\'s 12", "it's\\n12", "it's 12"]
    """
    quoted = {form for secret in secrets for form in _quoted(secret)}
    # an error is told in one line
    found = {form for text in quoted for form in (text, " ".join(text.split())) if len(form) >= _SHORTEST}
    # one secret may be a part of another
    return sorted(found, key=lambda form: (-len(form), form))


def _quoted(secret: str) -> Iterator[str]:
    # Next to a double quote, repr leaves such quotes as they are; the single ones are kept from it.
    escaped = "'".join(repr(f'"{part}')[2:-1] for part in secret.split("'"))
    for form in (secret, escaped):
        yield form
        yield form.replace("'", "\\'")
        yield form.replace('"', '\\"')
    for ascii_only in (True, False):
        yield json.dumps(secret, ensure_ascii=ascii_only)[1:-1]


def without_these(text: str, secrets: Iterable[str]) -> str:
    """Text without secrets that are known, which come longest first.

    >>> without_these("no hunter22 at hunter2", ["hunter22", "hunter2"])
    'no *** at ***'
    """
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text


def without_secrets(text: str) -> str:
    """Text without what stands in it as a password of an address, or as the value of a secret's name.

    >>> without_secrets("postgresql://etl:hunter2@db/sales?sslmode=require, password='hunter 2'")
    'postgresql://etl:***@db/sales?sslmode=require, password=***'
    """
    for pattern, kept in _PATTERNS:
        text = pattern.sub(kept, text)
    parts, place = [], 0
    while match := _ASSIGNED.search(text, place):
        # What is no secret may have one in its value.
        end = match.start("value")
        parts.append(text[place:end])
        place = end
        if _hides(match):
            parts.append(HIDDEN)
            place = match.end()
    return "".join([*parts, text[place:]])


def _hides(match: re.Match[str]) -> bool:
    name = match["name"]
    in_address = match.string[match.start() - 1 : match.start()] in ("?", "&")
    # "KeyError: 'AAA'" tells of no secret, and of "key: daily/AAA" far more is a name than is one.
    harmless = name.endswith(("Error", "Exception", "Warning")) or (name.lower() in _NAMES and not in_address)
    return not harmless and is_secret(name)

"""The vocabulary of intervals: unit names, their aliases, and how a text such as ``"2M"`` is read."""

import difflib
import re
from typing import Literal, cast, get_args

__all__ = ["FIXED_MICROSECONDS", "Offset", "accepted_units", "is_registry_path", "parse_interval"]

Offset = Literal[
    "B", "C", "D", "M", "W", "ME", "SME", "BME", "CBME", "MS", "SMS", "BMS", "CBMS",
    "QE", "BQE", "QS", "BQS", "YE", "BYE", "YS", "BYS",
    "h", "bh", "cbh", "min", "s", "ms", "us", "ns",
]  # fmt: skip
"""The unit of an interval, spelled as pandas 2.2 and later spell frequencies (``M`` is an anchored month)."""

UNITS: tuple[str, ...] = get_args(Offset)

NAMES: dict[str, Offset] = {
    "daily": "D", "day": "D",
    "weekly": "W", "week": "W",
    "monthly": "M", "month": "M",
    "business_daily": "B", "business-day": "B", "business_day": "B",
    "hourly": "h", "hour": "h",
    "minutely": "min", "minute": "min",
    "secondly": "s", "second": "s",
}  # fmt: skip

FIXED_MICROSECONDS: dict[str, int] = {
    "W": 604_800_000_000,
    "D": 86_400_000_000,
    "h": 3_600_000_000,
    "min": 60_000_000,
    "s": 1_000_000,
    "ms": 1_000,
    "us": 1,
}
"""Length in microseconds of the units that are a fixed amount of (wall) time."""

_PATTERN = re.compile(r"([+-]?\d+)?\s*([A-Za-z][A-Za-z_-]*)", re.ASCII)


def accepted_units() -> str:
    """The units and names that an interval is written with, as one line for an error message."""
    return (
        f"a positive count and one of the units {' '.join(UNITS)} or the names {' '.join(NAMES)}, "
        "such as '2M' or 'daily'"
    )


def is_registry_path(text: str) -> bool:
    """Whether a text names an entry of the ccflow registry rather than an interval."""
    return text.startswith(("/", "./", "../"))


def parse_interval(text: str) -> tuple[Offset, int]:
    """Read an interval's text: an optional count and a unit or name.

    Returns:
        The unit and the count; a missing count is 1.

    Raises:
        ValueError: the text is empty, has another unit, a fraction, several parts, or a count that is not
            positive. The message repeats the text and lists what is accepted.

    >>> parse_interval("2M"), parse_interval("business-day")
    (('M', 2), ('B', 1))
    >>> parse_interval("1.5h")
    Traceback (most recent call last):
        ...
    ValueError: '1.5h' is not an interval: expected a positive count and one of the units B C D M W ME ...
    """
    match = _PATTERN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not an interval: expected {accepted_units()}.")
    count, word = match.groups()
    unit = word if word in UNITS else NAMES.get(word.lower())
    if unit is None:
        raise ValueError(
            f"{text!r} is not an interval: {word!r} is not a unit{_hint(word)}; expected {accepted_units()}."
        )
    n = 1 if count is None else int(count)
    if n <= 0:
        raise ValueError(f"{text!r} is not an interval: the count must be positive; expected {accepted_units()}.")
    return cast("Offset", unit), n


def _hint(word: str) -> str:
    same = [unit for unit in UNITS if unit.lower() == word.lower()]
    close = same or difflib.get_close_matches(word.lower(), NAMES, n=1)
    return f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""

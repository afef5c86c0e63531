"""Text that can stand in a page, and numbers as a person says them."""

import re
from collections.abc import Mapping

__all__ = ["counted", "cut", "duration", "number", "ordinal", "visible"]

# Controls but tab and line feed, marks that turn text around, halves of surrogate pairs, and what is no character.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def visible(text: str) -> str:
    r"""Text whose every character can be seen and encoded: what cannot is written as Python would escape it.

    >>> print(visible("one\x00two\udc80"))
    one\x00two\udc80
    """
    return _UNSEEN.sub(lambda match: match.group().encode("unicode_escape").decode(), text)


def cut(text: object, longest: int = 200) -> str:
    """Text without what is past a number of characters.

    >>> cut("a long word", 7)
    'a long…'
    """
    text = str(text)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def number(count: int, name: str, names: str | None = None) -> str:
    """A count and what is counted, in the plural where it is not one.

    >>> number(1201, "step"), number(1, "gap"), number(2, "day off", "days off")
    ('1,201 steps', '1 gap', '2 days off')
    """
    return f"{count:,} {name}" if count == 1 else f"{count:,} {names or f'{name}s'}"


def counted(counts: Mapping[str, int]) -> str:
    """Counts by what is counted, in their order; no text where there are none.

    >>> counted({"succeeded": 1200, "failed": 1})
    '1,200 succeeded, 1 failed'
    """
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())


def ordinal(n: int) -> str:
    """A position as it is said.

    >>> [ordinal(n) for n in (1, 2, 3, 11, 22)]
    ['1st', '2nd', '3rd', '11th', '22nd']
    """
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n:,}{ending}"


def duration(seconds: float) -> str:
    """A time in the two units that matter.

    >>> [duration(seconds) for seconds in (0.0004, 0.25, 7.5, 75, 7500, 200000)]
    ['400 µs', '250 ms', '7.5 s', '1 min 15 s', '2 h 5 min', '2 d 8 h']
    """
    if seconds < 60:
        unit, length = next(pair for pair in (("µs", 1e-6), ("ms", 1e-3), ("s", 1)) if seconds < pair[1] * 999.5)
        return f"{seconds / length:.3g} {unit}"
    units = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))
    first = next(place for place, (_, length) in enumerate(units) if round(seconds) >= length)
    (large, length), (small, part) = units[first], units[first + 1]
    whole, rest = divmod(round(seconds / part), length // part)
    return f"{whole:,} {large} {rest} {small}" if rest else f"{whole:,} {large}"

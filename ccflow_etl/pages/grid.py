"""Grids of time: each cell a minute, hour, day, month or year, in one or two of a few colours."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .layouts import CENTURY, Layout, Places, layout_of

__all__ = ["Kind", "Picture", "draw"]

_LEFT, _TOP, _GAP = 74, 16, 2
"""Where the cells begin, and what is between two of them."""
_PART, _ROOM = 3, 7
"""The least width of a part of a cell, and the width that a sign needs."""


@dataclass(frozen=True)
class Kind:
    """What a cell can be.

    Attributes:
        name: Its class in CSS.
        told: What the legend says of it.
        sign: What tells it apart without the colour: an SVG path of strokes from the middle of a cell.
    """

    name: str
    told: str
    sign: str = ""

    @property
    def swatch(self) -> tuple[str, str]:
        """The paths of one cell and its sign, for the legend."""
        one = np.array([1])
        return _paths(one, one, np.array([10]), 10, self.sign)


@dataclass(frozen=True)
class _Group:
    """The cells of one kind: their outlines and their signs, as SVG paths."""

    kind: Kind
    cells: int  # that are of this kind, or a part of which is
    path: str
    signs: str


@dataclass(frozen=True)
class Picture:
    """A drawn grid.

    Attributes:
        title: What it shows.
        unit: What a cell is: a minute, hour, day, month or year.
        width: Its width.
        height: Its height.
        mixed: Whether some cells have windows of several kinds.
        kinds: What windows are, for the legend.
        groups: The cells by kind.
        labels: Texts at the sides: x, y, text and where x is in it (start, middle or end).
    """

    title: str
    unit: str
    width: float
    height: float
    mixed: bool
    kinds: Sequence[Kind]
    groups: Sequence[_Group]
    labels: Sequence[tuple[float, float, str, str]]

    @property
    def alternative(self) -> str:
        """The picture in words."""
        return f"{self.title}: {', '.join(kind.told for kind in reversed(self.kinds))}"


def draw(title: str, starts: Places, ends: Places, ranks: Places, kinds: Sequence[Kind]) -> Picture:
    """A grid of windows of time, each of some kind.

    How much time a cell is follows from the windows: no less than an eighth of one, and as much as it takes for the
    rows to be few. Where windows of several kinds touch a cell, a part of it is of the kind that stands last among
    them, as wide as their share; the rest is of the kind that most of the others are.

    Args:
        title: What it shows.
        starts: Where the windows begin, in microseconds of wall time since 1970; at least one.
        ends: Where they end.
        ranks: The position of each window's kind.
        kinds: What windows can be.

    >>> from .layouts import DAY
    >>> days = np.arange(3) * DAY
    >>> picture = draw("Three days", days, days + DAY, np.array([0, 0, 1]), [Kind("done", "2"), Kind("failed", "1")])
    >>> picture.unit, [(group.kind.name, group.cells) for group in picture.groups]
    ('day', [('done', 2), ('failed', 1)])
    """
    layout = layout_of(starts, ends)
    numbers, counts = _counts(layout, starts, ends, ranks, len(kinds))
    rows, columns = layout.cells(numbers)
    blocks = rows // layout.block
    first, tall = int(blocks.min()), layout.block * layout.height + layout.gap
    x = _LEFT + columns * layout.width
    y = _TOP + (blocks - first) * tall + rows % layout.block * layout.height
    worst, rest, part = _parts(counts, layout.width - _GAP)
    groups = []
    for rank, kind in enumerate(kinds):
        below = np.flatnonzero(rest == rank)
        above = np.flatnonzero(worst == rank)
        chosen = np.concatenate([below, above])
        if len(chosen):
            width = np.concatenate([layout.width - _GAP - part[below], part[above]])
            left = np.concatenate([x[below], x[above] + layout.width - _GAP - part[above]])
            paths = _paths(left, y[chosen], width, layout.height - _GAP, kind.sign)
            groups.append(_Group(kind, len(chosen), *paths))
    labels = [(_LEFT + column * layout.width, _TOP - 5.0, text, "start") for column, text in layout.heads]
    labels += [
        (_LEFT - 8.0, _TOP + (block - first) * tall + (tall - layout.gap) / 2 + 3, layout.label(block), "end")
        for block in np.unique(blocks).tolist()
    ]
    return Picture(
        title=title,
        unit=layout.unit,
        width=_LEFT + layout.columns * layout.width,
        height=_TOP + (int(blocks.max()) - first + 1) * tall - layout.gap,
        mixed=bool((rest >= 0).any()),
        kinds=[kind for rank, kind in enumerate(kinds) if (ranks == rank).any()],
        groups=groups,
        labels=labels,
    )


def _counts(layout: Layout, starts: Places, ends: Places, ranks: Places, kinds: int) -> tuple[Places, Places]:
    """The numbers of the cells that some window touches, and how many windows of each kind do."""
    # A last window may be open to the end of time.
    longest = int(np.median(ends - starts))
    ends = np.minimum(ends, np.minimum(starts.max() + longest, starts + CENTURY))
    first = layout.numbers(starts)
    lengths = np.maximum(layout.numbers(np.maximum(ends - 1, starts)) - first + 1, 1)
    which = np.repeat(np.arange(len(first)), lengths)
    within = np.arange(len(which)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    start = int(first.min())
    touches = (first[which] - start + within) * kinds + ranks[which]
    counts = np.bincount(touches, minlength=(int((first + lengths).max()) - start) * kinds).reshape(-1, kinds)
    touched = np.flatnonzero(counts.any(axis=1))
    return touched + start, counts[touched]


def _parts(counts: Places, width: int) -> tuple[Places, Places, Places]:
    """For each cell its last kind, the kind that most others are (-1 of none), and how wide the part of the last is."""
    cells = np.arange(len(counts))
    worst = counts.shape[1] - 1 - (counts[:, ::-1] > 0).argmax(axis=1)
    others = counts.copy()
    others[cells, worst] = 0
    rest = np.where(others.any(axis=1), others.argmax(axis=1), -1)
    part = np.rint(width * counts[cells, worst] / counts.sum(axis=1)).astype(np.int64)
    return worst, rest, np.where(rest < 0, width, np.clip(part, _PART, width - _PART))


def _paths(x: Places, y: Places, width: Places, height: int, sign: str) -> tuple[str, str]:
    # Each cell begins where the one before it did, and a bit further: that takes the fewest characters.
    moves = zip(np.diff(x, prepend=0).tolist(), np.diff(y, prepend=0).tolist(), width.tolist(), strict=True)
    cells = "".join(f"m{right} {down}h{wide}v{height}h-{wide}z" for right, down, wide in moves)
    if not sign:
        return cells, ""
    room = width >= _ROOM
    middles = zip((x + width / 2)[room].tolist(), (y + height / 2)[room].tolist(), strict=True)
    return cells, "".join(f"M{right:g} {down:g}{sign}" for right, down in middles)

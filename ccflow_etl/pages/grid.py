"""Grids of time: each cell a minute, hour, day, month or year, in one of a few colours."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["DAY", "Kind", "Picture", "draw", "wall_ticks"]

Places = NDArray[np.int64]

DAY = 86_400_000_000
"""Microseconds in a day."""
_MINUTE, _HOUR, _CENTURY = DAY // 1440, DAY // 24, 36_525 * DAY
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LEFT, _TOP, _GAP = 74, 16, 2
"""Where the cells begin, and what is between two of them."""


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
        return _paths(np.array([1]), np.array([1]), 10, 10, self.sign)


@dataclass(frozen=True)
class _Group:
    """The cells of one kind: their outlines and their signs, as SVG paths."""

    kind: Kind
    cells: int
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
        note: What is said of a cell besides.
        kinds: What windows are, for the legend.
        groups: The cells by kind.
        labels: Texts at the sides: x, y, text and where x is in it (start, middle or end).
    """

    title: str
    unit: str
    width: float
    height: float
    note: str
    kinds: Sequence[Kind]
    groups: Sequence[_Group]
    labels: Sequence[tuple[float, float, str, str]]

    @property
    def alternative(self) -> str:
        """The picture in words."""
        return f"{self.title}: {', '.join(kind.told for kind in reversed(self.kinds))}"


@dataclass(frozen=True)
class _Layout:
    unit: str
    length: int  # of a cell, about, in microseconds
    columns: int
    width: int  # of a column
    height: int  # of a row
    most: int  # rows
    numbers: Callable[[Places], Places]  # of the cells of instants
    cells: Callable[[Places], tuple[Places, Places]]  # rows and columns of numbers
    heads: Sequence[tuple[float, str]]  # over the columns
    label: Callable[[int], str]  # of the row
    block: int = 1  # rows with one label
    gap: int = 0  # between blocks


def _calendar_parts(ticks: Places, unit: str) -> Places:
    return ticks.astype("M8[us]").astype(f"M8[{unit}]").astype(np.int64)


def _weeks(days: Places) -> tuple[Places, Places]:
    """The row of a day, seven to a year with Monday on top, and its week of the year."""
    year = days.astype("M8[D]").astype("M8[Y]")
    january = year.astype("M8[D]").astype(np.int64)
    return year.astype(np.int64) * 7 + (days + 3) % 7, (days - january + (january + 3) % 7) // 7


def _months_over_weeks() -> list[tuple[float, str]]:
    return [(4.42 * month, name) for month, name in enumerate(_MONTHS)]


def _instant(number: int, unit: str) -> str:
    return str(np.array(number, dtype=f"M8[{unit}]")).replace("T", " ")


_LAYOUTS = (
    _Layout(
        "minute", _MINUTE, 60, 11, 11, 50,
        lambda ticks: ticks // _MINUTE, lambda numbers: divmod(numbers, 60),
        [(minute, f":{minute:02}") for minute in range(0, 60, 10)],
        lambda row: f"{_instant(row, 'h')[5:]}h",
    ),
    _Layout(
        "hour", _HOUR, 24, 27, 11, 70,
        lambda ticks: ticks // _HOUR, lambda numbers: divmod(numbers, 24),
        [(hour, f"{hour:02}h") for hour in range(0, 24, 3)],
        lambda row: _instant(row, "D"),
    ),
    _Layout(
        "day", DAY, 54, 12, 10, 12 * 7,
        lambda ticks: ticks // DAY, _weeks, _months_over_weeks(),
        lambda block: _instant(block, "Y"), block=7, gap=8,
    ),
    _Layout(
        "month", 30 * DAY, 12, 54, 13, 80,
        lambda ticks: _calendar_parts(ticks, "M"), lambda numbers: divmod(numbers, 12), list(enumerate(_MONTHS)),
        lambda row: _instant(row, "Y"),
    ),
    _Layout(
        "year", 365 * DAY, 10, 65, 13, 10_000,
        lambda ticks: _calendar_parts(ticks, "Y") + 1970, lambda numbers: divmod(numbers, 10),
        [(year, f"…{year}") for year in range(10)],
        lambda row: f"{row * 10:04}s",
    ),
)  # fmt: skip


def draw(title: str, starts: Places, ends: Places, ranks: Places, kinds: Sequence[Kind], note: str = "") -> Picture:
    """A grid of windows of time, each of some kind.

    A cell is of the kind that stands last among those of the windows that touch it. How much time a cell is follows
    from the windows: no less than an eighth of one, and as much as it takes for the rows to be few.

    Args:
        title: What it shows.
        starts: Where the windows begin, in microseconds of wall time since 1970; at least one.
        ends: Where they end.
        ranks: The position of each window's kind.
        kinds: What windows can be.
        note: What is said of a cell besides its length.

    >>> days = np.arange(3) * DAY
    >>> picture = draw("Three days", days, days + DAY, np.array([0, 0, 1]), [Kind("done", "2"), Kind("failed", "1")])
    >>> picture.unit, [(group.kind.name, group.cells) for group in picture.groups]
    ('day', [('done', 2), ('failed', 1)])
    """
    used = [kind for rank, kind in enumerate(kinds) if (ranks == rank).any()]
    layout = _layout(starts, ends)
    numbers, worst = _worst(layout, starts, ends, ranks)
    rows, columns = layout.cells(numbers)
    blocks = rows // layout.block
    first, tall = int(blocks.min()), layout.block * layout.height + layout.gap
    x = _LEFT + columns * layout.width
    y = _TOP + (blocks - first) * tall + rows % layout.block * layout.height
    groups = []
    for rank, kind in enumerate(kinds):
        chosen = np.flatnonzero(worst == rank)
        if len(chosen):
            paths = _paths(x[chosen], y[chosen], layout.width - _GAP, layout.height - _GAP, kind.sign)
            groups.append(_Group(kind, len(chosen), *paths))
    labels = [(_LEFT + column * layout.width, _TOP - 5.0, text, "start") for column, text in layout.heads]
    labels += [
        (_LEFT - 8.0, _TOP + (block - first) * tall + (tall - layout.gap) / 2 + 3, layout.label(block), "end")
        for block in np.unique(blocks).tolist()
    ]
    bottom = _TOP + (int(blocks.max()) - first + 1) * tall - layout.gap
    return Picture(title, layout.unit, _LEFT + layout.columns * layout.width, bottom, note, used, groups, labels)


def _paths(x: Places, y: Places, width: int, height: int, sign: str) -> tuple[str, str]:
    # Each cell begins where the one before it did, and a bit further: that takes the fewest characters.
    moves = zip(np.diff(x, prepend=0).tolist(), np.diff(y, prepend=0).tolist(), strict=True)
    cells = "".join(f"m{right} {down}h{width}v{height}h-{width}z" for right, down in moves)
    middles = zip((x + width / 2).tolist(), (y + height / 2).tolist(), strict=True)
    return cells, "".join(f"M{right:g} {down:g}{sign}" for right, down in middles) if sign else ""


def _layout(starts: Places, ends: Places) -> _Layout:
    window = int(np.median(np.minimum(ends - starts, _CENTURY)))
    edges = np.array([starts.min(), starts.max()])
    for layout in _LAYOUTS:
        first, last = layout.cells(layout.numbers(edges))[0].tolist()
        if layout.length * 8 >= window and abs(last - first) < layout.most:
            return layout
    return _LAYOUTS[-1]


def _worst(layout: _Layout, starts: Places, ends: Places, ranks: Places) -> tuple[Places, Places]:
    """The numbers of the cells that some window touches, and the highest rank in each."""
    # A last window may be open to the end of time.
    longest = int(np.median(ends - starts))
    ends = np.minimum(ends, np.minimum(starts.max() + longest, starts + _CENTURY))
    first = layout.numbers(starts)
    lengths = np.maximum(layout.numbers(np.maximum(ends - 1, starts)) - first + 1, 1)
    which = np.repeat(np.arange(len(first)), lengths)
    within = np.arange(len(which)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    start = int(first.min())
    worst = np.full(int((first + lengths).max()) - start, -1)
    np.maximum.at(worst, first[which] - start + within, ranks[which])
    touched = np.flatnonzero(worst >= 0)
    return touched + start, worst[touched]


def wall_ticks(instants: Any) -> Places:
    """Instants as microseconds of wall time since 1970."""
    import pandas as pd

    wall = pd.DatetimeIndex(instants)
    ticks: Places = (wall if wall.tz is None else wall.tz_localize(None)).as_unit("us").asi8
    return ticks

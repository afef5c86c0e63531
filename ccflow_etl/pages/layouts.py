"""How time is laid out in rows and columns: hours of minutes, days of hours, years of weeks or of months, decades."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CENTURY", "DAY", "Layout", "Places", "layout_of", "wall_ticks"]

Places = NDArray[np.int64]

DAY = 86_400_000_000
"""Microseconds in a day."""
CENTURY = 36_525 * DAY
_MINUTE, _HOUR = DAY // 1440, DAY // 24
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Layout:
    """One way to lay out time; instants are microseconds since 1970."""

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
    Layout(
        "minute", _MINUTE, 60, 11, 11, 50,
        lambda ticks: ticks // _MINUTE, lambda numbers: divmod(numbers, 60),
        [(minute, f":{minute:02}") for minute in range(0, 60, 10)],
        lambda row: f"{_instant(row, 'h')[5:]}h",
    ),
    Layout(
        "hour", _HOUR, 24, 27, 11, 70,
        lambda ticks: ticks // _HOUR, lambda numbers: divmod(numbers, 24),
        [(hour, f"{hour:02}h") for hour in range(0, 24, 3)],
        lambda row: _instant(row, "D"),
    ),
    Layout(
        "day", DAY, 54, 12, 10, 12 * 7,
        lambda ticks: ticks // DAY, _weeks, _months_over_weeks(),
        lambda block: _instant(block, "Y"), block=7, gap=8,
    ),
    Layout(
        "month", 30 * DAY, 12, 54, 13, 80,
        lambda ticks: _calendar_parts(ticks, "M"), lambda numbers: divmod(numbers, 12), list(enumerate(_MONTHS)),
        lambda row: _instant(row, "Y"),
    ),
    Layout(
        "year", 365 * DAY, 10, 65, 13, 10_000,
        lambda ticks: _calendar_parts(ticks, "Y") + 1970, lambda numbers: divmod(numbers, 10),
        [(year, f"…{year}") for year in range(10)],
        lambda row: f"{row * 10:04}s",
    ),
)  # fmt: skip


def layout_of(starts: Places, ends: Places) -> Layout:
    """The finest layout that has few rows, and no more than eight cells to a window.

    >>> days = np.arange(366) * DAY
    >>> layout_of(days, days + DAY).unit
    'day'
    """
    window = int(np.median(np.minimum(ends - starts, CENTURY)))
    edges = np.array([starts.min(), starts.max()])
    for layout in _LAYOUTS:
        first, last = layout.cells(layout.numbers(edges))[0].tolist()
        if layout.length * 8 >= window and abs(last - first) < layout.most:
            return layout
    return _LAYOUTS[-1]


def wall_ticks(instants: Any) -> Places:
    """Instants as microseconds of wall time since 1970."""
    import pandas as pd

    wall = pd.DatetimeIndex(instants)
    ticks: Places = (wall if wall.tz is None else wall.tz_localize(None)).as_unit("us").asi8
    return ticks

"""Blocks: runs of consecutive steps that a model with a range context is called for at once."""

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
from ccflow import ContextBase

from ..calendars.interval import Interval
from .steps import StepContexts

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["Block", "Work", "cut"]

C = TypeVar("C", bound=ContextBase)

Block = range
"""The positions of consecutive steps."""


def cut(chosen: "NDArray[np.intp]", chunk: int | Interval | None, steps: "pd.DatetimeIndex") -> list[Block]:
    """The chosen positions as blocks of at most ``chunk`` consecutive steps, or of the steps in one interval.

    An interval counts from the earliest step; a boundary unit such as ``MS`` cuts at its boundaries.

    >>> import pandas as pd
    >>> cut(np.array([0, 1, 2, 4]), 2, pd.date_range("2024-01-01", periods=5))
    [range(0, 2), range(2, 3), range(4, 5)]
    """
    if not len(chosen):
        return []
    gaps = np.diff(chosen) > 1
    if isinstance(chunk, Interval):
        gaps |= np.diff(_intervals(chunk, steps)[chosen]) != 0
    runs = np.split(chosen, np.flatnonzero(gaps) + 1)
    size = chunk if isinstance(chunk, int) else len(chosen) if chunk else 1
    return [
        range(int(run[first]), int(run[min(first + size, len(run)) - 1]) + 1)
        for run in runs
        for first in range(0, len(run), size)
    ]


def _intervals(length: Interval, steps: "pd.DatetimeIndex") -> "NDArray[np.int64]":
    """The number of the interval that each step lies in."""
    wall = steps if steps.tz is None or length.elapsed else steps.tz_localize(None)
    places = np.asarray(wall.as_unit("us").asi8)
    return np.asarray(length.grid(int(places.min())).floor(places))


class Work(Iterator[C], Generic[C]):
    """The contexts of blocks, to be called one after the other; a block can be given back in halves.

    It may go on after it has ended, once something was given back.
    """

    def __init__(self, blocks: list[Block], contexts: StepContexts[C]):
        self._waiting = iter(blocks)
        self._again: deque[Block] = deque()
        self._contexts = contexts
        # One context after the other is far cheaper than each by its position.
        every = len(blocks) == len(contexts)
        self._stream: Iterator[C] | None = iter(contexts) if every else None
        self._issued: dict[int, Block] = {}
        self._count = 0

    def __next__(self) -> C:
        if self._again:
            block = self._again.popleft()
            context = self._contexts.span(block)
        else:
            block = next(self._waiting)
            context = self._contexts.span(block) if self._stream is None else next(self._stream)
        self._issued[self._count] = block
        self._count += 1
        return context

    def take(self, call: int) -> Block:
        """The block that was issued as the n-th."""
        return self._issued.pop(call)

    def halve(self, block: Block) -> None:
        """Give a block back in two halves, to be called next, and in its place among those given back before."""
        middle = len(block) // 2
        self._again.extendleft((block[middle:], block[:middle]))

"""StepContexts: one wrapped context for each step of a backfill, made when it is asked for."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from ccflow import ContextBase

from ..pages.text import number
from .step_maker import Step, needs_windows, step_maker

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["StepContexts"]

C = TypeVar("C", bound=ContextBase)

_BLOCK = 4096


class StepContexts(Sequence[C], Generic[C]):
    """A lazy sequence of contexts: the template with each step put into its step fields.

    Nothing is computed before the first use. Indexing and iterating make one context at a time, in constant memory;
    a slice is another lazy sequence.

    Args:
        template: The context that every step is put into.
        steps: Answers with the steps in order.
        windows: Answers with the steps' windows in the same order; called for contexts that carry a range.
    """

    def __init__(self, template: C, steps: Callable[[], "pd.DatetimeIndex"], windows: Callable[[], "pd.IntervalIndex"]):
        self._template = template
        self._make_steps = steps
        self._make_windows = windows

    @cached_property
    def steps(self) -> "pd.DatetimeIndex":
        """The steps."""
        return self._make_steps()

    @cached_property
    def ends(self) -> "pd.DatetimeIndex":
        """The ends of the steps' windows, for contexts that carry a range; for others the steps themselves."""
        return self._make_windows().right if needs_windows(self._template) else self.steps

    @cached_property
    def _make(self) -> Callable[[Step, Step], C]:
        return step_maker(self._template)

    def __len__(self) -> int:
        return len(self.steps)

    @overload
    def __getitem__(self, index: int) -> C: ...
    @overload
    def __getitem__(self, index: slice) -> "StepContexts[C]": ...
    def __getitem__(self, index: int | slice) -> "C | StepContexts[C]":
        if isinstance(index, slice):
            return StepContexts(self._template, lambda: self.steps[index], lambda: self._make_windows()[index])
        return self._make(self.steps[index].to_pydatetime(), self.ends[index].to_pydatetime())

    def span(self, block: range) -> C:
        """One context for a block of consecutive steps: its window is theirs together."""
        first, last = (block[0], block[-1])
        if self.steps[first] > self.steps[last]:
            first, last = last, first
        return self._make(self.steps[first].to_pydatetime(), self.ends[last].to_pydatetime())

    def __iter__(self) -> Iterator[C]:
        for first in range(0, len(self), _BLOCK):
            block = slice(first, first + _BLOCK)
            yield from map(self._make, datetimes(self.steps[block]), datetimes(self.ends[block]))

    def __repr__(self) -> str:
        return f"<{number(len(self), 'step')} of {type(self._template).__name__}>"


def datetimes(index: "pd.DatetimeIndex") -> Any:
    """The instants of an index as an array of datetimes."""
    # Ten times faster than to_pydatetime, which aware steps need for their time zone.
    return index.to_numpy().astype("M8[us]").astype(object) if index.tz is None else index.to_pydatetime()

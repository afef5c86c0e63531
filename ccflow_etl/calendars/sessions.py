"""SessionGrid: a scale of working time laid over the working days."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .grids import DAY, Grid, Places

__all__ = ["SessionGrid"]


@dataclass(frozen=True)
class SessionGrid:
    """Every ``period`` of working time, which runs only in sessions of one ``length`` that open on the days of a grid.

    Working time is a scale of its own: session ``s`` covers ``s * length`` to ``(s + 1) * length`` of it.
    Ordinal 0 is at ``origin``, or at the first opening after it where ``origin`` is closed.
    """

    days: Grid
    opening: int
    length: int
    period: int
    origin: int

    @cached_property
    def _zero(self) -> int:
        return int(self._worked(self.origin - 1)) + 1

    @property
    def first(self) -> int:
        """The lowest ordinal whose session is on the day grid."""
        return -((self._zero - self.days.first * self.length) // self.period)

    @property
    def stop(self) -> int:
        """One past the highest ordinal whose session is on the day grid."""
        return -((self._zero - self.days.stop * self.length) // self.period)

    def _worked(self, place: Any) -> Any:
        """Working time at each place; a closed place is at the last moment before the next opening."""
        session = self.days.floor((place - self.opening) // DAY)
        since = place - (self.days.at(np.maximum(session, self.days.first)) * DAY + self.opening)
        return session * self.length + np.where(
            session < self.days.first, self.length - 1, np.minimum(since, self.length - 1)
        )

    def at(self, k: Any) -> Any:
        """The place of each ordinal."""
        session, worked = divmod(self._zero + k * self.period, self.length)
        return self.days.at(session) * DAY + self.opening + worked

    def floor(self, place: Any) -> Any:
        """The highest ordinal at or before each place."""
        return (self._worked(place) - self._zero) // self.period

    def span(self, first: int, stop: int) -> Places:
        """The places of the ordinals ``first`` to ``stop`` (exclusive)."""
        if self.length % self.period or first >= stop:
            return self.at(np.arange(first, stop))
        # Every session has the same times: one row a session, cut at both ends.
        each = self.length // self.period
        session, worked = divmod(self._zero + first * self.period, self.length)
        skipped, phase = divmod(worked, self.period)
        days = self.days.span(session, session - (first - stop - skipped) // each)
        times = self.opening + phase + self.period * np.arange(each)
        return np.add.outer(days * DAY, times).ravel()[skipped : skipped + stop - first]

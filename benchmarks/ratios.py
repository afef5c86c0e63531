"""Calls of ours beside other ways to the same end: taken in turns, as ratios."""

import gc
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Measure = Literal["clock", "processor", "bytes", "memory"]

# Processor time is that of all threads of this process. What else the machine does hardly changes it, so it is what is
# measured of mere computing; what waits (for a disk, a server, another process or a free core) goes by the clock.
CLOCKS: Mapping[Measure, Callable[[], float]] = {"clock": time.perf_counter, "processor": time.process_time}

# How often a comparison is made when a ratio is too high. What else the machine does passes; a lost algorithm does not.
TRIES = 3
# The least that a sample lasts, so that the clock's own cost does not count.
SAMPLE_SECONDS = 1e-3


@dataclass(frozen=True)
class Case:
    """One row of a table to be: what a call of ours costs beside one of theirs."""

    what: str
    ours: Callable[[], object]
    beside: str
    theirs: Callable[[], object]
    most: float | None = None
    """The ratio of ours to theirs at most, where one is asserted."""
    quiet: bool = False
    """Whether the bound holds only in full sizes on a machine that does little else."""
    each: int = 1
    """How many of what is timed a call makes; the row tells of one."""
    theirs_each: int | None = None
    """The same for a call of theirs, where it differs."""


@dataclass(frozen=True)
class Row:
    """What was measured of a case, for one call or one of what the calls make."""

    engine: str
    test: str
    what: str
    ours: float
    beside: str
    theirs: float
    measure: Measure
    most: float | None = None

    @property
    def ratio(self) -> float:
        """How much of theirs ours takes; below 1 ours is the better."""
        return self.ours / self.theirs

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it the same row in another run."""
        return self.engine, self.what, self.beside


def in_turns(
    functions: Sequence[Callable[[], object]],
    budget: float,
    fewest: int,
    clock: Callable[[], float],
) -> list[float]:
    """The median seconds of a call of each, sampled in turns so that what else the machine does slows all alike.

    A second call of short ones says how many make a sample, which another goes before that finds its way back into the
    processor's caches. Where a turn is over the budget of seconds, the first calls are samples themselves. There are as
    many samples as the budget allows, at least so many.
    """

    def seconds(function: Callable[[], object], number: int) -> float:
        if number > 1:
            function()
        started = clock()
        for _ in range(number):
            function()
        return (clock() - started) / number

    gc.collect()
    first, once = [], []
    for function in functions:
        first.append(seconds(function, 1))
        once.append(first[-1] if first[-1] > budget else seconds(function, 1))
    numbers = [max(int(SAMPLE_SECONDS / max(took, 1e-9)), 1) for took in once]
    turn = sum(took * number for took, number in zip(once, numbers, strict=True))
    turns = [first] if turn > budget else []
    rounds = min(max(int(budget / turn), fewest), 31) - len(turns)
    turns += [[seconds(*pair) for pair in zip(functions, numbers, strict=True)] for _ in range(rounds)]
    return [statistics.median(times) for times in zip(*turns, strict=True)]


class Comparison:
    """Makes rows for one test, and fails it when a ratio is above its bound or worse than it was.

    ``rows`` is where the rows go; ``worse`` says of one why it is worse than it was, or None.
    """

    def __init__(
        self,
        engine: str,
        test: str,
        full: bool,
        rows: list[Row],
        worse: Callable[[Row], str | None],
    ) -> None:
        self._engine, self._test, self._full, self._rows, self._worse = engine, test, full, rows, worse

    def __call__(self, *cases: Case, by: Measure = "processor") -> None:
        """Measure cases beside each other; functions that several of them share are called once a turn."""
        functions = list(dict.fromkeys(function for case in cases for function in (case.ours, case.theirs)))
        budget, fewest = (0.5, 3) if self._full else (0.1, 1)
        best: dict[int, Row] = {}
        for _ in range(TRIES):
            times = dict(zip(functions, in_turns(functions, budget, fewest, CLOCKS[by]), strict=True))
            for place, case in enumerate(cases):
                ours, theirs = times[case.ours] / case.each, times[case.theirs] / (case.theirs_each or case.each)
                row = self._row(case.what, ours, case.beside, theirs, by, case.most, case.quiet)
                best[place] = min(best.get(place, row), row, key=lambda row: row.ratio)
            if not self._complaints(best.values()):
                break
        self._keep(list(best.values()))

    def sizes(
        self,
        what: str,
        ours: float,
        beside: str,
        theirs: float,
        most: float | None = None,
        quiet: bool = False,
        by: Measure = "bytes",
    ) -> None:
        """Set a number of bytes beside another: of what is written, or by memory, of what is held."""
        self._keep([self._row(what, ours, beside, theirs, by, most, quiet)])

    def _row(
        self, what: str, ours: float, beside: str, theirs: float, measure: Measure, most: float | None, quiet: bool
    ) -> Row:
        asserted = most if self._full or not quiet else None
        return Row(self._engine, self._test, what, ours, beside, theirs, measure, asserted)

    def _complaints(self, rows: Iterable[Row]) -> list[str]:
        found = []
        for row in rows:
            if row.most is not None and row.ratio > row.most:
                found.append(f"{row.what}: {row.ratio:.3g} of {row.beside}, at most {row.most:.3g} is asserted")
            if worse := self._worse(row):
                found.append(worse)
        return found

    def _keep(self, rows: list[Row]) -> None:
        known = {row.key for row in self._rows}
        assert not [row.key for row in rows if row.key in known], "two rows of the same name"
        self._rows.extend(rows)
        complaints = self._complaints(rows)
        assert not complaints, "\n".join(complaints)

"""The mutants of a room and its tests: which tests are for which mutant, and what becomes of it."""

from __future__ import annotations

import math
import sys
import time
from collections import Counter
from collections.abc import Iterator

from covered import Covered
from mutants import Mutant
from trial import SURVIVED, Bench, Outcome, Trial


class Room:
    """Tries mutants, each on a bench that is free, with the tests that cover it or with tests of one's own choice."""

    def __init__(self, covered: Covered, benches: list[Bench], tests: list[str]) -> None:
        self._covered, self._benches, self._tests = covered, benches, tests
        self._fit: set[str] = set()
        self._unfit: set[str] = set()

    def outcomes(self, mutants: list[Mutant], budget: float, accepted: dict[str, str]) -> list[Outcome]:
        """What becomes of each mutant. What seems to survive is tried with all of its tests, unless it is accepted."""
        found = self._sure(mutants, budget)
        again = [one for one in found if one.status == SURVIVED and one.mutant.name not in accepted]
        if self._tests or not again:
            return found
        return [one for one in found if one not in again] + self._sure([one.mutant for one in again], math.inf)

    def _sure(self, mutants: list[Mutant], budget: float) -> list[Outcome]:
        """The outcomes; a test that fails without a mutant as well is left out, and its mutants are tried again."""
        found: list[Outcome] = []
        while mutants:
            found += self._tried(mutants, budget)
            killers = sorted({one.killer for one in found if "::" in one.killer} - self._fit)
            unfit = self._benches[0].failing(self._timed(killers)) if killers else set()
            self._fit.update(set(killers) - unfit)
            self._unfit.update(unfit)
            for test in sorted(unfit):
                sys.stdout.write(f"left out {test}, which fails here without a mutant\n")
            mutants = [one.mutant for one in found if one.killer in unfit]
            found = [one for one in found if one.killer not in unfit]
        return found

    def _tried(self, mutants: list[Mutant], budget: float) -> Iterator[Outcome]:
        idle, waiting = list(self._benches), list(reversed(mutants))
        running: list[Trial] = []
        while waiting or running:
            while waiting and idle:
                mutant = waiting.pop()
                tests = self._tests or self._chosen(mutant, budget)
                running.append(idle.pop().start(mutant, self._timed(tests)))
            time.sleep(0.02)
            for trial in running[:]:
                if outcome := trial.outcome():
                    running.remove(trial)
                    idle.append(trial.bench)
                    sys.stdout.write(f"{outcome}\n")
                    sys.stdout.flush()
                    yield outcome

    def _chosen(self, mutant: Mutant, budget: float) -> list[str]:
        """The examples of the module, the tests of the mutant's lines, and those of the rest of the module.

        What would take longer than the budget of seconds is left out.
        """
        module = mutant.path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        found = [f"tests/docs/test_doctests.py::test_examples[{module}]"]
        on_lines, of_module = self._covered.tests(mutant.path, mutant.first, mutant.last)
        for test in [*self._spread(on_lines), *self._spread(of_module - on_lines)]:
            budget -= self._covered.seconds[test]
            if budget < 0:
                break
            found.append(test)
        return found

    def _spread(self, tests: set[str]) -> list[str]:
        """The fastest test of each function, then the second fastest of each, and so on."""
        rank: Counter[str] = Counter()
        ranked: list[tuple[int, float, str]] = []
        for seconds, test in sorted((self._covered.seconds[test], test) for test in tests - self._unfit):
            function = test.split("[")[0]
            ranked.append((rank[function], seconds, test))
            rank[function] += 1
        return [test for _, _, test in sorted(ranked)]

    def _timed(self, tests: list[str]) -> dict[str, float]:
        return {test: self._covered.seconds.get(test, 1) for test in tests}

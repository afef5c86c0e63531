"""Tally: what a run has done so far, how fast it is, and how long the rest will take."""

from collections.abc import Callable

__all__ = ["Tally"]

# Told of a step that has not ended.
_UNFINISHED = "retried"
_UNITS = (("s", 1), ("min", 60), ("h", 3600))


class Tally:
    """Counts the steps of a run by what became of them.

    Args:
        total: How many steps there are to run.
        clock: Gives the seconds since some moment.

    >>> now = iter([0, 20])
    >>> tally = Tally(total=100, clock=lambda: next(now))
    >>> tally.ended("succeeded", 49)
    >>> tally.ended("failed")
    >>> tally.parts()
    ['50/100', '50%', '1 failed', '2.5/s', '0:20 left']
    """

    def __init__(self, total: int, clock: Callable[[], float]):
        self.total = total
        self._clock = clock
        self._counts: dict[str, int] = {}
        self._began = clock()
        # The rate is that since the earlier of two moments: half to three quarters of the run, to follow a change.
        self._earlier = self._later = (self._began, 0)

    def ended(self, status: str, steps: int = 1) -> None:
        """Count steps that ended with a status, or attempts that are ``retried``."""
        self._counts[status] = self._counts.get(status, 0) + steps

    @property
    def done(self) -> int:
        """How many steps have ended."""
        return sum(steps for status, steps in self._counts.copy().items() if status != _UNFINISHED)

    @property
    def counted(self) -> str:
        """How many steps of how many have ended."""
        return f"{self.done:,}/{self.total:,}"

    @property
    def percent(self) -> str:
        """How much has ended, rounded down: all of it is 100% and nothing less is."""
        return f"{100 * self.done // self.total}%"

    @property
    def remarks(self) -> list[str]:
        """The counts that are no success."""
        return [f"{steps:,} {status}" for status, steps in sorted(self._counts.copy().items()) if status != "succeeded"]

    def pace(self, over: bool = False) -> tuple[str, str]:
        """The rate and the time left, each empty as long as it is not known.

        Args:
            over: The run has ended: its overall rate and the time it took.
        """
        now, done = self._clock(), self.done
        if over or done == self.total:
            return _rate(done, now - self._began), f"in {_duration(now - self._began)}"
        if now - self._began >= 2 * (self._later[0] - self._began):
            self._earlier, self._later = self._later, (now, done)
        since, before = self._earlier
        steps, seconds = done - before, now - since
        if not steps or not seconds:
            return "", ""
        return _rate(steps, seconds), f"{_duration((self.total - done) / steps * seconds)} left"

    def parts(self, over: bool = False) -> list[str]:
        """All of it in words, without what is not known."""
        return [part for part in (self.counted, self.percent, *self.remarks, *self.pace(over)) if part]


def _rate(steps: int, seconds: float) -> str:
    """Steps a second, or a minute or an hour where they are few."""
    if not (steps and seconds > 0):
        return ""
    unit, length = next(((unit, length) for unit, length in _UNITS if steps * length >= seconds), _UNITS[-1])
    rate = steps * length / seconds
    return f"{rate:,.{1 if rate < 100 else 0}f}/{unit}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"

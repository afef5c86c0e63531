"""A rate that the calls of a process keep together."""

import math
import threading
from bisect import bisect_right, insort
from typing import Any, Self

from ccflow import BaseModel
from pydantic import ConfigDict, Field, PrivateAttr, model_validator

__all__ = ["RateLimit"]


class _Starts:
    """The moments handed out, in order. They stay in their process: a copy elsewhere begins with none."""

    def __init__(self) -> None:
        self.moments: list[float] = []
        self.lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return _Starts, ()

    def __deepcopy__(self, memo: object) -> Self:
        return self


class RateLimit(BaseModel):
    """At most so many calls begin in any stretch of so many seconds. A bare count is one per second.

    All calls that use the same instance share it, from whichever thread; as an entry of ccflow's registry it can serve
    several policies. Each process counts for itself: with n worker processes, up to n times as many calls begin, so
    give each the n-th part.

    >>> limit = RateLimit(requests=2, seconds=1.0)
    >>> [limit.reserve(now=100.0) for call in range(5)]
    [0.0, 0.0, 1.0, 1.0, 2.0]
    >>> RateLimit.model_validate(2) == limit
    True
    """

    model_config = ConfigDict(frozen=True)

    requests: int = Field(ge=1, description="Calls that may begin in any stretch of this length.")
    seconds: float = Field(1.0, gt=0, allow_inf_nan=False, description="The length of the stretch.")

    _starts: _Starts = PrivateAttr(default_factory=_Starts)

    @model_validator(mode="before")
    @classmethod
    def _from_a_count(cls, value: Any) -> Any:
        return {"requests": value} if isinstance(value, int) and not isinstance(value, bool) else value

    def reserve(self, now: float, after: float = 0.0, before: float = math.inf) -> float | None:
        """Take the first free moment that is at least ``after`` seconds from now: the seconds until then.

        None, with nothing taken, if that is not less than ``before``. ``now`` is in seconds, of a clock that all
        callers share and that does not go back. Takes time in proportion to what others have taken ahead.

        >>> limit = RateLimit(requests=1, seconds=10.0)
        >>> limit.reserve(now=0.0, after=30.0), limit.reserve(now=0.0), limit.reserve(now=0.0, before=10.0)
        (30.0, 0.0, None)
        """
        with self._starts.lock:
            moments = self._starts.moments
            del moments[: bisect_right(moments, now - self.seconds)]
            moment = self._first_free(moments, now + after)
            wait = max(after, moment - now)
            if wait >= before:
                return None
            insort(moments, moment)
            return wait

    def _first_free(self, moments: list[float], moment: float) -> float:
        # A full group of neighbours on either side of the moment, closer together than a stretch with it, pushes it
        # one stretch behind the group's first; earlier groups are then farther away still.
        begin = max(0, bisect_right(moments, moment) - self.requests)
        for index in range(begin, len(moments) - self.requests + 1):
            first, last = moments[index], moments[index + self.requests - 1]
            if max(last, moment) - min(first, moment) < self.seconds:
                moment = first + self.seconds
        return moment

"""When a backfill stops, and whether it failed."""

import math
from typing import Annotated, Literal

from ccflow import BaseModel
from pydantic import ConfigDict, Field

__all__ = ["FailurePolicy"]


class FailurePolicy(BaseModel):
    """How many failing steps a backfill may have.

    With ``on_error="raise"`` the first failure ends it. Otherwise it goes on, and has failed if more steps failed than
    the limits allow: none, without a limit; with limits, it also stops as soon as they are exceeded.

    >>> policy = FailurePolicy(on_error="continue", min_success_ratio=0.9)
    >>> policy.allowed(30), policy.endures(30), FailurePolicy(on_error="continue").endures(30)
    (3, 3, inf)
    """

    model_config = ConfigDict(frozen=True)

    on_error: Literal["raise", "continue"] = "raise"
    max_failures: Annotated[int, Field(ge=0)] | None = None
    min_success_ratio: Annotated[float, Field(ge=0, le=1)] | None = None

    def allowed(self, steps: int) -> int:
        """How many of a number of steps may fail."""
        limits = [] if self.max_failures is None else [self.max_failures]
        if self.min_success_ratio is not None:
            limits.append(int(steps * (1 - self.min_success_ratio) + 1e-9))
        return min(limits, default=0)

    def endures(self, steps: int) -> float:
        """How many failures of a number of steps the run goes on with; one more ends it."""
        if self.on_error == "raise":
            return 0
        limited = self.max_failures is not None or self.min_success_ratio is not None
        return self.allowed(steps) if limited else math.inf

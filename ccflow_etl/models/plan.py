"""BackfillPlan: what a backfill would run, before it does."""

from typing import TYPE_CHECKING, Any

from ccflow import ResultBase
from pydantic import Field

from .backfill_context import BackfillContext

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BackfillPlan"]

_SHOWN = 5


class BackfillPlan(ResultBase):
    """The steps of a backfill with what is decided for each of them.

    Printed, it shows the first and last steps and the counts.

    >>> months = BackfillContext(start_datetime="2024-01-01", end_datetime="2024-03-31", interval="MS")
    >>> print(BackfillPlan(context=months, decisions=["planned"] * 3))
          step        end decision
    2024-01-01 2024-02-01  planned
    2024-02-01 2024-03-01  planned
    2024-03-01 2024-04-01  planned
    3 steps: 3 planned
    """

    context: BackfillContext = Field(description="The range that is planned.")
    decisions: list[str] = Field(description="What is decided for each step: planned, checkpoint or skipped.")
    keys: list[str] | None = Field(None, description="The checkpoint key of each step, where there is a store.")

    @property
    def frame(self) -> "pd.DataFrame":
        """One line for each step, in the order they are run.

        Columns: ``step`` and ``end``, the half-open window ``[step, end)`` (``datetime64[us]``, in the range's time
        zone), ``key`` where there is a checkpoint store, and ``decision``.
        """
        import pandas as pd

        windows = self.context.windows()
        columns: dict[str, Any] = {"step": windows.left, "end": windows.right}
        if self.keys is not None:
            columns["key"] = self.keys
        return pd.DataFrame(columns | {"decision": pd.Series(self.decisions, dtype=object)})

    @property
    def counts(self) -> dict[str, int]:
        """How many steps there are of each decision, sorted by decision."""
        counts = self.frame["decision"].value_counts().sort_index()
        return {str(decision): int(count) for decision, count in counts.items()}

    def __str__(self) -> str:
        frame = self.frame
        lines = frame.to_string(index=False, max_rows=2 * _SHOWN) if len(frame) else ""
        counts = ", ".join(f"{count} {decision}" for decision, count in self.counts.items()) or "nothing to run"
        return f"{lines}\n{len(frame)} steps: {counts}".lstrip("\n")

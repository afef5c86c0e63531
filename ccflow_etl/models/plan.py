"""BackfillPlan: what a backfill would run, before it does."""

import os
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from ccflow import ResultBase
from pydantic import Field

from .backfill_context import BackfillContext
from .frame_text import records
from .plan_file import read_plan, write_plan
from .plan_text import plan_text
from .step_ranges import step_ranges

if TYPE_CHECKING:
    import pandas as pd
    from pydantic._internal._repr import ReprArgs

__all__ = ["BackfillPlan"]

Decision = Literal["planned", "checkpoint", "skipped"]


def _new_id() -> str:
    return uuid.uuid4().hex


class BackfillPlan(ResultBase):
    """The steps of a backfill with what is decided for each of them, and why.

    Bounds are resolved and decisions taken: :meth:`BackfillModel.run_plan` runs exactly this, today or next week.
    Printed, it shows the first and last steps, the counts, and the gaps between what is done.

    >>> months = BackfillContext(start_datetime="2024-01-01", end_datetime="2024-03-31", interval="MS")
    >>> plan = BackfillPlan(context=months, decisions=["planned", "checkpoint", "planned"])
    >>> print(plan)
          step        end   decision
    2024-01-01 2024-02-01    planned
    2024-02-01 2024-03-01 checkpoint
    2024-03-01 2024-04-01    planned
    3 steps: 1 checkpoint, 2 planned
    <BLANKLINE>
    2 gaps to be run:
         start        end steps
    2024-01-01 2024-02-01     1
    2024-03-01 2024-04-01     1
    """

    context: BackfillContext = Field(description="The range that is planned; its bounds are instants.")
    decisions: list[Decision] = Field(
        description="What is decided for each step: to run it (planned), or that it is done (checkpoint) or not chosen "
        "(skipped)."
    )
    reasons: list[str] | None = Field(None, description="Why, for each step.")
    keys: list[str] | None = Field(None, description="The checkpoint key of each step, where there is a store.")
    id: str = Field(default_factory=_new_id, description="Tells this plan's own runs from others in the store.")
    fingerprint: dict[str, str] | None = Field(
        None, description="Digests of the settings that a run must have, too; None for any."
    )

    @property
    def frame(self) -> "pd.DataFrame":
        """One line for each step, in the order they are run.

        Columns: ``step`` and ``end``, the half-open window ``[step, end)`` (``datetime64[us]``, in the range's time
        zone), ``key`` where there is a checkpoint store, ``decision``, and ``reason`` (empty in a plan made by hand).

        >>> months = BackfillContext(start_datetime="2024-01-01", end_datetime="2024-02-01", interval="MS")
        >>> BackfillPlan(context=months, decisions=["checkpoint", "planned"]).frame[["step", "decision"]]
                step    decision
        0 2024-01-01  checkpoint
        1 2024-02-01     planned
        """
        import pandas as pd

        windows = self.context.windows()
        columns: dict[str, Any] = {"step": windows.left, "end": windows.right}
        if self.keys is not None:
            columns["key"] = pd.Series(self.keys, dtype=object)
        reasons = [""] * len(self.decisions) if self.reasons is None else self.reasons
        told = {"decision": pd.Series(self.decisions, dtype=object), "reason": pd.Series(reasons, dtype=object)}
        return pd.DataFrame(columns | told)

    @property
    def counts(self) -> dict[str, int]:
        """How many steps there are of each decision, sorted by decision."""
        return dict(sorted(Counter(self.decisions).items()))

    @property
    def gaps(self) -> "pd.DataFrame":
        """What is to be run, as ranges of consecutive steps from the earliest on.

        Columns: ``start`` and ``end`` (half-open, from a first step to the end of a last window) and ``steps`` (int).

        >>> days = BackfillContext(start_datetime="2024-01-01", end_datetime="2024-01-03")
        >>> BackfillPlan(context=days, decisions=["checkpoint", "planned", "planned"]).gaps
               start        end  steps
        0 2024-01-02 2024-01-04      2
        """
        ranges = step_ranges(self.context.windows(), np.array(self.decisions) == "planned", "planned")
        return ranges[ranges.pop("planned").astype(bool)].reset_index(drop=True)

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON values: ``id``, ``context``, ``counts``, ``gaps`` and ``steps``, a mapping for each line.

        >>> days = BackfillContext(start_datetime="2024-01-01", end_datetime="2024-01-01")
        >>> BackfillPlan(context=days, decisions=["planned"]).to_dict()["steps"]
        [{'step': '2024-01-01T00:00:00', 'end': '2024-01-02T00:00:00', 'decision': 'planned', 'reason': ''}]
        """
        context = self.context.model_dump(mode="json", by_alias=True, exclude={"type_"})
        frames = {"gaps": records(self.gaps), "steps": records(self.frame)}
        return {"id": self.id, "context": context, "counts": self.counts} | frames

    def to_parquet(self, path: str | os.PathLike[str]) -> None:
        """Write the plan into a Parquet file: :attr:`frame`, which every reader of Parquet sees, and all the rest.

        The file is complete or not there; one that is there is replaced.

        Raises:
            PlanError: The context has something that has no JSON, so that it could not be read back.
            OSError: The file cannot be written.

        >>> import tempfile
        >>> days = BackfillContext(start_datetime="2024-01-01", end_datetime="2024-01-01")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     BackfillPlan(context=days, decisions=["planned"]).to_parquet(f"{folder}/plan.parquet")
        ...     BackfillPlan.read_parquet(f"{folder}/plan.parquet").counts
        {'planned': 1}
        """
        write_plan(path, self.frame, self.context, {"id": self.id, "fingerprint": self.fingerprint})

    @classmethod
    def read_parquet(cls, path: str | os.PathLike[str]) -> Self:
        """The plan that :meth:`to_parquet` wrote.

        Raises:
            FileNotFoundError: There is no such file.
            PlanError: It is not a plan, a plan of another format version, damaged, or its calendar has other steps now.
        """
        frame, context, rest = read_plan(path)
        columns = {name: frame[name].tolist() for name in frame.columns[2:]}
        return cls(
            context=context,
            decisions=columns["decision"],
            reasons=columns["reason"],
            keys=columns.get("key"),
            **rest,
        )

    def __repr_args__(self) -> "ReprArgs":
        # Not what is as long as the range, which a notebook would write into its file.
        return [("context", self.context), ("counts", self.counts), ("id", self.id)]

    def __str__(self) -> str:
        return plan_text(self)

    def _repr_html_(self) -> str:
        from .cards import plan_card

        return plan_card(self).html()

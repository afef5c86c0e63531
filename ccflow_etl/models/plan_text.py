"""How a plan is told: its steps, their counts by decision, and the gaps between what is done."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..pages.text import counted, number
from .frame_text import table

if TYPE_CHECKING:
    import pandas as pd

    from .plan import BackfillPlan

__all__ = ["counts_of_plan", "parts_of_plan", "plan_text"]


def plan_text(plan: "BackfillPlan") -> str:
    """A plan as it is printed."""
    (_, steps), *others = parts_of_plan(plan)
    lines = [table(steps), counts_of_plan(plan)]
    for title, frame in others:
        lines += ["", f"{title}:", table(frame)]
    return "\n".join(lines).lstrip("\n")


def counts_of_plan(plan: "BackfillPlan") -> str:
    """How many steps there are, and how many of each decision, in a line."""
    return f"{number(len(plan.decisions), 'step')}: {counted(plan.counts) or 'nothing to run'}"


def parts_of_plan(plan: "BackfillPlan") -> "Iterator[tuple[str, pd.DataFrame]]":
    """What there is to show, each with its title: the steps, and where some of them are done, the gaps."""
    shown = ["step", "end", "decision"] + (["reason"] if plan.keys is not None else [])
    yield number(len(plan.decisions), "step"), plan.frame[shown]
    if 0 < plan.counts.get("planned", 0) < len(plan.decisions):
        gaps = plan.gaps
        yield f"{number(len(gaps), 'gap')} to be run", gaps

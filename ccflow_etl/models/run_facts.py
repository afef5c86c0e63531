"""What can be said of a run in a few words: when it was, how long it took and its steps did, what was tried again."""

import datetime as dt
from typing import Any

import numpy as np

from ..calendars.words import brief
from ..pages.text import duration, number
from .backfill_context import BackfillContext
from .report import StepReport

__all__ = ["range_facts", "run_facts", "span_facts"]


def range_facts(context: BackfillContext[Any]) -> list[tuple[str, str]]:
    """Names and texts of a range: its bounds, and its steps.

    >>> range_facts(BackfillContext(start_datetime="2024-01-01", end_datetime="2024-01-31"))[-1]
    ('steps of', '1D, forward')
    """
    return [
        ("from", str(context.start_datetime)),
        ("to", str(context.end_datetime)),
        ("steps of", f"{brief(context.calendar or context.interval)}, {context.direction}"),
    ]


def run_facts(report: StepReport) -> list[tuple[str, str]]:
    """Names and texts, of what is known.

    >>> import pandas as pd
    >>> report = StepReport(pd.DatetimeIndex(["2024-01-01"]), lambda: pd.IntervalIndex([]))
    >>> report.record(0, "succeeded", attempts=3, seconds=75)
    >>> run_facts(report)
    [('time in steps', '1 min 15 s'), ('tried again', '1 step, 2 more attempts')]
    """
    facts = []
    ran = ~np.isnan(report.seconds)
    # A graph evaluator runs steps before the backfill asks for them.
    began = np.fmin.reduce(report.started, initial=report.began)
    if not np.isnan(began + report.ended):
        facts += span_facts(began, report.ended)
    if ran.any():
        seconds = report.seconds[ran]
        facts.append(("time in steps", duration(seconds.sum())))
        if len(seconds) > 1:
            middle, most = np.quantile(seconds, (0.5, 0.95)).tolist()
            slowest = duration(seconds.max())
            facts.append(
                ("a step", f"{duration(middle)} at the median, 95% within {duration(most)}, at most {slowest}")
            )
    again = report.attempts > 1
    if again.any():
        more = int((report.attempts[again].astype(np.int64) - 1).sum())
        facts.append(("tried again", f"{number(int(again.sum()), 'step')}, {number(more, 'more attempt')}"))
    return facts


def span_facts(began: float, ended: float) -> list[tuple[str, str]]:
    """Names and texts of a span of time between two instants, in seconds since 1970.

    >>> span_facts(0, 75)[1:]
    [('ended', '1970-01-01 00:01:15 UTC'), ('took', '1 min 15 s')]
    """
    return [("began", _instant(began)), ("ended", _instant(ended)), ("took", duration(ended - began))]


def _instant(seconds: float) -> str:
    return f"{dt.datetime.fromtimestamp(float(seconds), dt.UTC):%Y-%m-%d %H:%M:%S} UTC"

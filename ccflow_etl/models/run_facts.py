"""What can be said of a run in a few words: when it was, how long it took and its steps did, what was tried again."""

import datetime as dt

import numpy as np

from ..pages.text import duration, number
from .report import StepReport

__all__ = ["instant", "run_facts"]


def run_facts(report: StepReport) -> list[tuple[str, str]]:
    """Names and texts, of what is known.

    >>> import pandas as pd
    >>> report = StepReport(pd.DatetimeIndex(["2024-01-01"]), lambda: pd.IntervalIndex([]))
    >>> report.record(0, "succeeded", attempts=3, seconds=75)
    >>> run_facts(report)
    [('time in steps', '1 min 15 s'), ('a step', '1 min 15 s'), ('tried again', '1 step, 2 more attempts')]
    """
    facts = []
    ran = ~np.isnan(report.seconds)
    # A graph evaluator runs steps before the backfill asks for them.
    began = np.fmin.reduce(report.started, initial=report.began)
    if not np.isnan(began + report.ended):
        facts += [("began", instant(began)), ("ended", instant(report.ended)), ("took", duration(report.ended - began))]
    if ran.any():
        seconds = report.seconds[ran]
        facts.append(("time in steps", duration(seconds.sum())))
        typical = duration(float(np.median(seconds)))
        slowest = f", the slowest {duration(seconds.max())}" if len(seconds) > 1 else ""
        facts.append(("a step", f"{typical}{slowest}"))
    again = report.attempts > 1
    if again.any():
        more = int((report.attempts[again].astype(np.int64) - 1).sum())
        facts.append(("tried again", f"{number(int(again.sum()), 'step')}, {number(more, 'more attempt')}"))
    return facts


def instant(seconds: float) -> str:
    """Seconds since 1970 as an instant.

    >>> instant(0)
    '1970-01-01 00:00:00 UTC'
    """
    return f"{dt.datetime.fromtimestamp(float(seconds), dt.UTC):%Y-%m-%d %H:%M:%S} UTC"

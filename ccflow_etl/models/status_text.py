"""How a backfill's marks are told: in lines of at most 80 columns, but for long names."""

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..pages.text import number
from .frame_text import table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["counts_told", "instant_of", "last_failures", "status_text", "steps_told"]

_FAILURES = 5  # that are shown
_ERROR = 76  # characters of an error, which is indented by 4

# What a status is called; in this order, and those that a store has besides behind them.
_TOLD = {status: status for status in ("succeeded", "failed", "running", "planned", "skipped")}
_TOLD |= {"unmarked": "without a mark", "unknown": "not known"}


def status_text(store: str, counts: Mapping[str, int], gaps: "pd.DataFrame", failures: "pd.DataFrame") -> str:
    """Counts by status, the gaps, and the first lines of the failures.

    >>> import pandas as pd
    >>> print(status_text("Log", {"succeeded": 1200, "unmarked": 1}, pd.DataFrame(), pd.DataFrame()))
    1,201 steps, marked in Log:
      succeeded       1,200
      without a mark      1
    """
    told = counts_told(counts)
    lines = [steps_told(store, counts) + (":" if told else "")]
    name_width, count_width = max(map(len, told), default=0), max(map(len, told.values()), default=0)
    lines += [f"  {name:{name_width}}  {count:>{count_width}}" for name, count in told.items()]
    if len(gaps):
        lines += ["", f"{number(len(gaps), 'gap')}:", table(gaps)]
    if len(failures):
        title, last = last_failures(failures)
        lines += ["", f"{title}:"]
        for step, when, error in last:
            lines += [f"  {step}, failed at {when}", f"    {_cut(error)}"]
    return "\n".join(lines)


def steps_told(store: str, counts: Mapping[str, int]) -> str:
    """How many steps there are, and where they are marked.

    >>> steps_told("Log", {"succeeded": 1200, "unmarked": 1})
    '1,201 steps, marked in Log'
    """
    return f"{number(sum(counts.values()), 'step')}, marked in {store}"


def counts_told(counts: Mapping[str, int]) -> dict[str, str]:
    """Counts by what their status is called, the best known first.

    >>> counts_told({"unmarked": 1, "succeeded": 1200})
    {'succeeded': '1,200', 'without a mark': '1'}
    """
    order = [*_TOLD, *sorted(counts.keys() - _TOLD.keys())]
    return {_TOLD.get(status, status): f"{counts[status]:,}" for status in order if status in counts}


def last_failures(failures: "pd.DataFrame") -> tuple[str, list[tuple[str, str, str]]]:
    """How many failures there are, and of the last ones the step, when it failed and the error."""
    last = failures.head(_FAILURES)
    title = number(len(failures), "failure") + ("" if len(last) == len(failures) else f", the last {len(last)}")
    lines = zip(last["step"].astype(str), last["updated_at"], last["error"], strict=True)
    return title, [(step, _when(when), str(error or "without a word on why")) for step, when, error in lines]


def instant_of(text: str) -> dt.datetime | None:
    """The instant that a store wrote as ISO 8601, in UTC, which it is in as well without an offset; None of other text.

    >>> instant_of("2024-01-04T07:00:00+01:00"), instant_of("yesterday")
    (datetime.datetime(2024, 1, 4, 6, 0, tzinfo=datetime.timezone.utc), None)
    """
    try:
        when = dt.datetime.fromisoformat(text)
        return when.replace(tzinfo=dt.UTC) if when.tzinfo is None else when.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def _when(text: str) -> str:
    when = instant_of(text)
    return text if when is None else f"{when:%Y-%m-%d %H:%M:%S} UTC"


def _cut(error: str) -> str:
    line = " ".join(error.split())
    return line if len(line) <= _ERROR else f"{line[: _ERROR - 3]}..."

"""The page of a backfill's run: what became of its steps, in sections."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from ..pages.card import Table
from ..pages.page import Page, Section
from ..pages.secrets import without_secrets
from ..pages.text import cut, duration, number
from .coverage_map import coverage_map
from .frame_text import page_table
from .report import STATUSES, StepReport
from .run_facts import run_facts

__all__ = ["outcome_of", "run_page", "run_sections", "settings_section", "shortened", "title_of"]

_ROWS = 10  # of a table of steps or errors
_ERROR = 500  # characters of an error
_TRACE = 8_000  # of a traceback
_DIGITS = re.compile(r"\d+")
_OUTCOMES = ("succeeded", "failed", "cancelled", "planned")
"""What can become of a step that is to be run; ``planned`` is told as not run."""


def run_page(report: StepReport, counts: Mapping[str, int]) -> Page:
    """A page of one run.

    Args:
        report: The lines of the run's steps.
        counts: How many steps have each status, where there are no such lines.
    """
    outcome, told = outcome_of(counts)
    sections = [*run_sections(report, counts), *settings_section(report.settings)]
    return Page(title_of(report), outcome, told, sections)


def title_of(report: StepReport) -> str:
    """What was run."""
    model = dict(report.about).get("model")
    return f"Backfill of {model}" if model else "Backfill"


def outcome_of(counts: Mapping[str, int]) -> tuple[str, str]:
    """How a run went, by the statuses of its steps: as a class in CSS, and in a sentence.

    >>> outcome_of({"failed": 3, "succeeded": 1458})
    ('bad', '3 of 1,461 steps failed')
    """
    total = sum(counts.values())
    for status, outcome, of_one, of_more in (
        ("failed", "bad", "failed", "failed"),
        ("cancelled", "neither", "was cancelled", "were cancelled"),
        ("planned", "neither", "was not run", "were not run"),
    ):
        if count := counts.get(status):
            return outcome, f"{count:,} of {number(total, 'step')} {of_one if count == 1 else of_more}"
    ran = counts.get("succeeded", 0)
    if not ran:
        return "neither", "Nothing was run"
    return "good", f"{number(ran, 'step')} succeeded" + (f", {total - ran:,} not to be run" if ran < total else "")


def run_sections(report: StepReport, counts: Mapping[str, int]) -> Iterator[Section]:
    """The sections of a run: its summary and, of what there is, its steps, failures and what was tried again."""
    total, _, steps = number(sum(counts.values()), "step").partition(" ")
    numbers = [("total", total, steps)]
    numbers += [
        (status, f"{count:,}", "not run" if status == "planned" else status) for status, count in counts.items()
    ]
    yield Section("summary", "Summary", counts=numbers, facts=[*report.about, *run_facts(report)])
    if len(report):
        yield _coverage(report)
        yield from _failures(report)
        yield _plan(report, counts)
        yield from _retries(report)
        yield from _slowest(report)


def settings_section(settings: str) -> Iterator[Section]:
    """How the run was configured, if that is known."""
    if settings:
        yield Section("configuration", "Configuration", ["Secrets are left out."], text=settings)


def _coverage(report: StepReport) -> Section:
    coverage = report.coverage()
    missing = coverage[~coverage.pop("done").astype(bool)]
    not_done = number(len(missing), "range of steps is", "ranges of steps are")
    told = "Every step is done." if missing.empty else f"{not_done} not done."
    tables = [] if missing.empty else [page_table("Ranges that are not done", missing)]
    picture = coverage_map("Steps by what became of them", report.windows, STATUSES, report.codes)
    return Section("coverage", "Coverage", [told], picture=picture, tables=tables)


def _plan(report: StepReport, counts: Mapping[str, int]) -> Section:
    """What was decided for the steps before the first of them ran, and what became of them."""
    outcomes = {status: counts.get(status, 0) for status in _OUTCOMES}
    to_run = sum(outcomes.values())
    rows = {"to be run": [to_run, *outcomes.values()]}
    rows |= {name: [counts[name], 0, 0, 0, 0] for name in ("checkpoint", "skipped") if counts.get(name)}
    columns = ("decision", "steps", "succeeded", "failed", "cancelled", "not run")
    lines = [(name, *(f"{count:,}" if count else "-" for count in cells)) for name, cells in rows.items()]
    told = f"{number(to_run, 'step')} of {len(report):,} to be run"
    meant = "A checkpoint says that a step was done before; a skipped step was not asked for."
    table = Table("Decisions and what became of them", columns, lines, frozenset(columns[1:]))
    return Section("plan", "Plan and run", [f"{told}. {meant}"], tables=[table])


def _failures(report: StepReport) -> Iterator[Section]:
    failed = report.positions("failed")
    if not len(failed):
        return
    steps = report.frame(failed.tolist())["step"].astype(str).tolist()
    alike: dict[str, _Alike] = {}
    for index, step in zip(failed.tolist(), steps, strict=True):
        error = cut(report.errors.get(index, ""), _ERROR)
        like = _DIGITS.sub("#", error)
        first = alike.get(like, _Alike(error, 0, step, step))
        alike[like] = first._replace(steps=first.steps + 1, last=step)
    most = sorted(alike.values(), key=lambda kind: -kind.steps)
    rows = [(without_secrets(kind.error), f"{kind.steps:,}", kind.first, kind.last) for kind in most[:_ROWS]]
    columns = ("error", "steps", "first step", "last step")
    of_these = f", the {_ROWS} most frequent" if len(most) > _ROWS else ""
    title = f"{number(len(most), 'kind')} of error{of_these}"
    table = Table(title, columns, rows, frozenset({"steps"}), frozenset({"error"}))
    at = dict(zip(failed.tolist(), steps, strict=True))
    folded = [
        (f"{at[index]} {cut(without_secrets(report.errors[index]), 160)}", without_secrets(shortened(trace)))
        for index, trace in sorted(report.traces.items())
        if index in at
    ]
    sentences = [f"{number(len(failed), 'step')} failed. Messages that differ in numbers only are told as one."]
    if folded:
        sentences.append(f"The tracebacks of {number(len(folded), 'step')} are below.")
    yield Section("failures", "Failures", sentences, tables=[table], folded=folded)


class _Alike(NamedTuple):
    """Failures whose messages differ in numbers only."""

    error: str
    steps: int
    first: str
    last: str


def _retries(report: StepReport) -> Iterator[Section]:
    again = np.flatnonzero(report.attempts > 1)
    if len(again):
        most = again[np.argsort(-report.attempts[again].astype(np.int64), kind="stable")][:_ROWS]
        table = _steps(report, most, "Steps that were tried most often")
        yield Section("retries", "Retries", [f"{number(len(again), 'step')} tried more than once."], tables=[table])


def _slowest(report: StepReport) -> Iterator[Section]:
    ran = np.flatnonzero(~np.isnan(report.seconds))
    if len(ran):
        slowest = ran[np.argsort(-report.seconds[ran], kind="stable")][:_ROWS]
        yield Section("slowest", "Slowest steps", tables=[_steps(report, slowest, "Steps that took longest")])


def _steps(report: StepReport, positions: np.ndarray, caption: str) -> Table:
    frame = report.frame(positions.tolist())
    columns = ("step", "took", "attempts", "status")
    rows = zip(frame["step"].astype(str), frame["status"], frame["attempts"], frame["seconds"], strict=True)
    lines = [(step, duration(seconds), f"{attempts:,}", status) for step, status, attempts, seconds in rows]
    return Table(caption, columns, lines, frozenset({"attempts", "took"}))


def shortened(trace: str) -> str:
    """The beginning and the end of a traceback that is long.

    >>> len(shortened("frame" * 10_000)) < 10_000
    True
    """
    half = _TRACE // 2
    return trace if len(trace) <= _TRACE else f"{trace[:half]}\n...\n{trace[-half:]}"

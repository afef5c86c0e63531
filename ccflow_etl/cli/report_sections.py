"""What stands in the page of a run."""

import platform
import shlex
import sys
import time
import traceback
from collections.abc import Collection, Iterator
from importlib import metadata
from typing import TYPE_CHECKING

from ccflow_etl.cli.errors import RunFailed
from ccflow_etl.cli.output import summary
from ccflow_etl.cli.report_settings import settings_of
from ccflow_etl.models.run_facts import span_facts
from ccflow_etl.models.run_page import outcome_of, run_sections, settings_section, shortened, title_of
from ccflow_etl.pages.page import Page, Section
from ccflow_etl.pages.secrets import HIDDEN, is_secret, spellings, without_secrets, without_these
from ccflow_etl.pages.text import cut

if TYPE_CHECKING:
    from ccflow_etl.cli.report_page import ReportedRun

__all__ = ["page_of"]

_PACKAGES = ("ccflow-etl", "ccflow", "hydra-core", "pydantic", "pandas", "numpy", "pyarrow")
_TEXT = 4_000  # characters


def page_of(run: "ReportedRun") -> str:
    """The page of a run that has ended."""
    settings, found = settings_of(run)
    secrets = spellings(found)
    counts = run.runs[-1].summary().by_status if run.runs else {}
    outcome, told = _outcome(run, counts)
    sections = [*_sections(run, counts, secrets), *settings_section(settings), _versions()]
    title = title_of(run.runs[-1]) if run.runs else type(run.job.model).__name__
    return Page(title, outcome, told, sections).html(secrets)


def _sections(run: "ReportedRun", counts: dict[str, int], secrets: Collection[str]) -> Iterator[Section]:
    if run.runs:
        of_run = run_sections(run.runs[-1], counts)
        yield next(of_run)
    else:
        of_run = iter(())
        yield Section("summary", "Summary", facts=span_facts(run.began, time.time()))
    if run.error is not None:
        yield _error(run.error)
    yield from of_run
    if run.error is None:
        yield Section("result", "Result", text=without_secrets(cut(_told(run.result), _TEXT)))
    command = shlex.join(["cc-etl", *(_argument(given, secrets) for given in sys.argv[1:])])
    yield Section("command", "Command", facts=[("callable", run.job.path)], text=command)


def _told(result: object) -> str:
    try:
        return summary(result)
    except Exception:  # the command tells of it; the page of the run is written all the same
        return "<str() failed>"


def _argument(given: str, secrets: Collection[str]) -> str:
    """An argument without its secrets; in the whole command they would be broken up by quotes."""
    name, equals, _ = given.partition("=")
    if equals and is_secret(name):
        return f"{without_secrets(without_these(name, secrets))}={HIDDEN}"  # its value may have spaces
    return without_secrets(without_these(given, secrets))


def _outcome(run: "ReportedRun", counts: dict[str, int]) -> tuple[str, str]:
    if run.error is None:
        return outcome_of(counts) if run.runs else ("good", "Succeeded")
    if isinstance(run.error, KeyboardInterrupt):
        return "neither", f"Cancelled: {outcome_of(counts)[1]}" if counts else "Interrupted"
    return "bad", f"Failed: {outcome_of(counts)[1]}" if counts.get("failed") else "Failed"


def _error(error: BaseException) -> Section:
    """The error that the run ended with, as the model raised it."""
    raised = error.__cause__ if isinstance(error, RunFailed) and error.__cause__ is not None else error
    told = without_secrets(cut(error, _TEXT)) or type(error).__name__
    if isinstance(error, KeyboardInterrupt):
        return Section("error", "Interrupted", [told])
    trace = without_secrets(shortened("".join(traceback.format_exception(raised))))
    return Section("error", "Error of the run", [told], folded=[("Traceback", trace)])


def _versions() -> Section:
    facts = [("Python", platform.python_version()), ("platform", platform.platform())]
    for name in _PACKAGES:
        try:
            facts.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:  # vendored, or run from a source tree
            continue
    return Section("versions", "Versions", facts=facts)

"""What stands in the page of a run."""

import platform
import re
import shlex
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import TYPE_CHECKING, Any

from ccflow import BaseModel, ModelRegistry
from omegaconf import OmegaConf

from ccflow_etl.cli.errors import RunFailed
from ccflow_etl.cli.output import summary
from ccflow_etl.models.run_facts import span_facts
from ccflow_etl.models.run_page import outcome_of, run_sections, settings_section, shortened, title_of
from ccflow_etl.pages.outline import outline
from ccflow_etl.pages.page import Page, Section
from ccflow_etl.pages.secrets import HIDDEN, is_declared_secret, is_secret, secrets_in, without_secrets
from ccflow_etl.pages.text import cut

if TYPE_CHECKING:
    from ccflow_etl.cli.report_page import ReportedRun

__all__ = ["page_of"]

_PACKAGES = ("ccflow-etl", "ccflow", "hydra-core", "pydantic", "pandas", "numpy", "pyarrow")
_TEXT = 4_000  # characters
_INTERPOLATION = re.compile(r"\$\{.*?\}")


def page_of(run: "ReportedRun") -> str:
    """The page of a run that has ended."""
    settings, secrets = _settings(run.cfg, run.job.context)
    secrets |= set(secrets_in(run.job.model)) | set(secrets_in(run.job.context))
    counts = run.runs[-1].summary().by_status if run.runs else {}
    outcome, told = _outcome(run, counts)
    sections = [*_sections(run, counts), *settings_section(settings), _versions()]
    title = title_of(run.runs[-1]) if run.runs else type(run.job.model).__name__
    # the longest first: one secret may be a part of another
    return Page(title, outcome, told, sections).html(sorted(secrets, key=len, reverse=True))


def _sections(run: "ReportedRun", counts: dict[str, int]) -> Iterator[Section]:
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
    command = without_secrets(shlex.join(["cc-etl", *sys.argv[1:]]))
    yield Section("command", "Command", facts=[("callable", run.job.path)], text=command)


def _told(result: Any) -> str:
    try:
        return summary(result)
    except Exception:  # the command tells of it; the page of the run is written all the same
        return "<str() failed>"


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


def _settings(cfg: Any, context: Any) -> tuple[str, set[str]]:
    """The config in lines without its secrets, and these."""
    raw, resolved = (OmegaConf.to_container(cfg, resolve=resolve) for resolve in (False, True))
    secrets = set(secrets_in(resolved))
    built = {**ModelRegistry.root().models, "context": context}
    return outline(_hidden(raw, resolved, built, secrets)), secrets


def _hidden(raw: Any, resolved: Any, built: Any, secrets: set[str]) -> Any:
    """The resolved config without its secrets.

    Left out is what is interpolated from one, such as ${oc.env:DB_PASSWORD}, and what the class of a model that was
    built from it declares as one.
    """
    if isinstance(raw, str) and any(map(is_secret, _INTERPOLATION.findall(raw))):
        secrets.update(secrets_in({"secret": resolved}))
        return HIDDEN
    if isinstance(raw, dict) and isinstance(resolved, dict):
        return {name: _hidden_part(name, raw[name], value, built, secrets) for name, value in resolved.items()}
    if isinstance(raw, list) and isinstance(resolved, list):
        # a context may be given as the values of its fields, in their order
        fields = list(type(built).model_fields) if isinstance(built, BaseModel) else []
        names = [*fields, *range(len(fields), len(raw))]
        return [_hidden_part(names[place], raw[place], value, built, secrets) for place, value in enumerate(resolved)]
    return resolved


def _hidden_part(name: Any, raw: Any, resolved: Any, built: Any, secrets: set[str]) -> Any:
    if isinstance(built, BaseModel) and is_declared_secret(built, str(name)):
        secrets.update(secrets_in({"secret": resolved}))
        return HIDDEN
    return _hidden(raw, resolved, _part(built, name), secrets)


def _part(built: Any, name: Any) -> Any:
    """What was built from a part of the config; None where that has no place of its own."""
    if isinstance(built, ModelRegistry):
        built = built.models
    if isinstance(built, BaseModel):
        return getattr(built, str(name), None)
    if isinstance(built, Mapping):
        return built.get(name)
    return built[name] if isinstance(built, list | tuple) and isinstance(name, int) and name < len(built) else None


def _versions() -> Section:
    facts = [("Python", platform.python_version()), ("platform", platform.platform())]
    for name in _PACKAGES:
        try:
            facts.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:  # vendored, or run from a source tree
            continue
    return Section("versions", "Versions", facts=facts)

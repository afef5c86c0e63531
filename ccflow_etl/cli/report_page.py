"""`--report`: a page of the run, however it ends."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from ccflow_etl.cli.command import warn
from ccflow_etl.cli.errors import BAD_CONFIGURATION, CommandError, RunFailed

if TYPE_CHECKING:
    from ccflow_etl.cli.job import Job
    from ccflow_etl.models.report import StepReport

REPORT = "--report"
_ENDINGS = (".html", ".htm")


@dataclass
class ReportedRun:
    """A run, and what its page tells of it.

    Attributes:
        job: What is run.
        raw: The config that it comes from, with its interpolations.
        resolved: The same with what they stood for when the run began.
        runs: The lines of the steps of its backfill.
        began: When it began, in seconds since 1970.
        result: What it returned.
        error: What it ended with otherwise.
        unwritten: Why there is no page.
    """

    job: "Job"
    raw: Any = None
    resolved: Any = None
    runs: "list[StepReport]" = field(default_factory=list)
    began: float = field(default_factory=time.time)
    result: Any = None
    error: BaseException | None = None
    unwritten: RunFailed | None = None

    def check(self) -> None:
        """Raise what kept the page of a run that ended well from being written.

        Raises:
            RunFailed: There is no page.
        """
        if self.unwritten is not None:
            raise self.unwritten


def check_report(file: str | None) -> Path | None:
    """Return the path of a page once it is known that it can be written; missing folders are made.

    Raises:
        CommandError: It cannot, or its name does not end as that of a page does.
    """
    if file is None:
        return None
    path = Path(file).absolute()  # a job may change the working folder
    if not path.name.lower().endswith(_ENDINGS):  # `.html` is a name without a suffix
        raise CommandError(f"{REPORT} writes a page, and {file!r} does not end in .html", f"write {REPORT} run.html")
    if path.exists() and not path.is_file():
        raise CommandError(f"{REPORT} {file}: this is not a file", "give the path of one, which may be there already")
    from ccflow_etl.stores.folders import make_folder

    try:
        make_folder(path.parent)
        _probe(path.parent)
    except OSError as error:
        raise CommandError(f"the report cannot be written to {file}: {error.strerror}") from error
    return path


def _probe(folder: Path) -> None:
    """Make a file in a folder, and remove it: permissions do not say all."""
    from tempfile import TemporaryFile

    with TemporaryFile(dir=folder):
        pass


def check_single(path: Path | None) -> None:
    """See that this is the only job.

    Raises:
        CommandError: It is one of several, whose pages would replace each other.
    """
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    if path is not None and HydraConfig.initialized() and HydraConfig.get().mode is RunMode.MULTIRUN:
        raise CommandError(
            f"{REPORT} writes the page of one run, and --multirun runs several jobs",
            "give the values of one job, or leave out the report",
        )


@contextmanager
def reported(job: "Job", cfg: DictConfig, path: Path | None) -> Iterator[ReportedRun]:
    """A run whose page is written when this is left, however it ended; without a path, or a run, there is none."""
    run = ReportedRun(job)
    if path is None:
        yield run
        return
    run.raw = OmegaConf.to_container(cfg)
    run.resolved = _resolved(cfg, run.raw)
    run.job, run.runs = job.followed()
    try:
        yield run
    except BaseException as error:
        run.error = error
        raise
    finally:
        if not (isinstance(run.error, CommandError) and run.error.exit_code == BAD_CONFIGURATION):
            _write(run, path)


def _resolved(cfg: DictConfig, raw: Any) -> Any:
    """The config resolved, or as it is where that fails: a run may need none of what cannot be."""
    try:
        return OmegaConf.to_container(cfg, resolve=True)
    except Exception:  # a resolver may raise anything
        return raw


def _write(run: ReportedRun, path: Path) -> None:
    from ccflow_etl.cli.report_sections import page_of
    from ccflow_etl.stores.atomic import write_atomic

    try:
        write_atomic(path, page_of(run).encode())
    except Exception as error:  # whatever it is, the run goes before its report
        run.unwritten = RunFailed(f"the report was not written to {path}: {type(error).__name__}: {error}")
        run.unwritten.__cause__ = error
        if run.error is not None:
            warn(str(run.unwritten))
    else:
        print(f"the report is in {path}", file=sys.stderr)

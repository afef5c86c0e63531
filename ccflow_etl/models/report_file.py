"""The lines of a run's report, written to a file as its steps end."""

import errno
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..stores.folders import make_folder
from .report import StepReport

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Steps", "check_report_path", "streamed_report"]

Steps = Sequence[int] | NDArray[np.intp]
Write = Callable[["pd.DataFrame"], None]

# A line is held back for others to join it, but never longer than a step takes.
_LINES = 4096
_SECONDS = 0.5


def check_report_path(path: Path) -> Path:
    """The path itself, once its ending says in which format the lines are written.

    Raises:
        ValueError: It ends neither in ``.jsonl`` nor in ``.parquet``.

    >>> check_report_path(Path("run.jsonl")).name
    'run.jsonl'
    """
    if path.suffix not in _FORMATS:
        raise ValueError(f"report_path {str(path)!r} must end in {' or '.join(_FORMATS)}, which is its format.")
    return path


@contextmanager
def streamed_report(path: Path, report: StepReport) -> Iterator[Callable[[Steps], None]]:
    """A function that takes the positions of steps that have ended, whose lines are then written to a new file.

    Lines of JSON can be read while the run goes on, and are what is left of it if it is killed. A Parquet file is
    complete, and there, once the run has ended, however it did.

    Raises:
        OSError: The file cannot be written.
    """
    make_folder(path.parent)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "expected a file for the report, found a folder", str(path))
    waiting: list[int] = []
    written = time.monotonic()
    with _FORMATS[path.suffix](path) as write:
        write(report.frame(waiting))  # a run of no steps has a file as well

        def flush() -> None:
            nonlocal written
            write(report.frame(waiting))
            waiting.clear()
            written = time.monotonic()

        def ended(steps: Steps) -> None:
            waiting.extend(steps)
            if len(waiting) >= _LINES or time.monotonic() - written >= _SECONDS:
                flush()

        try:
            yield ended
        finally:
            if waiting:
                flush()


@contextmanager
def _json_lines(path: Path) -> Iterator[Write]:
    with path.open("w", encoding="utf-8") as file:

        def write(frame: "pd.DataFrame") -> None:
            if len(frame):
                file.write(frame.to_json(orient="records", lines=True, date_format="iso", date_unit="us"))
            file.flush()

        yield write


@contextmanager
def _parquet(path: Path) -> Iterator[Write]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    unfinished = path.with_name(f".{path.name}.unfinished")
    writer: Any = None

    def write(frame: "pd.DataFrame") -> None:
        nonlocal writer
        table = pa.Table.from_pandas(frame, preserve_index=False)
        # A block in which no step has a key or an error would not say that they are text.
        for name in ("key", "error"):
            place = table.schema.get_field_index(name)
            table = table.set_column(place, name, table.column(name).cast(pa.string()))
        if writer is None:
            writer = pq.ParquetWriter(unfinished, table.schema, compression="zstd")
        writer.write_table(table)

    try:
        yield write
    finally:
        if writer is not None:
            writer.close()
            unfinished.replace(path)


_FORMATS: dict[str, Callable[[Path], AbstractContextManager[Write]]] = {".jsonl": _json_lines, ".parquet": _parquet}

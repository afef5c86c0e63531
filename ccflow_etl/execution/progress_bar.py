"""Progress in a terminal: a bar below whatever else is written."""

import contextlib
import logging
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .tally import Tally

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.text import Text

__all__ = ["can_show_bar", "show_bar"]

_REFRESHES = 5  # a second
_SHORTEST, _LONGEST = 8, 40  # columns of the bar itself
_GAP = "  "
_INTERRUPT = len("^C")  # which a terminal writes behind the line
_FIRST_TO_GO = ("percent", "others", "rate", "label", "bar", "left")


def can_show_bar() -> bool:
    """Whether stderr is a terminal whose cursor can be moved, and none of rich's live displays is in it."""
    return not hasattr(sys.stderr, "rich_proxied_file") and _console().is_interactive


@contextlib.contextmanager
def show_bar(label: str, tally: Tally) -> Iterator[Tally]:
    """Draw a line with a bar, counts, rate and time left until this is left; what else is written scrolls above it.

    A thread draws it a few times a second, so that a step that ends costs no more than counting it.
    """
    from rich.live import Live

    line = _Line(label, tally)
    # What goes into a file or a pipe is not for the terminal.
    both = sys.stdout is not None and sys.stdout.isatty()
    live = Live(line, console=_console(), refresh_per_second=_REFRESHES, redirect_stdout=both)
    before = [sys.stderr, sys.stdout]
    try:
        live.start(refresh=True)
        with _logging_to([sys.stderr, sys.stdout], before):
            yield tally
    finally:
        line.over = True
        # A terminal that was closed does not end the run.
        with contextlib.suppress(OSError):
            live.stop()


def _console() -> "Console":
    from rich.console import Console

    # A line that is longer than the terminal is broken by the terminal, so that it can be copied whole.
    return Console(stderr=True, soft_wrap=True)


@contextlib.contextmanager
def _logging_to(streams: list[object], instead_of: list[object]) -> Iterator[None]:
    """Have the handlers that hold one of some streams write to its substitute."""
    moved = []
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    for handler in {handler for logger in loggers for handler in getattr(logger, "handlers", ())}:
        for stream, before in zip(streams, instead_of, strict=True):
            if stream is not before and getattr(handler, "stream", None) is before:
                handler.setStream(stream)
                moved.append((handler, stream, before))
    try:
        yield
    finally:
        for handler, stream, before in moved:
            if handler.stream is stream:
                handler.setStream(before)


@dataclass
class _Line:
    """One line, however wide the terminal is: what matters least goes first."""

    label: str
    tally: Tally
    over: bool = False

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        rate, left = self.tally.pace(self.over)
        remarks = self.tally.remarks
        failed = next((remark for remark in remarks if remark.endswith(" failed")), "")
        told = {
            "label": Text(self.label),
            "bar": Text(" " * _SHORTEST),
            "counted": Text(self.tally.counted),
            "percent": Text(self.tally.percent),
            "failed": Text(failed, "bold red"),
            "others": Text(_GAP.join(remark for remark in remarks if remark != failed), "yellow"),
            "rate": Text(rate),
            "left": Text(left),
        }
        told = {name: text for name, text in told.items() if text}
        droppable = iter(_FIRST_TO_GO)
        while (room := options.max_width - _INTERRUPT - _width(told.values())) < 0:
            if (name := next(droppable, None)) is None:
                break
            told.pop(name, None)
        grid = Table.grid(*("" for _ in told), padding=(0, len(_GAP), 0, 0))
        for column in grid.columns:
            column.no_wrap, column.overflow = True, "crop"
        if "bar" in told:
            width = min(_SHORTEST + room, _LONGEST)
            bar = ProgressBar(self.tally.total, self.tally.done, width, complete_style="cyan", finished_style="green")
            grid.add_row(*(bar if name == "bar" else text for name, text in told.items()))
        else:
            grid.add_row(*told.values())
        yield grid


def _width(texts: "Collection[Text]") -> int:
    return sum(text.cell_len for text in texts) + len(_GAP) * (len(texts) - 1)

"""Progress in a notebook: an output of the cell that changes."""

from collections.abc import Callable
from html import escape
from typing import Any, Self

from .tally import Tally

__all__ = ["NotebookProgress"]

_INTERVAL = 0.5  # seconds between two changes


class NotebookProgress:
    """Shows a bar and the counts as HTML, which needs no extension; a saved notebook keeps its last state.

    >>> progress = NotebookProgress("3 steps", Tally(3, lambda: 0), clock=lambda: 0)
    >>> progress.ended("failed")
    >>> progress._repr_mimebundle_()["text/plain"]
    '3 steps: 1/3, 33%, 1 failed'
    """

    def __init__(self, label: str, tally: Tally, clock: Callable[[], float]):
        self._label, self._tally, self._clock = label, tally, clock
        self._due = clock() + _INTERVAL
        self._over = False
        self._output: Any = None

    def __enter__(self) -> Self:
        from IPython.display import display

        self._output = display(self, display_id=True)
        return self

    def ended(self, status: str, steps: int = 1) -> None:
        """Count steps that ended, and change the output when that is due."""
        self._tally.ended(status, steps)
        now = self._clock()
        if now >= self._due:
            self._due = now + _INTERVAL
            self._output.update(self)

    def __exit__(self, *error: object) -> None:
        self._over = True
        self._output.update(self)

    def _repr_mimebundle_(self, **options: object) -> dict[str, str]:
        told = f"{self._label}: {', '.join(self._tally.parts(self._over))}"
        bar = f'<progress max="{self._tally.total}" value="{self._tally.done}" style="width: 20em"></progress>'
        return {"text/html": f'<div role="status">{bar} {escape(told)}</div>', "text/plain": told}

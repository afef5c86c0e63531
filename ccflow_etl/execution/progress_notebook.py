"""Progress in a notebook: an output of the cell that changes."""

from collections.abc import Callable
from html import escape
from typing import Any, Self

from .tally import Tally

__all__ = ["NotebookProgress"]

_INTERVAL = 0.5  # seconds between two changes
_RUNNING, _DONE, _FAILED = "#0072b2", "#009e73", "#d55e00"


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
        parts = self._tally.parts(self._over)
        return {"text/html": self._html(parts), "text/plain": f"{self._label}: {', '.join(parts)}"}

    def _html(self, parts: list[str]) -> str:
        done, total = self._tally.done, self._tally.total
        failed = any(map(_tells_failure, parts))
        color = _FAILED if failed else _DONE if done == total else _RUNNING
        told = ", ".join(
            f'<strong style="color: {_FAILED}">{part}</strong>' if _tells_failure(part) else part
            for part in map(escape, parts)
        )
        label = escape(self._label)
        # In a row, so that a long text breaks beside the bar and not below it; digits of one width stand still.
        return (
            '<div role="status" '
            'style="display: flex; align-items: center; gap: 0.8em; font-variant-numeric: tabular-nums">'
            f'<progress max="{total}" value="{done}" aria-label="{label}" '
            f'style="flex: none; width: 16em; max-width: 40%; accent-color: {color}"></progress>'
            f"<span>{label}: {told}</span></div>"
        )


def _tells_failure(part: str) -> bool:
    return part.endswith(" failed")

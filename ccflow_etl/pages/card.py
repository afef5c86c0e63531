"""Card: what is said of one object, and its HTML for a notebook."""

from collections.abc import Sequence
from dataclasses import dataclass

from .grid import Picture
from .render import render

__all__ = ["Card", "Table"]


@dataclass(frozen=True)
class Table:
    """Lines of texts.

    Attributes:
        caption: What the lines are.
        columns: A name for each column.
        rows: The texts of each line.
        numbers: The columns that are set to the right.
        wide: The columns whose texts may be long and take several lines.
        left_out: How many lines are left out, in the middle of those that are there.
    """

    caption: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    numbers: frozenset[str] = frozenset()
    wide: frozenset[str] = frozenset()
    left_out: int = 0

    @property
    def middle(self) -> int:
        """How many lines stand before those that are left out."""
        return -(-len(self.rows) // 2)


@dataclass(frozen=True)
class Card:
    """What a person wants to know of one object at first sight.

    Attributes:
        name: What the object is.
        told: It in one sentence.
        facts: Names and what is known under them.
        picture: A map of days or steps.
        tables: What comes in lines.

    >>> "<strong>Interval</strong>" in Card("Interval", "Each day.").html()
    True
    """

    name: str
    told: str
    facts: Sequence[tuple[str, str]] = ()
    picture: Picture | None = None
    tables: Sequence[Table] = ()

    def html(self) -> str:
        """A fragment of HTML that takes its colours from the page around it; everything in it is escaped."""
        return render("card.html", card=self)

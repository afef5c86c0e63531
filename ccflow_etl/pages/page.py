"""Page: a whole HTML document of sections, which fetches nothing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from .card import Table
from .grid import Picture
from .render import render

__all__ = ["Page", "Section"]


@dataclass(frozen=True)
class Section:
    """A part of a page under a heading; what it has not is left out.

    Attributes:
        id: Its name in addresses.
        title: Its heading.
        told: Sentences.
        counts: Numbers with their class in CSS and what they count, which are shown large.
        facts: Names and what is known under them.
        picture: A map of steps.
        tables: What comes in lines.
        folded: Texts that are long, each under a line that opens it.
        text: Lines that are shown as they are.
    """

    id: str
    title: str
    told: Sequence[str] = ()
    counts: Sequence[tuple[str, str, str]] = ()
    facts: Sequence[tuple[str, str]] = ()
    picture: Picture | None = None
    tables: Sequence[Table] = ()
    folded: Sequence[tuple[str, str]] = ()
    text: str = ""


@dataclass(frozen=True)
class Page:
    """A document.

    Attributes:
        title: What it is about.
        outcome: How that went, as a class in CSS: good, bad or neither.
        told: How it went, in a sentence.
        sections: Its parts.

    >>> print(Page("Backfill of Sales", "good", "Succeeded", []).html()[:15])
    <!doctype html>
    """

    title: str
    outcome: str
    told: str
    sections: Sequence[Section]

    def html(self, secrets: Collection[str] = ()) -> str:
        """The document; everything in it is escaped.

        Args:
            secrets: Texts that are hidden wherever they occur.
        """
        return render("page.html", secrets=secrets, page=self)

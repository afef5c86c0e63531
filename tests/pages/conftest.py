"""HTML read strictly: every element is closed, in order, and nothing follows that is not HTML."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

import pytest

VOID = {"meta", "link", "br", "hr", "img", "input", "col"}


@dataclass
class Element:
    """An element with what is in it."""

    tag: str
    attributes: dict[str, str | None]
    children: list["Element"] = field(default_factory=list)
    own_text: list[str] = field(default_factory=list)

    def everything(self) -> Iterator["Element"]:
        """All elements in it, at any depth, in order."""
        for child in self.children:
            yield child
            yield from child.everything()

    def find_all(self, tag: str, **attributes: str) -> Iterator["Element"]:
        for element in self.everything():
            if element.tag == tag and attributes.items() <= element.attributes.items():
                yield element

    def find(self, tag: str, **attributes: str) -> "Element":
        return next(self.find_all(tag, **attributes))

    @property
    def text(self) -> str:
        return "".join(self.own_text) + "".join(child.text for child in self.children if child.tag != "style")

    def rows(self) -> list[list[str]]:
        """The texts of a table's cells."""
        return [[cell.text for cell in row.children] for row in self.find_all("tr")]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"<{tag}> has an attribute twice"
        element = Element(tag, dict(attrs))
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data):
        self.open[-1].own_text.append(data)

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")


@pytest.fixture
def read_html() -> Callable[[str], Element]:
    """Reads a page or a fragment; an error where it is not well formed or has an id twice."""
    return _read


def _read(text: str) -> Element:
    text.encode()  # a lone surrogate has no bytes
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == [reader.root], f"<{reader.open[-1].tag}> is not closed"
    ids = [element.attributes["id"] for element in reader.root.everything() if "id" in element.attributes]
    assert len(set(ids)) == len(ids), "an id occurs twice"
    return reader.root

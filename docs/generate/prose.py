"""Docstrings as Markdown: prose with links, doctests as blocks, the sections of Google's style as lists."""

import logging
import re
from collections.abc import Callable, Iterator
from textwrap import dedent

import griffe

Link = Callable[[str], str | None]

_OPTIONS = {"returns_named_value": False, "returns_multiple_items": False, "warn_unknown_params": False}
_TITLES = {"parameters": "Arguments", "raises": "Raises", "attributes": "Attributes"}
_CODE = re.compile(r":(\w+):`([^`]+)`|``(.+?)``|(?<![\[`])`([^`]+)`(?!`)", re.DOTALL)
_BLOCK = re.compile(r"^\.\. code-block:: (\w+)\n\n((?: {4}.*\n?|\n)+)", re.MULTILINE)

logging.getLogger("griffe").setLevel(logging.ERROR)


def markdown(source: griffe.Object, link: Link) -> str:
    """A docstring as Markdown.

    Args:
        source: Whose docstring.
        link: Where a name is described, if it is.
    """
    if source.docstring is None:
        return ""
    sections = source.docstring.parse("google", **_OPTIONS)
    return "\n\n".join(part for section in sections for part in _section(section, link))


def linked(text: str, link: Link) -> str:
    """Prose whose code is in single backticks, and leads to where it is described."""

    def code(match: re.Match[str]) -> str:
        role, text = match[1], " ".join((match[2] or match[3] or match[4]).split())
        name = text.rpartition(".")[2] if role == "class" else text
        shown = f"`{name}()`" if role in ("meth", "func") else f"`{name}`"
        place = link(text)
        return f"[{shown}]({place})" if place else shown

    return _CODE.sub(code, text)


def table(head: str, rows: Iterator[list[str]]) -> str:
    """A table, or nothing where it has no rows."""
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row).rstrip() + " |" for row in rows]
    return "\n".join([head, re.sub(r"[^|]+", " --- ", head), *lines]) if lines else ""


def _section(section: griffe.DocstringSection, link: Link) -> Iterator[str]:
    match section.kind.value:
        case "text":
            yield from _text(section.value, link)
        case "admonition":
            yield from _text(f"{section.title}: {section.value.description}", link)
        case "returns":
            yield "**Returns:** " + linked(_line(section.value[0].description), link)
        case "raises":
            items = [
                f"- {linked(f'`{item.annotation}`', link)}: {linked(_line(item.description), link)}"
                for item in section.value
            ]
            yield "\n".join(["**Raises**", "", *items])
        case kind:
            items = [f"- `{item.name}`: {linked(_line(item.description), link)}" for item in section.value]
            yield "\n".join([f"**{_TITLES[kind]}**", "", *items])


def _line(text: str) -> str:
    return " ".join(text.split())


def _text(text: str, link: Link) -> Iterator[str]:
    """Paragraphs, of which those that begin with a prompt are examples, and blocks of other code."""
    start = 0
    for block in _BLOCK.finditer(text):
        yield from _paragraphs(text[start : block.start()], link)
        yield f"```{block[1]}\n{dedent(block[2]).strip()}\n```"
        start = block.end()
    yield from _paragraphs(text[start:], link)


def _paragraphs(text: str, link: Link) -> Iterator[str]:
    for paragraph in filter(str.strip, re.split(r"\n\s*\n", text)):
        prose, prompt, example = paragraph.partition(">>>")
        if prose.strip():
            yield linked(prose.strip("\n"), link)
        if prompt:
            yield f"```pycon\n{prompt}{example}\n```"

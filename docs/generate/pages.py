"""Pages: a room, its names, and what each of them has."""

import inspect
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import griffe
from annotations import plain
from entries import PACKAGE, Entry, docstring, followed, is_ours, source_of
from fields import attributes, fields
from prose import linked, markdown, table
from pydantic import BaseModel
from signatures import signature

GENERATED = "<!-- Written by `make docs` from signatures and docstrings; a test compares the two. -->"
HOOKS = ("model_post_init",)

Places = Mapping[str, str]


def index(entries: Mapping[str, list[Entry]], places: Places) -> str:
    """The page that lists all names."""
    parts = [
        GENERATED,
        "# API reference",
        f"Every public name is importable from `{PACKAGE}` itself, unless its page gives another module.",
    ]
    for room, found in entries.items():
        names = ", ".join(f"[`{entry.name}`]({places[entry.name]})" for entry in found)
        parts.append(f"**[{room}]({room}.md)**: {names}")
    return "\n\n".join(parts) + "\n"


def page(room: str, entries: list[Entry], places: Places) -> str:
    """The page of one room."""
    module = import_module(f"{PACKAGE}.{room}")
    parts = [GENERATED, f"# {room}", linked(inspect.cleandoc(module.__doc__ or ""), places.get)]
    parts.append(table("| name | |", ([f"[`{each.name}`](#{each.anchor})", each.summary] for each in entries)))
    for entry in entries:
        parts.append(f"## {entry.name}")
        parts.append(f"`from {entry.home} import {entry.name}` · [{entry.file}](../../{PACKAGE}/{entry.file})")
        parts.extend(_body(entry, places))
    return "\n\n".join(filter(None, parts)) + "\n"


def _body(entry: Entry, places: Places) -> Iterator[str]:
    source = entry.source
    if source.is_class:
        yield from _class(entry, places)
        return
    alias = source.is_attribute
    yield _code(f"{entry.name} = {plain(source.value, source.parent)}" if alias else signature(entry.name, source))
    yield markdown(source, places.get)


def _class(entry: Entry, places: Places) -> Iterator[str]:
    kind: type = entry.value
    # its own members and those of bases without an entry; a base that has one describes them there
    parents = [each for each in kind.__mro__[1:] if is_ours(each) and each.__name__ in places]
    members = _members(kind, parents)

    def link(name: str) -> str | None:
        member = name.removeprefix(f"{entry.name}.")
        return f"#{entry.name}{member}".lower() if member in members else places.get(name)

    nearest = [each for each in parents if not any(issubclass(other, each) for other in parents if other is not each)]
    if nearest:
        yield "Is a " + " and a ".join(f"[`{each.__name__}`]({places[each.__name__]})" for each in nearest) + "."
    is_model = issubclass(kind, BaseModel)
    if not is_model and "__init__" in entry.source.members:
        yield _code(signature(entry.name, entry.source.members["__init__"]))
    yield markdown(entry.source, link)
    yield fields(kind, parents, link) if is_model else attributes(entry.source, link)
    tests = {name: member for name, member in members.items() if name.startswith("test_")}
    for name, member in members.items():
        if name not in tests:
            yield f"### {entry.name}.{name}"
            yield _member(name, member, entry.source.overloads.get(name))
            yield markdown(member, link)
    yield table("| test | |", ([f"`{name}`", linked(_line(docstring(member)), link)] for name, member in tests.items()))


def _members(kind: type, parents: list[type]) -> dict[str, griffe.Object]:
    """What a class has itself, and what bases without an entry add to what its parents have."""
    known = {name for parent in parents for name in source_of(parent).members}
    found: dict[str, griffe.Object] = {}
    for each in kind.__mro__:
        if is_ours(each) and each not in parents:
            for name, member in source_of(each).members.items():
                if _is_shown(name, member) and (each is kind or name not in known):
                    found.setdefault(name, followed(member))
    return found


def _is_shown(name: str, member: Any) -> bool:
    if name in HOOKS or (name.startswith("_") and name != "__call__"):
        return False
    return "property" in member.labels if member.is_attribute else member.is_function


def _member(name: str, member: Any, versions: Any) -> str:
    if member.is_attribute:
        return f"Property, `{plain(member.annotation, member.parent)}`."
    return _code("\n".join(signature(name, each) for each in versions or [member]))


def _line(text: str) -> str:
    return " ".join(text.split())


def _code(text: str) -> str:
    return f"```python\n{text}\n```"

"""The fields of a pydantic model, and the attributes of any other class, as tables."""

import inspect
import re
from collections.abc import Iterator
from typing import Any, TypeVar

import griffe
from annotations import plain
from entries import docstring, is_ours, source_of
from prose import Link, linked, table
from pydantic import BaseModel
from pydantic.fields import FieldInfo

_BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def fields(kind: type[BaseModel], parents: list[type], link: Link) -> str:
    """The fields of a model but those of its parents, which are described there."""
    inherited = {name for parent in parents if issubclass(parent, BaseModel) for name in parent.model_fields}

    def rows() -> Iterator[list[str]]:
        for name, field in kind.model_fields.items():
            if name not in inherited and name != "meta":
                yield [f"`{name}`", _type(kind, name, field), _default(field), linked(field.description or "", link)]

    return table("| field | type | default | |", rows())


def attributes(source: griffe.Class, link: Link) -> str:
    """The attributes of a class that have a type or a description."""

    def rows() -> Iterator[list[str]]:
        for name, member in source.attributes.items():
            if name.startswith("_") or "property" in member.labels or member.annotation is None:
                continue
            default = "required" if member.value is None else f"`{member.value}`"
            yield [f"`{name}`", f"`{plain(member.annotation, source)}`", default, linked(docstring(member), link)]

    return table("| attribute | type | default | |", rows())


def _type(kind: type[BaseModel], name: str, field: FieldInfo) -> str:
    holder = next(each for each in kind.__mro__ if name in getattr(each, "__annotations__", {}))
    if is_ours(holder):
        source = source_of(holder)
        text = plain(source.members[name].annotation, source)
    else:
        annotation: Any = field.annotation
        if isinstance(annotation, TypeVar):
            annotation = annotation.__bound__
        text = re.sub(r"\b(?:\w+\.)+(?=[A-Z]|datetime\b)", "", inspect.formatannotation(annotation))
    bounds = [(sign, getattr(fact, bound, None)) for fact in field.metadata for bound, sign in _BOUNDS.items()]
    told = "Positive" in text or "NonNegative" in text
    return f"`{text}`" + "".join(f", {sign} {value}" for sign, value in bounds if value is not None and not told)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    made_by = field.default_factory
    if made_by is None:
        return f"`{field.default!r}`"
    if made_by in (dict, list, tuple):
        return f"`{field.get_default(call_default_factory=True)!r}`"
    return f"`{made_by.__name__}()`" if isinstance(made_by, type) else "a new one"

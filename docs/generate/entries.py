"""What a page shows: each name with its source (griffe) and its object at run time."""

import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import griffe

import ccflow_etl

PACKAGE = "ccflow_etl"

# What others implement or subclass, and so has no need to be imported from the package itself.
PROTOCOLS = {
    "calendars": ["calendars.rules.BaseRule"],
    "execution": ["execution.executors.BaseExecutor"],
    "codecs": ["codecs.formats.ContentFormat", "codecs.options.DecodeOptions"],
    "stores": [
        "stores.protocols.ByteStore",
        "stores.protocols.ResolvingByteStore",
        "stores.protocols.CreatingByteStore",
        "stores.protocols.ListingByteStore",
        "stores.checkpoint_protocol.CheckpointStore",
    ],
}


@dataclass(frozen=True)
class Entry:
    """A name of a page.

    Attributes:
        name: As it is imported.
        home: The module that it is imported from.
        source: Its definition, as griffe read it.
        value: The object.
    """

    name: str
    home: str
    source: griffe.Object
    value: Any

    @property
    def anchor(self) -> str:
        """The anchor of its heading."""
        return self.name.lower()

    @property
    def file(self) -> str:
        """The file that it is defined in, from the package's folder."""
        return str(self.source.relative_package_filepath).removeprefix(f"{PACKAGE}/")

    @property
    def summary(self) -> str:
        """The first sentence of its docstring, without roles and in single backticks."""
        first = docstring(self.source).split("\n\n")[0].replace("\n", " ").split(". ")[0].rstrip(".:")
        return re.sub(r":\w+:`", "`", first).replace("``", "`")


@cache
def package() -> griffe.Module:
    """The whole package as griffe reads it, nothing being imported."""
    return griffe.load(PACKAGE, search_paths=[Path(__file__).parents[2]])


def read_entries(room: str) -> list[Entry]:
    """The names of a room: those of the package, in the order of its `__init__`, and then what others implement."""
    own = [(name, PACKAGE, f"{home}.{name}") for home, names in ccflow_etl._ROOMS.items() for name in names]
    found = [entry for entry in own if entry[2].split(".")[0] == room]
    module = import_module(f"{PACKAGE}.{room}")
    if not found:
        found = [(name, module.__name__, f"{room}.{name}") for name in module.__all__]
    for path in PROTOCOLS.get(room, []):
        home, _, name = path.rpartition(".")
        found.append((name, f"{PACKAGE}.{home}", path))
    return [_entry(name, home, path) for name, home, path in found]


def _entry(name: str, home: str, path: str) -> Entry:
    return Entry(name, home, followed(package()[path]), getattr(import_module(home), name))


def followed(source: Any) -> griffe.Object:
    """What an import leads to."""
    return source.final_target if source.is_alias else source


def docstring(source: griffe.Object) -> str:
    """The docstring, or nothing."""
    return source.docstring.value if source.docstring else ""


def source_of(kind: type) -> griffe.Class:
    """The definition of a class of the package."""
    return package()[f"{kind.__module__}.{kind.__qualname__}".removeprefix(f"{PACKAGE}.")]


def is_ours(kind: type) -> bool:
    """Whether a class is written in the package; pydantic makes others, of generic ones."""
    return kind.__module__.split(".")[0] == PACKAGE and "[" not in kind.__qualname__

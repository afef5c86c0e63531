"""The config packages of installed connectors; one that is broken is named in a line and left out."""

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

ENTRY_POINT_GROUP = "hydra.lernaplugins"


def find_connectors(warn: Callable[[str], None]) -> list[tuple[str, str]]:
    """Return (name, `pkg://package`) of each connector, sorted by name; `warn` is told of each that is left out.

    A connector is an entry point of the group `hydra.lernaplugins` whose value is `pkg:` and a package of configs. The
    package is imported, as Hydra does for every config that is composed: what fails here would fail all of them.
    """
    found = []
    for entry in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda entry: entry.name):
        complaint = _complain(entry)
        if complaint:
            warn(f"connector {_named(entry)} is left out, {complaint}")
        elif _package(entry) is not None:
            found.append((entry.name, f"pkg://{_package(entry)}"))
    return found


def _package(entry: EntryPoint) -> str | None:
    """Return the package that a connector names, or None for an entry point of another kind."""
    kind, colon, package = entry.value.partition(":")
    return package.strip() if colon and kind.strip() == "pkg" else None


def _complain(entry: EntryPoint) -> str | None:
    package = _package(entry)
    if package is None:
        return None if entry.pattern.match(entry.value) else _malformed(entry)
    if not all(part.isidentifier() for part in package.split(".")):
        return _malformed(entry)
    try:
        # what a connector prints is not a command's output
        with redirect_stdout(sys.stderr):
            module = import_module(package)
    except (Exception, SystemExit) as error:
        return f"{package} cannot be imported: {_told(error)}"
    if not hasattr(module, "__path__"):
        return f"{package} is a module; expected a package, the folder of its configs"
    return None


def _malformed(entry: EntryPoint) -> str:
    return f"its entry point is {entry.value!r}; expected 'pkg:' and a package, such as 'pkg:my_connector.config'"


def _named(entry: EntryPoint) -> str:
    """Return an entry point's name, and where it differs that of the distribution, which is what pip knows."""
    owner = (entry.dist and entry.dist.name) or entry.name  # a distribution without METADATA has no name
    return entry.name if owner in (entry.name, entry.name.replace("_", "-")) else f"{entry.name} (of {owner})"


def _told(error: BaseException) -> str:
    """Return an error's type and the first line of what it says."""
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"

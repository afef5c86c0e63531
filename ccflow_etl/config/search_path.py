"""Where Hydra looks for groups: the user's folder, this package, and the packages of installed connectors."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ccflow_etl.config.connectors import find_connectors

if TYPE_CHECKING:
    from hydra.core.config_search_path import ConfigSearchPath

PACKAGED = "pkg://ccflow_etl.config"


def search_path(main: str, extra: Path | None, warn: Callable[[str], None]) -> "ConfigSearchPath":
    """Return Hydra's search path with `main` first, then `extra`, the packaged groups and the connectors' groups.

    A file in an earlier place hides one of the same name in a later place. A connector that cannot be imported is
    left out, and `warn` is told in one line: a config that does not need it still composes.

    Args:
        main: Where the primary config is, a folder or `pkg://package`.
        extra: One more folder, or None.
        warn: Called with one line per connector that is left out.
    """
    from hydra._internal.utils import create_config_search_path
    from hydra.core.config_search_path import SearchPathQuery

    path = create_config_search_path(main)
    places = [] if extra is None else [("command-line", f"file://{extra.absolute()}")]
    places += [("ccflow-etl", PACKAGED), *find_connectors(warn)]
    known = {element.path for element in path.get_path()}
    for provider, place in places:
        if place not in known:
            known.add(place)
            # Hydra wants its own schema last
            path.prepend(provider, place, SearchPathQuery(provider="schema"))
    return path


def find_folder(name: str) -> Path:
    """Return the folder `name`, absolute or in the working folder or the nearest of its parents that has it.

    Raises:
        FileNotFoundError: None of them has it.
    """
    here = Path.cwd()
    for parent in (here, *here.parents):
        if (parent / name).is_dir():
            return parent / name
    raise FileNotFoundError(f"no config folder {name!r} in {here} or in a folder above it")

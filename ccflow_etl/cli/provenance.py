"""Which file or override set each value of a composed config."""

from pathlib import Path
from typing import Any, NamedTuple

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import OmegaConf

from ccflow_etl.cli.arguments import Arguments
from ccflow_etl.cli.quiet import QuietLoader

COMMAND_LINE = "command line"


def find_sources(resolved: Any, loader: QuietLoader, arguments: Arguments) -> list[tuple[str, Any, str]]:
    """Return (key, value, source) of each leaf of a resolved config, in the config's order.

    The files of the defaults list are read once more, one by one; of the files and overrides that set a key the last
    one is its source. A key that comes from an interpolation has the source of the interpolation.
    """
    paths, overrides = loader.split_registry_paths(arguments.hydra.overrides)
    defaults = loader.compute_defaults_list(arguments.config_name, overrides, RunMode.RUN)
    layers: list[tuple[str, Any, str]] = []
    for default in defaults.defaults:
        if default.config_path is None or default.config_path.startswith("hydra/"):
            continue
        found = loader.load(default.config_path, overrides, arguments.config_name)
        package = default.package if default.package is not None else found.header["package"]
        prefix = "" if package in (None, "", "_global_") else f"{package}."
        plain = OmegaConf.to_container(found.config, resolve=False)
        layers.append((prefix, plain, _file(found.path, default.config_path)))
    given = [*defaults.config_overrides, *OverridesParser.create().parse_overrides(paths)]
    layers += [(f"{override.key_or_group}.", override.value(), COMMAND_LINE) for override in given]
    sources = {
        key: _Source(order, name, value != {})
        for order, (prefix, node, name) in enumerate(layers)
        for key, value in _leaves(node, prefix)
    }
    return [(key, value, _source(key, sources)) for key, value in _leaves(resolved, "") if key]


def _leaves(node: Any, prefix: str) -> list[tuple[str, Any]]:
    if isinstance(node, dict) and node:
        items = node.items()
    elif isinstance(node, list) and node:
        items = dict(enumerate(node)).items()
    else:
        return [(prefix.removesuffix("."), node)]
    return [leaf for key, value in items for leaf in _leaves(value, f"{prefix}{key}.")]


class _Source(NamedTuple):
    order: int
    name: str
    whole: bool  # nothing leaves what is there


def _source(key: str, sources: dict[str, _Source]) -> str:
    """The last to set a key, or what it is in as a whole, as an interpolation does."""
    found = [sources[key]] if key in sources else []
    while key := key.rpartition(".")[0]:
        if key in sources and sources[key].whole:
            found.append(sources[key])
    return max(found).name if found else "?"


def _file(place: str, config_path: str) -> str:
    name = config_path.removesuffix(".yaml") + ".yaml"
    scheme, _, folder = place.partition("://")
    if scheme != "file":
        return f"{place}/{name}"
    path = Path(folder, name)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)

"""The packaged Hydra groups, and `load_config` to put them into the root registry from Python."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ccflow import ModelRegistry

__all__ = ("load_config",)


def load_config(
    overrides: list[str] | None = None,
    overwrite: bool = False,
    config_dir: str | None = None,
    config_key: str | None = None,
    version_base: str | None = None,
) -> "ModelRegistry":
    """Load the packaged `base` config into ccflow's root registry and return the registry.

    The groups of installed connectors are on the search path too, so `overrides=["+cache=sqlite"]` works as it
    does on the command line. Hydra need not be initialised; if it is, it is left as it was.

    Args:
        overrides: Hydra overrides, as on the command line: `["context.path=./out.json", "+backfill=daily"]`.
        overwrite: Replace models that the registry already holds under the same names; where the config cannot be
            loaded, they stay.
        config_dir: A folder of your own groups, absolute or relative to the working folder or the nearest of its
            parents that has it. Its groups come before the packaged ones of the same name.
        config_key: Load only this key of the composed config, so that its models are registered without the prefix:
            `config_key="calendars"` registers `/weekdays` instead of `/calendars/weekdays`.
        version_base: Hydra's compatibility level; the default is that of the installed Hydra.

    Raises:
        FileNotFoundError: `config_dir` is not found.
        KeyError: `config_key` is not in the config.
        ValueError: A name is already registered and `overwrite` is false.
        hydra.errors.HydraException: The config cannot be composed or a model cannot be built.

    >>> registry = load_config(["+backfill=daily"], overwrite=True)
    >>> registry["/calendars/weekdays"]
    WeekdayCalendar()
    >>> registry["/backfill"].model is registry["/model"]
    True
    >>> len(registry.clear())
    0
    """
    import warnings

    from ccflow import ModelRegistry

    from ccflow_etl.config.compose import compose
    from ccflow_etl.config.registry import replace_config
    from ccflow_etl.config.search_path import PACKAGED, find_folder, search_path

    folder = None if config_dir is None else find_folder(config_dir)
    path = search_path(PACKAGED, folder, warn=lambda message: warnings.warn(message, stacklevel=5))
    cfg = compose(path, "base", overrides or [], version_base)
    if config_key is not None:
        if config_key not in cfg:
            raise KeyError(f"no key {config_key!r} in the config; it has {', '.join(map(str, cfg))}")
        cfg = cfg[config_key]
    return replace_config(cfg) if overwrite else ModelRegistry.root().load_config(cfg)

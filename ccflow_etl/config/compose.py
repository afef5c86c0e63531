"""Composing a config: Hydra's own loader with two refusals of Hydra's turned into what a user means."""

import re
from typing import Any

from hydra import version
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import setup_globals
from hydra.errors import MissingConfigException
from hydra.types import RunMode
from omegaconf import DictConfig, open_dict

_REGISTRY_PATH = re.compile(r"\+{0,2}callable=['\"]?/")


class ConfigLoader(ConfigLoaderImpl):
    """Hydra's loader, where `callable=/backfill` sets a value and an unknown group option is never passed over.

    `callable` is a packaged group as well as a key, and Hydra reads `callable=/backfill` as the choice of a file.
    A registry path begins with a slash, which no file's name does. And Hydra silently drops a choice for a group that
    the defaults list calls optional when there is no such file: `backfill=dayly` would run without the backfill.
    """

    def load_configuration(
        self,
        config_name: str | None,
        overrides: list[str],
        run_mode: RunMode,
        from_shell: bool = True,
        validate_sweep_overrides: bool = True,
    ) -> DictConfig:
        """Compose the config, with the node `hydra`.

        Raises:
            hydra.errors.ConfigCompositionException: A file, a group option or a key does not exist.
            hydra.errors.OverrideParseException: An override cannot be read.
        """
        paths, others = self.split_registry_paths(overrides)
        cfg: DictConfig = super().load_configuration(
            config_name, others, run_mode, from_shell, validate_sweep_overrides
        )
        self._refuse_unknown_options(cfg, config_name, others)
        parsed = OverridesParser.create().parse_overrides(paths)
        if validate_sweep_overrides:
            self.validate_sweep_overrides_legal(parsed, run_mode, from_shell)
        for override in parsed:
            if not override.is_sweep_override():
                with open_dict(cfg):
                    cfg.callable = override.value()
            cfg.hydra.overrides.task.append(override.input_line)
        return cfg

    def load(self, config_path: str, overrides: list[str], config_name: str | None) -> Any:
        """Return Hydra's `ConfigResult` of one file of the defaults list, as that file has it."""
        return self._repository(config_name, overrides).load_config(config_path)

    @staticmethod
    def split_registry_paths(overrides: list[str]) -> tuple[list[str], list[str]]:
        """Return the overrides that set `callable` to a registry path, and the others.

        >>> ConfigLoader.split_registry_paths(["callable=/backfill", "callable=local_write"])
        (['callable=/backfill'], ['callable=local_write'])
        """
        paths = [override for override in overrides if _REGISTRY_PATH.match(override)]
        return paths, [override for override in overrides if override not in paths]

    def _repository(self, config_name: str | None, overrides: list[str]) -> Any:
        return self._parse_overrides_and_create_caching_repo(config_name, overrides)[1]

    def _refuse_unknown_options(self, cfg: DictConfig, config_name: str | None, overrides: list[str]) -> None:
        chosen = {override.lstrip("+").partition("=")[0] for override in overrides}
        for group, option in cfg.hydra.runtime.choices.items():
            if group not in chosen or not isinstance(option, str):
                continue
            folder = group.partition("@")[0]
            repository = self._repository(config_name, overrides)
            if not repository.config_exists(f"{folder}/{option}"):
                raise MissingConfigException(
                    message=f"Could not find '{folder}/{option}'",
                    missing_cfg_file=f"{folder}/{option}",
                    options=repository.get_group_options(folder),
                )


def compose(path: ConfigSearchPath, config_name: str, overrides: list[str], version_base: str | None) -> DictConfig:
    """Compose a config without the node `hydra`, leaving Hydra's global state as it is.

    Raises:
        hydra.errors.HydraException: The config cannot be composed.
    """
    base = version.VersionBase.instance()
    before = base.getbase()
    version.setbase(version_base)
    try:
        setup_globals()
        cfg = ConfigLoader(path).load_configuration(config_name, overrides, RunMode.RUN, from_shell=False)
    finally:
        base.version_base = before
    with open_dict(cfg):
        del cfg["hydra"]
    return cfg

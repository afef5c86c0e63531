"""Composing a config: Hydra's own loader, which takes what a user means and names the file that is wrong."""

import re
import traceback
from collections import Counter
from typing import Any

from hydra import version
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import ConfigRepository
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import setup_globals
from hydra.errors import ConfigCompositionException, MissingConfigException
from hydra.types import RunMode
from omegaconf import DictConfig, open_dict
from yaml.reader import ReaderError  # type: ignore[import-untyped] # without types

_REGISTRY_PATH = re.compile(r"\+{0,2}callable=['\"]?/")


class UnreadableConfigError(ConfigCompositionException):
    """A file of the config is no YAML mapping in UTF-8, or cannot be opened.

    Attributes:
        file: The file.
        reason: What is wrong with it.
    """

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"{file} cannot be read: {reason}")
        self.file = file
        self.reason = reason


class _Repository(ConfigRepository):
    """Hydra's files, where one that cannot be read is named; only the errors of the YAML's grammar name it already."""

    def load_config(self, config_path: str) -> Any:
        try:
            return super().load_config(config_path)
        except (OSError, UnicodeDecodeError, ReaderError, RecursionError) as error:
            source = self._find_object_source(config_path, ObjectType.CONFIG)
            if source is None:
                raise
            # whatever refers to itself fills the message of its error with itself
            reason = "a part of it contains itself" if isinstance(error, RecursionError) else str(error)
            file = f"{source.path}/{source._normalize_file_name(config_path)}"
            raise UnreadableConfigError(file, reason.partition("\n")[0]) from error


class ConfigLoader(ConfigLoaderImpl):
    """Hydra's loader, where `callable=/backfill` sets a value and an unknown group option is never passed over.

    `callable` is a packaged group as well as a key, and Hydra reads `callable=/backfill` as the choice of a file.
    A registry path begins with a slash, which no file's name does. And Hydra silently drops a choice for a group that
    the defaults list calls optional when there is no such file: `backfill=dayly` would run without the backfill.
    """

    def __init__(self, path: ConfigSearchPath) -> None:
        super().__init__(path)
        self.repository = _Repository(path)

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
            hydra.errors.ConfigCompositionException: A file, a group option or a key does not exist, a file cannot be
                read, or the defaults of one lead back to it.
            hydra.errors.OverrideParseException: An override cannot be read.
        """
        paths, others = self.split_registry_paths(overrides)
        try:
            cfg: DictConfig = super().load_configuration(
                config_name, others, run_mode, from_shell, validate_sweep_overrides
            )
        except RecursionError as error:
            circle = _circle(error)
            if not circle:
                raise
            by_way = f" by way of {', '.join(map(repr, circle[1:]))}" if circle[1:] else ""
            raise ConfigCompositionException(f"In {circle[0]!r}: its defaults lead back to it{by_way}") from error
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


def _circle(error: RecursionError) -> list[str]:
    """Return the configs whose defaults lists go round in a circle, by the calls in which Hydra followed them."""
    calls = [frame.f_locals for frame, _ in traceback.walk_tb(error.__traceback__)]
    paths = [str(names["path"]) for names in calls if {"repo", "root", "path"} <= names.keys()]
    return [path for path, times in Counter(paths).items() if times > 1]


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

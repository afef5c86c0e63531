"""Hydra's defaults for a command: no output folder, no log file, logs on stderr; whatever the user says wins.

Hydra's own lowest-precedence options are replaced by ours, so that a config or an override needs no looking at. Only
what Hydra writes beside the run (`.hydra/`, `multirun.yaml`) depends on another setting, and is settled when the
config is composed: it is written where the user asked for a folder, and nowhere otherwise.
"""

import atexit
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.types import RunMode
from omegaconf import DictConfig

from ccflow_etl.config.compose import ConfigLoader

_OPTION = "cc_etl"
_UNSAID = "<unless asked>"


def use_quiet_defaults() -> None:
    """Make `hydra/output`, `hydra/job_logging` and `hydra/hydra_logging` quiet in this process."""
    store = ConfigStore.instance()
    output = {"run": {"dir": "."}, "sweep": {"dir": _UNSAID, "subdir": _UNSAID}}
    store.store(group="hydra/output", name=_OPTION, node=output, package="hydra")
    line = "[%(asctime)s][%(name)s][%(levelname)s] - %(message)s"
    store.store(group="hydra/job_logging", name=_OPTION, node=_logging_to_stderr(line))
    store.store(group="hydra/hydra_logging", name=_OPTION, node=_logging_to_stderr("[%(asctime)s][HYDRA] %(message)s"))
    ours = {"output", "job_logging", "hydra_logging"}
    hydra = store.repo["hydra"]["config.yaml"].node
    hydra.output_subdir = _UNSAID
    hydra.defaults = [
        {group: _OPTION if group in ours else option} for item in hydra.defaults for group, option in item.items()
    ]


class QuietLoader(ConfigLoader):
    """A loader that settles what the quiet defaults left open."""

    def __init__(self, path: ConfigSearchPath) -> None:
        super().__init__(path)
        self._scratch: str | None = None

    def load_configuration(
        self,
        config_name: str | None,
        overrides: list[str],
        run_mode: RunMode,
        from_shell: bool = True,
        validate_sweep_overrides: bool = True,
    ) -> DictConfig:
        """Compose the config, with the node `hydra`."""
        cfg = super().load_configuration(config_name, overrides, run_mode, from_shell, validate_sweep_overrides)
        hydra = cfg.hydra
        sweeping = hydra.mode == RunMode.MULTIRUN
        asked = _raw(hydra.sweep, "dir") != _UNSAID if sweeping else _raw(hydra.run, "dir") != "."
        if _raw(hydra.sweep, "subdir") == _UNSAID:
            # an absolute subdir is the job's folder whatever the sweep's folder is
            hydra.sweep.subdir = str(Path.cwd()) if sweeping and not asked else "${hydra.job.num}"
        if _raw(hydra.sweep, "dir") == _UNSAID:
            # Hydra's sweeper always writes a multirun.yaml
            hydra.sweep.dir = self._throw_away_folder() if sweeping else "."
        if hydra.output_subdir == _UNSAID:
            hydra.output_subdir = ".hydra" if asked else None
        return cfg

    def _throw_away_folder(self) -> str:
        if self._scratch is None:
            self._scratch = mkdtemp(prefix="cc-etl-")
            atexit.register(rmtree, self._scratch)
        return self._scratch


def _raw(node: DictConfig, key: str) -> Any:
    """Return the value as it is written: an interpolation may not be resolvable yet."""
    return node._get_node(key)._value()  # type: ignore[union-attr] # one node, as it is a key and not a slice


def _logging_to_stderr(line: str) -> dict[str, Any]:
    return {
        "version": 1,
        "formatters": {"simple": {"format": line}},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "simple", "stream": "ext://sys.stderr"}
        },
        "root": {"level": "INFO", "handlers": ["console"]},
        # boto3 tells where it found its keys with every client, and ccflow-s3 makes a client for every request
        "loggers": {"botocore": {"level": "WARNING"}},
        "disable_existing_loggers": False,
    }

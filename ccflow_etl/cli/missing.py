"""The keys of a config that have no value yet."""

from typing import Any

from omegaconf import DictConfig, OmegaConf


def missing_keys(cfg: DictConfig) -> list[str]:
    """Return the keys whose value is `???`, sorted, as they are written.

    OmegaConf's own function resolves, and fails where a value is made of one that is missing.

    >>> missing_keys(OmegaConf.create({"bucket": "???", "store": {"bucket": "${bucket}", "prefix": "???"}}))
    ['bucket', 'store.prefix']
    """
    return sorted(_missing(OmegaConf.to_container(cfg, resolve=False), ""))


def _missing(node: Any, key: str) -> list[str]:
    if isinstance(node, dict | list):
        items = node.items() if isinstance(node, dict) else enumerate(node)
        return [found for name, item in items for found in _missing(item, f"{key}.{name}" if key else str(name))]
    return [key] if node == "???" else []

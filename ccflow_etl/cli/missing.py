"""The keys of a config that have no value yet, and those that ccflow cannot take."""

from typing import Any

from omegaconf import DictConfig, OmegaConf


def missing_keys(cfg: DictConfig) -> list[str]:
    """Return the keys whose value is `???`, sorted, as they are written.

    OmegaConf's own function resolves, and fails where a value is made of one that is missing.

    >>> missing_keys(OmegaConf.create({"bucket": "???", "store": {"bucket": "${bucket}", "prefix": "???"}}))
    ['bucket', 'store.prefix']
    """
    return sorted(_missing(OmegaConf.to_container(cfg, resolve=False), ""))


def keys_that_are_no_text(cfg: DictConfig) -> list[str]:
    """Return the keys that are numbers or dates where ccflow looks for models: everywhere but in a model itself.

    >>> keys_that_are_no_text(OmegaConf.create({"shops": {1: 2}, "prices": {"_target_": "Prices", "by": {1: 2}}}))
    ['shops.1']
    """
    return sorted(_no_text(OmegaConf.to_container(cfg, resolve=False), ""))


def _no_text(node: Any, key: str) -> list[str]:
    if not isinstance(node, dict) or "_target_" in node:
        return []
    odd = [path for name, path, _ in _parts(node, key) if not isinstance(name, str)]
    return odd + [found for _, path, item in _parts(node, key) for found in _no_text(item, path)]


def _missing(node: Any, key: str) -> list[str]:
    if isinstance(node, dict | list):
        return [found for _, path, item in _parts(node, key) for found in _missing(item, path)]
    return [key] if node == "???" else []


def _parts(node: Any, key: str) -> list[tuple[Any, str, Any]]:
    """The name, the whole key and the value of each part of a dict or list."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    return [(name, f"{key}.{name}" if key else str(name), item) for name, item in items]

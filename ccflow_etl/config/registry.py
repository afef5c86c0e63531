"""A composed config loaded into ccflow's root registry in the place of one that was loaded before."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ccflow import BaseModel, ModelRegistry

if TYPE_CHECKING:
    from omegaconf import DictConfig


def replace_config(cfg: "DictConfig") -> ModelRegistry:
    """Load `cfg` over what the root registry holds under the same names, and return the registry.

    The old models are taken out first: a reference that is resolved while they are there finds them, and not the ones
    that are about to take their place. What was not replaced in the end, because the config has something else under
    the name or because it cannot be loaded, is put back.

    Raises:
        hydra.errors.HydraException: A model cannot be built.
    """
    registry = ModelRegistry.root()
    named = [str(name) for name, value in cfg.items() if isinstance(value, Mapping)]
    before: dict[str, BaseModel] = {name: registry[name] for name in named if name in registry.models}
    for name in before:
        registry.remove(name)
    try:
        registry.load_config(cfg, overwrite=True)
    except BaseException:
        for name, model in before.items():
            registry.add(name, model, overwrite=True)
        raise
    for name in before.keys() - registry.models.keys():
        registry.add(name, before[name])
    return registry

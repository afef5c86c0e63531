"""The config in the page of a run, and the secrets that are kept out of it."""

import re
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import ccflow
from ccflow import ModelRegistry
from pydantic import BaseModel, SecretBytes, SecretStr

from ccflow_etl.pages.declared import declares_secrets, field_named, is_declared_secret
from ccflow_etl.pages.outline import outline
from ccflow_etl.pages.secrets import HIDDEN, is_secret, secrets_in

if TYPE_CHECKING:
    from ccflow_etl.cli.report_page import ReportedRun

__all__ = ["settings_of"]

_INTERPOLATION = re.compile(r"\$\{.*?\}")


def settings_of(run: "ReportedRun") -> tuple[str, set[str]]:
    """The config of a run in lines without its secrets, and the secrets of it and of all models."""
    models = ModelRegistry.root().models
    # without their names in the registry, which tell of no secret
    secrets = set(secrets_in([run.resolved, run.job.model, run.job.context, *_models(models)]))
    built = {**models, "context": run.job.context}
    return outline(_hidden(run.raw, run.resolved, built, secrets)), secrets


def _models(models: Mapping[str, Any]) -> Iterator[BaseModel]:
    for model in models.values():
        if isinstance(model, ModelRegistry):
            yield from _models(model.models)
        else:
            yield model


def _hidden(raw: Any, resolved: Any, built: Any, secrets: set[str]) -> Any:
    """The resolved config without its secrets.

    Left out is what is interpolated from one, such as ${oc.env:DB_PASSWORD}, and what the class of a model that was
    built from it declares as one.
    """
    interpolated = isinstance(raw, str) and any(map(is_secret, _INTERPOLATION.findall(raw)))
    if interpolated or _is_secret_whole(resolved, built):
        return _hide(resolved, secrets)
    classes = _classes(resolved, built)
    if isinstance(resolved, dict):
        names, parts = list(resolved), list(resolved.values())
    elif isinstance(resolved, list):
        # a context may be given as the values of its fields, in their order
        fields: list[Any] = list(classes[0].model_fields) if classes else []
        names, parts = [*fields, *range(len(fields), len(resolved))][: len(resolved)], resolved
    else:
        return resolved
    # what is interpolated as a whole has nothing raw inside
    raws = (raw.values() if isinstance(raw, dict) else raw) if type(raw) is type(resolved) else parts
    told = [
        _hide(part, secrets)
        if any(is_declared_secret(cls, str(name)) for cls in classes)
        else _hidden(raw_part, part, _part(built, name), secrets)
        for name, raw_part, part in zip(names, raws, parts, strict=True)
    ]
    return dict(zip(names, told, strict=True)) if isinstance(resolved, dict) else told


def _hide(resolved: Any, secrets: set[str]) -> str:
    secrets.update(secrets_in(resolved, secret=True))
    return HIDDEN


def _is_secret_whole(resolved: Any, built: Any) -> bool:
    """Whether a value became a secret, or a text a model that has some."""
    if isinstance(built, SecretStr | SecretBytes):
        return True
    if not isinstance(resolved, str) or not isinstance(built, BaseModel):
        return False
    # a registered model is one that a path refers to
    by_path = isinstance(built, ccflow.BaseModel) and bool(built.get_registered_names())
    return not by_path and declares_secrets(type(built))


def _classes(resolved: Any, built: Any) -> list[type[BaseModel]]:
    """The classes that tell of the parts of a value: of what was built, and the one that is named, which may differ."""
    named = _imported(resolved.get("_target_")) if isinstance(resolved, dict) else None
    of_built = built.func if isinstance(built, partial) else type(built)
    return [cls for cls in (of_built, named) if isinstance(cls, type) and issubclass(cls, BaseModel)]


def _imported(path: Any) -> Any:
    """What is at a path of a module that is there already: a page imports nothing of others."""
    module, _, name = path.rpartition(".") if isinstance(path, str) else ("", "", "")
    return vars(sys.modules[module]).get(name) if module in sys.modules else None


def _part(built: Any, name: Any) -> Any:
    """What was built from a part of the config; None where that has no place of its own."""
    if isinstance(built, ModelRegistry):
        built = built.models
    elif isinstance(built, partial):
        built = built.keywords
    if isinstance(built, BaseModel):
        # Not by getattr: a property of the name may do anything.
        return built.__dict__.get(field_named(type(built), str(name)) or "")
    if isinstance(built, Mapping):
        return built.get(name)
    return built[name] if isinstance(built, list | tuple) and isinstance(name, int) and name < len(built) else None

"""Whether a saved plan and what is about to run it go together, and which of its steps are left."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from ccflow import BaseModel

from ..calendars.bounds import is_expression
from ..calendars.units import is_registry_path
from ..pages.text import number
from .backfill_context import BackfillContext, fields_of_list
from .plan_file import PlanError, one_line

__all__ = ["check_context", "check_model", "done_by", "fingerprint"]

# What is run and how its steps are called; the others say how to go about it, and may change between plan and run.
_DECIDING = ("model", "checkpoint_store", "key", "code_version", "overwrite", "only")

# What names an object, or a class that was defined in a script, within one process.
_ADDRESS = re.compile(r"(?<=\w)@[0-9a-f]{6,}$")
_LOCAL = re.compile(r"(ccflow\.local_persistence\._Local_\w+)_[0-9a-f]{12}$")


def fingerprint(backfill: BaseModel, salt: str) -> dict[str, str]:
    """A digest of each setting that decides what a backfill runs: settings may be secrets, and are not told.

    >>> from ccflow_etl import BackfillModel, LocalWriteModel
    >>> one, other = (fingerprint(BackfillModel(model=LocalWriteModel(format=name)), "") for name in ("json", "text"))
    >>> [name for name in one if one[name] != other[name]]
    ['model.format']
    """
    dump = backfill.__pydantic_serializer__.to_python(
        backfill, mode="json", include={*_DECIDING, "type_"}, fallback=lambda value: type(value).__qualname__
    )
    return {
        name: hashlib.sha256(json.dumps([salt, name, value], sort_keys=True).encode()).hexdigest()[:16]
        for name, value in _leaves(dump)
    }


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for part in sorted(value):
            yield from _leaves(value[part], f"{name}.{part}" if name else part)
    elif isinstance(value, list) and value:
        for position, part in enumerate(value):
            yield from _leaves(part, f"{name}.{position}")
    else:
        yield name, _LOCAL.sub(r"\1", _ADDRESS.sub("", value)) if isinstance(value, str) else value


def check_model(backfill: BaseModel, planned: Mapping[str, str] | None, salt: str) -> None:
    """Compare a backfill with the one that a plan was made by.

    Raises:
        PlanError: They differ; the message names the settings.
    """
    now = fingerprint(backfill, salt)
    then = now if planned is None else planned
    differs = {name.removesuffix(".type_") for name in now.keys() | then.keys() if now.get(name) != then.get(name)}
    # A model of another class, or where there was none, has other settings, which need not be told.
    told = sorted(name for name in differs if differs.isdisjoint(_above(name)))
    if told:
        more = f" and {len(told) - 5} more" if len(told) > 5 else ""
        raise PlanError(
            f"the plan was made for another backfill, with other settings of {', '.join(told[:5])}{more}",
            "run it with the settings that it was made with, or make another plan",
        )


def _above(name: str) -> Iterator[str]:
    """The settings that a setting is part of."""
    parts = name.split(".")
    return accumulate(parts[:-1], "{}.{}".format)


def check_context(planned: BackfillContext[Any], given: Any) -> None:
    """Compare what is given of a context with that of a plan; bounds that are relative to now are the plan's.

    Raises:
        PlanError: They differ, or what is given is not a context; the message names the values.

    >>> planned = BackfillContext(start_datetime="2024-01-01", end_datetime="2024-01-31")
    >>> check_context(planned, {"start_datetime": "2024-01-01", "end_datetime": "yesterday"})
    >>> check_context(planned, {"end_datetime": "2024-02-01"})
    Traceback (most recent call last):
    ...
    ccflow_etl.models.plan_file.PlanError: the plan has another range: end_datetime is 2024-01-31 00:00:00 there, and \
2024-02-01 00:00:00 is given; leave the context out to run the plan, or make another plan
    """
    if not given:
        return
    hint = "leave the context out to run the plan, or make another plan"
    try:
        now = type(planned).model_validate(_completed(planned, given))
    except ValueError as error:
        raise PlanError(f"the context that is given does not fit the plan: {one_line(error)}", hint) from error
    pairs = {
        name: (getattr(planned, name), getattr(now, name)) for name in ("start_datetime", "end_datetime", "direction")
    }
    child, other = planned.context.model_dump(), now.context.model_dump()
    pairs |= {f"context.{name}": (child.get(name), other.get(name)) for name in {**child, **other}}
    differs = [
        f"{name} is {then} there, and {value} is given" for name, (then, value) in pairs.items() if then != value
    ]
    if not differs and not planned.windows().equals(now.windows()):
        name = "calendar" if now.calendar is not None else "interval"
        differs = [f"it has {number(len(planned.steps()), 'step')}, and the {name} that is given makes others"]
    if differs:
        raise PlanError(f"the plan has another range: {', '.join(differs)}", hint)


def _completed(planned: BackfillContext[Any], given: Any) -> Any:
    """What is given of a context, and the rest from the plan."""
    if isinstance(given, str) and not is_registry_path(given):
        given = given.split(",")
    if isinstance(given, list | tuple):
        given = fields_of_list(given)
    if not isinstance(given, Mapping):
        return given
    fields = {
        name: value
        for name, value in given.items()
        if value is not None and name != "now" and not (name.endswith("_datetime") and is_expression(value))
    }
    base = {name: getattr(planned, name) for name in type(planned).model_fields}
    if "interval" in fields or "calendar" in fields:
        base = {name: value for name, value in base.items() if name not in ("interval", "calendar")}
    child = fields.get("context")
    if isinstance(child, Mapping):
        own = planned.context.model_dump()
        named = {} if "_target_" in child else {"_target_": own.pop("type_")}
        fields["context"] = named | own | dict(child)
    return base | fields


def done_by(plan_id: str, store: Any, keys: Sequence[str]) -> list[bool]:
    """Which steps a run of the plan has done, going by their marks; none where a store does not tell its marks.

    >>> done_by("4f1d", {"2024-01-01": "the record of another"}, ["2024-01-02"])
    [False]
    """
    bulk, get = getattr(store, "get_many", None), getattr(store, "get", lambda key: None)
    records = map(get, keys) if bulk is None else bulk(keys)
    return [
        record is not None and record.status == "succeeded" and (record.metadata or {}).get("plan") == plan_id
        for record in records
    ]

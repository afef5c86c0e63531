"""A plan in a Parquet file: the frame as the table, and what else there is to it as JSON in the metadata."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccflow import PyObjectPath
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from ..codecs.codec import PayloadCodec
from ..codecs.errors import PayloadDecodeError, PayloadEncodeError, PayloadIntegrityError, PayloadTooLargeError
from ..stores.atomic import write_atomic
from .backfill_context import BackfillContext

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PlanError", "one_line", "read_plan", "write_plan"]

_ATTRIBUTE = "ccflow_etl.plan"
_VERSION = 1
_ANOTHER = "cc-etl-plan --output makes another plan"


class PlanError(ValueError):
    """A saved plan that cannot be written, read or run as it was made; ``hint`` says what to do.

    >>> print(PlanError("sales.parquet is not a plan", "name another file"))
    sales.parquet is not a plan; name another file
    """

    def __init__(self, message: str, hint: str):
        super().__init__(message, hint)
        self.message, self.hint = message, hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}"


def one_line(error: Exception) -> str:
    """What an error says; of a validation error each field and what is wrong with it.

    >>> for fields in {"direction": "up", "overwrite": "no"}, {"interval": "bh"}:
    ...     try:
    ...         BackfillContext(start_datetime="today", end_datetime="today", **fields)
    ...     except ValidationError as error:
    ...         print(one_line(error))
    direction: Input should be 'forward' or 'backward', overwrite: Extra inputs are not permitted
    Interval 1bh is not supported without working days: ...
    """
    if not isinstance(error, ValidationError):
        return str(error)
    told = []
    for detail in error.errors(include_url=False):
        name = ".".join(str(part) for part in detail["loc"] if "[" not in str(part))
        told.append((f"{name}: " if name else "") + detail["msg"].removeprefix("Value error, "))
    return ", ".join(told)


def write_plan(
    path: str | os.PathLike[str], frame: "pd.DataFrame", context: BackfillContext[Any], rest: dict[str, Any]
) -> None:
    """Write a plan's frame, its context and the rest of it, which is JSON."""
    frame.attrs[_ATTRIBUTE] = json.dumps({"version": _VERSION, "context": _dump(context)} | rest)
    try:
        data = _codec().encode(frame)
    except PayloadEncodeError as error:
        raise PlanError(f"the plan has no Parquet form: {error}", "run it without saving it") from error
    write_atomic(path, data)


def read_plan(path: str | os.PathLike[str]) -> "tuple[pd.DataFrame, BackfillContext[Any], dict[str, Any]]":
    """What :func:`write_plan` wrote: the frame, the context and the rest."""
    import pandas as pd

    try:
        frame = _codec().decode(Path(path).read_bytes())
    except PayloadDecodeError as error:
        raise PlanError(f"{path} is not a plan, or is damaged: {error}", _ANOTHER) from error
    except (PayloadIntegrityError, PayloadTooLargeError) as error:
        raise PlanError(f"{path} is damaged: {error}", _ANOTHER) from error
    attributes = getattr(frame, "attrs", {})
    if _ATTRIBUTE not in attributes:
        raise PlanError(
            f"{path} is a Parquet file, but not a plan as it was saved", "name the file that cc-etl-plan --output made"
        )
    rest = json.loads(attributes[_ATTRIBUTE])
    version = rest.pop("version")
    if version != _VERSION:
        raise PlanError(f"{path} is a plan of format {version}, and this version reads format {_VERSION}", _ANOTHER)
    try:
        context = _load(rest.pop("context"))
    except (ImportError, AttributeError, ValueError) as error:
        raise PlanError(f"the context of {path} cannot be made again: {one_line(error)}", _ANOTHER) from error
    # What is run is made from the context, by a calendar that may have changed since.
    steps, saved = pd.DatetimeIndex(context.steps()), pd.DatetimeIndex(frame["step"])
    if not steps.equals(saved):
        differs = [f"{now} was {then}" for then, now in zip(saved, steps, strict=False) if then != now]
        told = differs[0] if differs else f"{len(steps)} were {len(saved)}"
        raise PlanError(f"the calendar of {path} has other steps now: {told}", _ANOTHER)
    return frame, context, rest


def _codec() -> PayloadCodec:
    return PayloadCodec(format="parquet")


def _dump(context: BackfillContext[Any]) -> Any:
    """A context as JSON values from which it can be made again."""
    try:
        # The generic's own type is named after the module that first asked for it, so it is left out.
        dump = json.loads(context.model_dump_json(exclude={"type_"}))
        if _load(dump).model_dump(exclude={"type_"}) == context.model_dump(exclude={"type_"}):
            return dump
        reason = "it comes back as another one"
    except (PydanticSerializationError, ValueError) as error:
        reason = one_line(error)
    raise PlanError(f"the context of the plan cannot be written as JSON: {reason}", "run the plan without saving it")


def _load(dump: Any) -> BackfillContext[Any]:
    return BackfillContext.model_validate(dump | {"context": _importable(dump["context"])})


def _importable(child: dict[str, Any]) -> dict[str, Any]:
    """A child context without its type, where that was defined in a process that has ended; the model knows it."""
    try:
        PyObjectPath(child["type_"]).object  # noqa: B018 # it is looked up, which may raise
    except (ImportError, AttributeError, ValueError):
        return {name: value for name, value in child.items() if name != "type_"}
    return child

"""StepKeys: the stable name of each step in a checkpoint store."""

import datetime as dt
import hashlib
import pickle
import string
from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any, overload

from ccflow import CallableModel, ContextBase
from pydantic_core import to_json

from .step_maker import needs_windows, step_fields
from .steps import StepContexts, datetimes

__all__ = ["DEFAULT_KEY", "StepKeys", "check_key", "placeholders"]

DEFAULT_KEY = "{model}/{step}/{context}"
_MIDNIGHT = dt.time()


def check_key(template: str) -> str:
    """The template itself, once it is known to name every step differently.

    Raises:
        ValueError: It has a placeholder that is none of ``model``, ``version``, ``context`` and ``step``, or no
            ``step``, so that all steps would share one mark.

    >>> check_key("sales/{step}")
    'sales/{step}'
    """
    names = placeholders(template)
    formatted = any(form or conversion for _, _, form, conversion in string.Formatter().parse(template))
    if formatted or "step" not in names or names - {"model", "version", "context", "step"}:
        raise ValueError(
            f"key {template!r} needs the placeholder {{step}} and may have {{model}}, {{version}} and {{context}}: "
            "these, and without a format."
        )
    return template


def placeholders(template: str) -> set[str]:
    """The names of what a template has in braces.

    >>> sorted(placeholders("{model}/{step}"))
    ['model', 'step']
    """
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


class StepKeys(Sequence[str]):
    """Keys of the form of a template, with these placeholders.

    ``{model}`` is the model's class, and its name in its metadata if it has one: in a config that is its place in the
    registry, which other models have in other configs. With a code version, ``@`` and the version follow.
    ``{version}`` is the code version alone. ``{step}`` is the step, a date if it is a midnight without a time zone; of
    a context that carries a range it is the window, ``start--end``. ``{context}`` is a digest of everything in the
    context that is not the step, so that backfills of different contexts do not take each other's marks.

    >>> from ccflow_etl import BackfillContext, LocalWriteModel
    >>> months = BackfillContext(start_datetime="2024-01-01", end_datetime="2024-12-31", interval="ME")
    >>> StepKeys("{model}/{step}", LocalWriteModel(), None, months.context, months.step_contexts())[0]
    'LocalWriteModel/2024-01-31'
    """

    def __init__(
        self,
        template: str,
        model: CallableModel,
        version: str | None,
        context: ContextBase,
        contexts: StepContexts[Any],
    ):
        # An @ of the name's or the version's own is doubled, so that no two of them look the same together.
        name = ":".join(filter(None, (type(model).__name__, model.meta.name))).replace("@", "@@")
        self._format = template.replace("{model}", name if version is None else f"{name}@{version.replace('@', '@@')}")
        self._format = self._format.replace("{version}", version or "").replace("{context}", _digest(context))
        self._steps, self._ends = contexts.steps, contexts.ends if needs_windows(context) else None

    def __iter__(self) -> Iterator[str]:
        return iter(self.all())

    def __len__(self) -> int:
        return len(self._steps)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return self.all()[index]
        return self._key(self._steps[index], None if self._ends is None else self._ends[index])

    def all(self) -> list[str]:
        """Every key, in order."""
        ends = repeat(None) if self._ends is None else datetimes(self._ends)
        return [self._key(step, end) for step, end in zip(datetimes(self._steps), ends, strict=False)]

    def _key(self, step: dt.datetime, end: dt.datetime | None) -> str:
        return self._format.replace("{step}", _text(step) if end is None else f"{_text(step)}--{_text(end)}")


def _text(step: dt.datetime) -> str:
    whole = step.tzinfo is None and step.time() == _MIDNIGHT
    return step.date().isoformat() if whole else step.isoformat()


def _digest(context: ContextBase) -> str:
    placed = step_fields(type(context), tuple(context.model_extra or ()))
    rest = _ordered(context.model_dump(exclude={*placed, "type_"}))
    return hashlib.sha256(to_json(rest, fallback=_digest_of_object)).hexdigest()[:12]


def _ordered(value: Any) -> Any:
    """A dump without the order of dicts and sets, which is not part of what they hold and differs between processes."""
    if isinstance(value, dict):
        return {name: _ordered(value[name]) for name in sorted(value, key=str)}
    if isinstance(value, set | frozenset):
        return sorted(to_json(_ordered(item), fallback=_digest_of_object).decode() for item in value)
    return [_ordered(item) for item in value] if isinstance(value, list | tuple) else value


def _digest_of_object(value: Any) -> str:
    """What stands for an object that has no JSON, such as a DataFrame."""
    return hashlib.sha256(pickle.dumps(value)).hexdigest()

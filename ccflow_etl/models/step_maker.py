"""Making the context of a step: a template with the step put into the fields that its type declares for one."""

import copy
import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any, TypeVar, get_args
from uuid import UUID

from ccflow import ContextBase
from pydantic import ValidationError

__all__ = ["as_declared", "carries_window", "needs_windows", "step_fields", "step_maker"]

C = TypeVar("C", bound=ContextBase)
Step = dt.datetime

_MICROSECOND = dt.timedelta(microseconds=1)
_IMMUTABLE = (
    *(str, bytes, int, float, complex, type(None)),
    *(dt.date, dt.time, dt.timedelta, dt.tzinfo, Decimal, Enum, PurePath, UUID),
)

_EMPTY_CONTAINERS = (None, list, dict, set, tuple, frozenset)


def _start(start: Step, end: Step) -> Step:
    return start


def _end(start: Step, end: Step) -> Step:
    return end


def _last_day(start: Step, end: Step) -> Step:
    return end - _MICROSECOND


_AT_STEP = {"date": _start, "datetime": _start, "dt": _start}

# A range of dates includes its last day; a range of datetimes is half-open, as the step's window is.
_AT_WINDOW = {"start_date": _start, "end_date": _last_day, "start_datetime": _start, "end_datetime": _end}
_PARTS = _AT_STEP | _AT_WINDOW


def step_fields(context_type: type[ContextBase], extra: Sequence[str] = ()) -> tuple[str, ...]:
    """The fields of a context type, or of the extra ones that a context has, that a step is put into.

    >>> from ccflow import DateContext, DatetimeRangeContext
    >>> step_fields(DateContext), step_fields(DatetimeRangeContext)
    (('date',), ('start_datetime', 'end_datetime'))
    """
    return tuple(name for name in _PARTS if name in context_type.model_fields or name in extra)


def needs_windows(template: ContextBase) -> bool:
    """Whether a context carries the window of its step.

    >>> from ccflow import DateContext
    >>> needs_windows(DateContext(date="2024-01-31"))
    False
    """
    return not _AT_WINDOW.keys().isdisjoint(_names(template))


def carries_window(context_type: type[ContextBase]) -> bool:
    """Whether a context type declares fields for the window of a step.

    >>> from ccflow import DateRangeContext
    >>> carries_window(DateRangeContext)
    True
    """
    return not _AT_WINDOW.keys().isdisjoint(context_type.model_fields)


def as_declared(context_type: type[ContextBase], name: str, value: dt.datetime) -> dt.date:
    """A step as one of a context type's step fields carries it: a date where the field is one.

    >>> from ccflow import DateContext
    >>> as_declared(DateContext, "date", dt.datetime(2024, 1, 31, 12))
    datetime.date(2024, 1, 31)
    """
    return value.date() if _is_day(context_type, name) else value


def _is_day(context_type: type[ContextBase], name: str) -> bool:
    """Whether a step field carries a date: its annotation says so, or its name where the annotation says nothing."""
    field = context_type.model_fields.get(name)
    annotations = [] if field is None else get_args(field.annotation) or (field.annotation,)
    kinds = [kind for kind in annotations if isinstance(kind, type)]
    if any(issubclass(kind, dt.datetime) for kind in kinds):
        return False
    return any(issubclass(kind, dt.date) for kind in kinds) or name.endswith("date")


def _names(template: ContextBase) -> tuple[str, ...]:
    return step_fields(type(template), tuple(template.model_extra or ()))


def step_maker(template: C) -> Callable[[Step, Step], C]:
    """A function from a step and the end of its window to the step's context.

    The context is what validation gives for the template's fields and the step. Where the type does nothing with its
    fields but carry them, copying gives the same in a tenth of the time.
    """
    names = _names(template)
    return _copying(template, names) if _only_carries(type(template), names) else _validating(template, names)


def _validating(template: C, names: Sequence[str]) -> Callable[[Step, Step], C]:
    kind = type(template)
    given = _given(template, names)

    def make(start: Step, end: Step) -> C:
        return kind.model_validate(given | {name: as_declared(kind, name, _PARTS[name](start, end)) for name in names})

    return make


def _given(template: ContextBase, names: Sequence[str]) -> dict[str, Any]:
    """The fields that make the template, without those that validation derives from the rest.

    A field that its context fills in from the date must follow the date of each step.
    """
    set_fields = (*template.model_fields_set, *(template.model_extra or ()))
    given = {name: getattr(template, name) for name in set_fields}
    for name in set_fields:
        if name not in names:
            rest = {other: value for other, value in given.items() if other != name}
            try:
                derived = getattr(type(template).model_validate(rest), name, template)
                if bool(derived == given[name]):
                    given = rest
            except (ValidationError, ValueError, TypeError):
                continue  # it cannot do without, or values that do not compare: keep what was given
    return given


def _copying(template: C, names: Sequence[str]) -> Callable[[Step, Step], C]:
    kind = type(template)
    parts = [(name, _PARTS[name], _is_day(kind, name)) for name in names]
    fields = {name: template.__dict__[name] for name in kind.model_fields}
    changeable = {name: value for name, value in fields.items() if not _is_immutable(value) and name not in names}
    fields_set = template.model_fields_set | set(names)
    new, put = kind.__new__, object.__setattr__

    def make(start: Step, end: Step) -> C:
        step = new(kind)
        values = fields.copy()
        if changeable:
            values |= copy.deepcopy(changeable)
        for name, part, day in parts:
            value = part(start, end)
            values[name] = value.date() if day else value
        put(step, "__dict__", values)
        put(step, "__pydantic_fields_set__", fields_set.copy())
        put(step, "__pydantic_extra__", None)
        put(step, "__pydantic_private__", {"_registrations": [], "_was_registered": False})
        return step

    return make


def _is_immutable(value: Any) -> bool:
    if isinstance(value, tuple | frozenset):
        return all(map(_is_immutable, value))
    return isinstance(value, _IMMUTABLE)


def _only_carries(kind: type[ContextBase], names: Sequence[str]) -> bool:
    """Whether a context type has no validator, hook, derived default, extra fields or private state of its own."""
    decorators = kind.__pydantic_decorators__
    validators: list[Any] = [
        *decorators.validators.values(),
        *decorators.field_validators.values(),
        *decorators.root_validators.values(),
        *decorators.model_validators.values(),
    ]
    hooks = ("__init__", "__new__", "__setattr__", "model_post_init")
    return (
        kind.model_config.get("extra") != "allow"
        and all(_is_theirs(validator.func) for validator in validators)
        and all(_is_theirs(getattr(kind, hook, object)) for hook in hooks)
        and kind.__private_attributes__.keys() == ContextBase.__private_attributes__.keys()
        and all(field.default_factory in _EMPTY_CONTAINERS for field in kind.model_fields.values())
        and all(_is_plain_field(kind, name) for name in names)
    )


def _is_theirs(function: Any) -> bool:
    """Whether a function is the framework's own (ccflow, pydantic, Python) and not the context type's."""
    module = getattr(getattr(function, "__func__", function), "__module__", None) or "builtins"
    return module.partition(".")[0] in ("ccflow", "pydantic", "builtins")


def _is_plain_field(kind: type[ContextBase], name: str) -> bool:
    field = kind.model_fields[name]
    return not field.metadata and set(get_args(field.annotation) or (field.annotation,)) <= {
        dt.date,
        dt.datetime,
        type(None),
    }

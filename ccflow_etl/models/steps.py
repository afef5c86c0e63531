"""StepContexts: one wrapped context for each step of a backfill, made when it is asked for."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args, overload

from ccflow import ContextBase

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["StepContexts", "as_declared", "step_fields"]

C = TypeVar("C", bound=ContextBase)
Step = dt.datetime

_MICROSECOND = dt.timedelta(microseconds=1)
_BLOCK = 4096


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


def step_fields(context_type: type[ContextBase]) -> tuple[str, ...]:
    """The fields of a context type that a step is put into.

    >>> from ccflow import DateContext, DatetimeRangeContext
    >>> step_fields(DateContext), step_fields(DatetimeRangeContext)
    (('date',), ('start_datetime', 'end_datetime'))
    """
    return tuple(name for name in _PARTS if name in context_type.model_fields)


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
    kinds = (
        []
        if field is None
        else [kind for kind in (get_args(field.annotation) or (field.annotation,)) if isinstance(kind, type)]
    )
    if any(issubclass(kind, dt.datetime) for kind in kinds):
        return False
    return any(issubclass(kind, dt.date) for kind in kinds) or name.endswith("date")


class StepContexts(Sequence[C], Generic[C]):
    """A lazy sequence of contexts: the template with each step put into its step fields.

    Nothing is computed before the first use. Indexing and iterating make one context at a time, in constant memory;
    a slice is another lazy sequence.

    Args:
        template: The context that every step is put into.
        steps: Answers with the steps in order.
        windows: Answers with the steps' windows in the same order; called for contexts that carry a range.
    """

    def __init__(self, template: C, steps: Callable[[], "pd.DatetimeIndex"], windows: Callable[[], "pd.IntervalIndex"]):
        self._template = template
        self._make_steps = steps
        self._make_windows = windows

    @cached_property
    def _steps(self) -> "pd.DatetimeIndex":
        return self._make_steps()

    @cached_property
    def _ends(self) -> "pd.DatetimeIndex":
        return self._make_windows().right if set(self._names) & _AT_WINDOW.keys() else self._steps

    @cached_property
    def _names(self) -> tuple[str, ...]:
        extra = self._template.model_extra or {}
        return step_fields(type(self._template)) + tuple(name for name in _PARTS if name in extra)

    def __len__(self) -> int:
        return len(self._steps)

    @overload
    def __getitem__(self, index: int) -> C: ...
    @overload
    def __getitem__(self, index: slice) -> "StepContexts[C]": ...
    def __getitem__(self, index: int | slice) -> "C | StepContexts[C]":
        if isinstance(index, slice):
            return StepContexts(self._template, lambda: self._steps[index], lambda: self._make_windows()[index])
        return self._make(self._steps[index].to_pydatetime(), self._ends[index].to_pydatetime())

    def __iter__(self) -> Iterator[C]:
        for first in range(0, len(self), _BLOCK):
            block = slice(first, first + _BLOCK)
            yield from map(self._make, _datetimes(self._steps[block]), _datetimes(self._ends[block]))

    def __repr__(self) -> str:
        return f"<{len(self)} steps of {type(self._template).__name__}>"

    def _validated(self, start: Step, end: Step) -> C:
        template = self._template
        given = {name: getattr(template, name) for name in (*template.model_fields_set, *(template.model_extra or {}))}
        step = {name: as_declared(type(template), name, _PARTS[name](start, end)) for name in self._names}
        return type(template).model_validate(given | step)

    @cached_property
    def _make(self) -> Callable[[Step, Step], C]:
        template = self._template
        kind, names = type(template), self._names
        if not names:
            return lambda start, end: template
        if not _is_plain(kind, names):
            return self._validated
        parts = [(name, _PARTS[name], _is_day(kind, name)) for name in names]
        fields_set = template.model_fields_set | set(names)
        new, put = kind.__new__, object.__setattr__

        def make(start: Step, end: Step) -> C:
            # What validation would give, for a tenth of its time: see _is_plain.
            step = new(kind)
            values = template.__dict__.copy()
            for name, part, day in parts:
                value = part(start, end)
                values[name] = value.date() if day else value
            put(step, "__dict__", values)
            put(step, "__pydantic_fields_set__", fields_set.copy())
            put(step, "__pydantic_extra__", None)
            put(step, "__pydantic_private__", {"_registrations": [], "_was_registered": False})
            return step

        return make


def _datetimes(index: "pd.DatetimeIndex") -> Any:
    # Ten times faster than to_pydatetime, which aware steps need for their time zone.
    return index.to_numpy().astype("M8[us]").astype(object) if index.tz is None else index.to_pydatetime()


def _is_plain(kind: type[ContextBase], names: Sequence[str]) -> bool:
    """Whether a context type does nothing with a step but carry it: no validator, hook or private state of its own.

    For such a type, copying the validated template and replacing the step fields is what validation would give.
    """
    decorators = kind.__pydantic_decorators__
    validators: list[Any] = [
        *decorators.validators.values(),
        *decorators.field_validators.values(),
        *decorators.root_validators.values(),
        *decorators.model_validators.values(),
    ]
    return (
        all(_is_theirs(validator.func) for validator in validators)
        and all(_carries(kind, name) for name in names)
        and kind.__private_attributes__.keys() == ContextBase.__private_attributes__.keys()
        and kind.model_config.get("extra") != "allow"
        and all(
            _is_theirs(getattr(kind, hook, object))
            for hook in ("__init__", "__new__", "__setattr__", "model_post_init")
        )
    )


def _is_theirs(function: Any) -> bool:
    """Whether a function is the framework's own (ccflow, pydantic, Python) and not the context type's."""
    module = getattr(getattr(function, "__func__", function), "__module__", None) or "builtins"
    return module.partition(".")[0] in ("ccflow", "pydantic", "builtins")


def _carries(kind: type[ContextBase], name: str) -> bool:
    field = kind.model_fields[name]
    plain = {dt.date, dt.datetime, type(None)}
    return not field.metadata and set(get_args(field.annotation) or (field.annotation,)) <= plain

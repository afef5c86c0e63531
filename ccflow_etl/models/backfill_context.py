"""BackfillContext: a range of time, the steps in it, and the context that each step is put into."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, overload

from ccflow import BaseModel, ContextBase, DateContext, DatetimeRangeContext, FlowContext, PyObjectPath
from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    SerializeAsAny,
    ValidationError,
    ValidationInfo,
    field_serializer,
    field_validator,
    model_validator,
)
from typing_extensions import TypeVar

from ..calendars.bounds import is_expression, read_bound, read_instant, resolve_bounds
from ..calendars.builtin import DailyCalendar, IntervalCalendar
from ..calendars.calendar import BaseCalendar
from ..calendars.instants import to_text
from ..calendars.interval import Interval
from ..calendars.units import is_registry_path
from .step_maker import as_declared, step_fields
from .steps import StepContexts

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["BackfillContext"]

C = TypeVar("C", bound=ContextBase, default=ContextBase)

_COMPACT = (
    "[start, end], [start, end, context], [start, end, context, direction] or "
    "[start, end, context, direction, interval or calendar]"
)
_EVERY_DAY = DailyCalendar()


class BackfillContext(DatetimeRangeContext, Generic[C]):
    """A range of time to run a model for, step by step.

    The steps are those of ``calendar``, else of ``interval``, from ``start_datetime`` to ``end_datetime``, both
    inclusive. ``context`` is the model's own context, into which each step is put (``date``, ``datetime`` or ``dt``,
    and the step's window for ``start_date``/``end_date`` or ``start_datetime``/``end_datetime``, whichever the type
    declares). Left out, or given in part, it gets the start of the range where it needs a step.

    ``start_datetime`` and ``end_datetime`` may be written relative to ``now`` (the clock, unless ``now`` is given):
    ``today``, ``-30D``, ``latest`` for the calendar's latest step, ``latest-1M``. They are resolved once, and the
    context records what they came to, so that running it again covers the same range.

    Validates from keywords, from a mapping, and from the compact list ``[start, end]``, ``[start, end, context]``,
    ``[start, end, context, direction]`` or ``[start, end, context, direction, interval or calendar]``.

    >>> context = BackfillContext[DateContext].model_validate(["2024-01-31", "2024-03-31", None, "backward", "ME"])
    >>> [step.date.isoformat() for step in context.step_contexts()]
    ['2024-03-31', '2024-02-29', '2024-01-31']
    >>> late = {"start_datetime": "-30D", "end_datetime": "latest", "interval": "1B", "now": "2024-03-03T12:00"}
    >>> BackfillContext.model_validate(late).end_datetime
    datetime.datetime(2024, 3, 1, 0, 0)
    """

    # All of it in a dump, of which pydantic before 2.13 leaves out what ContextBase does not declare.
    context: SerializeAsAny[C] = Field(
        None, validate_default=True, description="The context that each step is put into."
    )
    direction: Literal["forward", "backward"] = Field(
        "forward", description="Whether the earliest or the latest step comes first."
    )
    interval: Interval = Field(
        Interval(offset="D"), description="The distance between steps, where no calendar is given."
    )
    calendar: BaseCalendar | None = Field(None, description="The steps; wins over the interval.")

    @model_validator(mode="wrap")
    @classmethod
    def _from_forms(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(value, str) and not is_registry_path(value):
            value = value.split(",")
        if isinstance(value, list | tuple):
            value = fields_of_list(value)
        elif isinstance(value, BackfillContext) and not isinstance(value, cls):
            # Of another context type: its fields are validated anew as this one's.
            value = value.__dict__ | {"context": value.context.model_dump(exclude={"type_"})}
        context = handler(_bind(value) if isinstance(value, Mapping) else value)
        if isinstance(context.calendar, IntervalCalendar):
            context.__dict__["interval"] = context.calendar.interval
        # A range that has no steps to give is a mistake of the range, and not of the run that asks for them.
        checked = context._calendar if isinstance(context._calendar, IntervalCalendar) else _EVERY_DAY
        checked.ticks(context.start_datetime, context.end_datetime)
        return context

    @field_validator("start_datetime", "end_datetime", mode="before")
    @classmethod
    def _read_bound(cls, value: Any, info: ValidationInfo) -> dt.datetime:
        # pydantic reads 2024 as seconds since 1970, and ccflow 1M as a month from today and {} not at all.
        return read_bound(value, str(info.field_name))

    @field_serializer("start_datetime", "end_datetime", when_used="json")
    def _with_zone(self, value: dt.datetime) -> str:
        # An offset alone would not tell when the zone changes it.
        return to_text(value)

    @field_validator("context", mode="before")
    @classmethod
    def _fill_step(cls, value: Any, info: ValidationInfo) -> Any:
        if value and not isinstance(value, Mapping):
            return value
        given = dict(value or {})
        kind = cls._child_type(given)
        start = info.data.get("start_datetime", dt.datetime.min)  # absent where it was refused already
        names = ("date",) if kind is FlowContext else step_fields(kind)
        return kind.model_validate({name: as_declared(kind, name, start) for name in names} | given)

    @classmethod
    def _child_type(cls, given: dict[str, Any]) -> type[ContextBase]:
        """The type of a child context given as a mapping, whose own word on it is taken out."""
        named = given.pop("_target_", None) or given.pop("type_", None)
        if named is not None:
            return PyObjectPath(named).object
        declared = cls.model_fields["context"].annotation
        if isinstance(declared, type):
            return declared
        return DateContext if given.keys() <= DateContext.model_fields.keys() else FlowContext

    @overload
    def steps(self, as_array: Literal[False] = False) -> "pd.DatetimeIndex": ...
    @overload
    def steps(self, as_array: bool) -> "pd.DatetimeIndex | NDArray[np.datetime64]": ...
    def steps(self, as_array: bool = False) -> "pd.DatetimeIndex | NDArray[np.datetime64]":
        """The steps in the order they are run: reversed for ``backward``.

        Args:
            as_array: Give a ``datetime64[us]`` array, in UTC where the range has a time zone.

        >>> BackfillContext(start_datetime="2024-01-01", end_datetime="2024-01-02").steps()
        DatetimeIndex(['2024-01-01', '2024-01-02'], dtype='datetime64[us]', freq=None)
        """
        index = self._ordered(self._calendar.ticks(self.start_datetime, self.end_datetime).index())
        return index.asi8.view("M8[us]") if as_array else index

    def windows(self) -> "pd.IntervalIndex":
        """The half-open windows ``[step, next step)`` in the order of :meth:`steps`.

        >>> months = BackfillContext(start_datetime="2024-01-01", end_datetime="2024-02-01", interval="MS")
        >>> [f"{window.left:%Y-%m-%d} to {window.right:%Y-%m-%d}" for window in months.windows()]
        ['2024-01-01 to 2024-02-01', '2024-02-01 to 2024-03-01']
        """
        return self._ordered(self._calendar.windows(self.start_datetime, self.end_datetime))

    def step_contexts(self) -> StepContexts[C]:
        """The wrapped context of each step, as a lazy sequence in the order of :meth:`steps`.

        >>> BackfillContext(start_datetime="2024-01-01", end_datetime="2024-01-02").step_contexts()[-1].date
        datetime.date(2024, 1, 2)
        """
        return StepContexts(self.context, self.steps, self.windows)

    @property
    def _calendar(self) -> BaseCalendar:
        return self.calendar or IntervalCalendar(interval=self.interval)

    def _ordered(self, index: Any) -> Any:
        return index[::-1] if self.direction == "backward" else index


def _bind(value: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a backfill whose bounds are instants, and from which ``now`` is gone."""
    fields = dict(value)
    now = fields.pop("now", None)
    moment = None if now is None else _read_at("now", now, read_instant)
    bounds = {name: fields.get(name) for name in ("start_datetime", "end_datetime")}
    if any(map(is_expression, bounds.values())):
        start, end = (
            bound if is_expression(bound) else _read_at(name, bound, read_bound) for name, bound in bounds.items()
        )
        given = fields.get("calendar") or fields.get("interval") or Interval(offset="D")
        calendar = BaseCalendar.model_validate(given)
        fields["start_datetime"], fields["end_datetime"] = resolve_bounds(start, end, calendar, moment)
    return fields


def _read_at(field: str, value: Any, read: Callable[[Any, str], dt.datetime]) -> dt.datetime:
    try:
        return read(value, field)
    except ValueError as error:
        # All of the context is being validated here, and the mistake is to be told of the field.
        raise ValidationError.from_exception_data(
            "BackfillContext", [{"type": "value_error", "loc": (field,), "input": value, "ctx": {"error": error}}]
        ) from None


def fields_of_list(values: "list[Any] | tuple[Any, ...]") -> dict[str, Any]:
    """The fields that a backfill written as a list gives.

    Raises:
        ValueError: It does not have two to five values.

    >>> fields_of_list(["2024-01-31", "2024-03-31", None, "backward"])
    {'start_datetime': '2024-01-31', 'end_datetime': '2024-03-31', 'direction': 'backward'}
    """
    if not 2 <= len(values) <= 5:
        raise ValueError(f"a backfill written as a list is {_COMPACT}, not a list of {len(values)}: {values!r:.200}")
    fields = dict(zip(("start_datetime", "end_datetime", "context", "direction"), values, strict=False))
    if len(values) == 5 and values[4] is not None:
        fields |= _from_step_length(values[4])
    return {name: value for name, value in fields.items() if value is not None}


def _from_step_length(value: Any) -> dict[str, Any]:
    if isinstance(value, str) and is_registry_path(value):
        value = BaseModel.model_validate(value)
    is_interval = isinstance(value, str | Interval) or (isinstance(value, Mapping) and "offset" in value)
    return {"interval" if is_interval else "calendar": value}

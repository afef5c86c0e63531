"""BackfillContext: the forms it is written in, its steps, and the contexts that the steps are put into."""

import copy
import datetime as dt
import functools
import itertools
import pickle
import sys
import tracemalloc
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import ccflow
import cloudpickle
import numpy as np
import pandas as pd
import pytest
from ccflow import (
    BaseModel,
    ContextBase,
    DateContext,
    DateRangeContext,
    DatetimeContext,
    DatetimeRangeContext,
    FlowContext,
    NullContext,
)
from hydra.utils import instantiate
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    computed_field,
    field_validator,
    model_validator,
)

from ccflow_etl import (
    BackfillContext,
    BaseCalendar,
    DailyCalendar,
    Interval,
    IntervalCalendar,
    RuleCalendar,
    WeekdayCalendar,
)

START, END = dt.datetime(2024, 1, 30), dt.datetime(2024, 2, 2)
DAYS = [dt.datetime(2024, 1, 30), dt.datetime(2024, 1, 31), dt.datetime(2024, 2, 1), dt.datetime(2024, 2, 2)]
DATES = [day.date() for day in DAYS]


def backfill(kind, *values, **fields):
    return BackfillContext[kind].model_validate(list(values) if values else fields)


# --- the forms


class RegionContext(ContextBase):
    date: dt.date
    region: str = "north"


class AtContext(ContextBase):
    datetime: dt.datetime
    region: str = "north"


class BatchContext(ContextBase):
    """A context that no step is put into."""

    name: str = "batch"


@pytest.mark.parametrize(
    "start",
    [START, "2024-01-30", "2024-01-30T00:00:00", START.date(), pd.Timestamp(START), np.datetime64(START)],
    ids=repr,
)
@pytest.mark.parametrize("end", [END, "2024-02-02", END.date()], ids=repr)
@pytest.mark.parametrize("sequence", [list, tuple])
def test_a_start_and_an_end(start, end, sequence):
    context = BackfillContext[DateContext].model_validate(sequence([start, end]))
    assert (context.start_datetime, context.end_datetime) == (START, END)
    assert context.context == DateContext(date=START.date())
    assert (context.direction, context.interval, context.calendar) == ("forward", Interval(offset="D"), None)
    assert context == BackfillContext[DateContext](start_datetime=start, end_datetime=end)
    assert context == BackfillContext[DateContext].model_validate({"start_datetime": start, "end_datetime": end})


def test_a_text_of_two_dates():
    """As a command line writes it."""
    assert BackfillContext[DateContext].model_validate("2024-01-30,2024-02-02") == backfill(DateContext, START, END)


@pytest.mark.parametrize("missing", [None, {}], ids=repr)
def test_a_missing_child_is_the_start_in_every_form(missing):
    for kind, expected in [
        (DateContext, DateContext(date=START.date())),
        (DatetimeContext, DatetimeContext(dt=START)),
        (RegionContext, RegionContext(date=START.date())),
        (AtContext, AtContext(datetime=START)),
        (BatchContext, BatchContext()),
        (NullContext, NullContext()),
        (DatetimeRangeContext, DatetimeRangeContext(start_datetime=START, end_datetime=START)),
        (DateRangeContext, DateRangeContext(start_date=START.date(), end_date=START.date())),
    ]:
        for context in (
            backfill(kind, START, END),
            backfill(kind, START, END, missing),
            backfill(kind, START, END, missing, "forward"),
            backfill(kind, START, END, missing, "forward", "1D"),
            backfill(kind, START, END, missing, None, None),
            backfill(kind, start_datetime=START, end_datetime=END),
            backfill(kind, start_datetime=START, end_datetime=END, context=missing),
            BackfillContext[kind](start_datetime=START, end_datetime=END),
            BackfillContext[kind](start_datetime=START, end_datetime=END, context=missing),
        ):
            assert type(context.context) is kind
            assert context.context == expected


def test_a_child_in_part_gets_the_start():
    for child in ({"region": "south"}, {"region": "south", "date": "2024-01-30"}):
        context = backfill(RegionContext, START, END, child)
        assert context.context == RegionContext(date=START.date(), region="south")
        assert backfill(RegionContext, start_datetime=START, end_datetime=END, context=child) == context
    assert backfill(AtContext, START, END, {"region": "south"}).context == AtContext(datetime=START, region="south")


def test_the_date_of_a_given_child_is_kept():
    child = {"date": "2020-05-05", "region": "south"}
    assert backfill(RegionContext, START, END, child).context.date == dt.date(2020, 5, 5)
    assert child == {"date": "2020-05-05", "region": "south"}
    given_as_model = RegionContext(date=dt.date(2020, 5, 5))
    assert backfill(RegionContext, START, END, given_as_model).context == given_as_model


def test_an_incomplete_child_is_named():
    class Needs(ContextBase):
        date: dt.date
        path: str

    with pytest.raises(ValidationError, match="path"):
        backfill(Needs, START, END)
    with pytest.raises(ValidationError, match="colour"):
        backfill(RegionContext, START, END, {"colour": "red"})
    assert backfill(Needs, START, END, {"path": "p"}).context == Needs(date=START.date(), path="p")


@pytest.mark.parametrize("step", ["2W", Interval(offset="W", n=2), {"offset": "W", "n": 2}], ids=repr)
def test_the_fifth_is_an_interval(step):
    context = backfill(DateContext, START, END, None, "backward", step)
    assert (context.direction, context.interval, context.calendar) == ("backward", Interval(offset="W", n=2), None)


@pytest.mark.parametrize(
    "step", [WeekdayCalendar(), {"_target_": "ccflow_etl.WeekdayCalendar"}, "/test_calendars/weekdays"], ids=repr
)
def test_the_fifth_is_a_calendar(step):
    root = ccflow.ModelRegistry.root()
    root.add("test_calendars", ccflow.ModelRegistry(name="test_calendars"))
    try:
        root["test_calendars"].add("weekdays", WeekdayCalendar())
        context = backfill(DateContext, START, END, None, "forward", step)
        assert context.calendar == WeekdayCalendar()
        assert context == backfill(DateContext, start_datetime=START, end_datetime=END, calendar=step)
    finally:
        root.remove("test_calendars")


def test_the_fifth_is_an_interval_calendar():
    for step in ({"interval": "2W"}, IntervalCalendar(interval="2W")):
        context = backfill(DateContext, START, END, None, "forward", step)
        assert context.calendar == IntervalCalendar(interval="2W")
        assert context.interval == Interval(offset="W", n=2)


@pytest.mark.parametrize("length", [0, 1, 6, 7])
@pytest.mark.parametrize("sequence", [list, tuple])
def test_other_lengths_say_which_are_accepted(length, sequence):
    values = sequence(["2024-01-01", "2024-01-02", None, "forward", "1D", "x", "y"][:length])
    with pytest.raises(ValidationError) as refused:
        BackfillContext[DateContext].model_validate(values)
    message = str(refused.value)
    for form in ("[start, end]", "[start, end, context]", "[start, end, context, direction]"):
        assert form in message
    assert str(length) in message


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"start_datetime": "x", "end_datetime": "2024-01-02"}, "start_datetime"),
        ({"start_datetime": "2024-01-01", "end_datetime": "2024-13-02"}, "end_datetime"),
        ({"start_datetime": "2024-01-01"}, "end_datetime"),
        ({"start_datetime": "2024-01-01", "end_datetime": "2024-01-02", "direction": "sideways"}, "forward.*backward"),
        ({"start_datetime": "2024-01-01", "end_datetime": "2024-01-02", "interval": "2Q"}, "2Q"),
        ({"start_datetime": "2024-01-01", "end_datetime": "2024-01-02", "calendar": "2Q"}, "2Q"),
        ({"start_datetime": "2024-01-01", "end_datetime": "2024-01-02", "calender": "D"}, "calender"),
        ({"start_datetime": 2024, "end_datetime": "2024-01-02"}, "2024"),
        ({"start_datetime": None, "end_datetime": "2024-01-02"}, "start_datetime"),
    ],
)
def test_bad_fields_are_named(fields, named):
    with pytest.raises(ValidationError, match=named):
        BackfillContext[DateContext].model_validate(fields)
    if fields.keys() == {"start_datetime", "end_datetime"}:
        with pytest.raises(ValidationError, match=named):
            BackfillContext[DateContext].model_validate([*fields.values()])


@pytest.mark.parametrize(
    "value", [5, None, object(), 1.5, b"2024-01-01,2024-01-02"], ids=lambda value: type(value).__name__
)
def test_other_values_are_refused(value):
    with pytest.raises(ValidationError):
        BackfillContext[DateContext].model_validate(value)


def test_it_is_a_datetime_range():
    assert issubclass(BackfillContext, DatetimeRangeContext)
    assert issubclass(BackfillContext[DateContext], BackfillContext)
    assert isinstance(backfill(DateContext, START, END), DatetimeRangeContext)


def test_without_a_context_type():
    context = BackfillContext(start_datetime=START, end_datetime=END)
    assert context.context == DateContext(date=START.date())
    assert [step.date for step in context.step_contexts()] == DATES
    region = BackfillContext(start_datetime=START, end_datetime=END, context=RegionContext(date=START.date()))
    assert [type(step) for step in region.step_contexts()] == [RegionContext] * 4
    free = BackfillContext(start_datetime=START, end_datetime=END, context={"region": "south"})
    assert [(step.date, step.region) for step in free.step_contexts()] == [(date, "south") for date in DATES]


def test_one_context_type_becomes_another():
    context = BackfillContext(start_datetime=START, end_datetime=END, context={"region": "south"}, direction="backward")
    narrowed = BackfillContext[RegionContext].model_validate(context)
    assert type(narrowed.context) is RegionContext
    assert (narrowed.context.region, narrowed.direction) == ("south", "backward")
    assert BackfillContext[RegionContext].model_validate(narrowed) == narrowed


# --- the calendar and the interval


def test_the_calendar_wins_over_the_interval():
    context = backfill(
        DateContext, start_datetime="2024-03-01", end_datetime="2024-03-05", interval="1h", calendar=WeekdayCalendar()
    )
    assert list(context.steps().day) == [1, 4, 5]
    assert context.interval == Interval(offset="h")


def test_the_interval_mirrors_an_interval_calendar():
    for calendar in ("2M", {"interval": "2M"}, Interval(offset="M", n=2), IntervalCalendar(interval="2M")):
        context = backfill(DateContext, start_datetime=START, end_datetime=END, interval="1h", calendar=calendar)
        assert context.calendar == IntervalCalendar(interval="2M")
        assert context.interval == Interval(offset="M", n=2)
        assert context == backfill(DateContext, start_datetime=START, end_datetime=END, calendar="2M")
        assert hash(context) == hash(backfill(DateContext, start_datetime=START, end_datetime=END, calendar="2M"))


def test_with_neither_the_steps_are_days():
    pd.testing.assert_index_equal(
        backfill(DateContext, START, END).steps(), pd.DatetimeIndex(DAYS).as_unit("us"), check_names=False
    )


@pytest.mark.parametrize("interval", ["D", "6h", "2D", "B", "ME", "2M", "SMS"])
def test_steps_are_those_of_the_interval_in_either_direction(interval):
    forward = backfill(DateContext, "2024-01-15T06:00", "2024-05-02", None, "forward", interval)
    backward = backfill(DateContext, "2024-01-15T06:00", "2024-05-02", None, "backward", interval)
    expected = Interval.model_validate(interval).steps("2024-01-15T06:00", "2024-05-02")
    pd.testing.assert_index_equal(forward.steps(), expected)
    assert list(backward.steps()) == list(expected[::-1])
    for context in (forward, backward):
        array = context.steps(as_array=True)
        assert isinstance(array, np.ndarray)
        assert array.dtype == np.dtype("M8[us]")
        assert np.array_equal(array, context.steps().to_numpy())
        assert context.steps().dtype == np.dtype("M8[us]")
        assert len(context.step_contexts()) == len(expected)


def test_a_reversed_range_has_no_step():
    for direction in ("forward", "backward"):
        context = backfill(DateContext, END, START, None, direction)
        assert len(context.steps()) == len(context.steps(as_array=True)) == len(context.step_contexts()) == 0
        assert context.steps().dtype == np.dtype("M8[us]")
        assert list(context.step_contexts()) == []
        assert list(context.step_contexts()[:]) == []
        ranges = backfill(DatetimeRangeContext, END, START, None, direction)
        assert list(ranges.step_contexts()) == []


# --- the contexts of the steps


class Both(ContextBase):
    date: dt.date
    datetime: dt.datetime
    dt: dt.datetime
    start_date: dt.date
    end_date: dt.date
    start_datetime: dt.datetime
    end_datetime: dt.datetime


def test_every_step_field_is_filled():
    context = backfill(Both, "2024-01-31T06:30", "2024-03-31T06:30", None, "forward", "M")
    assert list(context.step_contexts()) == [
        Both(
            date=start.date(),
            datetime=start,
            dt=start,
            start_date=start.date(),
            end_date=end.date(),
            start_datetime=start,
            end_datetime=end,
        )
        for start, end in [
            (dt.datetime(2024, 1, 31, 6, 30), dt.datetime(2024, 2, 29, 6, 30)),
            (dt.datetime(2024, 2, 29, 6, 30), dt.datetime(2024, 3, 31, 6, 30)),
            (dt.datetime(2024, 3, 31, 6, 30), dt.datetime(2024, 4, 30, 6, 30)),
        ]
    ]


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("interval", ["D", "W", "B", "MS", "ME", "2M", "QE"])
def test_date_windows_cover_each_day_once(interval, direction):
    """A range of dates includes both of its ends, so a window's last date is the day before the next window's first."""
    context = backfill(DateRangeContext, "2024-01-05", "2024-12-20", None, direction, interval)
    windows = [(step.start_date, step.end_date) for step in context.step_contexts()]
    steps = list(Interval.model_validate(interval).steps("2024-01-05", "2025-12-31").date)
    expected = [
        (day, following - dt.timedelta(days=1))
        for day, following in itertools.pairwise(steps)
        if day <= dt.date(2024, 12, 20)
    ]
    assert windows == (expected if direction == "forward" else expected[::-1])


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("interval", ["D", "6h", "B", "ME", "2M"])
def test_datetime_windows_touch(interval, direction):
    """A range of datetimes is half-open, as the windows of the calendar are."""
    context = backfill(DatetimeRangeContext, "2024-01-05T09:30", "2024-06-20", None, direction, interval)
    windows = [(step.start_datetime, step.end_datetime) for step in context.step_contexts()]
    expected = BaseCalendar.model_validate(interval).windows("2024-01-05T09:30", "2024-06-20")
    expected = list(zip(expected.left.to_pydatetime(), expected.right.to_pydatetime(), strict=True))
    assert windows == (expected if direction == "forward" else expected[::-1])
    assert all(type(step.start_datetime) is type(step.end_datetime) is dt.datetime for step in context.step_contexts())


def test_nothing_else_is_added():
    for kind, fields in [(NullContext, set()), (BatchContext, {"name"}), (RegionContext, {"date", "region"})]:
        steps = backfill(kind, START, END).step_contexts()
        assert len(steps) == 4
        for step in [*steps, *steps[1:3], steps[0], steps[-1]]:
            assert type(step) is kind
            assert set(step.model_dump()) - {"type_"} == fields
            assert step.__dict__.keys() == fields
            assert not step.model_extra
    assert list(backfill(BatchContext, START, END, {"name": "x"}).step_contexts()) == [BatchContext(name="x")] * 4


@pytest.mark.parametrize(
    ("child", "fields"),
    [
        ({"region": "south"}, {"date", "region"}),
        (None, {"date"}),
        (FlowContext(region="south", date=START.date()), {"date", "region"}),
        (FlowContext(region="south", dt=START), {"dt", "region"}),
        (FlowContext(region="south", datetime=START), {"datetime", "region"}),
        (FlowContext(region="south"), {"region"}),
        (FlowContext(start_date=START.date(), end_date=END.date()), {"start_date", "end_date"}),
    ],
)
def test_a_flow_context_carries_the_step_where_it_has_a_place_for_it(child, fields):
    context = backfill(FlowContext, START, END, child)
    steps = list(context.step_contexts())
    assert len(steps) == 4
    for step, day in zip(steps, DAYS, strict=True):
        assert type(step) is FlowContext
        assert set(step.model_extra) == fields
        values = step.model_extra
        assert values.get("date", day.date()) == values.get("start_date", day.date()) == day.date()
        assert values.get("dt", day) == values.get("datetime", day) == day
        assert type(values.get("date", day.date())) is dt.date
        assert values.get("region", "south") == "south"


# --- types of step fields, and what a context does with them


class Sometimes(ContextBase):
    date: dt.date | None = None
    region: str | None = None


class Stamped(ContextBase):
    date: dt.datetime


class Either(ContextBase):
    datetime: dt.date | dt.datetime


class Day(ContextBase):
    dt: dt.date


class Described(ContextBase):
    date: Annotated[dt.date, Field(description="the day", ge=dt.date(2000, 1, 1))]
    limit: int = Field(3, ge=1)


class Aliased(ContextBase):
    date: dt.date = Field(alias="as_of")


class Shifted(ContextBase):
    date: Annotated[dt.date, AfterValidator(lambda day: day.replace(day=1))]


class FirstOfMonth(ContextBase):
    date: dt.date

    @field_validator("date")
    @classmethod
    def _first(cls, value):
        return value.replace(day=1)


class Partitioned(ContextBase):
    date: dt.date
    partition: str = ""

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, values):
        if isinstance(values, dict) and "date" in values:
            values = values | {"partition": f"date={values['date']}"}
        return values


class Checked(ContextBase):
    date: dt.date
    weekday: str | None = None

    @model_validator(mode="after")
    def _name(self):
        self.__dict__["weekday"] = self.date.strftime("%A")
        return self


class Inherits(FirstOfMonth):
    region: str = "north"


class Wrapped(ContextBase):
    date: dt.date
    seen: int = 0

    @model_validator(mode="wrap")
    @classmethod
    def _count(cls, value, handler):
        context = handler(value)
        context.__dict__["seen"] = context.date.day
        return context


class Counted(ContextBase):
    date: dt.date
    _position: int = PrivateAttr(0)

    def model_post_init(self, context):
        super().model_post_init(context)
        self._position = self.date.toordinal()


class Prepared(ContextBase):
    date: dt.date
    note: str | None = None

    def model_post_init(self, context):
        super().model_post_init(context)
        self.__dict__["note"] = f"prepared for {self.date}"


class Private(ContextBase):
    date: dt.date
    _notes: list = PrivateAttr(default_factory=list)


class Computed(ContextBase):
    date: dt.date

    @computed_field
    @property
    def month(self) -> str:
        return self.date.strftime("%Y-%m")


class Remembering(ContextBase):
    date: dt.date

    @functools.cached_property
    def label(self):
        return self.date.isoformat()


class Made(ContextBase):
    date: dt.date
    tag: str = Field(default_factory=lambda values: f"tag-{values['date']}")


class Tagged(ContextBase):
    date: dt.date
    tags: list[str] = Field([])
    options: dict[str, int] = Field({})


class Coerced(ContextBase):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    date: pd.Timestamp

    @field_validator("date", mode="before")
    @classmethod
    def _to_timestamp(cls, value):
        return pd.Timestamp(value)


class Initialised(ContextBase):
    date: dt.date
    note: str = ""

    def __init__(self, **values):
        super().__init__(**values | {"note": f"made on {values['date']}"})


class Nested(ContextBase):
    date: dt.date
    inner: RegionContext


KINDS = [
    *(DateContext, DatetimeContext, DateRangeContext, DatetimeRangeContext, RegionContext, AtContext, BatchContext),
    *(Sometimes, Stamped, Either, Day, Described, Shifted, FirstOfMonth, Partitioned, Checked, Inherits, Wrapped),
    *(Counted, Prepared, Private, Computed, Made, Tagged, Coerced, Initialised, Both, NullContext, Aliased),
    *(
        ccflow.DateEntryTimeContext,
        ccflow.ModelDateContext,
        ccflow.SeedDateRangeContext,
        ccflow.UniverseDatetimeContext,
    ),
    Nested,
]
EXTRA = {
    ccflow.ModelDateContext: {"model": "m"},
    ccflow.UniverseDatetimeContext: {"universe": "u"},
    Nested: {"inner": {"date": "2020-01-01"}},
}


def validated(kind, extra, start, end):
    """The context that validation gives for a step and its window."""
    fields = {"date": start.date(), "datetime": start, "dt": start, "start_datetime": start, "end_datetime": end}
    fields |= {"start_date": start.date(), "end_date": (end - dt.timedelta(microseconds=1)).date()}
    if kind in {Stamped, Coerced}:
        fields["date"] = start
    if kind is Day:
        fields["dt"] = start.date()
    return kind.model_validate(extra | {name: value for name, value in fields.items() if name in kind.model_fields})


def assert_same_context(step, expected):
    assert type(step) is type(expected)
    assert step == expected
    assert step.__dict__ == expected.__dict__
    assert [type(value) for value in step.__dict__.values()] == [type(value) for value in expected.__dict__.values()]
    assert list(step.__dict__) == list(expected.__dict__)
    assert step.model_fields_set == expected.model_fields_set
    assert step.model_extra == expected.model_extra
    assert (step.__pydantic_private__ or {}).keys() == (expected.__pydantic_private__ or {}).keys()
    assert step.model_dump_json() == expected.model_dump_json()
    assert repr(step) == repr(expected)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize(
    ("start", "interval"), [("2024-01-30", "D"), ("2024-01-30T06:15:00.000001", "9h"), ("2024-01-30", "M")]
)
def test_steps_are_what_validation_gives(kind, direction, start, interval):
    extra = EXTRA.get(kind, {})
    context = backfill(kind, start, "2024-04-02", extra, direction, interval)
    windows = BaseCalendar.model_validate(interval).windows(start, "2024-04-02")
    pairs = list(zip(windows.left.to_pydatetime(), windows.right.to_pydatetime(), strict=True))
    pairs = pairs[::-1] if direction == "backward" else pairs
    steps = context.step_contexts()
    assert len(steps) == len(pairs)
    for i, (step, (left, right)) in enumerate(zip(steps, pairs, strict=True)):
        expected = validated(kind, extra, left, right)
        assert_same_context(step, expected)
        if i % 7 == 0:
            assert_same_context(steps[i], expected)
            assert_same_context(steps[i - len(pairs)], expected)
            assert_same_context(pickle.loads(pickle.dumps(step)), expected)
            assert_same_context(copy.deepcopy(step), expected)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(
    start=st.datetimes(dt.datetime(2001, 1, 1), dt.datetime(9000, 1, 1)),
    unit=st.sampled_from(["D", "h", "B", "W", "M", "ME", "SMS", "BQE", "us", "YS"]),
    n=st.integers(1, 40),
    count=st.integers(0, 6),
    direction=st.sampled_from(["forward", "backward"]),
    part=st.slices(7),
)
@settings(max_examples=15, deadline=None)
def test_any_steps_of_any_context_are_what_validation_gives(kind, start, unit, n, count, direction, part):
    calendar = IntervalCalendar(interval=Interval(offset=unit, n=n))
    end = calendar.next(start, count).to_pydatetime() if count else start
    extra = EXTRA.get(kind, {})
    context = backfill(kind, start, end, extra, direction, calendar)
    windows = calendar.windows(start, end)
    pairs = zip(windows.left.to_pydatetime(), windows.right.to_pydatetime(), strict=True)
    expected = [validated(kind, extra, left, right) for left, right in pairs]
    expected = expected[::-1] if direction == "backward" else expected
    steps = context.step_contexts()
    assert len(steps) == len(expected)
    for some, same in ((steps, expected), (steps[part], expected[part])):
        for step, one in zip(some, same, strict=True):
            assert_same_context(step, one)


def test_validators_of_the_context_are_honoured():
    assert {step.date.day for step in backfill(FirstOfMonth, START, END).step_contexts()} == {1}
    assert {step.date.day for step in backfill(Shifted, START, END).step_contexts()} == {1}
    assert {step.date.day for step in backfill(Inherits, START, END).step_contexts()} == {1}
    partitions = [step.partition for step in backfill(Partitioned, START, END).step_contexts()]
    assert partitions == [f"date={date}" for date in DATES]
    assert [step.weekday for step in backfill(Checked, START, END).step_contexts()] == [
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
    ]
    assert [step.seen for step in backfill(Wrapped, START, END).step_contexts()] == [30, 31, 1, 2]
    assert [step._position for step in backfill(Counted, START, END).step_contexts()] == [
        date.toordinal() for date in DATES
    ]
    assert [step.note for step in backfill(Initialised, START, END).step_contexts()] == [
        f"made on {date}" for date in DATES
    ]
    assert [step.tag for step in backfill(Made, START, END).step_contexts()] == [f"tag-{date}" for date in DATES]


def test_a_step_that_the_context_refuses_is_an_error():
    steps = BackfillContext(
        start_datetime="1999-12-31", end_datetime="2000-01-02", context=Described(date="2000-01-01")
    )
    with pytest.raises(ValidationError, match="date"):
        list(steps.step_contexts())
    assert steps.step_contexts()[1].date == dt.date(2000, 1, 1)


def test_what_a_context_remembers_is_not_carried_over():
    context = backfill(Remembering, START, END)
    assert context.context.label == "2024-01-30"
    assert [step.label for step in context.step_contexts()] == [date.isoformat() for date in DATES]


def test_steps_share_nothing_that_they_could_change():
    context = backfill(Tagged, START, END, {"tags": ["a"], "options": {"x": 1}})
    first, second = context.step_contexts()[:2]
    first.tags.append("mine")
    first.options["mine"] = 1
    assert (second.tags, second.options) == (["a"], {"x": 1})
    assert (context.context.tags, context.context.options) == (["a"], {"x": 1})
    assert context.step_contexts()[0].tags == ["a"]


@pytest.mark.parametrize("kind", [DateContext, DatetimeRangeContext, Private, FirstOfMonth, FlowContext])
def test_steps_have_a_state_of_their_own(kind):
    context = backfill(kind, START, END)
    one, other = context.step_contexts()[:2]
    assert one.model_fields_set is not other.model_fields_set
    assert one.__dict__ is not other.__dict__
    assert one.__pydantic_private__ is not other.__pydantic_private__
    if kind is Private:
        one._notes.append("mine")
        assert other._notes == context.context._notes == []


def test_steps_are_not_registered():
    context = backfill(DateContext, START, END)
    step = context.step_contexts()[0]
    root = ccflow.ModelRegistry.root()
    root.add("test_step", step)
    try:
        assert step.get_registered_names() == ["/test_step"]
        assert context.step_contexts()[0].get_registered_names() == []
        assert context.context.get_registered_names() == []
    finally:
        root.remove("test_step")


def test_steps_are_frozen():
    step = backfill(RegionContext, START, END).step_contexts()[0]
    with pytest.raises(ValidationError):
        step.region = "south"


# --- a lazy sequence


def test_the_sequence():
    steps = backfill(DateContext, START, END).step_contexts()
    assert len(steps) == 4
    assert [step.date for step in steps] == DATES
    assert [steps[i].date for i in range(4)] == DATES
    assert [steps[i].date for i in range(-4, 0)] == DATES
    assert [step.date for step in reversed(steps)] == DATES[::-1]
    assert DateContext(date=DATES[2]) in steps
    assert DateContext(date=dt.date(2020, 1, 1)) not in steps
    assert steps.index(DateContext(date=DATES[2])) == 2
    assert list(steps) == list(steps)
    for index in (4, -5, 100):
        with pytest.raises(IndexError):
            steps[index]
    for index in ("0", 1.5):
        with pytest.raises((TypeError, IndexError)):
            steps[index]


@pytest.mark.parametrize("kind", [DateContext, DateRangeContext, FirstOfMonth, NullContext])
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_slices(kind, direction):
    steps = backfill(kind, START, END, None, direction).step_contexts()
    expected = list(steps)
    for part in (
        slice(None),
        slice(1, 3),
        slice(-2, None),
        slice(None, None, 2),
        slice(None, None, -1),
        slice(3, 1),
        slice(2, 99),
    ):
        assert type(steps[part]) is type(steps)
        assert len(steps[part]) == len(expected[part])
        assert list(steps[part]) == expected[part]
        assert list(steps[part][::-1]) == expected[part][::-1]
        for i in range(len(expected[part])):
            assert steps[part][i] == expected[part][i]


class Watched(BaseCalendar):
    """Says when it is asked."""

    asked: list[Any] = Field(default_factory=list, exclude=True)

    def steps(self, start, end):
        self.asked.append((start, end))
        return [start]

    def __hash__(self):
        return 1


@pytest.mark.parametrize(("end", "told"), [(START, "1 step"), (END, "4 steps")])
def test_step_contexts_say_how_many_they_are(end, told):
    assert repr(backfill(DateContext, START, end).step_contexts()) == f"<{told} of DateContext>"


def test_nothing_is_computed_before_it_is_used():
    context = BackfillContext(start_datetime=START, end_datetime=END, calendar=Watched())
    asked = context.calendar.asked
    steps = context.step_contexts()
    part = steps[:1]
    assert asked == []
    assert len(part) == 1
    assert asked


def test_a_long_range_costs_nothing_until_it_is_used():
    context = backfill(DatetimeContext, "0001-01-01", "9999-12-31", None, "forward", "us")
    tracemalloc.start()
    try:
        steps = context.step_contexts()
        steps[:10]
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_iterating_holds_one_step_at_a_time():
    steps = backfill(DatetimeContext, "2014-01-01", "2024-01-01", None, "forward", "h").step_contexts()
    next(iter(steps))
    tracemalloc.start()
    try:
        count = sum(1 for _ in steps)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == len(steps) == 3652 * 24 + 1
    assert peak < 8_000_000  # all the contexts at once take 60 MB
    assert sys.getsizeof(steps) < 1000


# --- what a context is


EXAMPLES = [
    backfill(DateContext, START, END),
    backfill(RegionContext, START, END, {"region": "south"}, "backward", "2M"),
    backfill(DatetimeRangeContext, "2024-01-30T09:30:00.000001", END, None, "forward", WeekdayCalendar()),
    backfill(NullContext, START, END, None, "forward", {"interval": "ME"}),
    BackfillContext(start_datetime=START, end_datetime=END),
    BackfillContext(start_datetime=START, end_datetime=END, calendar=DailyCalendar(nonexistent="skip")),
]


@pytest.mark.parametrize("context", EXAMPLES, ids=lambda context: type(context).__name__)
def test_round_trips(context):
    kind = type(context)
    expected = list(context.step_contexts())
    for read in (
        kind.model_validate_json(context.model_dump_json()),
        kind.model_validate_json(context.model_dump_json(by_alias=True)),
        kind.model_validate(context.model_dump()),
        kind.model_validate(context.model_dump(mode="json", by_alias=True)),
        pickle.loads(pickle.dumps(context)),
        cloudpickle.loads(cloudpickle.dumps(context)),
        copy.deepcopy(context),
    ):
        assert isinstance(read, BackfillContext)
        assert read == context
        assert type(read.context) is type(context.context)
        assert read.context == context.context
        assert hash(read) == hash(context)
        assert list(read.step_contexts()) == expected


@pytest.mark.parametrize("context", EXAMPLES, ids=lambda context: type(context).__name__)
def test_it_is_read_again_from_what_it_says_of_itself(context):
    node = context.model_dump(mode="json", by_alias=True)
    for read in (instantiate(node), BaseModel.model_validate(node)):
        assert isinstance(read, BackfillContext)
        assert read == context
        assert list(read.step_contexts()) == list(context.step_contexts())


def test_the_steps_of_a_flow_context_survive_a_round_trip():
    context = backfill(FlowContext, START, END, {"region": "south", "limit": 3})
    expected = [FlowContext(date=date, region="south", limit=3) for date in DATES]
    for read in (
        type(context).model_validate_json(context.model_dump_json()),
        BackfillContext.model_validate(context.model_dump(mode="json")),
        pickle.loads(pickle.dumps(context)),
        cloudpickle.loads(cloudpickle.dumps(context)),
    ):
        assert list(read.step_contexts()) == expected


def test_equality_and_hash():
    assert len(set(EXAMPLES)) == len(EXAMPLES) - 1  # with and without the context type: the same
    assert hash(backfill(DateContext, START, END)) == hash(
        backfill(DateContext, start_datetime="2024-01-30", end_datetime="2024-02-02")
    )
    assert backfill(DateContext, START, END) != backfill(DateContext, START, END, None, "backward")
    assert backfill(DateContext, START, END) != backfill(DateContext, START, END, None, "forward", "2D")


def test_a_context_is_immutable():
    context = backfill(DateContext, START, END)
    for field in ("start_datetime", "direction", "interval", "calendar", "context"):
        with pytest.raises(ValidationError):
            setattr(context, field, getattr(context, field))


# --- time zones

NEW_YORK = ZoneInfo("America/New_York")


def test_steps_in_a_time_zone():
    start, end = dt.datetime(2024, 3, 9, 6, tzinfo=NEW_YORK), dt.datetime(2024, 3, 11, 6, tzinfo=NEW_YORK)
    context = backfill(DatetimeContext, start, end)
    expected = [dt.datetime(2024, 3, day, 6, tzinfo=NEW_YORK) for day in (9, 10, 11)]
    assert [step.dt for step in context.step_contexts()] == expected
    assert [step.dt.utcoffset() for step in context.step_contexts()] == [when.utcoffset() for when in expected]
    assert [step.date for step in backfill(DateContext, start, end).step_contexts()] == [
        when.date() for when in expected
    ]
    windows = list(backfill(DatetimeRangeContext, start, end).step_contexts())
    assert [window.end_datetime - dt.timedelta(days=1) for window in windows] == expected
    assert list(context.steps(as_array=True)) == [
        np.datetime64(when.astimezone(dt.UTC).replace(tzinfo=None)) for when in expected
    ]
    assert context.steps(as_array=True).dtype == np.dtype("M8[us]")


def test_dates_of_windows_are_local():
    start, end = dt.datetime(2024, 3, 9, tzinfo=NEW_YORK), dt.datetime(2024, 3, 11, tzinfo=NEW_YORK)
    windows = backfill(DateRangeContext, start, end).step_contexts()
    assert [(window.start_date, window.end_date) for window in windows] == [
        (dt.date(2024, 3, day),) * 2 for day in (9, 10, 11)
    ]


def test_the_steps_survive_json_in_a_time_zone():
    """A repeated run reads the range from its record: it has to cover the same instants."""
    start, end = dt.datetime(2024, 3, 8, 6, tzinfo=NEW_YORK), dt.datetime(2024, 3, 12, 6, tzinfo=NEW_YORK)
    context = backfill(DatetimeContext, start, end)
    read = type(context).model_validate_json(context.model_dump_json())
    assert [step.dt.astimezone(dt.UTC) for step in read.step_contexts()] == [
        step.dt.astimezone(dt.UTC) for step in context.step_contexts()
    ]


@pytest.mark.parametrize("calendar", [{}, {"calendar": RuleCalendar()}], ids=["interval", "calendar"])
def test_a_bound_without_a_zone_beside_one_with_a_zone(calendar):
    bounds = {"start_datetime": dt.datetime(2024, 3, 9, tzinfo=NEW_YORK), "end_datetime": "2024-03-11"}
    with pytest.raises(ValidationError, match="time zone"):
        BackfillContext.model_validate(bounds | calendar)


def test_a_start_that_the_zone_skips_is_no_mistake_of_a_calendar_that_moves_it():
    calendar = DailyCalendar(nonexistent="shift_forward")
    bounds = dict.fromkeys(("start_datetime", "end_datetime"), dt.datetime(2024, 3, 10, 2, 30, tzinfo=NEW_YORK))
    assert len(BackfillContext.model_validate(bounds | {"calendar": calendar}).steps()) == 1


@pytest.mark.parametrize("length", [{"interval": "bh"}, {"interval": "2CBME"}, {"interval": "ns"}, {"calendar": "cbh"}])
def test_an_interval_that_has_no_steps_of_its_own_is_refused_with_the_range(length):
    with pytest.raises(ValidationError, match="not supported"):
        BackfillContext.model_validate({"start_datetime": "2024-01-01", "end_datetime": "2024-02-01"} | length)

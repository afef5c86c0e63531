"""The models that benchmarks run, in a module that other processes can import."""

import datetime as dt
import time
from typing import Any

from ccflow import (
    CallableModel,
    DateContext,
    DateRangeContext,
    DatetimeContext,
    DatetimeRangeContext,
    Flow,
    FlowOptions,
    FlowOptionsOverride,
    GenericResult,
)
from ccflow.evaluators import GraphEvaluator, LoggingEvaluator, MemoryCacheEvaluator, MultiEvaluator

from ccflow_etl import BackfillContext, BackfillModel


class Day(CallableModel):
    """A step that costs next to nothing."""

    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        return GenericResult[int](value=context.date.day)


class Moment(CallableModel):
    """The same for a time of day."""

    @Flow.call
    def __call__(self, context: DatetimeContext) -> GenericResult[int]:
        return GenericResult[int](value=1)


class Days(CallableModel):
    """The same for several days at once."""

    @Flow.call
    def __call__(self, context: DateRangeContext) -> GenericResult[int]:
        return GenericResult[int](value=1)


class Moments(CallableModel):
    """The same for several times of day at once."""

    @Flow.call
    def __call__(self, context: DatetimeRangeContext) -> GenericResult[int]:
        return GenericResult[int](value=1)


class Waiting(CallableModel):
    """A step that waits 50 ms, as for a server."""

    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        time.sleep(0.05)
        return GenericResult[int](value=1)


class Computing(CallableModel):
    """A step that keeps a core busy."""

    count: int

    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        return GenericResult[int](value=sum(number * number for number in range(self.count)))


class Naive(CallableModel):
    """A backfill as one writes it first: the steps are dependencies, and each is called for its value."""

    model: CallableModel

    @Flow.call
    def __call__(self, context: BackfillContext) -> GenericResult[list]:
        return GenericResult[list](value=[self.model(step).value for step in context.step_contexts()])

    @Flow.deps
    def __deps__(self, context: BackfillContext) -> Any:
        return [(self.model, list(context.step_contexts()))]


class Declaring(Naive):
    """Declares its steps and leaves them to the graph."""

    @Flow.call
    def __call__(self, context: BackfillContext) -> GenericResult[list]:
        return GenericResult[list](value=[])


def call(model: CallableModel, context: Any) -> Any:
    """Call a model, on a worker."""
    return model(context)


def days_of(model: CallableModel, count: int) -> BackfillContext:
    """The context of a backfill of a model over so many days."""
    last = dt.date(1700, 1, 1) + dt.timedelta(days=count - 1)
    return BackfillModel(model=model).context_type.model_validate(["1700-01-01", last])


def packaged() -> FlowOptionsOverride:
    """The evaluators of the packaged config, new ones for each run."""
    evaluators = [GraphEvaluator(), MemoryCacheEvaluator(), LoggingEvaluator()]
    return FlowOptionsOverride(options=FlowOptions(evaluator=MultiEvaluator(evaluators=evaluators), cacheable=True))

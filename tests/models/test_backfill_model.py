"""BackfillModel: a model run once for each step, alone, from a dependency graph, and from many threads."""

import datetime as dt
import json
import pickle
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import ccflow
import cloudpickle
import pandas as pd
import pytest
from ccflow import (
    CallableModel,
    ContextBase,
    DateContext,
    DateRangeContext,
    DatetimeContext,
    DatetimeRangeContext,
    Flow,
    FlowContext,
    FlowOptions,
    FlowOptionsOverride,
    GenericResult,
    NullContext,
    ResultBase,
)
from ccflow.evaluators import (
    DryRunEvaluator,
    GraphEvaluator,
    LoggingEvaluator,
    MemoryCacheEvaluator,
    MultiEvaluator,
    get_dependency_graph,
)
from ccflow.result.pandas import PandasResult
from ccflow.utils.reporting import InMemoryReporter, ReportingPolicy
from hydra.utils import instantiate
from pydantic import PrivateAttr, ValidationError

from ccflow_etl import BackfillContext, BackfillModel, BackfillResult, Interval, WeekdayCalendar

RANGE = ["2024-01-30", "2024-02-02"]
DATES = ["2024-01-30", "2024-01-31", "2024-02-01", "2024-02-02"]


class RegionContext(ContextBase):
    date: dt.date
    region: str = "north"


class Recorder(CallableModel):
    """Answers with its step and remembers every run."""

    meta: ccflow.MetaData = ccflow.MetaData(name="recorder")
    _runs: list = PrivateAttr(default_factory=list)

    @Flow.call
    def __call__(self, context: RegionContext) -> GenericResult[str]:
        self._runs.append(str(context.date))
        return GenericResult[str](value=f"{context.region} {context.date}")


class StepResult(ResultBase):
    day: dt.date
    rows: int = 3


class NotGeneric(CallableModel):
    @Flow.call
    def __call__(self, context: DateContext) -> StepResult:
        return StepResult(day=context.date)


class Frames(CallableModel):
    @Flow.call
    def __call__(self, context: DateContext) -> PandasResult:
        return PandasResult(df=pd.DataFrame({"day": [context.date.day], "text": ["a"]}))


class Boxed(CallableModel):
    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[object]:
        return GenericResult[object](value={"day": context.date, "frame": pd.DataFrame({"a": [1]})})


class Anything(CallableModel):
    @Flow.call
    def __call__(self, context: NullContext) -> GenericResult[int]:
        return GenericResult[int](value=7)


class Perhaps(CallableModel):
    @Flow.call
    def __call__(self, context: DateContext | None = None) -> GenericResult[str]:
        return GenericResult[str](value=str(context.date))


class Free(CallableModel):
    @Flow.call
    def __call__(self, context: FlowContext) -> GenericResult[dict]:
        return GenericResult[dict](value=dict(context.model_extra))


class Timed(CallableModel):
    @Flow.call
    def __call__(self, context: DatetimeContext) -> GenericResult[str]:
        return GenericResult[str](value=context.dt.isoformat())


class Ranged(CallableModel):
    @Flow.call
    def __call__(self, context: DatetimeRangeContext) -> GenericResult[float]:
        return GenericResult[float](value=(context.end_datetime - context.start_datetime).total_seconds() / 3600)


class DateRanged(CallableModel):
    @Flow.call
    def __call__(self, context: DateRangeContext) -> GenericResult[list]:
        return GenericResult[list](value=[str(context.start_date), str(context.end_date)])


class Failing(CallableModel):
    """Fails on the 1st of a month, after it has run the days before."""

    _runs: list = PrivateAttr(default_factory=list)

    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[str]:
        self._runs.append(str(context.date))
        if context.date.day == 1:
            raise KeyError(f"no data for {context.date}")
        return GenericResult[str](value=str(context.date))


class WithDependency(CallableModel):
    """Needs a model of its own for each step."""

    source: CallableModel
    _runs: list = PrivateAttr(default_factory=list)

    @Flow.call
    def __call__(self, context: RegionContext) -> GenericResult[str]:
        self._runs.append(str(context.date))
        return GenericResult[str](value=f"after {self.source(context).value}")

    @Flow.deps
    def __deps__(self, context: RegionContext):
        return [(self.source, [context])]


def options(*evaluators, **fields):
    return FlowOptionsOverride(options=FlowOptions(evaluator=MultiEvaluator(evaluators=list(evaluators)), **fields))


def values_of(result):
    return [output["value"] for output in result.value["outputs"]]


# --- the result


def test_the_shape_of_the_result():
    result = BackfillModel(model=Recorder())(RANGE)
    assert isinstance(result, BackfillResult)
    assert isinstance(result, GenericResult)
    assert result.value.keys() == {"steps", "outputs"}
    assert result.value["steps"] == 4
    assert [output.keys() for output in result.value["outputs"]] == [{"context", "value"}] * 4
    for output, date in zip(result.value["outputs"], DATES, strict=True):
        assert output["value"] == f"north {date}"
        assert {key: output["context"][key] for key in ("date", "region")} == {"date": date, "region": "north"}
        assert RegionContext.model_validate(output["context"]) == RegionContext(date=date)
    json.dumps(result.value)


def test_the_summary_counts_the_steps():
    summary = BackfillModel(model=Recorder())(RANGE).summary
    assert (summary.total, summary.succeeded, summary.failed, summary.skipped) == (4, 4, 0, 0)
    assert BackfillModel(model=Recorder())(RANGE[::-1]).summary.total == 0


def test_the_value_of_another_result_is_its_json():
    result = BackfillModel(model=NotGeneric())(RANGE)
    assert [(value["day"], value["rows"]) for value in values_of(result)] == [(date, 3) for date in DATES]
    assert [StepResult.model_validate(value).day.isoformat() for value in values_of(result)] == DATES
    json.dumps(result.value)


def test_the_value_of_a_generic_result_is_untouched():
    values = values_of(BackfillModel(model=Boxed())(RANGE))
    assert [value["day"].isoformat() for value in values] == DATES
    assert all(isinstance(value["frame"], pd.DataFrame) for value in values)


def test_frames_are_no_obstacle():
    """A result that holds a DataFrame has no JSON of its own; its rows have."""
    result = BackfillModel(model=Frames())(RANGE)
    assert result.value["steps"] == 4
    assert [output["context"]["date"] for output in result.value["outputs"]] == DATES
    for value, day in zip(values_of(result), (30, 31, 1, 2), strict=True):
        assert str(day) in (value.to_csv() if isinstance(value, pd.DataFrame) else str(value))
        assert value is not None


def test_a_result_is_read_again():
    result = BackfillModel(model=Recorder())(RANGE)
    for read in (
        BackfillResult.model_validate_json(result.model_dump_json()),
        BackfillResult.model_validate(result.model_dump()),
        pickle.loads(pickle.dumps(result)),
        cloudpickle.loads(cloudpickle.dumps(result)),
    ):
        assert read.value == result.value
        assert read.summary == result.summary


# --- contexts


@pytest.mark.parametrize(
    "context",
    [
        RANGE,
        tuple(RANGE),
        [*RANGE, None],
        [*RANGE, {}],
        [*RANGE, {"region": "north"}, "forward"],
        [*RANGE, None, "forward", "1D"],
        {"start_datetime": RANGE[0], "end_datetime": RANGE[1]},
        {"start_datetime": RANGE[0], "end_datetime": RANGE[1], "context": {"region": "north"}, "interval": "daily"},
        BackfillContext(start_datetime=RANGE[0], end_datetime=RANGE[1]),
        BackfillContext(start_datetime=RANGE[0], end_datetime=RANGE[1], context={"region": "north"}),
        BackfillContext[RegionContext](start_datetime=RANGE[0], end_datetime=RANGE[1]),
        BackfillContext[DateContext](start_datetime=RANGE[0], end_datetime=RANGE[1]),
    ],
    ids=repr,
)
def test_every_form_of_a_context_is_run(context):
    model = Recorder()
    assert values_of(BackfillModel(model=model)(context)) == [f"north {date}" for date in DATES]
    assert model._runs == DATES


def test_keywords_are_a_context():
    result = BackfillModel(model=Recorder())(start_datetime=RANGE[0], end_datetime=RANGE[1], direction="backward")
    assert values_of(result) == [f"north {date}" for date in DATES[::-1]]


def test_the_context_type_is_that_of_the_model():
    for model, kind in [
        (Recorder(), RegionContext),
        (NotGeneric(), DateContext),
        (Anything(), NullContext),
        (Perhaps(), DateContext),
        (Free(), FlowContext),
        (Ranged(), DatetimeRangeContext),
    ]:
        context_type = BackfillModel(model=model).context_type
        assert issubclass(context_type, BackfillContext)
        assert context_type is BackfillContext[kind]
        assert type(context_type.model_validate(RANGE).context) is kind


def test_a_wrong_context_is_refused_before_anything_runs():
    model = Recorder()
    for context in (
        ["2024-01-30"],
        {"start_datetime": "x", "end_datetime": "2024-01-31"},
        [*RANGE, {"colour": "red"}],
        5,
    ):
        with pytest.raises((ValidationError, TypeError)):
            BackfillModel(model=model)(context)
    assert model._runs == []


def test_the_steps_of_a_calendar():
    result = BackfillModel(model=Recorder())(
        [*["2024-03-01", "2024-03-05"], {"region": "south"}, "backward", WeekdayCalendar()]
    )
    assert values_of(result) == ["south 2024-03-05", "south 2024-03-04", "south 2024-03-01"]


def test_steps_of_other_kinds():
    assert values_of(BackfillModel(model=Timed())(["2024-01-30T06:30", "2024-01-30T13:00", None, None, "3h"])) == [
        *("2024-01-30T06:30:00", "2024-01-30T09:30:00", "2024-01-30T12:30:00")
    ]
    assert values_of(BackfillModel(model=Ranged())([*RANGE, None, None, "36h"])) == [36.0, 36.0, 36.0]
    assert values_of(BackfillModel(model=DateRanged())(["2024-01-15", "2024-03-01", None, None, "MS"])) == [
        *(["2024-02-01", "2024-02-29"], ["2024-03-01", "2024-03-31"])
    ]
    assert values_of(BackfillModel(model=Perhaps())(RANGE)) == DATES
    assert values_of(BackfillModel(model=Anything())(RANGE)) == [7] * 4


def test_a_flow_context_gets_the_date():
    values = values_of(BackfillModel(model=Free())([*RANGE, {"region": "south"}]))
    assert values == [{"date": dt.date.fromisoformat(date), "region": "south"} for date in DATES]


def test_a_flow_model_is_run():
    @Flow.model
    def doubled(
        day: ccflow.FromContext[dt.date] = dt.date(2000, 1, 1), date: ccflow.FromContext[dt.date] = None
    ) -> int:
        return 2 * date.day

    assert values_of(BackfillModel(model=doubled())(RANGE)) == [60, 62, 2, 4]


@pytest.mark.parametrize("context", [RANGE[::-1], ["2024-02-02", "2024-02-10", None, None, "ME"]])
def test_an_empty_range_runs_nothing(context, caplog):
    model = Recorder()
    result = BackfillModel(model=model)(context)
    assert result.value == {"steps": 0, "outputs": []}
    assert model._runs == []
    assert context[0][:10] in caplog.text
    assert BackfillModel(model=model).__deps__(BackfillModel(model=model).context_type.model_validate(context)) in (
        [],
        [(model, [])],
    )
    with options(GraphEvaluator()):
        assert BackfillModel(model=model)(context).value == {"steps": 0, "outputs": []}


# --- failures


@pytest.mark.parametrize(
    "evaluators", [[], [LoggingEvaluator], [GraphEvaluator], [GraphEvaluator, MemoryCacheEvaluator]]
)
def test_the_exception_of_a_step_is_the_exception_of_the_run(evaluators):
    model = Failing()
    with (
        options(*(evaluator() for evaluator in evaluators)),
        pytest.raises(KeyError, match="no data for 2024-02-01"),
    ):
        BackfillModel(model=model)(RANGE)
    assert model._runs[-1] == "2024-02-01"
    assert model._runs == DATES[:3] or GraphEvaluator in evaluators  # a graph has an order of its own
    assert values_of(BackfillModel(model=model)(["2024-02-02", "2024-02-03"])) == ["2024-02-02", "2024-02-03"]


# --- evaluators


def test_there_is_one_dependency_for_each_step():
    model = Recorder()
    backfill = BackfillModel(model=model)
    context = backfill.context_type.model_validate([*RANGE, {"region": "south"}])
    dependencies = [(dep, step) for dep, steps in backfill.__deps__(context) for step in steps]
    assert all(dep is model for dep, _ in dependencies)
    assert [step for _, step in dependencies] == [RegionContext(date=date, region="south") for date in DATES]
    assert model._runs == []
    assert all(type(step) is RegionContext for _, step in dependencies)


def test_the_dependency_graph_has_a_node_for_each_step():
    backfill = BackfillModel(model=WithDependency(source=Recorder()))
    graph = get_dependency_graph(
        backfill.__call__.get_evaluation_context(backfill, backfill.context_type.model_validate(RANGE))
    )
    assert len(graph.ids) == 1 + 4 + 4
    assert len(graph.graph[graph.root_id]) == 4


@pytest.mark.parametrize(
    "evaluators",
    [
        [GraphEvaluator],
        [GraphEvaluator, MemoryCacheEvaluator],
        [MemoryCacheEvaluator, GraphEvaluator],
        [GraphEvaluator, MemoryCacheEvaluator, LoggingEvaluator],
    ],
)
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_graph_evaluator_runs_each_step_once(evaluators, direction):
    source = Recorder()
    model = WithDependency(source=source)
    alone = BackfillModel(model=WithDependency(source=Recorder()))([*RANGE, None, direction])
    with options(*(evaluator() for evaluator in evaluators), cacheable=True):
        result = BackfillModel(model=model)([*RANGE, None, direction])
    assert result.value == alone.value
    assert Counter(model._runs) == Counter(source._runs) == Counter(DATES)


def test_a_graph_evaluator_starts_anew_for_each_call():
    model = Recorder()
    backfill = BackfillModel(model=model)
    evaluator = GraphEvaluator()
    for _ in range(2):
        with options(evaluator):
            assert values_of(backfill(RANGE)) == [f"north {date}" for date in DATES]
            assert values_of(backfill(["2024-03-01", "2024-03-01"])) == ["north 2024-03-01"]
    assert Counter(model._runs) == Counter(dict.fromkeys([*DATES, "2024-03-01"], 2))


def test_a_cache_is_used_between_overlapping_ranges():
    model = Recorder()
    with options(MemoryCacheEvaluator(), cacheable=True):
        first = BackfillModel(model=model)(RANGE)
        again = BackfillModel(model=model)(RANGE)
        longer = BackfillModel(model=model)([RANGE[0], "2024-02-03"])
    assert again.value == first.value
    assert values_of(longer) == [*values_of(first), "north 2024-02-03"]
    assert model._runs == [*DATES, "2024-02-03"]


def test_without_a_cache_each_call_runs_its_steps():
    model = Recorder()
    backfill = BackfillModel(model=model)
    backfill(RANGE)
    backfill(RANGE)
    assert model._runs == DATES * 2


def test_a_dry_run_lists_every_step_and_runs_none():
    source = Recorder()
    model = WithDependency(source=source)
    reporter = InMemoryReporter()
    with options(DryRunEvaluator(reporting=ReportingPolicy(reporter=reporter))):
        BackfillModel(model=model)([*RANGE, {"region": "south"}])
    assert model._runs == source._runs == []
    names = Counter(event.model_name for event in reporter.events)
    assert names == {"BackfillModel": 2, "WithDependency": 8, "recorder": 8}
    listed = " ".join(repr(event) for event in reporter.events if event.model_name == "recorder")
    assert all(str(dt.date.fromisoformat(date).day) in listed for date in DATES)


# --- one instance, many callers


def test_another_context_never_gets_old_steps():
    backfill = BackfillModel(model=Recorder())
    for start, end, region in [
        ("2024-01-30", "2024-02-02", "north"),
        ("2024-01-30", "2024-01-31", "south"),
        ("2024-05-01", "2024-05-01", "north"),
        ("2024-01-30", "2024-02-02", "south"),
    ]:
        expected = [f"{region} {day.date()}" for day in pd.date_range(start, end)]
        assert values_of(backfill([start, end, {"region": region}])) == expected
        context = backfill.context_type.model_validate([start, end, {"region": region}])
        assert sum(len(steps) for _, steps in backfill.__deps__(context)) == len(expected)


@pytest.mark.parametrize("kind", ["alone", "graph"])
def test_many_threads_on_one_instance_never_mix(kind):
    backfill = BackfillModel(model=Recorder())
    barrier = threading.Barrier(6)

    def run(thread):
        barrier.wait(timeout=30)
        answers = []
        for round_ in range(4):
            start = dt.date(2001 + thread, 1 + round_, 1)
            context = [start, start + dt.timedelta(days=20), {"region": f"r{thread}"}]
            # An evaluator of its own for each thread: a graph evaluator belongs to one run at a time.
            flow = {"_options": {"evaluator": GraphEvaluator()}} if kind == "graph" else {}
            answers.append((start, values_of(backfill(context, **flow))))
        return answers

    with ThreadPoolExecutor(6) as pool:
        for thread, answers in enumerate(pool.map(run, range(6))):
            for start, values in answers:
                assert values == [f"r{thread} {start + dt.timedelta(days=i)}" for i in range(21)]


def test_nothing_is_kept_on_the_model():
    backfill = BackfillModel(model=Recorder())
    before = (dict(backfill.__dict__), dict(backfill.__pydantic_private__ or {}), backfill.model_dump_json())
    backfill(RANGE)
    backfill.__deps__(backfill.context_type.model_validate(RANGE))
    assert (dict(backfill.__dict__), dict(backfill.__pydantic_private__ or {}), backfill.model_dump_json()) == before


# --- configuration


class Counting(CallableModel):
    start: int = 0

    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        return GenericResult[int](value=self.start + context.date.day)


def test_a_backfill_model_is_carried_over():
    backfill = BackfillModel(model=Counting(start=100))
    for carried in (
        pickle.loads(pickle.dumps(backfill)),
        cloudpickle.loads(cloudpickle.dumps(backfill)),
        BackfillModel.model_validate_json(backfill.model_dump_json()),
        instantiate(backfill.model_dump(mode="json", by_alias=True)),
    ):
        assert carried == backfill
        assert values_of(carried(RANGE)) == [130, 131, 101, 102]


def test_a_backfill_model_is_configured_over_a_registered_model():
    root = ccflow.ModelRegistry.root()
    before = set(root.models)
    try:
        root.load_config(
            {
                "test_counting": Counting(start=1).model_dump(mode="json", by_alias=True),
                "test_backfill": {"_target_": "ccflow_etl.BackfillModel", "model": "/test_counting"},
            }
        )
        backfill = root["/test_backfill"]
        assert isinstance(backfill, BackfillModel)
        assert backfill.model is root["/test_counting"]
        assert values_of(backfill(RANGE)) == [31, 32, 2, 3]
    finally:
        for name in set(root.models) - before:
            root.remove(name)


@pytest.mark.parametrize(
    "fields", [{}, {"model": None}, {"model": DateContext(date="2024-01-01")}, {"modle": Counting()}]
)
def test_a_backfill_model_needs_a_model(fields):
    with pytest.raises(ValidationError, match="model"):
        BackfillModel(**fields)


def test_backfills_nest():
    """A backfill of a backfill runs the inner one's own range at each outer step."""
    inner = BackfillModel(model=Counting())
    outer = BackfillModel(model=inner)
    child = {"start_datetime": "2024-01-30", "end_datetime": "2024-01-31", "interval": Interval(offset="D")}
    result = outer(["2024-03-01", "2024-03-02", child])
    assert result.value["steps"] == 2
    windows = [output["context"]["start_datetime"][:10] for output in result.value["outputs"]]
    assert windows == ["2024-03-01", "2024-03-02"]
    json.dumps(result.value)

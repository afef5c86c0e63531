"""Graphs of what models depend on: deep, in order, with names in what goes wrong, and as ccflow has them."""

import graphlib

import pytest
from ccflow import (
    CallableModel,
    ContextBase,
    Flow,
    FlowContext,
    FlowOptions,
    FlowOptionsOverride,
    FromContext,
    GenericResult,
    MetaData,
    ModelRegistry,
)
from ccflow.evaluators import (
    GraphEvaluator,
    LoggingEvaluator,
    MemoryCacheEvaluator,
    MultiEvaluator,
    get_dependency_graph,
)

from ccflow_etl import (
    BackfillModel,
    LocalCheckpointStore,
    LocalWriteModel,
    ParallelGraphEvaluator,
    SerialExecutor,
    ThreadExecutor,
)
from ccflow_etl.models import dependency_graph as module
from ccflow_etl.models.dependency_graph import dependency_graph

PARALLEL = ParallelGraphEvaluator(executor=ThreadExecutor(max_workers=2))


class Number(ContextBase):
    number: int
    note: str = ""


class Before(CallableModel):
    """Needs the number before its own, down to a last one; and a list that may be missing."""

    last: int | None = 0
    missing: int | None = None
    around: int | None = None

    @Flow.call
    def __call__(self, context: Number) -> GenericResult[int]:
        return GenericResult[int](value=1 + sum(self(needed).value for needed in self._needs(context)))

    @Flow.deps
    def __deps__(self, context: Number):
        if context.number == self.missing:
            raise FileNotFoundError("no list")
        return [(self, self._needs(context))]

    def _needs(self, context):
        if context.number == self.last:
            return []
        before = context.number - 1 if self.around is None else (context.number - 1) % self.around
        return [Number(number=before, note=context.note)]


def under(evaluator, model, context):
    with FlowOptionsOverride(options=FlowOptions(evaluator=evaluator)):
        return model(context)


@pytest.mark.no_cover
def test_a_chain_of_five_thousand_nodes_is_evaluated():
    assert under(PARALLEL, Before(), {"number": 5_000}).value == 5_001


def test_dependencies_without_an_end_are_an_error_that_says_so(monkeypatch):
    monkeypatch.setattr(module, "_DEEPEST", 50)
    with pytest.raises(RecursionError, match=r"51 nodes .* the last is Before of Number\(number=-51.*is there an end"):
        under(PARALLEL, Before(last=None), {"number": 0})


def test_a_cycle_is_an_error_that_names_its_nodes():
    with pytest.raises(graphlib.CycleError) as caught:
        under(PARALLEL, Before(last=None, around=2), {"number": 1})
    told = caught.value.args[0]
    assert told.startswith("a model depends on itself: Before of Number(number=")
    assert told.count("which needs") == 2


def test_a_long_cycle_is_told_by_its_ends():
    with pytest.raises(graphlib.CycleError) as caught:
        under(PARALLEL, Before(last=None, around=100), {"number": 1})
    told = caught.value.args[0]
    assert "which needs ..., which needs" in told
    assert told.count("which needs") == 5


def test_an_error_in_what_is_declared_names_the_node():
    with pytest.raises(FileNotFoundError, match="no list") as caught:
        under(PARALLEL, Before(missing=1), {"number": 3})
    assert caught.value.__notes__ == ["in the dependencies of Before of Number(number=1, note='')"]


def test_a_node_is_named_as_it_is_named_elsewhere():
    """By the name in its metadata and in the registry; a long context is cut."""
    registry = ModelRegistry.root()
    model = Before(missing=0, meta=MetaData(name="balance"))
    registry.add("balances_by_number", model)
    try:
        with pytest.raises(FileNotFoundError) as caught:
            under(PARALLEL, model, {"number": 1, "note": "x" * 1_000})
    finally:
        registry.remove("balances_by_number")
    [note] = caught.value.__notes__
    assert note.startswith("in the dependencies of Before balance /balances_by_number of Number(number=0, note='xxx")
    assert note.endswith("xxx...")
    assert len(note) < 300


def test_nodes_are_evaluated_in_the_order_in_which_they_are_declared():
    class Day(CallableModel):
        @Flow.call
        def __call__(self, context: Number) -> GenericResult[int]:
            order.append(context.number)
            return GenericResult[int](value=context.number)

    class Days(CallableModel):
        @Flow.call
        def __call__(self, context: Number) -> GenericResult[int]:
            return GenericResult[int](value=0)

        @Flow.deps
        def __deps__(self, context: Number):
            return [(Day(), [Number(number=number) for number in range(context.number)])]

    order = []
    under(ParallelGraphEvaluator(executor=SerialExecutor()), Days(), {"number": 50})
    assert order == list(range(50))


@pytest.mark.parametrize("position", [0, 1, 2])
def test_asking_for_dependencies_evaluates_none(position):
    calls = []

    class Leaf(CallableModel):
        @Flow.call
        def __call__(self, context: Number) -> GenericResult[int]:
            calls.append(context.number)
            return GenericResult[int](value=0)

    class Root(Leaf):
        @Flow.call
        def __call__(self, context: Number) -> GenericResult[int]:
            return GenericResult[int](value=0)

        @Flow.deps
        def __deps__(self, context: Number):
            return [(Leaf(), [context])]

    evaluators = [MemoryCacheEvaluator(), LoggingEvaluator()]
    evaluators.insert(position, PARALLEL)
    with FlowOptionsOverride(options=FlowOptions(evaluator=MultiEvaluator(evaluators=evaluators))):
        assert [contexts for _, contexts in Root().__deps__({"number": 1})] == [[Number(number=1)]]
    assert calls == []


CALLS: list[tuple] = []


@Flow.model
def price(day: FromContext[int]) -> int:
    CALLS.append(("price", day))
    return 10 * day


@Flow.model
def scaled(base: int, factor: int, day: FromContext[int], other: FromContext[int] = 0) -> int:
    CALLS.append(("scaled", factor, day))
    return base * factor


@Flow.model
def total(left: int, right: int, day: FromContext[int]) -> int:
    CALLS.append(("total", day))
    return left + right


@pytest.mark.parametrize("evaluator", [PARALLEL, GraphEvaluator()], ids=["parallel", "theirs"])
def test_generated_models_are_evaluated_once(evaluator):
    """Models made from functions: one node for a model and what wraps it, whatever the context holds besides."""
    CALLS.clear()
    base = price()
    today = scaled(base=base, factor=2)
    yesterday = scaled(base=base.flow.with_context(day=1), factor=3)
    model = total(left=today.flow.with_context(other=7), right=yesterday)
    assert under(evaluator, model, FlowContext(day=2)).value == 2 * 20 + 3 * 10
    assert sorted(CALLS) == sorted([("price", 1), ("price", 2), ("scaled", 2, 2), ("scaled", 3, 2), ("total", 2)])


def test_the_graph_of_generated_models_is_that_of_ccflow():
    base = price()
    model = total(left=scaled(base=base, factor=2), right=scaled(base=base.flow.with_context(day=1), factor=3))
    assert_as_ccflow(model, FlowContext(day=2))


def test_the_graph_of_a_backfill_is_that_of_ccflow(tmp_path):
    store = LocalCheckpointStore(path=tmp_path / "marks.sqlite")
    writes = LocalWriteModel()
    for backfill in (BackfillModel(model=writes), BackfillModel(model=writes, checkpoint_store=store)):
        context = ["2024-01-01", "2024-01-10", {"path": "sales.json", "payload": 1}]
        assert_as_ccflow(backfill, backfill.context_type.model_validate(context))


def assert_as_ccflow(model, context):
    graph = dependency_graph(model, context)
    theirs = get_dependency_graph(model.__call__.get_evaluation_context(model, context))
    assert {key: set(needed) for key, needed in graph.needs.items()} == theirs.graph
    assert graph.nodes.keys() == theirs.ids.keys()
    assert graph.root == theirs.root_id

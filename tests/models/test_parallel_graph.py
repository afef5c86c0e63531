"""Graphs in parallel: what ccflow's own graph evaluator gives, each node once, as soon as it can be."""

import concurrent.futures
import datetime as dt
import threading
import traceback
from collections import Counter

import pytest
from ccflow import (
    CallableModel,
    ContextBase,
    EvaluatorBase,
    Flow,
    FlowOptions,
    FlowOptionsOverride,
    GenericResult,
    MetaData,
    ModelEvaluationContext,
)
from ccflow.evaluators import GraphEvaluator, LoggingEvaluator, MemoryCacheEvaluator, MultiEvaluator, cache_key
from hypothesis import given
from hypothesis import strategies as st
from pydantic import PrivateAttr

from ccflow_etl import (
    BackfillError,
    BackfillModel,
    LocalCheckpointStore,
    ParallelGraphEvaluator,
    RetryPolicy,
    SerialExecutor,
    ThreadExecutor,
)
from ccflow_etl.models.graph_steps import BackfillStep

IN_THREADS = ParallelGraphEvaluator(executor=ThreadExecutor(max_workers=4))
HERE = [ParallelGraphEvaluator(executor=SerialExecutor()), IN_THREADS, ParallelGraphEvaluator(executor=None)]
here = pytest.mark.parametrize("evaluator", HERE, ids=repr)


class Number(ContextBase):
    number: int


class Node(CallableModel):
    """Adds what it depends on to its number, and counts its calls."""

    name: int
    upstream: tuple["Node", ...] = ()
    fails: bool = False
    declared: bool = True
    _calls: list = PrivateAttr(default_factory=list)

    @Flow.call
    def __call__(self, context: Number) -> GenericResult[int]:
        self._calls.append(context.number)
        if self.fails:
            raise LookupError(f"node {self.name} has no data")
        return GenericResult[int](value=self.name + sum(2 * node(context).value for node in self.upstream))

    @Flow.deps
    def __deps__(self, context: Number):
        return [(node, [context]) for node in self.upstream] if self.declared else []


class Meeting(CallableModel):
    """Waits for others of its kind."""

    name: int
    _barrier: threading.Barrier = PrivateAttr()

    @Flow.call
    def __call__(self, context: Number) -> GenericResult[int]:
        self._barrier.wait()
        return GenericResult[int](value=self.name)


class Sum(CallableModel):
    upstream: tuple[CallableModel, ...]

    @Flow.call
    def __call__(self, context: Number) -> GenericResult[int]:
        return GenericResult[int](value=sum(node(context).value for node in self.upstream))

    @Flow.deps
    def __deps__(self, context: Number):
        return [(node, [context]) for node in self.upstream]


def under(evaluator, model, context, *others, **options):
    evaluators = MultiEvaluator(evaluators=[evaluator, *others]) if others else evaluator
    with FlowOptionsOverride(options=FlowOptions(evaluator=evaluators, **options)):
        return model(context)


def graph_of(edges):
    """A node for each list of earlier nodes that it depends on; the last depends on every one."""
    nodes = []
    for name, upstream in enumerate(edges):
        nodes.append(Node(name=name, upstream=tuple(nodes[index % len(nodes)] for index in set(upstream) if nodes)))
    nodes.append(Node(name=len(edges), upstream=tuple(nodes)))
    return nodes


edges = st.lists(st.lists(st.integers(0, 50), max_size=3), max_size=8)


@given(edges=edges)
def test_it_gives_what_the_graph_evaluator_gives(edges):
    expected, ours = graph_of(edges), graph_of(edges)
    result = under(GraphEvaluator(), expected[-1], Number(number=1))
    assert under(IN_THREADS, ours[-1], Number(number=1)) == result
    assert [node._calls for node in ours] == [node._calls for node in expected]
    assert all(node._calls == [1] for node in ours)


@here
def test_a_diamond_is_evaluated_once(evaluator):
    source = Node(name=1)
    sides = [Node(name=name, upstream=(source,)) for name in (2, 3)]
    sink = Node(name=4, upstream=tuple(sides))
    assert under(evaluator, sink, Number(number=1)).value == 4 + 2 * (2 + 2) + 2 * (3 + 2)
    assert [node._calls for node in (source, *sides, sink)] == [[1]] * 4


def test_nodes_that_are_ready_run_at_once():
    together = threading.Barrier(4, timeout=30)
    nodes = [Meeting(name=name) for name in range(4)]
    for node in nodes:
        node._barrier = together
    assert under(IN_THREADS, Sum(upstream=tuple(nodes)), Number(number=1)).value == 6


class Telling(Node):
    """Ends when another node has been evaluated, or is that node."""

    waits: bool
    _event: threading.Event = PrivateAttr()

    @Flow.call
    def __call__(self, context: Number) -> GenericResult[int]:
        if self.waits:
            assert self._event.wait(30)
        else:
            self._event.set()
        return GenericResult[int](value=self.name)


def test_a_node_does_not_wait_for_its_level():
    """Of two chains, the first node of one waits for the second node of the other."""
    slow = Telling(name=3, waits=True)
    second = Telling(name=2, waits=False, upstream=(Node(name=1),))
    slow._event = second._event = threading.Event()
    assert under(IN_THREADS, Sum(upstream=(slow, second)), Number(number=1)).value == 5


@here
def test_an_error_names_its_node_and_nothing_that_needs_it_runs(evaluator):
    bad = Node(name=1, fails=True)
    after = Node(name=2, upstream=(bad,))
    root = Node(name=3, upstream=(after,))
    with pytest.raises(LookupError, match="node 1 has no data") as caught:
        under(evaluator, root, Number(number=7))
    assert caught.value.__notes__ == ["in the node Node of Number(number=7)"]
    assert (bad._calls, after._calls, root._calls) == ([7], [], [])


@pytest.mark.parametrize("executor", [None, SerialExecutor(), ThreadExecutor(max_workers=1)], ids=repr)
def test_after_an_error_no_other_node_begins(executor):
    others = [Node(name=name) for name in (2, 3)]
    root = Node(name=4, upstream=(Node(name=1, fails=True), *others))
    with pytest.raises(LookupError):
        under(ParallelGraphEvaluator(executor=executor), root, Number(number=7))
    assert [node._calls for node in others] == [[], []]


@here
def test_after_an_error_it_can_be_used_again(evaluator):
    with pytest.raises(LookupError):
        under(evaluator, Node(name=2, upstream=(Node(name=1, fails=True),)), Number(number=1))
    assert under(evaluator, Node(name=2, upstream=(Node(name=1),)), Number(number=1)).value == 4


@here
def test_volatile_nodes_are_never_reused(evaluator):
    source = Node(name=1, meta=MetaData(options=FlowOptions(volatile=True)))
    under(evaluator, Node(name=2, upstream=(source,)), Number(number=1))
    oracle = Node(name=1, meta=MetaData(options=FlowOptions(volatile=True)))
    under(GraphEvaluator(), Node(name=2, upstream=(oracle,)), Number(number=1))
    assert source._calls == oracle._calls == [1, 1]


@here
def test_cacheable_nodes_come_from_the_cache_of_another_run(evaluator):
    cache = MemoryCacheEvaluator()
    source = Node(name=1)
    for name in (2, 3):
        under(
            evaluator, Node(name=name, upstream=(source,)), Number(number=1), cache, LoggingEvaluator(), cacheable=True
        )
    assert source._calls == [1]


@here
def test_results_are_kept_no_longer_than_the_graph(evaluator):
    root = Node(name=2, upstream=(Node(name=1),))
    for _ in range(2):
        under(evaluator, root, Number(number=1))
    assert root.upstream[0]._calls == [1, 1]


@here
def test_what_is_not_declared_is_evaluated_where_it_is_called(evaluator):
    """A graph within a graph: its nodes are called as often as ccflow's evaluator would."""
    counts = []
    for each in (evaluator, GraphEvaluator()):
        source = Node(name=1)
        hidden = Node(name=2, upstream=(source,))
        root = Node(name=4, upstream=(Node(name=3, upstream=(hidden,), declared=False), source))
        counts.append((under(each, root, Number(number=1)).value, hidden._calls))
    assert counts[0] == counts[1]


def test_cache_keys_do_not_change():
    root = Node(name=2, upstream=(Node(name=1),))
    keys = set()
    for evaluator in (LoggingEvaluator(), IN_THREADS, MultiEvaluator(evaluators=[IN_THREADS, LoggingEvaluator()])):
        with FlowOptionsOverride(options=FlowOptions(evaluator=evaluator)):
            keys.add(cache_key(root.__call__.get_evaluation_context(root, Number(number=1)), effective=True))
    assert len(keys) == 1


def test_two_threads_may_start_graphs_with_one_instance():
    roots = [Node(name=10, upstream=tuple(Node(name=name) for name in range(9))) for _ in range(2)]
    start = threading.Barrier(2, timeout=30)

    def run(root):
        start.wait()
        for number in range(5):
            root(Number(number=number))

    with FlowOptionsOverride(options=FlowOptions(evaluator=IN_THREADS)):
        threads = [threading.Thread(target=run, args=(root,)) for root in roots]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    for root in roots:
        for node in (root, *root.upstream):
            assert sorted(node._calls) == list(range(5))


def test_a_cycle_is_refused():
    import graphlib

    class Knot(CallableModel):
        @Flow.call
        def __call__(self, context: Number) -> GenericResult[int]:
            return GenericResult[int](value=0)

        @Flow.deps
        def __deps__(self, context: Number):
            return [(self, [Number(number=1 - context.number)])]

    with pytest.raises(graphlib.CycleError):
        under(IN_THREADS, Knot(), Number(number=0))


# --- elsewhere

MODELS = """
    import os

    from ccflow import CallableModel, DateContext, Flow, GenericResult


    class Day(CallableModel):
        without: int = 0

        @Flow.call
        def __call__(self, context: DateContext) -> GenericResult[dict]:
            number = context.date.toordinal()
            if self.without and number % self.without == 0:
                raise LookupError(f"no data for {context.date}")
            return GenericResult[dict](value={"number": number})


    class Twice(CallableModel):
        day: Day

        @Flow.call
        def __call__(self, context: DateContext) -> GenericResult[tuple]:
            return GenericResult[tuple](value=(os.getpid(), 2 * self.day(context).value["number"]))

        @Flow.deps
        def __deps__(self, context: DateContext):
            return [(self.day, [context])]
"""


@pytest.fixture(scope="module")
def models(import_as):
    return import_as("parallel_graph_models", MODELS)


@pytest.mark.no_cover
def test_a_backfill_of_two_thousand_steps_is_the_same_in_a_graph(models, dask_pool):
    context = ["2018-01-01", "2023-06-23"]
    told = []
    for evaluator in (LoggingEvaluator(), IN_THREADS, ParallelGraphEvaluator(executor=dask_pool)):
        result = under(evaluator, BackfillModel(model=models.Day()), context)
        told.append((result.value, result.summary, result.report[["step", "status", "attempts", "error"]].to_dict()))
    assert told[0][0]["steps"] == 2000
    assert told[0] == told[1] == told[2]


def test_nodes_elsewhere_know_the_results_of_their_dependencies(models, dask_pool):
    import os

    from ccflow import DateContext

    evaluator = ParallelGraphEvaluator(executor=dask_pool)
    result = under(evaluator, BackfillModel(model=models.Twice(day=models.Day())), ["2024-01-01", "2024-01-10"])
    values = [output["value"] for output in result.value["outputs"]]
    first = DateContext(date="2024-01-01").date.toordinal()
    assert [value for _, value in values] == [2 * (first + day) for day in range(10)]
    assert os.getpid() not in {process for process, _ in values}


def test_an_error_elsewhere_names_its_node_and_keeps_its_traceback(models, dask_pool):
    evaluator = ParallelGraphEvaluator(executor=dask_pool)
    with pytest.raises(LookupError, match="no data for") as caught:
        under(evaluator, BackfillModel(model=models.Day(without=7)), ["2024-01-01", "2024-01-10"])
    assert "in the node Day of DateContext" in caught.value.__notes__[0]
    assert "parallel_graph_models.py" in "".join(traceback.format_exception(caught.value))


def test_a_node_is_sent_with_the_results_of_its_dependencies_only(models):
    class Weighing(concurrent.futures.Executor):
        """Runs a call here, as if it were elsewhere, and notes the bytes of what it gets."""

        def __init__(self):
            self.weights = []

        def submit(self, fn, /, *args, **kwargs):
            self.weights.append(len(args[-1]))
            future = concurrent.futures.Future()
            future.set_result(fn(*args, **kwargs))
            return future

    pool = Weighing()
    under(ParallelGraphEvaluator(executor=pool), BackfillModel(model=models.Day()), ["2024-01-01", "2024-07-18"])
    assert len(pool.weights) == 200
    assert max(pool.weights) <= min(pool.weights) + 10


# --- backfills with more to a step than its result


@here
def test_a_backfill_with_marks_and_failures(evaluator, models, tmp_path):
    told = []
    for kind, each in {"ours": evaluator, "theirs": GraphEvaluator()}.items():
        store = LocalCheckpointStore(path=tmp_path / f"{kind}.sqlite")
        backfill = BackfillModel(
            model=models.Day(without=7),
            checkpoint_store=store,
            on_error="continue",
            key="{step}",
            retry=RetryPolicy(max_attempts=2, retry_exception_types=["LookupError"]),
        )
        with pytest.raises(BackfillError) as caught:
            under(each, backfill, ["2024-01-01", "2024-01-31"])
        result = caught.value.result
        marks = sorted((mark.key, mark.status, mark.metadata["attempts"]) for mark in store.list())
        told.append((result.value, result.summary, result.report[["status", "attempts", "error"]].to_dict(), marks))
    assert told[0] == told[1]
    assert Counter(status for _, status, _ in told[0][3]) == {"succeeded": 27, "failed": 4}


class InOrder(EvaluatorBase):
    """Lets each step in when the one before it in this order has ended, however many are at hand."""

    days: list[int]
    _ended: list[threading.Event] = PrivateAttr(default_factory=lambda: [threading.Event() for _ in range(4)])

    def is_transparent(self, context):
        return True

    def __call__(self, context: ModelEvaluationContext):
        inner = context
        while isinstance(inner.context, ModelEvaluationContext):
            inner = inner.context
        is_step = isinstance(inner.model, BackfillStep) and inner.fn == "__call__"
        if not is_step:
            return context()
        day = inner.context.context.date.day
        if (place := self.days.index(day)) > 0:
            assert self._ended[self.days[place - 1]].wait(30)
        result = context()
        self._ended[day].set()
        return result


@pytest.mark.parametrize("order", [[3, 2, 1], [1, 2, 3]])
def test_a_step_that_did_not_run_hides_none_that_did(models, tmp_path, order):
    """All three steps are at hand, and the second fails: the last of the order does not run, and the first has."""
    store = LocalCheckpointStore(path=tmp_path / "marks.sqlite")
    backfill = BackfillModel(
        model=models.Day(without=(dt.date(2024, 1, 2)).toordinal()),
        checkpoint_store=store,
        key="{step}",
        on_error="continue",
        max_failures=0,
    )
    evaluator = MultiEvaluator(evaluators=[IN_THREADS, InOrder(days=order)])
    with pytest.raises(BackfillError) as caught:
        under(evaluator, backfill, ["2024-01-01", "2024-01-03"])
    report = caught.value.result.report
    expected = ["succeeded", "failed", "succeeded"]
    expected[order[-1] - 1] = "cancelled"
    assert report["status"].tolist() == expected
    assert {mark.key: mark.status for mark in store.list()} == {
        f"2024-01-0{day}": status for day, status in enumerate(expected, 1) if status != "cancelled"
    }


def test_configured_by_name(models):
    from ccflow import ModelRegistry

    evaluator = {
        "_target_": "ccflow_etl.ParallelGraphEvaluator",
        "executor": {"_target_": "ccflow_etl.ThreadExecutor", "max_workers": 2},
    }
    root = ModelRegistry.root()
    root.load_config({"parallel_graph_test": {"_target_": "ccflow.FlowOptions", "evaluator": evaluator}})
    try:
        options = root["parallel_graph_test"]
        assert options.evaluator.executor == ThreadExecutor(max_workers=2)
        result = under(options.evaluator, BackfillModel(model=models.Day()), ["2024-01-01", "2024-01-10"])
    finally:
        root.remove("parallel_graph_test")
    assert result.summary.succeeded == 10

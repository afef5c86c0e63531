"""Any graph in parallel: the values of a plain recursion, the calls of ccflow's own evaluator, and no barriers."""

import itertools
import threading
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
from ccflow.evaluators import (
    GraphEvaluator,
    LoggingEvaluator,
    MemoryCacheEvaluator,
    MultiEvaluator,
    RetryEvaluator,
)
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pydantic import PrivateAttr

from ccflow_etl import ParallelGraphEvaluator, SerialExecutor, ThreadExecutor


class Number(ContextBase):
    number: int


class Vertex(CallableModel):
    """Adds what it depends on, here or one number lower, to its own number."""

    name: int
    needs: tuple[tuple["Vertex", int], ...] = ()
    _log: list = PrivateAttr(default_factory=list)
    _first: object = PrivateAttr(None)

    @Flow.call
    def __call__(self, context: Number) -> GenericResult[int]:
        if self._first is not None:
            self._first(self.name)
        self._log.append((self.name, context.number))
        return GenericResult[int](value=self.name + sum(3 * node(lower).value for node, lower in self._needed(context)))

    @Flow.deps
    def __deps__(self, context: Number):
        return [(node, [lower]) for node, lower in self._needed(context)]

    def _needed(self, context):
        return [(node, Number(number=context.number - less)) for node, less in self.needs]


class Tripled(EvaluatorBase):
    """Of those that say nothing of being transparent, and are not."""

    def __call__(self, context: ModelEvaluationContext):
        result = context()
        return GenericResult[int](value=3 * result.value) if isinstance(result, GenericResult) else result


class Plan:
    """A graph as data: for each node its earlier nodes, and for each of those how much lower it is asked for."""

    def __init__(self, needs, volatile=()):
        self.needs = [
            {index % name: less for index, less in wanted} if name else {} for name, wanted in enumerate(needs)
        ]
        self.needs.append(dict.fromkeys(range(len(self.needs)), 0))  # the last needs every one
        self.volatile = {index % len(self.needs) for index in volatile}

    def built(self, first=None, log=None):
        """The last node, and the list of all calls."""
        log, nodes = [] if log is None else log, []
        for name, wanted in enumerate(self.needs):
            meta = MetaData(options=FlowOptions(volatile=True)) if name in self.volatile else MetaData()
            node = Vertex(name=name, needs=tuple((nodes[index], less) for index, less in wanted.items()), meta=meta)
            node._log, node._first = log, first
            nodes.append(node)
        return nodes[-1], log

    def value(self, name, times=1):
        """What a node gives where each result is multiplied."""
        return times * (name + sum(3 * self.value(index, times) for index in self.needs[name]))

    def needing(self, names):
        """The nodes that need one of these."""
        found = set(names)
        for name, wanted in enumerate(self.needs):
            if found & wanted.keys():
                found.add(name)
        return found - set(names)


needs = st.lists(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 1)), max_size=3), max_size=7)
names = st.sets(st.integers(0, 50), max_size=3)
plans = st.builds(Plan, needs, names)
graphs = plans.filter(lambda plan: len(plan.needs) > 1)


def run(evaluator, root, **options):
    with FlowOptionsOverride(options=FlowOptions(evaluator=evaluator, **options)):
        return root(Number(number=5)).value


def parallel(serial=False):
    return ParallelGraphEvaluator(executor=SerialExecutor() if serial else ThreadExecutor(max_workers=3))


TRANSPARENT = [LoggingEvaluator, MemoryCacheEvaluator, lambda: RetryEvaluator(max_attempts=1)]
orders = st.sampled_from(
    [order for count in range(4) for order in itertools.permutations([None, *TRANSPARENT], count + 1) if None in order]
)


def chained(graph, order):
    return MultiEvaluator(evaluators=[graph if make is None else make() for make in order])


@given(plan=plans, order=orders, serial=st.booleans(), cacheable=st.booleans())
def test_values_are_those_of_a_recursion_and_calls_those_of_the_graph_evaluator(plan, order, serial, cacheable):
    logs = []
    for graph in (parallel(serial), GraphEvaluator()):
        root, log = plan.built()
        assert run(chained(graph, order), root, cacheable=cacheable) == plan.value(root.name)
        logs.append(Counter(log))
    assert logs[0] == logs[1]
    if not plan.volatile:
        assert set(logs[0].values()) == {1}


@given(plan=plans, order=orders)
def test_what_is_cacheable_is_evaluated_once_in_two_runs(plan, order):
    """A second root needs the same nodes; where there is a cache it finds those that are not volatile."""
    logs = []
    for graph in (parallel(), GraphEvaluator()):
        root, log = plan.built()
        other = Vertex(name=100, needs=((root, 0),))
        evaluator = chained(graph, order)
        run(evaluator, root, cacheable=True)
        assert run(evaluator, other, cacheable=True) == 100 + 3 * plan.value(root.name)
        logs.append(Counter(log))
    assert logs[0] == logs[1]


@given(plan=plans.filter(lambda plan: not plan.volatile), outside=st.booleans(), serial=st.booleans())
def test_evaluators_that_change_results_do_so_once_and_nodes_are_evaluated_once(plan, outside, serial):
    """ccflow's own evaluator gives the same values, and evaluates such nodes again wherever they are asked for."""
    evaluators = [parallel(serial), Tripled()] if outside else [Tripled(), parallel(serial)]
    root, log = plan.built()
    assert run(MultiEvaluator(evaluators=evaluators), root) == plan.value(root.name, times=3)
    assert set(Counter(log).values()) == {1}


@given(plan=graphs, failing=names.filter(bool), serial=st.booleans())
def test_an_error_is_of_a_node_that_failed_and_nothing_runs_that_needs_one(plan, failing, serial):
    failing = {index % (len(plan.needs) - 1) for index in failing}
    begun = []

    def first(name):
        begun.append(name)
        if name in failing:
            raise LookupError(f"no data for {name}")

    root, _ = plan.built(first)
    with pytest.raises(LookupError, match="no data for") as caught:
        run(parallel(serial), root)
    assert int(str(caught.value).split()[-1]) in failing
    assert caught.value.__notes__[0].startswith("in the node Vertex of Number(number=")
    assert not plan.needing(failing) & set(begun)


class Log(list):
    """Tells of each entry."""

    def __init__(self):
        super().__init__()
        self.added = threading.Semaphore(0)

    def append(self, entry):
        super().append(entry)
        self.added.release()


@settings(phases=set(Phase) - {Phase.shrink})  # each failure takes the time that is waited
@given(plan=graphs.filter(lambda plan: not plan.volatile), slow=st.integers(0, 50))
def test_all_that_does_not_need_a_slow_node_is_done_before_it_ends(plan, slow):
    """With barriers between levels, the slow node would wait for nodes that wait for its level."""
    leaves = [name for name, wanted in enumerate(plan.needs) if not wanted]
    slow = leaves[slow % len(leaves)]
    others = set(range(len(plan.needs))) - plan.needing([slow]) - {slow}
    log = Log()

    waits = threading.Lock()  # of the contexts of the node, one

    def first(name):
        if name == slow and waits.acquire(blocking=False):
            while not others <= {ended for ended, _ in log}:
                assert log.added.acquire(timeout=30), f"{slow} waits for {others}"

    root, _ = plan.built(first, log)
    assert run(ParallelGraphEvaluator(executor=ThreadExecutor(max_workers=3)), root) == plan.value(root.name)

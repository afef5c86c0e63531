"""ParallelGraphEvaluator: the nodes of a dependency graph, each as soon as what it depends on is done."""

from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from contextvars import ContextVar
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

from ccflow import EvaluatorBase, ModelEvaluationContext, ResultBase
from ccflow.evaluators import cache_key, get_dependency_graph
from ccflow.evaluators.common import CallableModelGraph
from pydantic import Field

from ..execution.executors import ThreadExecutor, is_here
from ..execution.runner import Outcome, run_calls
from .executor import OptionalExecutor, opened

__all__ = ["ParallelGraphEvaluator"]

# What the nodes of the graph that is being evaluated have given, by their keys; None outside of every graph.
_RESULTS: ContextVar[Mapping[bytes, ResultBase] | None] = ContextVar("results", default=None)


class ParallelGraphEvaluator(EvaluatorBase):
    """Evaluates the dependency graph of a model in an executor.

    A node is evaluated once, as soon as its dependencies are; when its ``__call__`` asks for one of them, the result
    that is there already is passed on. Volatile nodes are never reused. The model itself is evaluated last, in the
    calling thread. What is called and was not declared is evaluated where it is called.

    It is transparent, so that cache keys are those of an evaluation without it, and any number of threads may use one
    instance. In processes and on Dask, a node knows the results of its own dependencies only, and caches in memory are
    each process's own; models, contexts and results have to pickle.

    >>> from tempfile import TemporaryDirectory
    >>> from ccflow import FlowOptions, FlowOptionsOverride
    >>> from ccflow_etl import BackfillModel, LocalWriteModel
    >>> options = FlowOptions(evaluator=ParallelGraphEvaluator(executor=ThreadExecutor(max_workers=2)))
    >>> with TemporaryDirectory() as folder, FlowOptionsOverride(options=options):
    ...     context = {"path": f"{folder}/sales.json", "payload": 1}
    ...     print(BackfillModel(model=LocalWriteModel())(["2024-02-28", "2024-03-01", context]))
    3 steps: 3 succeeded
    """

    executor: OptionalExecutor = Field(
        default_factory=ThreadExecutor, description="Where the nodes are evaluated; by default in threads."
    )

    def __getstate__(self) -> dict[Any, Any]:
        # An open pool stays where it is; elsewhere there is nothing left to spread.
        state: dict[Any, Any] = super().__getstate__()  # type: ignore[no-untyped-call]
        if isinstance(self.executor, Executor):
            state = state | {"__dict__": state["__dict__"] | {"executor": None}}
        return state

    def is_transparent(self, context: ModelEvaluationContext[Any, Any]) -> bool:
        """Yes: the result is the same."""
        return True

    def __call__(self, context: ModelEvaluationContext) -> ResultBase:  # type: ignore[override, type-arg]
        """The result of the model, once its dependencies are evaluated.

        Raises:
            graphlib.CycleError: A model depends on itself.
            Exception: Of the first node that failed, with a note of which it is. Nodes that run meanwhile end.
        """
        results = _RESULTS.get()
        if context.fn != "__call__":
            return context()
        if results is not None:
            known = results.get(cache_key(context, effective=True)) if results else None
            return context() if known is None else known
        token = _RESULTS.set({})
        try:
            graph = get_dependency_graph(context)
            _RESULTS.set(self._evaluated(graph))
            return context()
        finally:
            _RESULTS.reset(token)

    def _evaluated(self, graph: CallableModelGraph) -> dict[bytes, ResultBase]:
        """The results of all nodes but the root."""
        nodes = _ReadyNodes(graph)
        if len(graph.graph) == 1:
            return nodes.results
        with opened(self.executor) as pool:
            nodes.travel = not is_here(pool)
            for outcome in run_calls(_evaluate, nodes, pool=pool, go_on=lambda: nodes.failed is None):
                nodes.end(outcome)
        if nodes.failed is not None:
            raise nodes.failed
        return nodes.results


@dataclass(frozen=True)
class _Node:
    """A model and a context, without the evaluators around them, whose caches need not travel."""

    key: bytes
    model: Any
    context: Any
    volatile: bool
    results: Mapping[bytes, ResultBase]


class _ReadyNodes(Iterator[_Node]):
    """The nodes whose dependencies are done; when it has ended, it may go on after another node has."""

    def __init__(self, graph: CallableModelGraph):
        self.results: dict[bytes, ResultBase] = {}
        self.failed: Exception | None = None
        self.travel = False
        self._graph = graph
        self._sorter = TopologicalSorter(graph.graph)
        self._sorter.prepare()
        self._ready = deque(self._sorter.get_ready())

    def __next__(self) -> _Node:
        while self._ready:
            key = self._ready.popleft()
            if key != self._graph.root_id:
                inner = _innermost(self._graph.ids[key])
                volatile = bool(inner.options.get("volatile"))
                return _Node(key, inner.model, inner.context, volatile, self._known(key))
        raise StopIteration

    def _known(self, key: bytes) -> Mapping[bytes, ResultBase]:
        if not self.travel:
            return self.results
        return {each: self.results[each] for each in self._graph.graph[key] if each in self.results}

    def end(self, outcome: Outcome) -> None:
        """Keep what became of a node, and see which others are ready now."""
        node: _Node = outcome.item
        if outcome.error is not None:
            if self.failed is None:
                outcome.error.add_note(f"in the node {type(node.model).__name__} of {node.context!r}")
                if outcome.error.__traceback__ is None:  # it comes from another process
                    outcome.error.add_note(outcome.trace)
                self.failed = outcome.error
            return
        if not node.volatile:
            self.results[node.key] = outcome.result
        self._sorter.done(node.key)
        self._ready.extend(self._sorter.get_ready())


def _evaluate(node: _Node) -> Any:
    token = _RESULTS.set(node.results)
    try:
        return node.model(node.context)
    finally:
        _RESULTS.reset(token)


def _innermost(context: ModelEvaluationContext[Any, Any]) -> ModelEvaluationContext[Any, Any]:
    """The evaluation of the model itself, within those of its evaluators."""
    while isinstance(context.context, ModelEvaluationContext):
        context = context.context
    return context

"""ParallelGraphEvaluator: the nodes of a dependency graph, each as soon as what it depends on is done."""

from concurrent.futures import Executor
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ccflow import EvaluatorBase, ModelEvaluationContext, ResultBase
from ccflow.evaluators import cache_key
from pydantic import Field

from ..execution.executors import ThreadExecutor
from ..execution.runner import run_calls
from .dependency_graph import DependencyGraph, Node, dependency_graph, innermost
from .executor import OptionalExecutor, opened
from .ready_nodes import ReadyNodes, Results, Task

__all__ = ["ParallelGraphEvaluator"]


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
        state: dict[Any, Any] = super().__getstate__()  # type: ignore[no-untyped-call] # ccflow's
        if isinstance(self.executor, Executor):
            state = state | {"__dict__": state["__dict__"] | {"executor": None}}
        return state

    def is_transparent(self, context: ModelEvaluationContext[Any, Any]) -> bool:
        """Yes: the result is the same."""
        return True

    def __call__(self, context: ModelEvaluationContext) -> ResultBase:  # type: ignore[override, type-arg] # as ccflow's own evaluators
        """The result of the model, once its dependencies are evaluated.

        Raises:
            graphlib.CycleError: A model depends on itself.
            RecursionError: Dependencies without an end.
            Exception: Of the first node that failed, with a note of which it is. Nodes that run meanwhile end.
        """
        inner = innermost(context)
        if inner.fn != "__call__":
            return context()
        around = _EVALUATION.get()
        if around is not None:
            return around.result(context)
        token = _EVALUATION.set(_Evaluation({}))
        try:
            graph = dependency_graph(inner.model, inner.context)
            _EVALUATION.set(_Evaluation(self._evaluated(graph)))
            return context()
        finally:
            _EVALUATION.reset(token)

    def _evaluated(self, graph: DependencyGraph) -> Results:
        """The results of all nodes but the root."""
        nodes = ReadyNodes(graph)
        if len(graph.nodes) == 1:
            return nodes.results
        with opened(self.executor) as pool:
            for outcome in run_calls(_evaluate, nodes, pool=pool, go_on=lambda: nodes.failed is None):
                nodes.end(outcome)
        if nodes.failed is not None:
            raise nodes.failed
        return nodes.results


@dataclass
class _Evaluation:
    """The evaluation of a node, or of the root, which is none, with the results that are known there."""

    results: Results
    node: Node | None = None
    given: tuple[bytes, ResultBase] | None = None

    def result(self, context: ModelEvaluationContext[Any, Any]) -> ResultBase:
        """What is known of this evaluation, or what it gives now."""
        inner = innermost(context)
        if self.node is not None and inner.model is self.node.model and inner.context is self.node.context:
            result: ResultBase = context()
            if self.node.opaque:  # what is around this evaluator may change it, and will again where it is passed on
                self.given = cache_key(context, effective=True), result
            return result
        if self.results:
            key = cache_key(context, effective=True)
            if key in self.results:
                return self.results[key]
        return context()


_EVALUATION: ContextVar[_Evaluation | None] = ContextVar("evaluation", default=None)


def _evaluate(task: Task) -> tuple[bytes, ResultBase] | None:
    """The node's result with its key, or None where it must not be reused."""
    node = task.node
    evaluation = _Evaluation(task.results, node)
    token = _EVALUATION.set(evaluation)
    try:
        result = node.model(node.context)
    finally:
        _EVALUATION.reset(token)
    return None if node.volatile else evaluation.given or (node.key, result)

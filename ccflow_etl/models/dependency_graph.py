"""The graph of what a model depends on, and that depends on, as their ``__deps__`` tell."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from ccflow import ModelEvaluationContext, TransparentModelEvaluationContext
from ccflow.evaluators import cache_key

__all__ = ["DependencyGraph", "Node", "dependency_graph", "innermost"]

# More than there are hours in ten years, each of which needs the one before; what goes on for longer has no end.
_DEEPEST = 100_000


@dataclass(frozen=True)
class Node:
    """A model and a context, without the evaluators around them.

    Args:
        volatile: Whether it gives another result each time.
        opaque: Whether an evaluator around it may change its result.
    """

    key: bytes
    model: Any
    context: Any
    volatile: bool
    opaque: bool

    def __str__(self) -> str:
        """The model by the names that it has, with its context, for an error."""
        names = [type(self.model).__name__, self.model.meta.name, *self.model.get_registered_names()[:1]]
        return f"{' '.join(filter(None, names))} of {_short(repr(self.context))}"


@dataclass
class DependencyGraph:
    """Nodes by their keys, in the order in which they are declared, and what each of them depends on."""

    root: bytes
    nodes: dict[bytes, Node] = field(default_factory=dict)
    needs: dict[bytes, dict[bytes, None]] = field(default_factory=dict)

    def sorter(self) -> "TopologicalSorter[bytes]":
        """What says which nodes are ready, prepared.

        Raises:
            graphlib.CycleError: A node depends on itself; the message names what lies between.
        """
        sorter = TopologicalSorter(self.needs)
        try:
            sorter.prepare()
        except CycleError as error:
            cycle = [str(self.nodes[key]) for key in reversed(error.args[1])]
            raise CycleError(f"a model depends on itself: {', which needs '.join(_few(cycle))}", cycle) from None
        return sorter


def dependency_graph(model: Any, context: Any) -> DependencyGraph:
    """The graph of all that a model depends on, however deep it goes.

    ``__deps__`` is called as often as there are nodes, with the evaluators that are configured. An exception that it
    raises is noted with its node.

    Raises:
        RecursionError: Dependencies without an end.
    """
    graph = DependencyGraph(root=_node(model, context).key)
    # From the last to the first, because the end of a list is where Python takes from.
    waiting: list[tuple[Node | None, int, Any, Any]] = [(None, 0, model, context)]
    while waiting:
        parent, depth, model, context = waiting.pop()
        node = _node(model, context)
        if parent is not None:
            graph.needs[parent.key][node.key] = None
        if node.key in graph.nodes:
            continue
        if depth > _DEEPEST:
            raise RecursionError(f"{depth} nodes depend on each other in a row, the last is {node}: is there an end?")
        graph.nodes[node.key] = node
        graph.needs[node.key] = {}
        declared = [(node, depth + 1, each, one) for each, contexts in _declared(node) for one in contexts]
        waiting.extend(reversed(declared))
    return graph


def innermost(evaluation: ModelEvaluationContext[Any, Any]) -> ModelEvaluationContext[Any, Any]:
    """The evaluation of the model itself, within those of its evaluators."""
    while isinstance(evaluation.context, ModelEvaluationContext):
        evaluation = evaluation.context
    return evaluation


def _node(model: Any, context: Any) -> Node:
    evaluation = model.__call__.get_evaluation_context(model, context)
    inner = innermost(evaluation)
    opaque = inner is not evaluation and not isinstance(evaluation, TransparentModelEvaluationContext)
    key = cache_key(evaluation, effective=True)
    return Node(key, inner.model, inner.context, bool(inner.options.get("volatile")), opaque)


def _declared(node: Node) -> Any:
    try:
        return node.model.__deps__(node.context)
    except Exception as error:
        error.add_note(f"in the dependencies of {node}")
        raise


def _few(names: Sequence[str]) -> Sequence[str]:
    return names if len(names) <= 6 else [*names[:3], "...", *names[-2:]]


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:197]}..."

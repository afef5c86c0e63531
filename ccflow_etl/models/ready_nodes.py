"""The nodes of a graph, each when what it needs is done; and how one of them travels to another process."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from uuid import uuid4

import cloudpickle
from ccflow import ResultBase

from ..execution.runner import Outcome
from .dependency_graph import DependencyGraph, Node

__all__ = ["ReadyNodes", "Results", "Task"]

Results = Mapping[bytes, ResultBase]
"""What nodes have given, by the keys of their evaluations."""

Parcel = tuple[str, bytes, bytes]
"""The run, the pickled model, and the pickled rest."""


@dataclass
class Task:
    """A node to evaluate, and the results that are known to it: here all of them, elsewhere those that it needs."""

    node: Node
    results: Results
    pack: Callable[[Node], Parcel]

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpack, self.pack(self.node)


class ReadyNodes(Iterator[Task]):
    """The nodes whose dependencies are done; when it has ended, it may go on after another node has."""

    def __init__(self, graph: DependencyGraph):
        self.results: dict[bytes, ResultBase] = {}
        self.failed: BaseException | None = None
        self._graph = graph
        self._given_as: dict[bytes, bytes] = {}
        self._run = uuid4().hex
        self._models: dict[int, bytes] = {}
        self._sorter = graph.sorter()
        self._ready = deque(self._sorter.get_ready())

    def __next__(self) -> Task:
        while self._ready:
            key = self._ready.popleft()
            if key != self._graph.root:
                return Task(self._graph.nodes[key], self.results, self._pack)
        raise StopIteration

    def end(self, outcome: Outcome) -> None:
        """Keep what became of a node, and see which others are ready now."""
        node: Node = outcome.item.node
        if outcome.error is not None:
            if self.failed is None:
                self.failed = outcome.noted(f"in the node {node}")
            return
        if outcome.result is not None:
            self._given_as[node.key], result = outcome.result
            self.results[self._given_as[node.key]] = result
        self._sorter.done(node.key)
        self._ready.extend(self._sorter.get_ready())

    def _pack(self, node: Node) -> Parcel:
        """The node with what it needs; its model is pickled once for all of its contexts.

        Raises:
            TypeError: It does not pickle; the message names it.
        """
        keys = [self._given_as[key] for key in self._graph.needs[node.key] if key in self._given_as]
        try:
            if id(node.model) not in self._models:
                self._models[id(node.model)] = cloudpickle.dumps(node.model)
            rest = cloudpickle.dumps((replace(node, model=None), {key: self.results[key] for key in keys}))
        except Exception as error:
            raise TypeError(
                f"the node {node} cannot be sent to another process: it, or a result that it needs, does not pickle "
                f"({type(error).__name__}: {error}). Evaluate the graph in threads, or make what it holds when it is "
                "called."
            ) from error
        return self._run, self._models[id(node.model)], rest


def _unpack(run: str, model: bytes, rest: bytes) -> Task:
    node, results = cloudpickle.loads(rest)
    return Task(replace(node, model=_model(run, model)), results, lambda node: (run, model, rest))


@lru_cache(maxsize=16)  # the contexts of one model come in a row, mostly
def _model(run: str, model: bytes) -> Any:
    """The model, made once for a run; what it remembers is forgotten with that."""
    return cloudpickle.loads(model)

"""What a node costs in a parallel graph beside ccflow's own evaluator, and what nodes that wait gain."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from ccflow import FlowOptions, FlowOptionsOverride
from ccflow.evaluators import GraphEvaluator

from benchmarks.models import Day, Naive, Waiting, days_of
from benchmarks.ratios import Case
from ccflow_etl import ParallelGraphEvaluator, SerialExecutor, ThreadExecutor


def evaluated(evaluator, model, context):
    with FlowOptionsOverride(options=FlowOptions(evaluator=evaluator)):
        return model(context).value


def test_nodes_that_cost_nothing(compare, full):
    count, model = 5_000 if full else 200, Naive(model=Day())
    context = days_of(Day(), count)
    threads, here = (
        partial(evaluated, ParallelGraphEvaluator(executor=executor), model, context)
        for executor in (ThreadExecutor(max_workers=2), SerialExecutor())
    )
    theirs = partial(evaluated, GraphEvaluator(), model, context)
    assert threads() == here() == theirs()
    compare(
        Case("a node, two threads", threads, "GraphEvaluator", theirs, 1.5, quiet=True, each=count),
        Case("a node, here", here, "GraphEvaluator", theirs, 1.3, quiet=True, each=count),
    )


def test_nodes_that_wait(compare, full):
    count = 320 if full else 32
    context = days_of(Waiting(), count)
    contexts = list(context.step_contexts())
    evaluator = ParallelGraphEvaluator(executor=ThreadExecutor(max_workers=16))
    ours = partial(evaluated, evaluator, Naive(model=Waiting()), context)

    def pool():
        with ThreadPoolExecutor(16) as threads:
            return [result.value for result in threads.map(Waiting(), contexts)]

    few = 20

    def theirs():
        return evaluated(GraphEvaluator(), Naive(model=Waiting()), days_of(Waiting(), few))

    assert ours() == pool()
    what = "a node that waits 50 ms, 16 threads"
    compare(
        Case(what, ours, "GraphEvaluator", theirs, 1 / 5, quiet=True, each=count, theirs_each=few),
        Case(what, ours, "a bare pool of 16", pool, 2, quiet=True, each=count),
        by="clock",
    )

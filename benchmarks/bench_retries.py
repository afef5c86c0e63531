"""A retried call beside the loop that one writes by hand."""

import pytest
from ccflow import CallableModel, Flow, GenericResult, NullContext

from benchmarks.models import Day, days_of
from benchmarks.ratios import Case
from ccflow_etl import BackfillModel, RetryModel, RetryPolicy

POLICY = RetryPolicy(max_attempts=3, retry_exception_types=["ConnectionError"])


class Failing(CallableModel):
    """Fails so often before it answers, over and over."""

    failures: int
    _calls: int = 0

    @Flow.call
    def __call__(self, context: NullContext) -> GenericResult[int]:
        self._calls += 1
        if self._calls % (self.failures + 1):
            raise ConnectionError("no answer")
        return GenericResult[int](value=1)


def by_hand(model, context):
    for attempt in range(1, 4):
        try:
            return model(context)
        except ConnectionError:
            if attempt == 3:
                raise
    raise AssertionError


@pytest.mark.parametrize("failures", [0, 2])
def test_a_call_beside_a_loop_by_hand(compare, failures):
    bare, wrapped = Failing(failures=failures), RetryModel(model=Failing(failures=failures), policy=POLICY)
    context = NullContext()
    assert wrapped(context).value["attempts"] == failures + 1
    assert by_hand(bare, context).value == 1
    what = f"a call that succeeds at attempt {failures + 1}"
    # Between two attempts other threads and processes get their turn, which a busy machine makes long.
    compare(
        Case(what, lambda: wrapped(context), "try in a loop", lambda: by_hand(bare, context), 4, quiet=failures > 0)
    )


def test_a_step_of_a_backfill_beside_a_loop_by_hand(compare, full):
    count, model = 2_000 if full else 200, Day()
    context = days_of(model, count)
    ready = list(context.step_contexts())
    backfill = BackfillModel(model=model, retry=POLICY, collect=False)
    compare(
        Case(
            "a step of a backfill with a policy",
            lambda: backfill(context),
            "try in a loop",
            lambda: [by_hand(model, step) for step in ready],
            4,
            each=count,
        )
    )


@pytest.mark.benchmark(group="a retried call")
@pytest.mark.parametrize("failures", [0, 2])
def test_a_retried_call(benchmark, failures):
    model = RetryModel(model=Failing(failures=failures), policy=POLICY)
    assert benchmark(model, NullContext()).value["succeeded"] == 1

"""Two thousand steps, and every policy there is: the same outputs, reports and marks wherever the steps run."""

import importlib
import sys
import textwrap

import pytest

from ccflow_etl import (
    BackfillError,
    BackfillModel,
    ProcessExecutor,
    RetryPolicy,
    SerialExecutor,
    ThreadExecutor,
)

MODELS = """
    import sys

    from ccflow import CallableModel, DateContext, DateRangeContext, Flow, GenericResult


    class Reading(CallableModel):
        '''Has no data for every so many-th day.'''

        without: int = 0

        @Flow.call
        def __call__(self, context: DateContext) -> GenericResult[dict]:
            number = context.date.toordinal()
            if self.without and number % self.without == 0:
                raise LookupError(f"no data for {context.date}")
            return GenericResult[dict](value={"number": number, "weekday": context.date.strftime("%A")})


    class Span(CallableModel):
        without: int = 0

        @Flow.call
        def __call__(self, context: DateRangeContext) -> GenericResult[int]:
            first, last = context.start_date.toordinal(), context.end_date.toordinal()
            if self.without and any(number % self.without == 0 for number in range(first, last + 1)):
                raise LookupError(f"no data for {context.start_date} to {context.end_date}")
            return GenericResult[int](value=last - first + 1)


    class Exiting(CallableModel):
        @Flow.call
        def __call__(self, context: DateContext) -> GenericResult[int]:
            sys.exit("enough")
"""

AGAIN = RetryPolicy(max_attempts=2, retry_exception_types=["LookupError"])
EXECUTORS = ["serial", "threads", "processes", "dask"]


@pytest.fixture(scope="module")
def models(importable):
    (importable / "executors_agree_models.py").write_text(textwrap.dedent(MODELS))
    importlib.invalidate_caches()
    yield importlib.import_module("executors_agree_models")
    del sys.modules["executors_agree_models"]


@pytest.fixture(scope="module")
def pools(models, dask_pool):
    with ProcessExecutor(max_workers=2).open() as processes:
        yield {
            "serial": SerialExecutor(),
            "threads": ThreadExecutor(max_workers=3),
            "processes": processes,
            "dask": dask_pool,
        }


class Marks:
    def __init__(self, done):
        self.done, self.marks = done, []

    def should_skip(self, key):
        return key[:10] in self.done

    def mark(self, key, status, metadata=None):
        self.marks.append((key, status, metadata["attempts"], metadata.get("error")))


def told(backfill, context, store=None):
    """Everything that does not depend on when and where the steps ran."""
    try:
        result = backfill(context)
    except BackfillError as error:
        result = error.result
    report = result.report.drop(columns=["started", "seconds"])
    return result.value, result.summary, report.to_dict("list"), sorted(store.marks) if store else None


@pytest.mark.parametrize("kind", EXECUTORS[1:])
def test_two_thousand_steps(models, pools, kind):
    context = ["2018-01-01", "2023-06-23"]
    here = told(BackfillModel(model=models.Reading(without=7), executor=pools["serial"], on_error="continue"), context)
    there = told(BackfillModel(model=models.Reading(without=7), executor=pools[kind], on_error="continue"), context)
    assert here[0]["steps"] == 2000
    assert (here[1].succeeded, here[1].failed) == (1715, 285)
    assert there == here


POLICIES = {
    "backward": ("Reading", {"direction": "backward"}, {"on_error": "continue"}),
    "retried": ("Reading", {}, {"retry": AGAIN, "on_error": "continue"}),
    "few may fail": ("Reading", {}, {"max_failures": 100}),
    "no outputs": ("Reading", {}, {"collect": False, "on_error": "continue"}),
    "in order": ("Reading", {}, {"depends_on_past": True, "on_error": "continue"}),
    "chunks": ("Span", {}, {"chunk": 5, "on_error": "continue"}),
    "months": ("Span", {}, {"chunk": "1M", "on_error": "continue"}),
    "split chunks": ("Span", {}, {"chunk": 8, "split_failed": True, "on_error": "continue", "retry": AGAIN}),
}


@pytest.mark.parametrize("kind", EXECUTORS[1:])
@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy(models, pools, kind, policy):
    model, context, fields = POLICIES[policy]
    context = {"start_datetime": "2024-01-01", "end_datetime": "2024-04-30", **context}
    answers = []
    for executor in (pools["serial"], pools[kind]):
        store = Marks(done={"2024-01-05", "2024-02-29"})
        backfill = BackfillModel(
            model=getattr(models, model)(without=11), executor=executor, checkpoint_store=store, key="{step}", **fields
        )
        answers.append(told(backfill, context, store))
    assert answers[0] == answers[1]
    assert answers[0][1].failed > 0
    assert answers[0][1].skipped == 2


@pytest.mark.parametrize("kind", EXECUTORS)
def test_no_more_steps_begin_than_may_fail(models, pools, kind):
    """Every step fails: those that were under way are recorded, and no others began."""
    store = Marks(done=())
    backfill = BackfillModel(
        model=models.Reading(without=1), executor=pools[kind], checkpoint_store=store, key="{step}", max_failures=3
    )
    with pytest.raises(BackfillError) as caught:
        backfill(["2018-01-01", "2023-06-23"])
    report = caught.value.result.report
    failed = report["step"][report["status"] == "failed"].dt.strftime("%Y-%m-%d").tolist()
    assert sorted(key for key, *_ in store.marks) == failed
    assert 4 <= len(failed) <= 200
    assert (report["status"] == "cancelled").sum() == 2000 - len(failed)


@pytest.mark.parametrize("kind", EXECUTORS)
def test_a_step_that_exits_ends_the_run(models, pools, kind):
    with pytest.raises(SystemExit, match="enough"):
        BackfillModel(model=models.Exiting(), executor=pools[kind], on_error="continue")(["2024-01-01", "2024-01-31"])

"""Two thousand steps, and every policy there is: the same outputs, reports and marks wherever the steps run."""

import functools
import json

import pytest

from ccflow_etl import (
    BackfillError,
    BackfillModel,
    DaskExecutor,
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
EXECUTORS = ["serial", "threads", "processes", "dask", "dask at an address"]


@pytest.fixture(scope="module")
def models(import_as):
    return import_as("executors_agree_models", MODELS)


@pytest.fixture(scope="module")
def pools(models, dask_pool):
    with ProcessExecutor(max_workers=2).open() as processes:
        yield {
            "serial": SerialExecutor(),
            "threads": ThreadExecutor(max_workers=3),
            "processes": processes,
            "dask": dask_pool,
            "dask at an address": DaskExecutor(address=dask_pool._client.scheduler.address),
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
    coverage = result.coverage.to_dict("list")
    return result.value, result.summary, report.to_dict("list"), coverage, sorted(store.marks) if store else None


def lines_of(path):
    """The lines of a report's file, in the order of the steps, without the times."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    kept = [{name: value for name, value in line.items() if name not in ("started", "seconds")} for line in lines]
    return sorted(kept, key=lambda line: line["step"])


@pytest.fixture(scope="module")
def two_thousand(models, pools):
    """What an executor gives for two thousand steps."""

    @functools.cache
    def run(kind):
        model = models.Reading(without=7)
        return told(BackfillModel(model=model, executor=pools[kind], on_error="continue"), ["2018-01-01", "2023-06-23"])

    return run


@pytest.mark.no_cover
@pytest.mark.parametrize("kind", EXECUTORS[1:-1])
def test_two_thousand_steps(two_thousand, kind):
    here = two_thousand("serial")
    assert here[0]["steps"] == 2000
    assert (here[1].succeeded, here[1].failed) == (1715, 285)
    assert two_thousand(kind) == here


POLICIES = {
    "backward": ("Reading", {"direction": "backward"}, {"on_error": "continue"}),
    "retried": ("Reading", {}, {"retry": AGAIN, "on_error": "continue"}),
    "few may fail": ("Reading", {}, {"max_failures": 100}),
    "most have to succeed": ("Reading", {}, {"min_success_ratio": 0.1}),
    "no outputs": ("Reading", {}, {"collect": False, "on_error": "continue"}),
    "in order": ("Reading", {}, {"depends_on_past": True, "on_error": "continue"}),
    "chunks": ("Span", {}, {"chunk": 5, "on_error": "continue"}),
    "months": ("Span", {}, {"chunk": "1M", "on_error": "continue"}),
    "split chunks": ("Span", {}, {"chunk": 8, "split_failed": True, "on_error": "continue", "retry": AGAIN}),
}


@pytest.fixture(scope="module")
def under_policy(models, pools, tmp_path_factory):
    """What an executor gives under a policy, and the lines of its report's file."""

    @functools.cache
    def run(policy, kind):
        model, context, fields = POLICIES[policy]
        store, path = Marks(done={"2024-01-05", "2024-02-29"}), tmp_path_factory.mktemp("policy") / "report.jsonl"
        backfill = BackfillModel(
            model=getattr(models, model)(without=11),
            executor=pools[kind],
            checkpoint_store=store,
            key="{step}",
            report_path=path,
            **fields,
        )
        context = {"start_datetime": "2024-01-01", "end_datetime": "2024-04-30", **context}
        return told(backfill, context, store), lines_of(path)

    return run


@pytest.mark.parametrize("kind", EXECUTORS[1:])
@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy(under_policy, policy, kind):
    answer, lines = under_policy(policy, "serial")
    assert under_policy(policy, kind) == (answer, lines)
    assert len(lines) == 121
    assert answer[1].failed > 0
    assert answer[1].skipped == 2


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
def test_the_first_failure_is_raised_and_no_more_steps_begin(models, pools, kind):
    """What failed and what succeeded has its mark, and the next run does all but the latter."""
    store = Marks(done=())
    model, context = models.Reading(without=50), ["2018-01-01", "2023-06-23"]
    with pytest.raises(LookupError, match="no data for 2018-") as caught:
        BackfillModel(model=model, executor=pools[kind], checkpoint_store=store, key="{step}")(context)
    assert "in the backfill's step 2018-" in "".join(caught.value.__notes__)
    marks = {key: status for key, status, *_ in store.marks}
    assert len(marks) == len(store.marks) <= 300
    assert set(marks.values()) == {"succeeded", "failed"}
    done = {key for key, status in marks.items() if status == "succeeded"}
    again = BackfillModel(
        model=models.Reading(), executor=pools[kind], checkpoint_store=Marks(done), key="{step}", collect=False
    )([context[0], "2018-12-31"])
    assert again.summary.by_status == {"checkpoint": len(done), "succeeded": 365 - len(done)}


@pytest.mark.parametrize("kind", EXECUTORS)
def test_a_step_that_exits_ends_the_run(models, pools, kind):
    with pytest.raises(SystemExit, match="enough"):
        BackfillModel(model=models.Exiting(), executor=pools[kind], on_error="continue")(["2024-01-01", "2024-01-31"])

"""The page of a run: what it tells, to whom, and what it keeps to itself."""

import os
import pickle
import re

import numpy as np
import pandas as pd
import pytest
from ccflow import CallableModel, DateContext, Flow, GenericResult
from pydantic import Field, SecretStr

from ccflow_etl import (
    BackfillCancelled,
    BackfillError,
    BackfillModel,
    BackfillResult,
    MemoryCheckpointStore,
    RetryPolicy,
    RunSummary,
    ThreadExecutor,
)
from ccflow_etl.models.report import StepReport

HOSTILE = "</pre></style><script>alert('1')</script>\" onload=\"x\x00\x1b[31m\u202eevil\udc80"
SHOWN = "</pre></style><script>alert('1')</script>\" onload=\"x\\x00\\x1b[31m\\u202eevil\\udc80"
MARCH = ["2024-03-01", "2024-03-31"]


class Shop(CallableModel):
    """Has no data on the 10th, the 20th and the 30th, and is asked twice on the 5th."""

    api_token: SecretStr = SecretStr("tok-98765")
    uri: str = "postgresql://etl:hunter2@db/sales"
    tried: list[int] = Field(default_factory=list)
    error: str = "no data of day {day}"

    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        day = context.date.day
        if day % 10 == 0:
            raise LookupError(self.error.format(day=day, uri=self.uri))
        if day == 5 and day not in self.tried:
            self.tried.append(day)
            raise TimeoutError
        return GenericResult[int](value=day)


def backfill(**settings):
    retry = RetryPolicy(max_attempts=3, retry_exception_types=["TimeoutError"])
    return BackfillModel(**{"model": Shop(), "retry": retry, "max_failures": 31} | settings)


def sections(page):
    return {section.attributes["id"]: section for section in page.find_all("section")}


def captioned(section):
    return {table.find("caption").text: table.rows() for table in section.find_all("table") if has_caption(table)}


def has_caption(table):
    return bool(list(table.find_all("caption")))


def counts(section):
    names = [name.text for name in section.find_all("dt")]
    return dict(zip(names, [count.text for count in section.find_all("dd")], strict=True))


@pytest.fixture(scope="module")
def result():
    return backfill()(MARCH)


@pytest.fixture
def page(result, read_html):
    return read_html(result.to_html())


def test_the_summary_tells_what_was_run_and_how_it_went(page):
    assert page.find("h1").text == "Backfill of Shop"
    assert page.find("title").text == "Backfill of Shop: 3 of 31 steps failed"
    summary = sections(page)["summary"]
    assert counts(summary) == {"steps": "31", "failed": "3", "succeeded": "28"}
    facts = dict(summary.find("table").rows())
    assert facts["from"], facts["to"] == ("2024-03-01 00:00:00", "2024-03-31 00:00:00")
    assert facts["tried again"] == "1 step, 1 more attempt"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", facts["began"])


def test_the_coverage_shows_what_is_missing(page):
    coverage = sections(page)["coverage"]
    assert captioned(coverage)["Ranges that are not done"][1:] == [
        ["2024-03-10", "2024-03-11", "1"],
        ["2024-03-20", "2024-03-21", "1"],
        ["2024-03-30", "2024-03-31", "1"],
    ]
    image = coverage.find("svg", role="img")
    assert image.attributes["aria-label"] == "Steps by what became of them: 3 failed, 28 succeeded"


def test_failures_are_told_by_kind_and_with_their_tracebacks(page):
    failures = sections(page)["failures"]
    assert captioned(failures)["1 kind of error"][1:] == [
        ["LookupError: no data of day 10", "3", "2024-03-10", "2024-03-30"]
    ]
    details = list(failures.find_all("details"))
    assert [detail.find("summary").text for detail in details] == [
        f"2024-03-{day} LookupError: no data of day {day}" for day in (10, 20, 30)
    ]
    for detail, day in zip(details, (10, 20, 30), strict=True):
        assert detail.find("pre").text.startswith("Traceback (most recent call last):")
        assert detail.find("pre").text.rstrip().endswith(f"LookupError: no data of day {day}")
        assert "open" not in detail.attributes


def test_retries_and_slow_steps_are_listed_the_worst_first(page, result):
    tried = captioned(sections(page)["retries"])["Steps that were tried most often"]
    assert [[row[0], *row[2:]] for row in tried[1:]] == [["2024-03-05", "2", "succeeded"]]
    slowest = captioned(sections(page)["slowest"])["Steps that took longest"]
    expected = result.report.sort_values("seconds", ascending=False, kind="stable")["step"].head(10)
    assert [row[0] for row in slowest[1:]] == [str(step.date()) for step in expected]


def test_the_plan_stands_beside_the_run(read_html):
    store = MemoryCheckpointStore()
    backfill(checkpoint_store=store)(["2024-03-01", "2024-03-09"])
    again = backfill(checkpoint_store=store)(MARCH)
    plan = sections(read_html(again.to_html()))["plan"]
    assert captioned(plan)["Decisions and what became of them"] == [
        ["decision", "steps", "succeeded", "failed", "cancelled", "not run"],
        ["to be run", "22", "19", "3", "-", "-"],
        ["checkpoint", "9", "-", "-", "-", "-"],
    ]
    assert "22 steps of 31 to be run" in plan.text


def test_the_settings_are_told_without_secrets(page):
    settings = sections(page)["configuration"].find("pre").text
    assert "max_failures: 31" in settings
    assert "_target_: ccflow_etl.execution.retry.RetryPolicy" in settings


def test_no_secret_gets_into_the_page(read_html):
    model = Shop(api_token="tok-98765", uri="postgresql://etl:hunter2@db/sales", error="{uri}?sig=abc123&day={day}")
    html = backfill(model=model)(MARCH).to_html()
    assert "LookupError: postgresql://etl:***@db/sales?sig=***&day=10" in read_html(html).text
    for secret in ("hunter2", "tok-98765", "abc123"):
        assert secret not in html


def test_a_run_that_went_well_has_no_failures_and_no_retries(read_html):
    good = backfill()(["2024-03-01", "2024-03-04"])
    page = read_html(good.to_html())
    assert page.find("p", **{"class": "outcome good"}).text == "4 steps succeeded"
    assert sections(page).keys() == {"summary", "coverage", "plan", "slowest", "configuration"}
    assert "Every step is done." in sections(page)["coverage"].text


def test_a_run_of_nothing_has_a_page(read_html):
    page = read_html(backfill()(["2024-03-02", "2024-03-01"]).to_html())
    assert page.find("p", **{"class": "outcome neither"}).text == "Nothing was run"
    assert sections(page).keys() == {"summary", "configuration"}


def test_a_result_from_json_has_a_page_of_its_counts(result, read_html):
    again = BackfillResult.model_validate_json(result.model_dump_json())
    page = read_html(again.to_html())
    assert counts(sections(page)["summary"]) == {"steps": "31", "failed": "3", "succeeded": "28"}
    assert sections(page).keys() == {"summary"}


def test_a_result_from_another_process_has_the_same_page(result):
    assert pickle.loads(pickle.dumps(result)).to_html() == result.to_html()


def test_the_results_of_failed_and_cancelled_runs_have_pages(read_html):
    with pytest.raises(BackfillError) as failed:
        backfill(max_failures=1)(MARCH)
    page = read_html(failed.value.result.to_html())
    assert page.find("p", **{"class": "outcome bad"}).text == "2 of 31 steps failed"
    assert counts(sections(page)["summary"]) == {"steps": "31", "cancelled": "11", "failed": "2", "succeeded": "18"}

    class Interrupting(CallableModel):
        @Flow.call
        def __call__(self, context: DateContext) -> GenericResult[int]:
            if context.date.day == 3:
                raise KeyboardInterrupt
            return GenericResult[int](value=1)

    with pytest.raises(BackfillCancelled) as cancelled:
        BackfillModel(model=Interrupting(), progress=False)(MARCH)
    page = read_html(cancelled.value.result.to_html())
    assert page.find("p", **{"class": "outcome neither"}).text == "29 of 31 steps were cancelled"


class Ending(CallableModel):
    """Is interrupted on the 2nd, and fails on the 10th."""

    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        if context.date.day == 2:
            raise KeyboardInterrupt
        if context.date.day == 10:
            raise LookupError("no data")
        return GenericResult[int](value=1)


def test_a_page_of_one_step_tells_it_in_the_singular(read_html):
    with pytest.raises(BackfillError) as failed:
        BackfillModel(model=Ending(), on_error="continue")(["2024-03-10", "2024-03-10"])
    page = read_html(failed.value.result.to_html())
    assert page.find("p", **{"class": "outcome bad"}).text == "1 of 1 step failed"
    assert counts(sections(page)["summary"]) == {"step": "1", "failed": "1"}
    assert "1 range of steps is not done." in sections(page)["coverage"].text
    assert "1 step of 1 to be run." in sections(page)["plan"].text


def test_one_step_of_several_was_cancelled(read_html):
    with pytest.raises(BackfillCancelled) as cancelled:
        BackfillModel(model=Ending(), progress=False)(["2024-03-01", "2024-03-02"])
    page = read_html(cancelled.value.result.to_html())
    assert page.find("p", **{"class": "outcome neither"}).text == "1 of 2 steps was cancelled"


def test_several_ranges_that_are_not_done_are_counted(page):
    assert "3 ranges of steps are not done." in sections(page)["coverage"].text


def test_steps_that_ran_elsewhere_have_their_tracebacks(read_html):
    page = read_html(backfill(executor=ThreadExecutor(max_workers=2))(MARCH).to_html())
    assert len(list(sections(page)["failures"].find_all("details"))) == 3


def test_hostile_text_is_text(read_html):
    page = read_html(backfill(model=Shop(error=HOSTILE))(MARCH).to_html())
    failures = sections(page)["failures"]
    assert captioned(failures)["1 kind of error"][1][0] == f"LookupError: {SHOWN}"
    assert SHOWN in failures.find("pre").text
    assert not list(page.find_all("script"))
    assert not any(name.startswith("on") for element in page.everything() for name in element.attributes)


def test_nothing_is_fetched(page):
    for element in page.everything():
        assert element.tag not in {
            "script",
            "img",
            "iframe",
            "object",
            "embed",
            "audio",
            "video",
            "base",
            "use",
            "image",
        }
        for name in ("href", "xlink:href", "src", "srcset", "action", "background", "poster"):
            assert (element.attributes.get(name) or "#").startswith(("#", "data:,"))
    for style in page.find_all("style"):
        assert "url(" not in "".join(style.own_text)
        assert "@import" not in "".join(style.own_text)
    policy = page.find("meta", **{"http-equiv": "Content-Security-Policy"}).attributes["content"]
    assert policy.startswith("default-src 'none'")


def test_the_page_can_be_read_without_looking_at_it(page):
    assert page.find("html").attributes["lang"] == "en"
    headings = [element.tag for element in page.everything() if re.fullmatch("h[1-6]", element.tag)]
    assert headings[0] == "h1"
    assert set(headings[1:]) == {"h2"}
    ids = {element.attributes.get("id") for element in page.everything()}
    links = [link.attributes["href"] for link in page.find_all("a")]
    assert len(links) > 5
    assert {link.removeprefix("#") for link in links} <= ids
    for section in page.find_all("section"):
        assert section.attributes["aria-labelledby"] in ids
    for table in page.find_all("table"):
        heads = list(table.find_all("th"))
        assert heads
        assert all(head.attributes["scope"] in ("col", "row") for head in heads)
        assert has_caption(table) or table.attributes["class"] == "facts"
    for image in page.find_all("svg"):
        assert image.attributes.get("aria-label") or image.attributes.get("aria-hidden") == "true"
    for region in [element for element in page.everything() if element.attributes.get("role") == "region"]:
        assert region.attributes["aria-label"]
        assert region.attributes["tabindex"] == "0"


def test_the_page_is_written_whole_and_replaces_an_older_one(result, tmp_path):
    file = tmp_path / "pages" / "run.html"
    assert result.to_html(file) is None
    assert file.read_text(encoding="utf-8") == result.to_html()
    file.write_text("older")
    result.to_html(str(file))
    assert file.read_text(encoding="utf-8") == result.to_html()
    assert os.listdir(file.parent) == ["run.html"]


def test_a_folder_is_not_replaced_by_a_page(result, tmp_path):
    with pytest.raises(IsADirectoryError):
        result.to_html(tmp_path)


def long_report(failed_share: float) -> BackfillResult:
    steps = pd.date_range("2010-01-01", periods=100_000, freq="h", unit="us")
    report = StepReport(
        steps, lambda: pd.IntervalIndex.from_arrays(steps, steps + pd.Timedelta(hours=1), closed="left")
    )
    random = np.random.default_rng(8)
    for index, (draw, seconds) in enumerate(zip(random.random(len(steps)), random.random(len(steps)), strict=True)):
        failed = draw < failed_share
        error, trace = (f"ValueError: {index} {'x' * 500}", "frame\n" * 5000) if failed else ("", "")
        status = "failed" if failed else "succeeded"
        report.record(index, status, attempts=1, started=index, seconds=seconds, error=error, trace=trace)
    result = BackfillResult(value={"steps": len(steps), "outputs": []}, summary=report.summary())
    result._report = report
    return result


@pytest.mark.no_cover
@pytest.mark.parametrize("failed_share", [0, 0.01, 1])
def test_a_hundred_thousand_steps_make_a_page_below_a_megabyte(failed_share, read_html):
    html = long_report(failed_share).to_html()
    assert len(html.encode()) < 1_000_000
    page = read_html(html)
    assert counts(sections(page)["summary"])["steps"] == "100,000"
    assert len(list(page.find_all("tr"))) < 200
    assert len(list(page.find_all("details"))) <= 20


def test_tracebacks_of_every_type_of_error_are_kept():
    report = StepReport(pd.date_range("2024-01-01", periods=100), lambda: None)
    for index in range(100):
        kind = "ValueError" if index < 90 else f"Kind{index}Error"
        report.record(index, "failed", error=f"{kind}: no", trace=f"trace {index}")
    assert list(report.traces) == [0, 1, 2, 3, 4, *range(90, 100)]


def test_a_summary_alone_tells_how_a_run_went(read_html):
    result = BackfillResult(value={"steps": 2, "outputs": []}, summary=RunSummary.from_statuses(["checkpoint"] * 2))
    page = read_html(result.to_html())
    assert page.find("p", **{"class": "outcome neither"}).text == "Nothing was run"

"""What a notebook shows of plans, marks, runs and what they made."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from ccflow import CallableModel, DateContext, Flow, GenericResult
from pydantic import Field

from ccflow_etl import (
    BackfillContext,
    BackfillModel,
    BackfillPlan,
    BackfillResult,
    CacheGetModel,
    CachePutModel,
    ETLArtifact,
    Interval,
    LocalWriteModel,
    MemoryCacheStore,
    MemoryCheckpointStore,
    RetryPolicy,
    RunSummary,
    WriteResult,
)

HOSTILE = "</td></style><script>alert('1')</script>\" onload=\"x\x00\x1b[31m\u202eevil\udc80"
SHOWN = "</td></style><script>alert('1')</script>\" onload=\"x\\x00\\x1b[31m\\u202eevil\\udc80"


class Hostile(CallableModel):
    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        if context.date.day % 10 == 3:
            raise ValueError(HOSTILE)
        return GenericResult[int](value=1)


class Second(CallableModel):
    """Succeeds at the second attempt."""

    tried: list[dt.date] = Field(default_factory=list)

    @Flow.call
    def __call__(self, context: DateContext) -> GenericResult[int]:
        if context.date not in self.tried:
            self.tried.append(context.date)
            raise TimeoutError
        return GenericResult[int](value=1)


def hourly_plan(steps: int) -> BackfillPlan:
    start = dt.datetime(2020, 1, 1)
    context = BackfillContext(
        start_datetime=start, end_datetime=start + dt.timedelta(hours=steps - 1), interval=Interval(offset="h")
    )
    done = np.random.default_rng(8).random(steps) > 0.001
    return BackfillPlan(context=context, decisions=["checkpoint" if one else "planned" for one in done])


def captioned(card):
    return {
        table.children[0].text: table.rows() for table in card.find_all("table") if table.children[0].tag == "caption"
    }


def facts(card):
    return dict(card.find("table", **{"class": "facts"}).rows())


@pytest.fixture
def result():
    backfill = BackfillModel(model=Hostile(), on_error="continue", max_failures=10)
    return backfill(["2024-01-01", "2024-01-31"])


def test_a_plan_shows_its_counts_its_steps_and_its_gaps(read_html):
    months = BackfillContext(start_datetime="2024-01-01", end_datetime="2024-03-31", interval="MS")
    card = read_html(BackfillPlan(context=months, decisions=["planned", "checkpoint", "planned"])._repr_html_())
    assert "3 steps: 1 checkpoint, 2 planned" in card.text
    assert facts(card)["steps of"] == "1MS, forward"
    shown = captioned(card)
    assert shown["3 steps"][1:] == [
        ["2024-01-01", "2024-02-01", "planned"],
        ["2024-02-01", "2024-03-01", "checkpoint"],
        ["2024-03-01", "2024-04-01", "planned"],
    ]
    assert shown["2 gaps to be run"][1:] == [["2024-01-01", "2024-02-01", "1"], ["2024-03-01", "2024-04-01", "1"]]
    assert card.find("svg", role="img").attributes["aria-label"] == "Steps by decision: 2 planned, 1 checkpoint"


def test_text_and_html_of_a_plan_say_the_same(read_html):
    plan = hourly_plan(50)
    words = read_html(plan._repr_html_()).text
    told = str(plan).replace("...", "").replace(":\n", " ").split()
    assert len(told) > 30
    assert [word for word in told if word not in words] == []


def test_a_plan_of_a_hundred_thousand_steps_is_summarised(read_html):
    html = hourly_plan(100_000)._repr_html_()
    assert len(html) < 100_000
    shown = captioned(read_html(html))
    assert len(shown["100,000 steps"]) == 12
    assert shown["100,000 steps"][6] == ["99,990 more"]


def test_an_empty_plan_is_shown(read_html):
    none = BackfillContext(start_datetime="2024-01-02", end_datetime="2024-01-01")
    assert "0 steps: nothing to run" in read_html(BackfillPlan(context=none, decisions=[])._repr_html_()).text


def test_a_result_shows_its_counts_its_times_and_its_failures(result, read_html):
    card = read_html(result._repr_html_())
    assert "31 steps: 3 failed, 28 succeeded" in card.text
    assert facts(card).keys() == {"began", "ended", "took", "time in steps", "a step"}
    rows = captioned(card)["3 failures"]
    assert [row[0] for row in rows[1:]] == ["2024-01-03", "2024-01-13", "2024-01-23"]
    assert rows[1][3] == f"ValueError: {SHOWN}"
    image = card.find("svg", role="img")
    assert image.attributes["aria-label"] == "Steps by what became of them: 3 failed, 28 succeeded"
    failed = image.find("path", **{"class": "failed"})
    assert failed.attributes["d"].count("z") == 3


def test_a_result_tells_what_was_tried_again(read_html):
    backfill = BackfillModel(model=Second(), retry=RetryPolicy(max_attempts=3, retry_exception_types=["TimeoutError"]))
    card = read_html(backfill(["2024-01-01", "2024-01-05"])._repr_html_())
    assert facts(card)["tried again"] == "5 steps, 5 more attempts"


def test_a_result_from_json_shows_its_counts(result, read_html):
    again = BackfillResult.model_validate_json(result.model_dump_json())
    card = read_html(again._repr_html_())
    assert "31 steps: 3 failed, 28 succeeded" in card.text
    assert not list(card.find_all("svg"))


def test_nothing_hostile_gets_into_the_page(result, read_html):
    store = MemoryCheckpointStore()
    backfill = BackfillModel(
        model=Hostile(), on_error="continue", max_failures=10, checkpoint_store=store, key=f"{SHOWN[:40]}/{{step}}"
    )
    backfill(["2024-01-01", "2024-01-31"])
    hostile = [
        result,
        backfill.status(["2024-01-01", "2024-01-31"]),
        backfill.plan(["2024-01-01", "2024-01-31"]),
        RunSummary.from_statuses([HOSTILE]),
        ETLArtifact(key=HOSTILE, stage="load", uri=HOSTILE, metadata={HOSTILE: HOSTILE, "more": [HOSTILE]}),
    ]
    for each in hostile:
        card = read_html(each._repr_html_())
        assert {element.tag for element in card.everything()} <= {
            *("div", "style", "p", "strong", "table", "caption", "thead", "tbody", "tr", "th", "td"),
            *("figure", "figcaption", "svg", "text", "path", "ul", "li"),
        }
        assert not any(name.startswith("on") for element in card.everything() for name in element.attributes)


def test_the_status_shows_counts_gaps_and_the_last_failures(read_html):
    backfill = BackfillModel(
        model=Hostile(), on_error="continue", max_failures=10, checkpoint_store=MemoryCheckpointStore()
    )
    backfill(["2024-01-01", "2024-01-31"])
    status = backfill.status(["2024-01-01", "2024-02-02"])
    shown = captioned(read_html(status._repr_html_()))
    assert shown["By the status of the mark"][1:] == [["succeeded", "28"], ["failed", "3"], ["without a mark", "2"]]
    assert len(shown["4 gaps"]) == 5
    assert [row[0] for row in shown["3 failures"][1:]] == ["2024-01-23", "2024-01-13", "2024-01-03"]
    assert SHOWN in shown["3 failures"][1][2]


def test_a_summary_shows_its_counts(read_html):
    summary = RunSummary.from_statuses(["written"] * 1200 + ["failed"], [ETLArtifact(key="a", stage="load")])
    card = read_html(summary._repr_html_())
    assert "1,201 units" in card.text
    assert facts(card) == {"succeeded": "1,200", "failed": "1"}
    shown = captioned(card)
    assert shown["Units by status"][1:] == [["failed", "1"], ["written", "1,200"]]
    assert shown["Artifacts by stage"][1:] == [["load", "1"]]


def test_a_summary_of_ones_own_has_its_own_name(read_html):
    class DailySummary(RunSummary):
        pass

    assert "DailySummary" in read_html(DailySummary()._repr_html_()).text


def test_handoffs_show_where_the_payload_is(read_html):
    store = MemoryCacheStore(name="cards")
    frame = pd.DataFrame({"close": [1.0, 2.0]})
    put = CachePutModel(store=store, format="parquet")(key="daily/AAA", payload=frame, dataset="closes")
    got = CacheGetModel(store=store, format="parquet")(artifact=put.artifact)
    written = read_html(put._repr_html_())
    assert "daily/AAA: written" in written.text
    assert facts(written)["uri"] == "memory://cards/daily/AAA.parquet"
    assert facts(written)["rows"] == "2"
    assert facts(read_html(got._repr_html_()))["payload"] == "DataFrame of shape (2, 1)"
    assert facts(read_html(put.artifact._repr_html_()))["dataset"] == "closes"


def test_writes_show_where_they_went(tmp_path, read_html):
    written = LocalWriteModel()(path=tmp_path / "a.json", payload={})
    assert facts(read_html(written._repr_html_())) == {"path": str(tmp_path / "a.json")}
    assert "upserted" in read_html(WriteResult(status="upserted")._repr_html_()).text

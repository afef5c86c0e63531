"""RunSummary: every status is counted once, where the table says."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccflow_etl import ETLArtifact, RunSummary

COUNTED = {
    "planned": ["planned"],
    "skipped": ["checkpoint", "database", "exists", "skipped"],
    "succeeded": ["succeeded", "success", "updated", "upserted", "written"],
    "failed": ["failed"],
    "retried": ["retried"],
    "cancelled": ["cancelled"],
}
STATUSES = [status for statuses in COUNTED.values() for status in statuses]


@pytest.mark.parametrize(("count", "status"), [(count, status) for count in COUNTED for status in COUNTED[count]])
def test_a_status_belongs_to_one_count(count: str, status: str) -> None:
    summary = RunSummary.from_statuses([status])
    assert summary.legacy_counts() == {name: int(name == count) for name in COUNTED}
    assert (summary.total, summary.by_status) == (1, {status: 1})


@given(st.lists(st.sampled_from([*STATUSES, "running", "zzz"])))
def test_the_counts_add_up(statuses: list[str]) -> None:
    summary = RunSummary.from_statuses(iter(statuses))
    assert summary.total == len(statuses)
    assert summary.by_status == dict(Counter(statuses))
    assert list(summary.by_status) == sorted(set(statuses))
    assert sum(summary.legacy_counts().values()) == sum(status in STATUSES for status in statuses)
    assert summary == RunSummary.from_items({"status": status, "key": "a"} for status in statuses)


def test_artifacts_are_counted_by_stage() -> None:
    stages = ["transform", "extract", "load", "extract"]
    artifacts = [ETLArtifact(key=str(number), stage=stage) for number, stage in enumerate(stages)]
    for summary in (
        RunSummary.from_statuses(["written"], artifacts),
        RunSummary.from_items([{"status": "written"}], iter(artifacts)),
    ):
        assert list(summary.by_stage.items()) == [("extract", 2), ("load", 1), ("transform", 1)]
        assert summary.total == 1


def test_nothing_is_all_zero() -> None:
    summary = RunSummary.from_items([])
    assert summary == RunSummary()
    assert set(summary.legacy_counts().values()) == {0}
    assert summary.by_status == summary.by_stage == {}


def test_the_legacy_counts_are_six_in_order() -> None:
    assert list(RunSummary().legacy_counts()) == ["planned", "skipped", "succeeded", "failed", "retried", "cancelled"]


@pytest.mark.parametrize("item", [{"key": "a"}, {}, "written", 5])
def test_an_item_without_a_status_is_named(item: object) -> None:
    with pytest.raises(ValueError, match="item 1 has no 'status'"):
        RunSummary.from_items([{"status": "written"}, item])

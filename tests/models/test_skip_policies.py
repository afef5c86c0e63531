import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ccflow import BaseModel, ModelRegistry
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ccflow_etl import (
    CheckpointDecisionModel,
    CheckpointDecisionUnit,
    LocalCacheStore,
    LocalCheckpointStore,
    MemoryCacheStore,
    MemoryCheckpointStore,
    SkipAll,
    SkipAny,
    SkipExisting,
    SkipInDatabase,
    SkipMarked,
    SkipPolicy,
)


class Rows:
    """A database of keys that notes what it is asked."""

    def __init__(self, *keys: str) -> None:
        self.keys = keys
        self.asked: list[str] = []

    def exists(self, key: str) -> bool:
        self.asked.append(key)
        return key in self.keys


class BulkRows(Rows):
    def exists_many(self, keys: Sequence[str]) -> list[bool]:
        return [super(BulkRows, self).exists(key) for key in keys]

    def exists(self, key: str) -> bool:
        raise AssertionError("asked one by one in spite of the bulk form")


class Bucket:
    """A byte store that notes what it is asked, and cannot list."""

    def __init__(self, **payloads: bytes) -> None:
        self.payloads = payloads
        self.asked: list[str] = []

    def exists(self, key: str) -> bool:
        self.asked.append(f"exists {key}")
        return key in self.payloads

    def get_bytes(self, key: str) -> bytes:
        return self.payloads[key]


class ListingBucket(Bucket):
    def list(self, prefix: str = "") -> list[str]:
        self.asked.append(f"list {prefix}")
        return sorted(key for key in self.payloads if key.startswith(prefix))


class Table(SkipPolicy):
    """A policy that says what it is told, and notes what it is asked."""

    answers: dict[str, str]

    def decide(self, units):
        return [self.answers.get(unit.key, "planned") for unit in units]


def units(*keys: str, **fields: Any) -> list[CheckpointDecisionUnit]:
    return [CheckpointDecisionUnit(key=key, **fields) for key in keys]


def statuses(model: CheckpointDecisionModel, **context: Any) -> list[str]:
    return [decision.status for decision in model(**context).decisions]


def test_all_four_statuses_occur(tmp_path: Path):
    (tmp_path / "b").write_text("done")
    planned = [{"key": key, "output_path": tmp_path / key} for key in "abcd"]
    model = CheckpointDecisionModel(database=Rows("a", "b", "c"))
    store = MemoryCheckpointStore()
    store.mark_succeeded("a")
    result = model(units=planned, checkpoint_store=store)
    assert [decision.status for decision in result.decisions] == ["checkpoint", "exists", "database", "planned"]
    assert result.runnable_keys == ["d"]
    assert statuses(model, units=planned, checkpoint_store=store, overwrite=True) == ["planned"] * 4


@pytest.mark.parametrize("kind", [Rows, BulkRows])
def test_a_database_is_asked_about_the_rest_only(kind: Any):
    database, store = kind("b"), MemoryCheckpointStore()
    store.mark_many(["a", "c"], "succeeded")
    model = CheckpointDecisionModel(database=database)
    assert statuses(model, units=units(*"abcd"), checkpoint_store=store) == [
        "checkpoint",
        "database",
        "checkpoint",
        "planned",
    ]
    assert database.asked == ["b", "d"]


def test_what_is_no_database_or_byte_store_is_refused():
    with pytest.raises(ValidationError, match="of type MemoryCheckpointStore has no method exists"):
        CheckpointDecisionModel(database=MemoryCheckpointStore())
    with pytest.raises(ValidationError, match="of type Rows has no method get_bytes"):
        CheckpointDecisionModel(store=Rows())


# --- outputs in a byte store -----------------------------------------------------------------------------------------


def test_outputs_in_a_byte_store_are_keys():
    model = CheckpointDecisionModel(store=Bucket(**{"daily/a.json": b"{}", "b": b"{}"}))
    asked = [
        {"key": "a", "output_path": "daily/a.json"},
        {"key": "slash", "output_path": "/daily/a.json"},
        {"key": "path", "output_path": Path("daily") / "a.json"},
        {"key": "missing", "output_path": "daily/b.json"},
        {"key": "b"},
        {"key": "c"},
    ]
    assert statuses(model, units=asked) == ["exists", "exists", "exists", "planned", "exists", "planned"]
    assert statuses(model, units=asked, skip_existing=False) == ["planned"] * 6


def test_each_folder_of_a_byte_store_is_listed_once():
    bucket = ListingBucket(**{"daily/2024-01-03.json": b"", "monthly/2024-02.json": b"", "alone/x": b""})
    outputs = [
        "daily/2024-01-03.json",
        "daily/2024-01-04.json",
        "monthly/2024-01.json",
        "monthly/2024-02.json",
        "alone/x",
    ]
    asked = [{"key": output, "output_path": output} for output in outputs]
    assert statuses(CheckpointDecisionModel(store=bucket), units=asked) == [
        "exists",
        "planned",
        "planned",
        "exists",
        "exists",
    ]
    assert bucket.asked == ["list daily/2024-01-0", "list monthly/2024-0", "exists alone/x"]


def test_without_listings_each_key_is_asked_about_once():
    bucket = Bucket(**{"daily/a": b""})
    asked = [{"key": str(number), "output_path": f"daily/{'ab'[number % 2]}"} for number in range(4)]
    assert statuses(CheckpointDecisionModel(store=bucket), units=asked) == ["exists", "planned"] * 2
    assert sorted(bucket.asked) == ["exists daily/a", "exists daily/b"]


# --- verification ----------------------------------------------------------------------------------------------------


@pytest.fixture(params=["files", "byte store"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Any, Any]:
    """A byte store, or None for local files; and how to write there, which gives the output_path."""
    store = None if request.param == "files" else LocalCacheStore(root=tmp_path)

    def write(name: str, payload: bytes) -> str:
        (tmp_path / name).write_bytes(payload)
        return str(tmp_path / name) if store is None else name

    return store, write


def test_without_verify_whatever_is_there_counts(place: Any):
    store, write = place
    asked = [{"key": "a", "output_path": write("a", b""), "metadata": {"size": 5}}]
    assert statuses(CheckpointDecisionModel(store=store), units=asked) == ["exists"]


def test_an_output_that_is_empty_or_not_as_its_unit_says_is_not_trusted(place: Any):
    store, write = place
    digest = hashlib.sha256(b"abc").hexdigest()
    asked = [
        {"key": "good", "output_path": write("good", b"abc"), "metadata": {"size": 3, "sha256": digest, "note": 1}},
        {"key": "unknown", "output_path": write("unknown", b"abc"), "metadata": {"size": None}},
        {"key": "empty", "output_path": write("empty", b"")},
        {"key": "short", "output_path": write("short", b"ab"), "metadata": {"size": 3}},
        {"key": "other", "output_path": write("other", b"abd"), "metadata": {"size": 3, "sha256": digest}},
        {"key": "gone", "output_path": "no-such-output", "metadata": {"size": 3}},
    ]
    model = CheckpointDecisionModel(store=store, verify=True)
    assert model(units=asked).runnable_keys == ["empty", "short", "other", "gone"]
    in_database = model.model_copy(update={"database": Rows("empty")})
    assert statuses(in_database, units=asked)[2:4] == ["database", "planned"]


def test_a_mark_counts_while_the_output_is_as_it_recorded(place: Any):
    store, write = place
    marks = MemoryCheckpointStore()
    paths = {}
    for key in ("good", "gone", "changed", "emptied", "overruled"):
        paths[key] = write(key, b"abc")
        marks.mark_succeeded(key, {"size": 3, "sha256": hashlib.sha256(b"abc").hexdigest()})
    write("changed", b"abd")
    write("emptied", b"")
    paths["gone"] = "no-such-output"
    asked: list[dict[str, Any]] = [{"key": key, "output_path": path} for key, path in paths.items()]
    asked[4]["metadata"] = {"size": 7}  # what the unit says itself comes first
    marks.mark_succeeded("no output")
    asked.append({"key": "no output"})
    for skip_existing in (True, False):
        context = {"units": asked, "checkpoint_store": marks, "skip_existing": skip_existing}
        verified = CheckpointDecisionModel(store=store, verify=True)(**context)
        assert verified.runnable_keys == ["gone", "changed", "emptied", "overruled"]
        assert {decision.status for decision in verified.decisions} == {"checkpoint", "planned"}
        assert CheckpointDecisionModel(store=store)(**context).runnable_keys == []


def test_what_an_unfinished_mark_recorded_counts_for_the_output(place: Any):
    store, write = place
    marks = MemoryCheckpointStore()
    marks.mark("a", "running", {"size": 3})
    marks.mark("b", "running", {"size": 4})
    asked = [{"key": key, "output_path": write(key, b"abc")} for key in "ab"]
    model = CheckpointDecisionModel(store=store, verify=True)
    assert statuses(model, units=asked, checkpoint_store=marks) == ["exists", "planned"]


def test_a_store_that_tells_no_records_can_be_verified_by_the_units(place: Any):
    class Done:
        def should_skip(self, key: str) -> bool:
            return True

    store, write = place
    asked = [{"key": str(size), "output_path": write("a", b"abc"), "metadata": {"size": size}} for size in (3, 4)]
    model = CheckpointDecisionModel(store=store, verify=True)
    assert statuses(model, units=asked, checkpoint_store=Done()) == ["checkpoint", "planned"]


# --- policies --------------------------------------------------------------------------------------------------------

_reasons = st.sampled_from(["planned", "checkpoint", "exists", "database"])
_tables = st.lists(st.dictionaries(st.sampled_from("abcdef"), _reasons), min_size=1, max_size=4)


@given(_tables)
def test_any_skips_for_the_first_reason_and_all_for_the_first_if_all_agree(tables: list[dict[str, str]]):
    keys = "abcdef"
    policies = [Table(answers=answers) for answers in tables]
    any_, all_ = SkipAny(policies=policies).decide(units(*keys)), SkipAll(policies=policies).decide(units(*keys))
    for key, one, every in zip(keys, any_, all_, strict=True):
        said = [table.get(key, "planned") for table in tables]
        reasons = [reason for reason in said if reason != "planned"]
        assert one == (reasons[0] if reasons else "planned")
        assert every == (reasons[0] if len(reasons) == len(tables) else "planned")


@given(_tables)
def test_operators_are_the_policies(tables: list[dict[str, str]]):
    policies = [Table(answers=answers) for answers in tables]
    either = both = policies[0]
    for policy in policies[1:]:
        either, both = either | policy, both & policy
    assert either.decide(units(*"abcdef")) == SkipAny(policies=policies).decide(units(*"abcdef"))
    assert both.decide(units(*"abcdef")) == SkipAll(policies=policies).decide(units(*"abcdef"))


def test_a_later_policy_is_asked_about_the_rest_only():
    first, second = Rows("a"), Rows("a", "b")
    assert (SkipInDatabase(database=first) | SkipInDatabase(database=second)).decide(units(*"abc")) == [
        "database",
        "database",
        "planned",
    ]
    assert second.asked == ["b", "c"]
    second.asked.clear()
    assert (SkipInDatabase(database=first) & SkipInDatabase(database=second)).decide(units(*"abc")) == [
        "database",
        "planned",
        "planned",
    ]
    assert second.asked == ["a"]


def test_a_policy_decides_on_what_nothing_else_skips(tmp_path: Path):
    marks = MemoryCheckpointStore()
    marks.mark_succeeded("a")
    loaded = SkipInDatabase(database=Rows("a", "b", "c")) & SkipExisting()
    (tmp_path / "b").touch()
    model = CheckpointDecisionModel(policy=loaded)
    asked = [{"key": key, "output_path": tmp_path / key} for key in "abc"]
    context = {"units": asked, "checkpoint_store": marks, "skip_existing": False}
    assert statuses(model, **context) == ["checkpoint", "database", "planned"]


def test_a_policy_that_forgets_a_unit_is_an_error():
    class Forgetful(SkipPolicy):
        def decide(self, units):
            return ["exists"]

    with pytest.raises(ValueError, match="zip"):
        CheckpointDecisionModel(policy=Forgetful())(units=units("a", "b"))
    with pytest.raises(NotImplementedError, match=r"SkipPolicy needs a method decide\(units\)"):
        SkipPolicy().decide(units("a"))


def test_nothing_agrees_with_no_policies():
    with pytest.raises(ValidationError, match="policies"):
        SkipAll(policies=[])


def test_a_model_is_configured_by_targets(tmp_path: Path):
    marks = {"_target_": "ccflow_etl.LocalCheckpointStore", "path": str(tmp_path / "c.sqlite")}
    config = {
        "marks": marks,
        "cache": {"_target_": "ccflow_etl.LocalCacheStore", "root": str(tmp_path / "cache")},
        "decide": {
            "_target_": "ccflow_etl.CheckpointDecisionModel",
            "store": "/cache",
            "database": "/cache",  # it has exists(key)
            "verify": True,
            "policy": {
                "_target_": "ccflow_etl.SkipAny",
                "policies": [{"_target_": "ccflow_etl.SkipMarked", "checkpoint_store": "/marks"}],
            },
        },
    }
    registry = ModelRegistry.root()
    try:
        registry.load_config(config)
        registry["/marks"].mark_succeeded("a")
        registry["/cache"].put_bytes("b", b"done")
        model = registry["/decide"]
        assert model.policy == SkipAny(policies=[SkipMarked(checkpoint_store=registry["/marks"])])
        assert statuses(model, units=units("a", "b", "c")) == ["checkpoint", "exists", "planned"]
        again = BaseModel.model_validate(json.loads(model.model_dump_json(by_alias=True)))
        assert again == model
        assert statuses(again, units=units("a", "b", "c")) == ["checkpoint", "exists", "planned"]
        registry["/marks"].close()
        again.policy.policies[0].checkpoint_store.close()
    finally:
        registry.clear()


def test_live_objects_are_shared_and_not_copied():
    store, database, marks = Bucket(), Rows(), LocalCheckpointStore(path="unused.sqlite")
    model = CheckpointDecisionModel(store=store, database=database)
    assert model.store is store
    assert model.database is database
    assert SkipMarked(checkpoint_store=marks).checkpoint_store is marks
    assert SkipExisting(store=MemoryCacheStore(name="a")).model_dump()["store"]["name"] == "a"
    assert model.model_dump()["database"].startswith(f"{__name__}.Rows@")

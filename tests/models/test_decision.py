import copy
import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import pytest
from ccflow import BaseModel, FlowOptions, FlowOptionsOverride, ModelRegistry
from ccflow.evaluators import GraphEvaluator, MemoryCacheEvaluator, MultiEvaluator
from hypothesis import given
from hypothesis import strategies as st
from pydantic import PrivateAttr, ValidationError

from ccflow_etl import (
    CheckpointDecision,
    CheckpointDecisionContext,
    CheckpointDecisionModel,
    CheckpointDecisionResult,
    CheckpointDecisionUnit,
    CheckpointRecord,
    LocalCheckpointStore,
)
from ccflow_etl.models.decision_unit import DecisionStatus


class LiveStore:
    """A store of somebody else: no base class, one method, and a lock that can be neither copied nor pickled."""

    def __init__(self, *done: str) -> None:
        self.done = set(done)
        self.asked: list[str] = []
        self.lock = threading.Lock()

    def should_skip(self, key: str) -> bool:
        with self.lock:
            self.asked.append(key)
            return key in self.done


class BulkStore(LiveStore):
    def should_skip_many(self, keys: Sequence[str]) -> list[bool]:
        return [super(BulkStore, self).should_skip(key) for key in keys]

    def should_skip(self, key: str) -> bool:
        raise AssertionError("asked one by one in spite of the bulk form")


class ConnectorStore(BaseModel):
    """Works as the connector packages' stores do: a model that writes records as JSON objects."""

    bucket: str = "b"
    _objects: dict[str, str] = PrivateAttr(default_factory=dict)

    def get(self, key: str) -> CheckpointRecord | None:
        body = self._objects.get(key)
        return None if body is None else CheckpointRecord(**json.loads(body))

    def mark_succeeded(self, key: str) -> None:
        record = CheckpointRecord(key=key, status="succeeded", updated_at="2024-01-03T00:00:00+00:00", metadata={})
        self._objects[key] = json.dumps(record.model_dump(), separators=(",", ":"), sort_keys=True)

    def should_skip(self, key: str) -> bool:
        record = self.get(key)
        return record is not None and record.status == "succeeded"


def units(*keys: str, **fields: Any) -> list[CheckpointDecisionUnit]:
    return [CheckpointDecisionUnit(key=key, **fields) for key in keys]


def decide(**context: Any) -> CheckpointDecisionResult:
    return CheckpointDecisionModel()(CheckpointDecisionContext(**context))


def statuses(result: CheckpointDecisionResult) -> list[str]:
    return [decision.status for decision in result.decisions]


@pytest.fixture
def registry() -> Iterator[ModelRegistry]:
    yield ModelRegistry.root()
    ModelRegistry.root().clear()


def test_the_statuses_are_the_published_ones():
    assert get_args(DecisionStatus) == ("planned", "checkpoint", "exists", "database")


def test_every_unit_gets_its_decision_in_order(tmp_path: Path):
    output = tmp_path / "b.json"
    output.write_text("{}")
    result = decide(
        units=[
            CheckpointDecisionUnit(key="c", output_path=output, metadata={"n": 1}),
            CheckpointDecisionUnit(key="b", output_path=str(output)),
            CheckpointDecisionUnit(key="a", output_path=tmp_path / "missing.json"),
            CheckpointDecisionUnit(key="d", metadata={"n": 4}),
        ],
        checkpoint_store=LiveStore("c"),
    )
    assert result.decisions == [
        CheckpointDecision(key="c", status="checkpoint", output_path=output, metadata={"n": 1}),
        CheckpointDecision(key="b", status="exists", output_path=str(output), metadata={}),
        CheckpointDecision(key="a", status="planned", output_path=tmp_path / "missing.json", metadata={}),
        CheckpointDecision(key="d", status="planned", output_path=None, metadata={"n": 4}),
    ]
    assert result.runnable_keys == ["a", "d"]


def test_without_a_store_or_outputs_everything_is_planned():
    assert statuses(decide(units=units("a", "b"))) == ["planned", "planned"]
    assert decide(units=[]) == CheckpointDecisionResult(decisions=[], runnable_keys=[])


def test_overwrite_plans_everything_and_asks_nothing(tmp_path: Path):
    store = LiveStore("a")
    result = decide(units=units("a", "b", output_path=tmp_path), checkpoint_store=store, overwrite=True)
    assert result.runnable_keys == ["a", "b"]
    assert store.asked == []


def test_existing_outputs_can_be_ignored_while_marks_count(tmp_path: Path):
    context = {"units": units("a", "b", output_path=tmp_path), "checkpoint_store": LiveStore("a")}
    assert statuses(decide(**context)) == ["checkpoint", "exists"]
    assert statuses(decide(**context, skip_existing=False)) == ["checkpoint", "planned"]


def test_the_bulk_form_is_used_when_there_is_one():
    store = BulkStore("b")
    assert statuses(decide(units=units("a", "b"), checkpoint_store=store)) == ["planned", "checkpoint"]
    assert store.asked == ["a", "b"]


def test_a_repeated_key_is_refused():
    with pytest.raises(ValidationError, match=r"1 key\(s\) occur more than once, such as 'a'"):
        CheckpointDecisionContext(units=units("a", "b", "a"))


@given(
    st.dictionaries(st.text(), st.tuples(st.booleans(), st.booleans()), max_size=20),
    st.booleans(),
    st.booleans(),
)
def test_decisions_follow_the_rules(facts: dict[str, tuple[bool, bool]], overwrite: bool, skip_existing: bool):
    store = LiveStore(*[key for key, (marked, _) in facts.items() if marked])
    planned = [
        {"key": key, "output_path": __file__ if exists else f"{__file__}.missing"} for key, (_, exists) in facts.items()
    ]
    result = decide(units=planned, checkpoint_store=store, overwrite=overwrite, skip_existing=skip_existing)
    assert [decision.key for decision in result.decisions] == list(facts)
    for decision in result.decisions:
        marked, exists = facts[decision.key]
        skipped = not overwrite and (marked or (exists and skip_existing))
        assert (decision.status == "planned") is not skipped
        assert (decision.status == "checkpoint") is (marked and not overwrite)
    assert result.runnable_keys == [d.key for d in result.decisions if d.status == "planned"]


# --- the store in the context ----------------------------------------------------------------------------------------


def test_the_context_holds_the_store_itself_and_so_do_its_copies():
    store = LiveStore()
    context = CheckpointDecisionContext(units=units("a"), checkpoint_store=store)
    assert context.checkpoint_store is store
    assert copy.deepcopy(context).checkpoint_store is store
    assert copy.deepcopy(context) == context
    assert CheckpointDecisionContext.model_validate(context).checkpoint_store is store
    assert CheckpointDecisionContext.model_validate({"units": [], "checkpoint_store": store}).checkpoint_store is store


def test_a_mapping_of_the_fields_is_a_context():
    store = LiveStore("a")
    result = CheckpointDecisionModel()({"units": [{"key": "a"}, {"key": "b"}], "checkpoint_store": store})
    assert result.runnable_keys == ["b"]
    assert CheckpointDecisionModel()(units=[{"key": "a"}], checkpoint_store=store).runnable_keys == []


def test_a_connector_store_works_unchanged():
    store = ConnectorStore()
    store.mark_succeeded("a")
    result = decide(units=units("a", "b"), checkpoint_store=store)
    assert statuses(result) == ["checkpoint", "planned"]


def test_a_registry_path_is_a_store(registry: ModelRegistry):
    store = ConnectorStore()
    store.mark_succeeded("a")
    registry.add("checkpoint", ModelRegistry(name="checkpoint")).add("store", store)
    context = CheckpointDecisionContext(units=units("a"), checkpoint_store="/checkpoint/store")
    assert context.checkpoint_store is store
    with pytest.raises(ValidationError, match="no store '/checkpoint/other' in the registry"):
        CheckpointDecisionContext(units=units("a"), checkpoint_store="/checkpoint/other")


def test_a_store_can_be_given_as_configuration(tmp_path: Path):
    config = {"_target_": "ccflow_etl.LocalCheckpointStore", "path": str(tmp_path / "c.sqlite")}
    context = CheckpointDecisionContext(units=units("a"), checkpoint_store=config)
    assert context.checkpoint_store == LocalCheckpointStore(path=tmp_path / "c.sqlite")
    assert CheckpointDecisionContext.model_validate(context.model_dump(by_alias=True)) == context


@pytest.mark.parametrize("value", [object(), 5])
def test_what_is_no_store_is_refused_by_its_type(value: Any):
    with pytest.raises(ValidationError, match=f"of type {type(value).__name__} has no method should_skip"):
        CheckpointDecisionContext(units=units("a"), checkpoint_store=value)


def test_a_registered_model_that_is_no_store_is_refused_by_its_type(registry: ModelRegistry):
    registry.add("model", CheckpointDecisionModel())
    with pytest.raises(ValidationError, match="of type CheckpointDecisionModel has no method should_skip"):
        CheckpointDecisionContext(units=units("a"), checkpoint_store="/model")


@pytest.mark.parametrize("kind", [LiveStore, ConnectorStore])
def test_caching_evaluators_see_marks_made_since(kind: Any):
    store = kind()
    evaluator = MultiEvaluator(evaluators=[GraphEvaluator(), MemoryCacheEvaluator()])
    context = CheckpointDecisionContext(units=units("a"), checkpoint_store=store)
    with FlowOptionsOverride(options=FlowOptions(evaluator=evaluator, cacheable=True)):
        assert CheckpointDecisionModel()(context).runnable_keys == ["a"]
        store.mark_succeeded("a") if kind is ConnectorStore else store.done.add("a")
        assert CheckpointDecisionModel()(context).runnable_keys == []


def test_a_dump_tells_one_live_store_from_another():
    one, other = LiveStore(), LiveStore()
    dumps = [CheckpointDecisionContext(units=[], checkpoint_store=store).model_dump_json() for store in (one, other)]
    assert dumps[0] != dumps[1]
    assert f"{__name__}.LiveStore@" in dumps[0]
    assert json.loads(CheckpointDecisionContext(units=[]).model_dump_json())["checkpoint_store"] is None


def test_a_local_store_resumes(tmp_path: Path):
    store = LocalCheckpointStore(path=tmp_path / "c.sqlite")
    store.mark_many(["a", "c"], "succeeded")
    store.mark("b", "failed")
    result = decide(units=units("a", "b", "c", "d"), checkpoint_store=store)
    assert result.runnable_keys == ["b", "d"]
    store.close()

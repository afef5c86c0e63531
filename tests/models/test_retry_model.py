import json
import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
from ccflow import (
    CallableModel,
    ContextBase,
    DateContext,
    Flow,
    FlowOptions,
    FlowOptionsOverride,
    GenericResult,
    ModelRegistry,
    NullContext,
    ResultBase,
)
from ccflow.evaluators import GraphEvaluator, MemoryCacheEvaluator, MultiEvaluator, get_dependency_graph
from ccflow.utils.reporting import InMemoryReporter, LoggingReporter
from omegaconf import OmegaConf
from pydantic import PrivateAttr

from ccflow_etl import (
    RateLimit,
    RetryCancelled,
    RetryEvent,
    RetryExecutionError,
    RetryModel,
    RetryPolicy,
    RetryResult,
)
from ccflow_etl.execution.pause import interruptible


class TimeoutException(Exception):
    pass


class StatusResult(ResultBase):
    status_code: int


class Scripted(CallableModel):
    """Raises or returns what it is given, in turn, and keeps the contexts it was called with."""

    _answers: Iterator[Any] = PrivateAttr()
    _contexts: list[ContextBase] = PrivateAttr(default_factory=list)

    @classmethod
    def of(cls, *answers: Any) -> "Scripted":
        model = cls()
        model._answers = iter(answers)
        return model

    @property
    def result_type(self) -> type[Any]:
        return ResultBase

    @Flow.call
    def __call__(self, context: DateContext) -> ResultBase:
        self._contexts.append(context)
        answer = next(self._answers)
        if isinstance(answer, BaseException):
            raise answer
        return answer


CONTEXT = DateContext(date="2024-01-03")
DONE = GenericResult[int](value=42)
THRICE = RetryPolicy(max_attempts=3)


def test_the_value_tells_what_happened():
    inner = Scripted.of(TimeoutException("slow"), StatusResult(status_code=503), DONE)
    result = RetryModel(model=inner, policy=THRICE)(CONTEXT)
    assert isinstance(result, RetryResult)
    assert set(result.value) == {"attempts", "retried", "succeeded", "failed", "events", "result"}
    assert result.value["result"] is DONE
    assert [result.value[name] for name in ("attempts", "retried", "succeeded", "failed")] == [3, 2, 1, 0]
    assert all(isinstance(event, RetryEvent) for event in result.value["events"])
    assert [(event.outcome, event.category) for event in result.value["events"]] == [
        ("retry", "timeout"),
        ("retry", "server_error"),
        ("success", None),
    ]
    assert inner._contexts == [CONTEXT] * 3


def test_the_value_is_json():
    result = RetryModel(model=Scripted.of(TimeoutException(), DONE), policy=THRICE)(CONTEXT)
    value = json.loads(result.model_dump_json())["value"]
    assert value["result"]["value"] == 42
    assert [event["outcome"] for event in value["events"]] == ["retry", "success"]


def test_types_follow_the_wrapped_model():
    model = RetryModel(model=Scripted.of(DONE, DONE))
    assert model.context_type is DateContext
    assert model.result_type is RetryResult
    assert model("2024-01-03").value["result"] is DONE
    assert model(date="2024-01-03").value["result"] is DONE


def test_exhaustion_raises_from_the_last_exception():
    last = TimeoutException("third")
    inner = Scripted.of(TimeoutException("first"), TimeoutException("second"), last)
    with pytest.raises(RetryExecutionError, match="attempt 3 of 3 failed: TimeoutException: third") as error:
        RetryModel(model=inner, policy=THRICE)(CONTEXT)
    assert error.value.__cause__ is last
    assert [event.outcome for event in error.value.events] == ["retry", "retry", "failed"]
    assert error.value.summary == {"attempts": 3, "retried": 2, "succeeded": 0, "failed": 1}


def test_a_bad_status_code_to_the_end_raises():
    inner = Scripted.of(*[StatusResult(status_code=500)] * 3)
    with pytest.raises(RetryExecutionError, match="attempt 3 of 3 failed: status code 500"):
        RetryModel(model=inner, policy=THRICE)(CONTEXT)


def test_a_status_code_that_is_not_listed_is_a_result():
    result = RetryModel(model=Scripted.of(StatusResult(status_code=404)), policy=THRICE)(CONTEXT)
    assert result.value["result"].status_code == 404
    assert result.value["events"] == [RetryEvent(attempt=1, outcome="success", status_code=404)]


def test_an_exception_that_is_not_to_be_retried_comes_through():
    bad = ValueError("bad input")
    inner = Scripted.of(bad, DONE)
    with pytest.raises(ValueError, match="bad input") as error:
        RetryModel(model=inner, policy=THRICE)(CONTEXT)
    assert error.value is bad
    assert len(inner._contexts) == 1


def test_an_interruption_comes_through():
    inner = Scripted.of(KeyboardInterrupt(), DONE)
    with pytest.raises(KeyboardInterrupt):
        RetryModel(model=inner, policy=THRICE)(CONTEXT)
    assert len(inner._contexts) == 1


def test_an_invalid_context_is_not_retried():
    inner = Scripted.of(DONE)
    with pytest.raises(ValueError, match="not a date"):
        RetryModel(model=inner, policy=RetryPolicy(max_attempts=3, retry_exception_types=["Exception"]))("not a date")
    assert inner._contexts == []


def evaluated(*evaluators: Any) -> FlowOptionsOverride:
    return FlowOptionsOverride(options=FlowOptions(evaluator=MultiEvaluator(evaluators=evaluators), cacheable=True))


def test_a_cached_failure_is_not_taken_for_another_attempt():
    inner = Scripted.of(StatusResult(status_code=503), StatusResult(status_code=503), DONE)
    with evaluated(GraphEvaluator(), MemoryCacheEvaluator()):
        result = RetryModel(model=inner, policy=THRICE)(CONTEXT)
    assert result.value["result"] is DONE
    assert result.value["attempts"] == len(inner._contexts) == 3


def test_a_cached_success_is_used():
    inner = Scripted.of(DONE)
    with evaluated(MemoryCacheEvaluator()):
        assert inner(CONTEXT) is DONE
        assert RetryModel(model=inner, policy=THRICE)(CONTEXT).value["result"] is DONE
    assert len(inner._contexts) == 1


def test_the_wrapped_model_runs_inside_the_retries_of_a_graph():
    model = RetryModel(model=Scripted.of(TimeoutException(), DONE), policy=THRICE)
    graph = get_dependency_graph(model.__call__.get_evaluation_context(model, CONTEXT))
    assert len(graph.graph) == 1
    with evaluated(GraphEvaluator(), MemoryCacheEvaluator()):
        assert model(CONTEXT).value["attempts"] == 2


def test_retries_nest():
    inner = Scripted.of(TimeoutException(), DONE)
    result = RetryModel(model=RetryModel(model=inner, policy=THRICE), policy=THRICE)(CONTEXT)
    assert result.value["attempts"] == 1
    assert result.value["result"].value["attempts"] == 2


class Answer(CallableModel):
    answer: int = 42

    @Flow.call
    def __call__(self, context: NullContext) -> GenericResult[int]:
        return GenericResult[int](value=self.answer)


def test_a_retry_model_is_configuration():
    registry = ModelRegistry.root()
    registry.add("retry_model_test_answer", Answer(answer=7))
    try:
        model = RetryModel(model="/retry_model_test_answer", policy={"max_attempts": 2})
    finally:
        registry.remove("retry_model_test_answer")
    assert model(NullContext()).value["result"].value == 7
    again = RetryModel.model_validate(json.loads(model.model_dump_json(by_alias=True)))
    assert again == model
    assert pickle.loads(pickle.dumps(model)) == model


YAML = """
test_retry_limit:
  _target_: ccflow_etl.RateLimit
  requests: 600
  seconds: 60
test_retry_model:
  _target_: ccflow_etl.RetryModel
  model: /test_retry_answer
  policy:
    max_attempts: 5
    retry_exception_types: [httpx.TransportError, ConnectionError]
    no_retry_exception_types: [FileNotFoundError]
    initial_delay_seconds: 1
    max_delay_seconds: 60
    jitter_ratio: 0.1
    max_elapsed_seconds: 300
    attempt_timeout_seconds: 30
    requests_per_interval: /test_retry_limit
  reporter:
    _target_: ccflow.utils.reporting.LoggingReporter
test_retry_other:
  _target_: ccflow_etl.RetryModel
  model: /test_retry_answer
  policy: {requests_per_interval: /test_retry_limit}
"""


def test_everything_is_configured_in_yaml_and_two_models_may_share_a_rate():
    root = ModelRegistry.root()
    before = set(root.models)
    try:
        root.add("test_retry_answer", Answer(answer=7))
        root.load_config(OmegaConf.create(YAML))
        model, other = root["/test_retry_model"], root["/test_retry_other"]
        assert model.policy == RetryPolicy(
            max_attempts=5,
            retry_exception_types=["httpx.TransportError", "ConnectionError"],
            no_retry_exception_types=["FileNotFoundError"],
            initial_delay_seconds=1.0,
            max_delay_seconds=60.0,
            jitter_ratio=0.1,
            max_elapsed_seconds=300.0,
            attempt_timeout_seconds=30.0,
            requests_per_interval=RateLimit(requests=600, seconds=60.0),
        )
        assert isinstance(model.reporter, LoggingReporter)
        assert model.policy.requests_per_interval is other.policy.requests_per_interval
        assert model(NullContext()).value["result"].value == 7
    finally:
        for name in set(root.models) - before:
            root.remove(name)


def test_a_reporter_hears_of_the_attempts_of_the_wrapped_model():
    reporter = InMemoryReporter()
    inner = Scripted.of(TimeoutException("slow"), DONE)
    model = RetryModel(model=inner, policy=THRICE, reporter=reporter)
    assert model(CONTEXT).value["attempts"] == 2
    assert [(event.phase.value, event.attempt) for event in reporter.events] == [
        ("ERROR", 1),
        ("RETRY", 1),
        ("SUCCESS", 2),
    ]
    assert {event.model_name for event in reporter.events} == {"Scripted"}
    assert all("2024, 1, 3" in event.context_repr for event in reporter.events)


def test_calls_in_threads_keep_the_rate_of_their_model():
    model = RetryModel(model=Answer(), policy={"requests_per_interval": {"requests": 3, "seconds": 3600}})

    def call(number: int) -> int:
        with interruptible(lambda seconds: seconds > 0):  # whoever has to wait gives up
            try:
                return model(NullContext()).value["succeeded"]
            except RetryCancelled:
                return 0

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(call, range(20))) == 3


def test_a_model_that_was_used_is_the_same_configuration():
    model = RetryModel(model=Answer(), policy={"requests_per_interval": 5, "attempt_timeout_seconds": 60})
    fresh = RetryModel(model=Answer(), policy={"requests_per_interval": 5, "attempt_timeout_seconds": 60})
    model(NullContext())
    assert model == fresh
    assert model.model_dump_json() == fresh.model_dump_json()
    with evaluated(MemoryCacheEvaluator()):
        assert fresh(NullContext()) is model(NullContext())  # one key in a cache
    assert pickle.loads(pickle.dumps(model)) == model


class SlowAtFirst(CallableModel):
    """Its first call ends when it is released."""

    _calls: Iterator[int] = PrivateAttr(default_factory=lambda: count(1))
    _release: threading.Event = PrivateAttr(default_factory=threading.Event)

    @Flow.call
    def __call__(self, context: NullContext) -> GenericResult[int]:
        number = next(self._calls)
        if number == 1:
            self._release.wait()
        return GenericResult[int](value=number)


def test_a_slow_model_is_abandoned_and_tried_again_under_its_evaluators():
    inner = SlowAtFirst()
    model = RetryModel(model=inner, policy={"max_attempts": 2, "attempt_timeout_seconds": 0.2})
    try:
        with evaluated(MemoryCacheEvaluator()):
            value = model(NullContext()).value
    finally:
        inner._release.set()
    assert (value["result"].value, value["attempts"], value["retried"]) == (2, 2, 1)
    assert [event.category for event in value["events"]] == ["timeout", None]

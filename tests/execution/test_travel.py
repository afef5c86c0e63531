"""What goes to another process with a call: as much of ccflow's registry and options as pickles."""

import logging
import sys
import threading
from typing import Any

import cloudpickle
import pytest
from ccflow import BaseModel, FlowOptions, FlowOptionsOverride, GlobalState, ModelRegistry

from ccflow_etl import ProcessExecutor
from ccflow_etl.execution.runner import run_calls
from ccflow_etl.execution.travel import pack, unpack


@pytest.fixture(scope="module", autouse=True)
def _by_value():
    """This module is not one that a worker can import."""
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


class Held(BaseModel):
    value: Any


@pytest.fixture
def registry():
    root = ModelRegistry.root()
    root.add("plain", Held(value=7))
    root.add("open", Held(value=threading.Lock()))
    yield root
    root.clear()


def there(item):
    state = GlobalState()
    options = [override.options.log_level for override in state.open_overrides.values()]
    return {name: model.value for name, model in state.root_registry.models.items()}, options


def test_what_pickles_is_there_and_the_rest_stays(registry):
    class Closed(FlowOptions):
        lock: Any = None

    with (
        FlowOptionsOverride(options=FlowOptions(log_level=logging.WARNING)),
        FlowOptionsOverride(options=Closed(lock=threading.Lock())),
        ProcessExecutor(max_workers=1).open() as pool,
    ):
        (outcome,) = run_calls(there, [None], pool=pool)
    assert outcome.told == ""
    assert outcome.result == ({"plain": 7}, [logging.WARNING])


def test_the_log_says_what_stays(registry, caplog):
    with caplog.at_level(logging.DEBUG, "ccflow_etl"):
        pack(abs, None, "the pool")
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [
        "open does not travel to other processes"
    ]


def test_a_call_that_does_not_pickle_is_named_with_its_destination():
    lock = threading.Lock()
    with pytest.raises(TypeError) as refused:
        pack(lambda item: lock, None, "ThePool")
    message = str(refused.value)
    assert message.startswith("function cannot be sent to the workers of ThePool: it does not pickle (TypeError: ")
    assert message.endswith("Run it in threads, or make what it holds when it is called.")


def test_here_a_call_changes_nothing(registry):
    packed = pack(there, None, "here")
    registry.remove("plain")
    call, policy = unpack(packed)
    assert policy is None
    assert "plain" not in call(None)[0]


def test_a_registered_call_goes_without_the_rest_of_the_registry(registry):
    with ProcessExecutor(max_workers=1).open() as pool:
        (outcome,) = run_calls(Doubled(registry["plain"]), [3], pool=pool)
    assert outcome.result == 14 * 3


class Doubled:
    def __init__(self, held):
        self.held = held

    def __call__(self, item):
        return self.held.value * 2 * item


def is_complete(item):
    from ccflow import ModelEvaluationContext

    return ModelEvaluationContext.__pydantic_complete__


def test_the_first_calls_of_several_threads_find_ccflow_complete():
    with ProcessExecutor(max_workers=1).open() as pool:
        (outcome,) = run_calls(is_complete, [None], pool=pool)
    assert outcome.result is True

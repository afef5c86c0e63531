"""The keys of steps as a sequence, and the marks that are made under them."""

import datetime as dt
import json

import pytest
from ccflow import DateContext

from ccflow_etl import BackfillContext, LocalWriteModel
from ccflow_etl.execution.runner import Outcome
from ccflow_etl.models.graph_steps import StepResult
from ccflow_etl.models.marks import mark_ended
from ccflow_etl.models.step_keys import StepKeys

RANGE = BackfillContext[DateContext](start_datetime=dt.datetime(2024, 1, 1), end_datetime=dt.datetime(2024, 1, 4))
ALL = [f"2024-01-0{day}" for day in range(1, 5)]


@pytest.mark.parametrize("at", [slice(1, 3), slice(None), slice(None, None, -1), slice(9, 12), 0, -1])
def test_a_part_of_the_keys_is_that_of_their_list(at):
    keys = StepKeys("{step}", LocalWriteModel(), None, RANGE.context, RANGE.step_contexts())
    assert list(keys) == ALL
    assert keys[at] == ALL[at]


class Log:
    """Writes down how it is asked to mark."""

    def __init__(self):
        self.calls = []

    def mark_succeeded(self, key, metadata=None):
        self.calls.append(("mark_succeeded", key, metadata["seconds"]))

    def mark_many(self, keys, status, metadata=None):
        self.calls.append(("mark_many", keys, metadata["seconds"]))


@pytest.mark.parametrize(
    ("keys", "call"),
    [
        (["monday"], ("mark_succeeded", "monday", 3.0)),
        (["monday", "tuesday"], ("mark_many", ["monday", "tuesday"], 1.5)),
    ],
)
def test_one_step_is_marked_by_itself_and_several_at_once(keys, call):
    log = Log()
    mark_ended(log, keys, Outcome(0, seconds=3.0))
    assert log.calls == [call]


def test_a_dump_of_a_step_is_json_whatever_became_of_it():
    assert json.loads(StepResult(outcome=None).model_dump_json())["outcome"] is None
    failed = StepResult(outcome=Outcome(0, seconds=0.5, error=OSError("full"), told="OSError: full", result=object()))
    assert json.loads(failed.model_dump_json())["outcome"] == {"attempts": 1, "seconds": 0.5, "error": "OSError: full"}

import datetime as dt
import json
import pickle
import sqlite3
from typing import Any, get_args

import pytest
from ccflow import BaseModel
from pydantic import ValidationError

from ccflow_etl import CheckpointRecord, CheckpointStatus
from ccflow_etl.stores.records import new_record

STAMP = "2024-01-04T06:00:00.000001+00:00"
RECORD = CheckpointRecord(key="k", status="succeeded", updated_at=STAMP, metadata={"rows": 1})


def test_the_statuses_are_the_published_ones():
    assert get_args(CheckpointStatus) == ("planned", "running", "succeeded", "failed", "skipped")


def test_a_record_survives_json_written_from_a_plain_dump():
    body = json.dumps(RECORD.model_dump(), separators=(",", ":"), sort_keys=True).encode()
    assert CheckpointRecord(**json.loads(body)) == RECORD


@pytest.mark.parametrize("name", ["type_", "_target_"])
@pytest.mark.parametrize("path", ["ccflow_etl.stores.records.CheckpointRecord", "an.older.home.CheckpointRecord"])
def test_a_record_is_read_whatever_module_wrote_it(name: str, path: str):
    body: dict[str, Any] = {"key": "k", "status": "succeeded", "updated_at": STAMP, "metadata": {"rows": 1}, name: path}
    assert CheckpointRecord(**body) == RECORD
    assert CheckpointRecord.model_validate(body) == RECORD


def test_a_record_validates_as_itself():
    assert CheckpointRecord.model_validate(RECORD) == RECORD


def test_ccflow_finds_the_class_of_a_dumped_record():
    assert BaseModel.model_validate(RECORD.model_dump()) == RECORD
    assert BaseModel.model_validate(RECORD.model_dump(by_alias=True)) == RECORD


def test_the_fields_bind_to_a_database_statement_as_they_are():
    connection = sqlite3.connect(":memory:")
    row = connection.execute("SELECT ?, ?, ?", (RECORD.key, RECORD.status, RECORD.updated_at)).fetchone()
    connection.close()
    assert row == ("k", "succeeded", STAMP)


def test_a_datetime_becomes_text():
    record = CheckpointRecord(key="k", status="failed", updated_at=dt.datetime(2024, 1, 4, tzinfo=dt.UTC))
    assert record.updated_at == "2024-01-04T00:00:00+00:00"


def test_a_record_is_immutable_and_can_be_pickled():
    with pytest.raises(ValidationError, match="frozen"):
        RECORD.status = "failed"
    assert pickle.loads(pickle.dumps(RECORD)) == RECORD


def test_an_unknown_status_or_field_is_refused():
    with pytest.raises(ValidationError, match="done"):
        CheckpointRecord(key="k", status="done", updated_at=STAMP)
    with pytest.raises(ValidationError, match="rows"):
        CheckpointRecord(key="k", status="failed", updated_at=STAMP, rows=1)


def test_metadata_is_kept_in_the_order_of_its_names():
    assert list(new_record("k", "succeeded", {"b": 1, "a": {"d": 2, "c": 3}}).metadata) == ["a", "b"]

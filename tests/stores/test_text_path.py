"""Paths in dumps are texts, which have a JSON; in models they are paths."""

import json
from pathlib import Path

import pytest

from ccflow_etl import (
    BackfillModel,
    CacheGetContext,
    LocalCacheStore,
    LocalCheckpointStore,
    LocalWriteContext,
    LocalWriteModel,
)

MODELS = {
    "path": [
        lambda path: LocalCheckpointStore(path=path),
        lambda path: CacheGetContext(path=path),
        lambda path: LocalWriteContext(path=path, payload={"rows": 1}),
    ],
    "root": [lambda path: LocalCacheStore(root=path)],
    "report_path": [lambda path: BackfillModel(model=LocalWriteModel(), report_path=path / "report.jsonl")],
}


@pytest.mark.parametrize(("field", "make"), [(field, make) for field, makes in MODELS.items() for make in makes])
def test_a_dump_is_json_and_reads_back_to_the_same_path(field, make, tmp_path):
    model = make(tmp_path)
    assert isinstance(getattr(model, field), Path)
    dump = model.model_dump()
    assert dump[field] == str(getattr(model, field))
    assert type(model).model_validate(json.loads(json.dumps(dump))) == model

"""What a checkpoint store keeps: one record for each unit of work."""

import datetime as dt
import json
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from ccflow import BaseModel
from pydantic import BeforeValidator, ConfigDict, Field, ModelWrapValidatorHandler, model_validator

CheckpointStatus = Literal["planned", "running", "succeeded", "failed", "skipped"]
"""How far a unit of work has come. Only ``succeeded`` lets a later run skip it."""

Row = tuple[str, str, str, str]
"""A record as four columns of text: key, status, ``updated_at``, and the metadata as JSON."""


def _iso_text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.datetime) else value


class CheckpointRecord(BaseModel):
    """The mark of one unit of work: immutable, and made of plain JSON values only.

    ``updated_at`` is ISO 8601 *text* and ``status`` a plain string, so that a store can write
    ``json.dumps(record.model_dump())`` to a bucket or bind the fields to a database statement as they are.
    Raises ``pydantic.ValidationError`` for an unknown status or field.

    >>> record = CheckpointRecord(key="prices/2024-01-03", status="succeeded", updated_at="2024-01-04T06:00:00+00:00")
    >>> record.status, record.metadata
    ('succeeded', {})
    >>> import json
    >>> CheckpointRecord(**json.loads(json.dumps(record.model_dump()))) == record
    True
    """

    model_config = ConfigDict(frozen=True)

    key: str = Field(description="The unit of work, unique within its store.")
    status: CheckpointStatus = Field(description="How far the unit has come.")
    updated_at: Annotated[str, BeforeValidator(_iso_text)] = Field(
        description="When the status was set, as ISO 8601 text; our stores write UTC. A datetime is turned into text."
    )
    metadata: dict[str, Any] = Field(default_factory=dict, description="JSON values that the marking code wants back.")

    @model_validator(mode="wrap")
    @classmethod
    def _ignore_type_path(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        # A dumped record names its class, and ccflow would import that path. A mark in a bucket outlives the module
        # that wrote it, so the class that reads it decides.
        if isinstance(value, dict):
            value = {name: item for name, item in value.items() if name not in ("type_", "_target_")}
        return handler(value)


def new_record(key: str, status: CheckpointStatus, metadata: dict[str, Any] | None) -> CheckpointRecord:
    """Return the record of a mark that is made now, with the metadata as it will be read back.

    Raises:
        pydantic.ValidationError: If the status is unknown or the key is no text.
        TypeError: If the metadata is not JSON.

    >>> new_record("prices/2024-01-03", "succeeded", {"window": (1, 2)}).metadata
    {'window': [1, 2]}
    """
    try:
        metadata = json.loads(json.dumps(metadata or {}, sort_keys=True))
    except TypeError as error:
        raise TypeError(f"metadata of checkpoint {key!r} must be JSON values: {error}") from error
    now = dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
    return CheckpointRecord(key=key, status=status, updated_at=now, metadata=metadata or {})


def row_of(record: CheckpointRecord) -> Row:
    """Return the columns of a record.

    >>> row_of(CheckpointRecord(key="monday", status="failed", updated_at="2024-01-04", metadata={"rows": 0}))
    ('monday', 'failed', '2024-01-04', '{"rows": 0}')
    """
    return record.key, record.status, record.updated_at, json.dumps(record.metadata, sort_keys=True)


def record_of(row: Row) -> CheckpointRecord:
    """Return the record that a row holds.

    >>> record_of(("prices/2024-01-03", "succeeded", "2024-01-04T06:00:00+00:00", '{"rows": 390}')).metadata
    {'rows': 390}
    """
    key, status, updated_at, metadata = row
    return CheckpointRecord(key=key, status=status, updated_at=updated_at, metadata=json.loads(metadata))


def several(keys: Iterable[str]) -> list[str]:
    """Return the keys as a list.

    Raises:
        TypeError: If they are one key, whose letters would be taken for keys.

    >>> several("abc")
    Traceback (most recent call last):
    ...
    TypeError: expected several keys, got the string 'abc'; pass ['abc'] for one key
    """
    if isinstance(keys, str):
        raise TypeError(f"expected several keys, got the string {keys!r}; pass [{keys!r}] for one key")
    return list(keys)

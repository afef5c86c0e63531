"""What a checkpoint store keeps: one record for each unit of work."""

import datetime as dt
from typing import Annotated, Any, Literal, Self

from ccflow import BaseModel
from pydantic import BeforeValidator, ConfigDict, Field, ModelWrapValidatorHandler, model_validator

CheckpointStatus = Literal["planned", "running", "succeeded", "failed", "skipped"]
"""How far a unit of work has come. Only ``succeeded`` lets a later run skip it."""


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

"""One unit of work that a decision is made on."""

from pathlib import Path
from typing import Any, Literal

from ccflow import BaseModel
from pydantic import ConfigDict, Field

DecisionStatus = Literal["planned", "checkpoint", "exists", "database"]
"""``planned`` units run; the other statuses say what shows that a unit is already done."""


class CheckpointDecisionUnit(BaseModel):
    """One unit of work to decide on.

    >>> CheckpointDecisionUnit(key="prices/2024-01-03", output_path="prices/2024-01-03.json").output_path
    'prices/2024-01-03.json'
    """

    model_config = ConfigDict(frozen=True)

    key: str = Field(description="The unit's checkpoint key, unique among the units.")
    output_path: str | Path | None = Field(
        None,
        union_mode="left_to_right",  # text stays text, and is not made into a Path first
        description="The local file that the unit writes, or its key in a byte store, suffix included.",
    )
    metadata: dict[str, Any] = Field(
        default_factory=dict,
        description="Anything the caller wants back; 'size' and 'sha256' are what the output is verified against.",
    )

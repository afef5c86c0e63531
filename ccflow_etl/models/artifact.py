"""ETLArtifact: what a stage made, or would make."""

from typing import Any, Literal

from ccflow import ResultBase
from pydantic import Field

ETLStage = Literal["plan", "extract", "transform", "load"]
"""The stage of a pipeline that makes an artifact."""

# Evidence about the bytes, not part of what the artifact is: one store may know it and another not.
_EVIDENCE = ("sha256", "size", "rows")


class ETLArtifact(ResultBase):  # noqa: PLW1641 - it can be changed, so it has no hash
    """One thing that a stage of a pipeline made, or plans to make.

    Two artifacts are equal when everything but ``sha256``, ``size`` and ``rows`` is. As a ccflow result it can be
    what a callable model returns.

    >>> artifact = ETLArtifact(key="daily/AAA", stage="extract", dataset="closes")
    >>> artifact.status
    'planned'
    >>> artifact == artifact.model_copy(update={"size": 31})
    True
    """

    key: str = Field(description="The name of the artifact within the pipeline, without a leading slash.")
    stage: ETLStage = Field(description="The stage that makes it.")
    status: str = Field("planned", description="What became of it, for example planned, written, exists or hit.")
    dataset: str | None = Field(None, description="The data set that it is a part of.")
    uri: str | None = Field(None, description="Where it is.")
    media_type: str | None = Field(None, description="The media type of its content.")
    metadata: dict[str, Any] = Field(default_factory=dict, description="Anything else worth knowing.")
    sha256: str | None = Field(None, description="SHA-256 of the stored bytes in hexadecimal, when known.")
    size: int | None = Field(None, ge=0, description="Number of stored bytes, when known.")
    rows: int | None = Field(None, ge=0, description="Number of rows of a table or of a list of rows, when known.")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ETLArtifact) or type(self) is not type(other):
            return NotImplemented
        return all(value == other.__dict__[name] for name, value in self.__dict__.items() if name not in _EVIDENCE)

    def _repr_html_(self) -> str:
        from .cards import artifact_card

        return artifact_card(self).html()

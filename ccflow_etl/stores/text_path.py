"""A path as a field, whose dump is a text."""

from pathlib import Path
from typing import Annotated

from pydantic import PlainSerializer

__all__ = ["TextPath"]

TextPath = Annotated[Path, PlainSerializer(str)]
"""A field type: a path. Its dump is its text: what sends models as JSON, as Celery does, starts from their dump."""

"""Conformance suites for what others write: subclass one in your tests, and pytest runs it against your own class.

Needs pytest, and hypothesis for the strategies of DataFrames and Series; imported by nothing else in the package.
"""

from typing import TYPE_CHECKING, Any

from .calendars import CalendarTests
from .checkpoints import CheckpointStoreTests
from .stores import CacheStoreTests

if TYPE_CHECKING:
    from .frames import data_frames, data_series

__all__ = ["CacheStoreTests", "CalendarTests", "CheckpointStoreTests", "data_frames", "data_series"]


def __getattr__(name: str) -> Any:
    if name not in ("data_frames", "data_series"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import frames  # only where hypothesis is installed

    return getattr(frames, name)

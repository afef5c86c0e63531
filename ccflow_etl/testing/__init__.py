"""Conformance suites for what others write: subclass one in your tests, and pytest runs it against your own class.

Needs pytest and is imported by nothing else in the package.
"""

from .calendars import CalendarTests
from .checkpoints import CheckpointStoreTests
from .stores import CacheStoreTests

__all__ = ["CacheStoreTests", "CalendarTests", "CheckpointStoreTests"]

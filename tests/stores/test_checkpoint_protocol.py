"""How a store is asked about many keys: once where it can be, else for each."""

from typing import Any

import pytest

from ccflow_etl import CheckpointRecord
from ccflow_etl.stores.checkpoint_protocol import get_many, should_skip_many

KEYS = ["sunday", "monday"]


def record(key: str) -> CheckpointRecord:
    return CheckpointRecord(key=key, status="failed", updated_at="2024-01-01T00:00:00+00:00")


class OneByOne:
    """A store without bulk forms, which writes down what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def should_skip(self, key: str) -> bool:
        self.asked.append(key)
        return key == "monday"

    def get(self, key: str) -> CheckpointRecord | None:
        self.asked.append(key)
        return record(key) if key == "monday" else None


class InBulk(OneByOne):
    def should_skip_many(self, keys: list[str]) -> tuple[int, ...]:
        self.asked.append(keys)
        return tuple(key == "monday" for key in keys)

    def get_many(self, keys: list[str]) -> tuple[CheckpointRecord | None, ...]:
        self.asked.append(keys)
        return tuple(record(key) if key == "monday" else None for key in keys)


@pytest.mark.parametrize(("store", "asked"), [(OneByOne, KEYS), (InBulk, [KEYS])])
def test_whether_many_are_done(store: type[OneByOne], asked: list[Any]) -> None:
    made = store()
    assert should_skip_many(made, KEYS) == [False, True]
    assert made.asked == asked


@pytest.mark.parametrize(("store", "asked"), [(OneByOne, KEYS), (InBulk, [KEYS])])
def test_the_records_of_many(store: type[OneByOne], asked: list[Any]) -> None:
    made = store()
    assert get_many(made, KEYS, needed_for="a look") == [None, record("monday")]
    assert made.asked == asked


def test_records_of_a_store_that_tells_none() -> None:
    class Flags:
        def should_skip(self, key: str) -> bool:
            return True

    with pytest.raises(ValueError, match=r"a look needs a checkpoint store that tells its marks, and Flags has no get"):
        get_many(Flags(), KEYS, needed_for="a look")

"""The shipped suite, against our own store and against the smallest store that a user could write."""

from pathlib import Path

from ccflow_etl import LocalCacheStore
from ccflow_etl.testing import CacheStoreTests


class TestLocalCacheStore(CacheStoreTests):
    def make_store(self, folder: Path) -> LocalCacheStore:
        return LocalCacheStore(root=folder / "cache")


class TestScratchStore(CacheStoreTests):
    def make_store(self, folder: Path) -> LocalCacheStore:
        return LocalCacheStore(root=folder, durable=False)


class Shelf:
    """A store with no more than it must have, and its own names for parameters."""

    def __init__(self) -> None:
        self.items: dict[str, bytes] = {}

    def exists(self, key: str) -> bool:
        return key in self.items

    def put_bytes(self, key: str, value: bytes, content_type: str | None = None) -> dict[str, str]:
        self.items[key] = value
        return {"key": key}

    def get_bytes(self, key: str) -> bytes:
        if key not in self.items:
            raise FileNotFoundError(key)
        return self.items[key]

    def uri(self, key: str) -> str:
        return f"shelf:{key}"


class TestSmallestStore(CacheStoreTests):
    def make_store(self, folder: Path) -> Shelf:
        return Shelf()

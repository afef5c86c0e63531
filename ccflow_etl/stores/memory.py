"""MemoryCacheStore: bytes by key in this process."""

from typing import Any, NoReturn, Self
from uuid import uuid4

from ccflow import BaseModel
from pydantic import Field, PrivateAttr

from .keys import check_key


class MemoryCacheStore(BaseModel):
    """A byte store in the memory of this process, for tests, notebooks and handoffs that need no file.

    Any number of threads may use it at once. A copy is the same store. It cannot be sent to another process, where
    what is put would be lost: pickling is a ``TypeError``.

    >>> store = MemoryCacheStore(name="handoffs")
    >>> store.put_bytes("daily/AAA.json", b"{}")
    >>> store.exists("daily/AAA.json"), store.get_bytes("daily/AAA.json"), store.list()
    (True, b'{}', ['daily/AAA.json'])
    >>> store.uri("daily/AAA.json")
    'memory://handoffs/daily/AAA.json'
    >>> store.put_bytes_new("daily/AAA.json", b"[]")
    False
    >>> store.delete("daily/AAA.json")
    >>> store.list()
    []
    """

    name: str = Field(
        default_factory=lambda: uuid4().hex,
        description="What tells the store from others in URIs and in the keys of caching evaluators.",
    )
    # Each change is one operation of a dict, which threads cannot interrupt. An entry is a new tuple, so that the
    # writer that created it can tell it from an equal one.
    _entries: dict[str, tuple[bytes, str | None]] = PrivateAttr(default_factory=dict)

    def exists(self, key: str) -> bool:
        """Return whether there is a payload under this key.

        >>> MemoryCacheStore().exists("daily/AAA.json")
        False
        """
        return self._checked(key) in self._entries

    def put_bytes(self, key: str, payload: bytes, content_type: str | None = None) -> None:
        """Store a payload, in place of any that is there.

        Raises:
            ValueError: If the key is none that every store can keep.
        """
        self._entries[self._checked(key)] = (_as_bytes(payload), content_type)

    def put_bytes_new(self, key: str, payload: bytes, content_type: str | None = None) -> bool:
        """Store a payload if there is none, and return whether it did; of all writers at once, one does."""
        entry = (_as_bytes(payload), content_type)
        return self._entries.setdefault(self._checked(key), entry) is entry

    def get_bytes(self, key: str) -> bytes:
        """Return the payload.

        Raises:
            FileNotFoundError: If there is none.
        """
        entry = self._entries.get(self._checked(key))
        if entry is None:
            raise FileNotFoundError(f"there is no payload at {self.uri(key)}")
        return entry[0]

    def uri(self, key: str) -> str:
        """Return the ``memory://`` URI of this key, existing or not.

        >>> MemoryCacheStore(name="handoffs").uri("daily/AAA.json")
        'memory://handoffs/daily/AAA.json'
        """
        return f"memory://{self.name}/{self._checked(key)}"

    def delete(self, key: str) -> None:
        """Remove a payload; one that is not there is no error."""
        self._entries.pop(self._checked(key), None)

    def list(self, prefix: str = "") -> list[str]:
        """Return the keys that begin with ``prefix``, sorted; O(keys).

        >>> MemoryCacheStore().list("daily/")
        []
        """
        return sorted(key for key in self._entries.copy() if key.startswith(prefix))

    def _checked(self, key: str) -> str:
        check_key(key, f"memory://{self.name}")
        return key

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            f"MemoryCacheStore(name={self.name!r}) lives in this process and cannot be pickled; "
            "to share payloads between processes use LocalCacheStore or ObjectCacheStore"
        )


def _as_bytes(payload: bytes | bytearray | memoryview) -> bytes:
    return payload if isinstance(payload, bytes) else bytes(memoryview(payload))  # bytes(5) would be five zeros

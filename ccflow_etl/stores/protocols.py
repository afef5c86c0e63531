"""What a store of bytes offers; any object with these methods is one, no base class is needed."""

from collections.abc import Iterable
from typing import Any, Protocol


class ByteStore(Protocol):
    """Bytes by key: what the cache models ask of a store.

    Keys are ``/``-separated text without a leading slash. Payloads are passed by position, because stores
    disagree about that parameter's name.

    A store may also offer the methods of ``ResolvingByteStore``, ``CreatingByteStore`` and ``ListingByteStore``;
    they are used when present.

    >>> class Shelf:
    ...     def __init__(self): self.items = {}
    ...     def exists(self, key): return key in self.items
    ...     def put_bytes(self, key, payload, content_type=None): self.items[key] = payload
    ...     def get_bytes(self, key): return self.items[key]
    ...     def uri(self, key): return f"shelf:{key}"
    >>> from ccflow_etl import CachePutModel
    >>> CachePutModel(store=Shelf())(key="daily/AAA", payload={"close": 103.6}).uri
    'shelf:daily/AAA.json'
    """

    def exists(self, key: str) -> bool:
        """Return whether there is a payload under this key."""
        ...

    def put_bytes(self, key: str, payload: bytes, /, content_type: str | None = None) -> Any:
        """Store a payload, in place of any that is there; what is returned is not used."""
        ...

    def get_bytes(self, key: str) -> bytes:
        """Return the payload, or raise ``FileNotFoundError``."""
        ...

    def uri(self, key: str) -> str:
        """Return where the payload is, or would be."""
        ...


class ResolvingByteStore(ByteStore, Protocol):
    """A byte store that decides itself how a key, or a path instead of one, is addressed.

    >>> from ccflow_etl import LocalCacheStore
    >>> LocalCacheStore(root="cache").resolve_key(key="daily/AAA", suffix=".json")
    'daily/AAA.json'
    """

    def resolve_key(self, *, key: str | None = None, path: Any = None, suffix: str = "") -> Any:
        """Return what the other methods take as their key."""
        ...


class CreatingByteStore(ByteStore, Protocol):
    """A byte store whose creation of a key cannot race.

    >>> from tempfile import TemporaryDirectory
    >>> from ccflow_etl import LocalCacheStore
    >>> with TemporaryDirectory() as folder:
    ...     store = LocalCacheStore(root=folder)
    ...     store.put_bytes_new("AAA", b"one"), store.put_bytes_new("AAA", b"two")
    (True, False)
    """

    def put_bytes_new(self, key: str, payload: bytes, /, content_type: str | None = None) -> bool:
        """Store a payload if the key has none, and return whether it did; of all writers at once, one does."""
        ...


class ListingByteStore(ByteStore, Protocol):
    """A byte store that can be looked through and cleared.

    >>> from tempfile import TemporaryDirectory
    >>> from ccflow_etl import LocalCacheStore
    >>> with TemporaryDirectory() as folder:
    ...     store = LocalCacheStore(root=folder)
    ...     store.put_bytes("daily/AAA", b"one")
    ...     list(store.list("daily/"))
    ['daily/AAA']
    """

    def list(self, prefix: str = "") -> Iterable[str]:
        """Return the keys that begin with ``prefix``, sorted."""
        ...

    def delete(self, key: str) -> None:
        """Remove a payload; one that is not there is no error."""
        ...

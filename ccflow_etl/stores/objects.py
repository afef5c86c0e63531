"""ObjectCacheStore: bytes by key in S3, Google Cloud Storage, Azure, a folder or memory, by URL."""

from types import ModuleType
from typing import Any, Self
from urllib.parse import quote, urlsplit
from uuid import uuid4

from ccflow import BaseModel
from pydantic import ConfigDict, Field, PrivateAttr, field_validator

from .keys import check_key, complaint_about


class ObjectCacheStore(BaseModel):
    """A byte store in an object store, through the ``obstore`` library (extra ``object-store``).

    The URL names the bucket and the prefix that keys are under: ``s3://bucket/prefix``, ``gs://bucket/prefix``,
    ``az://container/prefix`` (with the option ``account_name``), ``file:///folder`` (made if missing) or
    ``memory://name``. Credentials come from ``options`` or, better, from the environment, where each provider's own
    tools keep them.

    Puts appear whole or not at all. ``put_bytes_new`` is decided by the backend. Payloads of more than ``part_size``
    bytes that may replace another go up in parts, several at once. For a folder ``LocalCacheStore`` promises more:
    writes that are on disk when they return and no links that lead outside.

    Raises:
        ImportError: If ``obstore`` is not installed.
        ValueError: If no backend is known for the URL or it does not know an option.

    >>> store = ObjectCacheStore(url="memory://handoffs")
    >>> store.put_bytes_new("daily/AAA.json", b"{}"), store.put_bytes_new("daily/AAA.json", b"[]")
    (True, False)
    >>> store.get_bytes("daily/AAA.json"), store.list("daily/"), store.uri("daily/AAA.json")
    (b'{}', ['daily/AAA.json'], 'memory://handoffs/daily/AAA.json')
    >>> store.put_bytes("daily/AAA.json", b"[]")
    >>> store.get_bytes("daily/AAA.json")
    b'[]'
    >>> store.delete("daily/AAA.json")
    >>> store.exists("daily/AAA.json")
    False
    """

    model_config = ConfigDict(frozen=True)  # the client is made once from the fields

    url: str = Field(description="Where keys are, for example s3://bucket/prefix.")
    options: dict[str, Any] = Field(
        default_factory=dict,
        repr=False,
        description="Settings of the backend, for example region, endpoint or access_key_id for S3.",
    )
    client_options: dict[str, Any] = Field(
        default_factory=dict,
        repr=False,
        description="Settings of the HTTP client, for example timeout or allow_http.",
    )
    part_size: int = Field(8 * 2**20, ge=5 * 2**20, description="Bytes in each part of a large payload.")

    _client: Any = PrivateAttr(None)

    @field_validator("url")
    @classmethod
    def _name_memory(cls, url: str) -> str:
        """Tell unnamed stores in memory apart, as the keys of caching evaluators must."""
        return f"memory://{uuid4().hex}" if url.rstrip("/") == "memory:" else url.rstrip("/")

    def model_post_init(self, context: Any, /) -> None:
        """Make the client; nothing is asked of the backend yet."""
        super().model_post_init(context)
        self._client = self._connect()

    def exists(self, key: str) -> bool:
        """Return whether there is a payload under this key.

        >>> ObjectCacheStore(url="memory://").exists("daily/AAA.json")
        False
        """
        try:
            _obstore().head(self._client, self._checked(key))
        except FileNotFoundError:
            return False
        return True

    def put_bytes(self, key: str, payload: bytes, content_type: str | None = None) -> None:
        """Store a payload, in place of any that is there.

        Raises:
            ValueError: If the key is none that every store can keep.
        """
        self._put(key, payload, content_type, "overwrite")

    def put_bytes_new(self, key: str, payload: bytes, content_type: str | None = None) -> bool:
        """Store a payload if there is none, and return whether it did; of all writers at once, one does.

        The payload goes up in one request, which S3 limits to 5 GB.

        Raises:
            NotImplementedError: If the backend cannot decide that without a race.
        """
        try:
            self._put(key, payload, content_type, "create")
        except _obstore().exceptions.AlreadyExistsError:
            return False
        return True

    def get_bytes(self, key: str) -> bytes:
        """Return the payload.

        Raises:
            FileNotFoundError: If there is none.
        """
        try:
            payload: bytes = _obstore().get(self._client, self._checked(key)).bytes().to_bytes()
        except FileNotFoundError:
            raise FileNotFoundError(f"there is no payload at {self.uri(key)}") from None
        return payload

    def uri(self, key: str) -> str:
        """Return the URL and the key, existing or not; the key is percent-encoded in a ``file://`` URL only.

        >>> ObjectCacheStore(url="memory://handoffs/").uri("daily/AAA.json")
        'memory://handoffs/daily/AAA.json'
        """
        return f"{self.url}/{quote(self._checked(key)) if self._scheme == 'file' else self._checked(key)}"

    def delete(self, key: str) -> None:
        """Remove a payload; one that is not there is no error."""
        try:
            _obstore().delete(self._client, self._checked(key))
        except FileNotFoundError:
            return

    def list(self, prefix: str = "") -> list[str]:
        """Return the keys that begin with ``prefix``, sorted; takes a request for each thousand in its folder.

        >>> ObjectCacheStore(url="memory://").list("daily/")
        []
        """
        folder = prefix.rpartition("/")[0]
        if folder and complaint_about(folder):
            return []  # no key begins like this
        pages = _obstore().list(self._client, folder or None)
        return sorted(found["path"] for page in pages for found in page if found["path"].startswith(prefix))

    @property
    def _scheme(self) -> str:
        return urlsplit(self.url).scheme

    def _connect(self) -> Any:
        obstore = _obstore()
        if self._scheme == "memory":
            return obstore.store.MemoryStore()
        try:
            if self._scheme == "file":
                return obstore.store.from_url(self.url, mkdir=True)
            return obstore.store.from_url(
                self.url, config=self.options or None, client_options=self.client_options or None
            )
        except (obstore.exceptions.BaseError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise ValueError(f"cannot make an object store of the URL {self.url!r}: {reason}") from error

    def _put(self, key: str, payload: bytes, content_type: str | None, mode: str) -> None:
        typed = content_type is not None and self._scheme != "file"  # a file has no place for it
        _obstore().put(
            self._client,
            self._checked(key),
            payload if isinstance(payload, bytes) else bytes(memoryview(payload)),  # obstore takes text for a path
            attributes={"Content-Type": content_type} if typed else None,
            mode=mode,
            chunk_size=self.part_size,
        )

    def _checked(self, key: str) -> str:
        check_key(key, self.url)
        return key

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> Any:
        if self._scheme == "memory":
            raise TypeError(
                f"ObjectCacheStore(url={self.url!r}) lives in this process and cannot be pickled; "
                "to share payloads between processes use another URL"
            )
        return type(self).model_validate, ({name: getattr(self, name) for name in type(self).model_fields},)


def _obstore() -> ModuleType:
    try:
        import obstore
        import obstore.store
    except ImportError as error:
        raise ImportError(
            "ObjectCacheStore needs obstore, which is not installed: pip install 'ccflow-etl[object-store]'"
        ) from error
    return obstore

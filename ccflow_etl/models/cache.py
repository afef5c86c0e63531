"""Handing payloads from stage to stage through a store of bytes."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from ccflow import CallableModel, ContextBase, Flow, ResultBase
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ..codecs.codec import CacheFormat, PayloadCodec
from .artifact import ETLArtifact, ETLStage
from .stores import require_methods, resolve_store, store_method

_READS = ("exists", "get_bytes", "uri")
_WRITES = ("exists", "put_bytes", "uri")

ReadableStore = Annotated[
    Any, BeforeValidator(resolve_store), AfterValidator(lambda store: require_methods(store, _READS))
]
WritableStore = Annotated[
    Any, BeforeValidator(resolve_store), AfterValidator(lambda store: require_methods(store, _WRITES))
]


class _Address(ContextBase):
    """Which payload: a key, a path, or a path with a key for its name."""

    key: str | None = Field(None, description="The name of the payload; it gets the format's suffix in the store.")
    path: Path | None = Field(None, description="A file in place of a key, for stores that know paths; used as it is.")

    @model_validator(mode="after")
    def _check_address(self) -> Self:
        if not (self.key or "").lstrip("/") and self.path is None:
            raise ValueError(f"give a key or a path; the key is {self.key!r} and the path {self.path!r}")
        return self

    @property
    def _name(self) -> str:
        return (self.key or "").lstrip("/") or str(self.path)


class CachePutContext(_Address):
    """A payload and where to keep it.

    >>> CachePutContext(key="daily/AAA", payload={"close": 103.6}).stage
    'load'
    """

    payload: Any = Field(description="What to keep; the model's format must be able to.")
    dataset: str | None = Field(None, description="The data set that the payload is a part of, for the artifact.")
    stage: ETLStage = Field("load", description="The stage that makes the payload, for the artifact.")
    overwrite: bool = Field(False, description="Replace a payload that is there instead of leaving it as it is.")


class CacheGetContext(_Address):
    """Which payload to fetch.

    >>> CacheGetContext(key="daily/AAA").missing_ok
    True
    """

    dataset: str | None = Field(None, description="The data set that the payload is a part of, for the artifact.")
    stage: ETLStage = Field("load", description="The stage that made the payload, for the artifact.")
    missing_ok: bool = Field(True, description="Give a `miss` for a payload that is not there instead of an error.")


class _CacheResult(ResultBase):
    key: str = Field(description="The context's key without a leading slash, or its path.")
    cache_key: str = Field(description="What the payload is called in the store.")
    uri: str = Field(description="Where the payload is, or would be.")
    format: CacheFormat = Field(description="The format of its bytes.")
    media_type: str | None = Field(None, description="The media type of its content.")
    artifact: ETLArtifact = Field(description="The payload as an artifact of its stage.")


class CachePutResult(_CacheResult):
    """Whether the payload was written, and as what.

    >>> from ccflow_etl import CachePutModel, LocalCacheStore
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     result = CachePutModel(store=LocalCacheStore(root=folder))(key="daily/AAA", payload=[1, 2])
    >>> result.status, result.cache_key, result.artifact.size
    ('written', 'daily/AAA.json', 5)
    """

    status: Literal["written", "exists"] = Field(description="`exists` when it was there already and was left alone.")


class CacheGetResult(_CacheResult):
    """The payload, if there is one.

    >>> from ccflow_etl import CacheGetModel, LocalCacheStore
    >>> result = CacheGetModel(store=LocalCacheStore(root="no-such-folder"))(key="daily/AAA")
    >>> result.status, result.payload
    ('miss', None)
    """

    status: Literal["hit", "miss"] = Field(description="`miss` when it is not there.")
    payload: Any = Field(None, description="The payload; None on a miss.")


@dataclass(frozen=True)
class _Entry:
    """One address in one store."""

    store: Any
    codec: PayloadCodec
    name: str
    cache_key: Any

    @classmethod
    def at(cls, store: Any, format: CacheFormat, address: _Address) -> Self:  # noqa: A002 - the field's name
        codec = PayloadCodec(format=format)
        resolve_key = store_method(store, "resolve_key")
        if resolve_key:
            key = address.key.lstrip("/") if address.key else None
            cache_key = resolve_key(key=key, path=address.path, suffix=codec.suffix)
        elif address.path is not None:
            raise ValueError(
                f"{type(store).__name__} has no resolve_key and so no paths; give a key instead of path "
                f"{str(address.path)!r}"
            )
        else:
            cache_key = address._name
            if not cache_key.endswith(codec.suffix):
                cache_key += codec.suffix
        return cls(store, codec, address._name, cache_key)

    def describe(self, context: CachePutContext | CacheGetContext, status: str, data: bytes | None) -> dict[str, Any]:
        """Return what a put and a get tell alike."""
        uri = self.store.uri(self.cache_key)
        artifact = ETLArtifact(
            key=self.name,
            stage=context.stage,
            status=status,
            dataset=context.dataset,
            uri=uri,
            media_type=self.codec.media_type,
            sha256=None if data is None else hashlib.sha256(data).hexdigest(),
            size=None if data is None else len(data),
        )
        return {
            "key": self.name,
            "cache_key": str(self.cache_key),
            "uri": uri,
            "format": self.codec.format,
            "media_type": self.codec.media_type,
            "status": status,
            "artifact": artifact,
        }


class CachePutModel(CallableModel):
    """Keeps a payload in a store, in a named format.

    ``store`` is any object with ``exists``, ``put_bytes`` and ``uri``, a registry path such as ``/cache/store``, or
    a config with ``_target_``. A payload that is there already is left alone unless the context says ``overwrite``;
    a store with ``put_bytes_new`` decides that without a race.

    >>> from ccflow_etl import LocalCacheStore
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     put = CachePutModel(store=LocalCacheStore(root=folder), format=["json", "gzip"])
    ...     put(key="/daily/AAA", payload={"close": 103.6}).status, put(key="daily/AAA", payload={}).status
    ('written', 'exists')
    """

    store: WritableStore = Field(description="Where to keep payloads.")
    format: CacheFormat = Field("json", description="The format to keep them in.")

    # An effect: a caching evaluator must not answer for it.
    @Flow.call(volatile=True)
    def __call__(self, context: CachePutContext) -> CachePutResult:
        """Keep the payload.

        Raises:
            PayloadEncodeError: If the format cannot keep the payload exactly.
            ValueError: If the context has a path and the store knows none.
        """
        entry = _Entry.at(self.store, self.format, context)
        if not context.overwrite and self.store.exists(entry.cache_key):
            return CachePutResult(**entry.describe(context, "exists", None))
        data = entry.codec.encode(context.payload)
        put_new = None if context.overwrite else store_method(self.store, "put_bytes_new")
        if put_new is None:
            self.store.put_bytes(entry.cache_key, data, content_type=entry.codec.media_type)
        elif not put_new(entry.cache_key, data, content_type=entry.codec.media_type):
            return CachePutResult(**entry.describe(context, "exists", None))
        return CachePutResult(**entry.describe(context, "written", data))


class CacheGetModel(CallableModel):
    """Fetches a payload from a store.

    ``store`` is any object with ``exists``, ``get_bytes`` and ``uri``, a registry path such as ``/cache/store``, or
    a config with ``_target_``.

    >>> from ccflow_etl import CachePutModel, LocalCacheStore
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     store = LocalCacheStore(root=folder)
    ...     written = CachePutModel(store=store)(key="daily/AAA", payload={"close": 103.6})
    ...     CacheGetModel(store=store)(key="daily/AAA").payload
    {'close': 103.6}
    """

    store: ReadableStore = Field(description="Where payloads are kept.")
    format: CacheFormat = Field("json", description="The format they are kept in.")

    # What is there can change from call to call: a caching evaluator must not answer for it.
    @Flow.call(volatile=True)
    def __call__(self, context: CacheGetContext) -> CacheGetResult:
        """Fetch the payload.

        Raises:
            FileNotFoundError: If it is not there and the context says ``missing_ok=False``.
            PayloadDecodeError: If the bytes there are not in this format.
            ValueError: If the context has a path and the store knows none.
        """
        entry = _Entry.at(self.store, self.format, context)
        data = _fetch(entry)
        if data is not None:
            return CacheGetResult(**entry.describe(context, "hit", data), payload=entry.codec.decode(data))
        missing = entry.describe(context, "miss", None)
        if not context.missing_ok:
            raise FileNotFoundError(f"nothing is cached for {entry.name!r} at {missing['uri']}")
        return CacheGetResult(**missing)


def _fetch(entry: _Entry) -> bytes | None:
    """Return the bytes, or None if they are not there, even if they vanish between the two questions."""
    if not entry.store.exists(entry.cache_key):
        return None
    try:
        data: bytes = entry.store.get_bytes(entry.cache_key)
    except FileNotFoundError:
        return None
    return data

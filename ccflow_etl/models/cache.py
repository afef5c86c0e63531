"""Handing payloads from stage to stage through a store of bytes."""

from typing import Annotated, Any, Literal, Self

from ccflow import CallableModel, ContextBase, ResultBase
from pydantic import AfterValidator, BeforeValidator, Field, PositiveInt, StringConstraints, model_validator

from ..codecs.codec import CacheFormat
from ..codecs.filters import Filters, as_filters, as_label
from ..stores.text_path import TextPath
from .artifact import ETLArtifact, ETLStage
from .cache_entry import CacheEntry
from .flow import flow_call
from .payloads import Payload, PayloadContext
from .stores import ReadableStore, WritableStore, store_method

Sha256 = Annotated[str, StringConstraints(to_lower=True, pattern="^[0-9a-fA-F]{64}$")]


Columns = Annotated[tuple[Any, ...], AfterValidator(as_label)]
Rows = Annotated[Filters, BeforeValidator(as_filters)]


class _Address(ContextBase):
    """Which payload: a key, a path, or a path with a key for its name."""

    key: str | None = Field(None, description="The name of the payload; it gets the format's suffix in the store.")
    path: TextPath | None = Field(
        None, description="A file in place of a key, for stores that know paths; used as it is."
    )

    @model_validator(mode="after")
    def _check_address(self) -> Self:
        if not (self.key or "").lstrip("/") and self.path is None:
            raise ValueError(f"give a key or a path; the key is {self.key!r} and the path {self.path!r}")
        return self


class CachePutContext(PayloadContext, _Address):
    """A payload and where to keep it. The payload is shared, not copied.

    >>> CachePutContext(key="daily/AAA", payload={"close": 103.6}).stage
    'load'
    """

    payload: Payload = Field(description="What to keep; the model's format must be able to.")
    dataset: str | None = Field(None, description="The data set that the payload is a part of, for the artifact.")
    stage: ETLStage = Field("load", description="The stage that makes the payload, for the artifact.")
    overwrite: bool = Field(False, description="Replace a payload that is there instead of leaving it as it is.")


class CacheGetContext(_Address):
    """Which payload to fetch, and what its bytes are known to be.

    The ``artifact`` of a put gives what the context does not say itself: ``key``, ``dataset``, ``stage`` and the
    ``sha256`` that the bytes must have, or the ``size`` if it has no hash.

    ``columns`` and ``filters`` ask for a part of a Parquet payload, and no more than that is decoded. The index of a
    DataFrame is always among it. Labels are those of the DataFrame, in filters also those of index levels. Instants,
    days, times, durations and periods may be given as text; what is compared is otherwise what was stored.

    >>> CacheGetContext(key="daily/AAA").missing_ok
    True
    >>> CacheGetContext(key="daily/AAA", columns=["close"], filters=[["day", ">=", "2024-01-03"]]).filters
    ((('day', '>=', '2024-01-03'),),)
    >>> CacheGetContext(artifact=ETLArtifact(key="daily/AAA", stage="extract", size=31)).stage
    'extract'
    """

    dataset: str | None = Field(None, description="The data set that the payload is a part of, for the artifact.")
    stage: ETLStage = Field("load", description="The stage that made the payload, for the artifact.")
    missing_ok: bool = Field(True, description="Give a `miss` for a payload that is not there instead of an error.")
    artifact: ETLArtifact | None = Field(None, description="What a put told of the payload; its bytes are verified.")
    sha256: Sha256 | None = Field(None, description="SHA-256 that the bytes must have, in hexadecimal.")
    columns: Columns | None = Field(None, description="Labels of the columns to read, in their order; None for all.")
    filters: Rows | None = Field(
        None,
        description="Which rows to read, as [[column, operator, value], ...], of which all have to hold, or a list of "
        "such lists, of which one has to; None for all.",
    )

    def __hash__(self) -> int:
        # not of an artifact's metadata, which has no hash
        return hash((self.key, self.path, self.sha256, self.columns))

    @model_validator(mode="before")
    @classmethod
    def _take_from_artifact(cls, value: Any) -> Any:
        if not isinstance(value, dict) or value.get("artifact") is None:
            return value
        artifact = ETLArtifact.model_validate(value["artifact"])
        if value.get("sha256") and artifact.sha256 and value["sha256"].lower() != artifact.sha256.lower():
            raise ValueError(f"sha256 is {value['sha256']} but that of the artifact is {artifact.sha256}; give one")
        known = {"dataset": artifact.dataset, "stage": artifact.stage, "sha256": artifact.sha256, "artifact": artifact}
        if value.get("key") is None and value.get("path") is None:
            known["key"] = artifact.key
        return known | {name: given for name, given in value.items() if given is not None and name != "artifact"}


class CacheResult(ResultBase):
    """What the results of a put and of a get share: which payload, and where it is."""

    key: str = Field(description="The context's key without a leading slash, or its path.")
    cache_key: str = Field(description="What the payload is called in the store.")
    uri: str = Field(description="Where the payload is, or would be.")
    format: CacheFormat = Field(description="The format of its bytes.")
    media_type: str | None = Field(None, description="The media type of its content.")
    artifact: ETLArtifact = Field(description="The payload as an artifact of its stage.")

    def _repr_html_(self) -> str:
        from .cards import handoff_card

        return handoff_card(self).html()


class CachePutResult(CacheResult):
    """Whether the payload was written, and as what.

    >>> from ccflow_etl import CachePutModel, LocalCacheStore
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     result = CachePutModel(store=LocalCacheStore(root=folder))(key="daily/AAA", payload=[1, 2])
    >>> result.status, result.cache_key, result.artifact.size
    ('written', 'daily/AAA.json', 5)
    """

    status: Literal["written", "exists"] = Field(description="`exists` when it was there already and was left alone.")


class CacheGetResult(CacheResult):
    """The payload, if there is one.

    >>> from ccflow_etl import CacheGetModel, LocalCacheStore
    >>> result = CacheGetModel(store=LocalCacheStore(root="no-such-folder"))(key="daily/AAA")
    >>> result.status, result.payload
    ('miss', None)
    """

    status: Literal["hit", "miss"] = Field(description="`miss` when it is not there.")
    payload: Any = Field(None, description="The payload; None on a miss.")


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
    @flow_call(volatile=True)
    def __call__(self, context: CachePutContext) -> CachePutResult:  # type: ignore[override]  # of any context in ccflow
        """Keep the payload.

        Raises:
            PayloadEncodeError: If the format cannot keep the payload exactly.
            ValueError: If the context has a path and the store knows none.
        """
        entry = CacheEntry.at(self.store, self.format, context.key, context.path)
        if not context.overwrite and self.store.exists(entry.cache_key):
            return CachePutResult(**entry.describe(context.stage, context.dataset, "exists"))
        data = entry.codec.encode(context.payload)
        put_new = None if context.overwrite else store_method(self.store, "put_bytes_new")
        if put_new is None:
            self.store.put_bytes(entry.cache_key, data, content_type=entry.codec.media_type)
        elif not put_new(entry.cache_key, data, content_type=entry.codec.media_type):
            return CachePutResult(**entry.describe(context.stage, context.dataset, "exists"))
        return CachePutResult(**entry.describe(context.stage, context.dataset, "written", data, context.payload))


class CacheGetModel(CallableModel):
    """Fetches a payload from a store.

    ``store`` is any object with ``exists``, ``get_bytes`` and ``uri``, a registry path such as ``/cache/store``, or
    a config with ``_target_``. With an artifact or a hash in the context the bytes are verified before they are
    decoded. Of Parquet the context may ask for some columns and rows only.

    >>> from ccflow_etl import CachePutModel, MemoryCacheStore
    >>> store = MemoryCacheStore(name="handoffs")
    >>> written = CachePutModel(store=store)(key="daily/AAA", payload={"close": 103.6})
    >>> CacheGetModel(store=store)(artifact=written.artifact).payload
    {'close': 103.6}
    >>> store.put_bytes("daily/AAA.json", b'{"close":10.36}')
    >>> CacheGetModel(store=store)(artifact=written.artifact)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ccflow_etl.codecs.errors.PayloadIntegrityError: the payload of 'daily/AAA' at memory://handoffs/daily/AAA.json ...
    """

    store: ReadableStore = Field(description="Where payloads are kept.")
    format: CacheFormat = Field("json", description="The format they are kept in.")
    max_decoded_bytes: PositiveInt | None = Field(
        None,
        description="Refuse a payload that takes more bytes than this when decoded; None is the codec's limit.",
    )

    # What is there can change from call to call: a caching evaluator must not answer for it.
    @flow_call(volatile=True)
    def __call__(self, context: CacheGetContext) -> CacheGetResult:  # type: ignore[override]  # of any context in ccflow
        """Fetch the payload.

        Raises:
            FileNotFoundError: If it is not there and the context says ``missing_ok=False``.
            PayloadIntegrityError: If the bytes are not those of the context's artifact or hash; nothing was decoded.
            PayloadTooLargeError: If the payload would take more than ``max_decoded_bytes``.
            PayloadDecodeError: If the bytes there are not in this format, or have no column that the context asks for.
            ValueError: If the context has a path and the store knows none, or asks for columns or rows and the format
                cannot read parts.
        """
        entry = CacheEntry.at(self.store, self.format, context.key, context.path)
        entry.check_parts(context.columns, context.filters)
        data = entry.fetch()
        if data is not None:
            size = context.artifact.size if context.artifact else None
            entry.verify(data, context.sha256, size)
            payload = entry.decode(
                data,
                self.max_decoded_bytes,
                verified=context.sha256 is not None,
                columns=context.columns,
                filters=context.filters,
            )
            whole = payload if context.filters is None else None  # of a part the number of rows is not known
            return CacheGetResult(**entry.describe(context.stage, context.dataset, "hit", data, whole), payload=payload)
        missing = entry.describe(context.stage, context.dataset, "miss")
        if not context.missing_ok:
            raise FileNotFoundError(f"nothing is cached for {entry.name!r} at {missing['uri']}")
        return CacheGetResult(**missing)

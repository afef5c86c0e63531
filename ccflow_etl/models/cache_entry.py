"""One payload's place in a store: what it is called there, its bytes and what they have to be."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ..codecs.codec import CacheFormat, PayloadCodec
from ..codecs.errors import PayloadDecodeError, PayloadIntegrityError, PayloadTooLargeError
from ..codecs.filters import Filters
from ..codecs.formats import content_format
from .artifact import ETLArtifact, ETLStage
from .payloads import row_count
from .stores import store_method


@dataclass(frozen=True)
class CacheEntry:
    """A payload's place in a store, in a format.

    >>> from ccflow_etl import LocalCacheStore
    >>> entry = CacheEntry.at(LocalCacheStore(root="cache"), ["json", "gzip"], "/daily/AAA", None)
    >>> entry.name, entry.cache_key
    ('daily/AAA', 'daily/AAA.json.gz')
    """

    store: Any
    codec: PayloadCodec
    name: str
    cache_key: Any

    @classmethod
    def at(cls, store: Any, format: CacheFormat, key: str | None, path: Path | None) -> Self:  # noqa: A002 # the field's name
        """Return the place for a key, or for a path in a store that knows paths.

        Raises:
            ValueError: If there is a path and the store knows none.
        """
        codec = PayloadCodec(format=format)
        key = (key or "").lstrip("/") or None
        resolve_key = store_method(store, "resolve_key")
        if resolve_key:
            cache_key = resolve_key(key=key, path=path, suffix=codec.suffix)
        elif path is not None:
            raise ValueError(
                f"{type(store).__name__} has no resolve_key and so no paths; give a key instead of path {str(path)!r}"
            )
        elif key is None:
            raise ValueError("give a key or a path")
        else:
            cache_key = key if key.endswith(codec.suffix) else key + codec.suffix
        return cls(store, codec, key or str(path), cache_key)

    @property
    def uri(self) -> str:
        """Where the payload is, or would be."""
        uri: str = self.store.uri(self.cache_key)
        return uri

    def check_parts(self, columns: Any, filters: Any) -> None:
        """Raise ``ValueError`` if some columns or rows are asked for and the format cannot read them only."""
        content_format(self.codec.content_format).check_parts(columns, filters)

    def fetch(self) -> bytes | None:
        """Return the bytes, or None if they are not there, even if they vanish between the two questions."""
        if not self.store.exists(self.cache_key):
            return None
        try:
            data: bytes = self.store.get_bytes(self.cache_key)
        except FileNotFoundError:
            return None
        return data

    def verify(self, data: bytes, sha256: str | None, size: int | None) -> None:
        """Raise unless the bytes are those with this hash or, without a hash, of this size.

        Raises:
            PayloadIntegrityError: If they are not.
        """
        if sha256 is not None:
            expected, found = f"sha256 {sha256}", f"sha256 {hashlib.sha256(data).hexdigest()}"
        elif size is not None:
            expected, found = f"{size:,} bytes", f"{len(data):,} bytes"
        else:
            return
        if expected != found:
            raise PayloadIntegrityError(expected, found, key=self.name, uri=self.uri)

    def decode(
        self,
        data: bytes,
        max_decoded_bytes: int | None,
        *,
        verified: bool = False,
        columns: Sequence[Any] | None = None,
        filters: Filters | None = None,
    ) -> Any:
        """Return the payload of these bytes, or a part; what cannot be decoded is named by key and URI.

        Raises:
            PayloadIntegrityError: If a checksum within the bytes does not fit.
            PayloadTooLargeError: If the payload would take more than the limit.
            PayloadDecodeError: If the bytes are not in the format.
        """
        limit = {} if max_decoded_bytes is None else {"max_decoded_bytes": max_decoded_bytes}
        try:
            return PayloadCodec(format=self.codec.format, **limit).decode(
                data, verified=verified, columns=columns, filters=filters
            )
        except PayloadIntegrityError as error:
            raise PayloadIntegrityError(error.expected, error.found, key=self.name, uri=self.uri) from error
        except PayloadTooLargeError as error:
            raise PayloadTooLargeError(error.limit, error.found, key=self.name, uri=self.uri) from error
        except PayloadDecodeError as error:
            raise PayloadDecodeError(
                error.format_name, error.size, error.reason, key=self.name, uri=self.uri
            ) from error

    def describe(
        self, stage: ETLStage, dataset: str | None, status: str, data: bytes | None = None, payload: Any = None
    ) -> dict[str, Any]:
        """Return the fields that the results of a put and a get share; without data its hash and size are unknown."""
        uri = self.uri
        artifact = ETLArtifact(
            key=self.name,
            stage=stage,
            status=status,
            dataset=dataset,
            uri=uri,
            media_type=self.codec.media_type,
            sha256=None if data is None else hashlib.sha256(data).hexdigest(),
            size=None if data is None else len(data),
            rows=None if data is None else row_count(payload),
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

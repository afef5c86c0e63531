"""Checkpoint marks as objects in any byte store."""

import builtins
import json
import os
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import quote

from ccflow import BaseModel
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WrapSerializer, field_validator

from ..stores.keys import check_key
from ..stores.records import CheckpointRecord, CheckpointStatus, new_record, several
from ..stores.threads import in_threads
from .stores import dump_store, require_methods, resolve_store, store_method

_LONGEST_NAME = 200  # file systems allow 255 bytes, and the store may add some of its own

MarkStore = Annotated[
    Any,
    BeforeValidator(resolve_store),
    AfterValidator(lambda store: require_methods(store, ("exists", "put_bytes", "get_bytes", "uri"))),
    WrapSerializer(dump_store),
]
"""A field type: any object that bytes can be put into and read from, its registry path, or its config."""


class CacheCheckpointStore(BaseModel):
    """Checkpoint marks in a byte store: one JSON object for each key, so that any place for bytes can resume a run.

    A mark is one put, which the byte store does whole or not at all: of several marks of one key, the last one counts.
    How lasting a mark is, and who sees it, is up to the byte store. Names and content are those of ccflow_s3's
    checkpoint store, so that either can read the other's marks: ``prefix``, a slash, the percent-encoded key, and
    ``.json``; a name that would be too long for a file ends in a digest instead.

    Questions about many keys, and many marks, are sent ``requests`` at a time. A byte store that can list is asked
    once which of the keys have a mark, and only those are read; one that cannot is asked for each. ``list`` and
    ``delete`` need a byte store that has them, or they raise ``NotImplementedError``.

    For the marks of one machine ``LocalCheckpointStore`` is faster and keeps them in one file.

    >>> from ccflow_etl import MemoryCacheStore
    >>> store = CacheCheckpointStore(store=MemoryCacheStore(name="bucket"))
    >>> store.mark_succeeded("prices/2024-01-03", metadata={"rows": 390}).status
    'succeeded'
    >>> store.should_skip_many(["prices/2024-01-02", "prices/2024-01-03"])
    [False, True]
    >>> store.mark_many(["prices/2024-01-04", "prices/2024-01-05"], "failed", {"error": "no quotes"})
    >>> store.mark("prices/2024-01-05", "planned").status
    'planned'
    >>> [record.status for record in store.get_many(["prices/2024-01-03", "prices/2024-01-05"])]
    ['succeeded', 'planned']
    >>> store.delete("prices/2024-01-04"), store.get("prices/2024-01-04"), store.should_skip("prices/2024-01-03")
    (True, None, True)
    >>> store.store.list()
    ['checkpoints/prices%2F2024-01-03.json', 'checkpoints/prices%2F2024-01-05.json']
    """

    model_config = ConfigDict(frozen=True)

    store: MarkStore = Field(description="Any byte store, its registry path, or its config with _target_.")
    prefix: str = Field(
        "checkpoints", description="The folder of the byte store that holds the marks and nothing else."
    )
    requests: int = Field(16, ge=1, description="How many requests to send at once where there are several.")

    @field_validator("store")
    @classmethod
    def _takes_keys(cls, store: Any) -> Any:
        resolve_key = store_method(store, "resolve_key")
        if resolve_key is not None:
            resolve_key(key="checkpoint", suffix=".json")  # a store of paths alone says so
        return store

    @field_validator("prefix")
    @classmethod
    def _is_a_folder(cls, prefix: str) -> str:
        check_key(prefix, "the byte store")
        return prefix

    def get(self, key: str) -> CheckpointRecord | None:
        """Return the record of ``key``, or None when it has no mark.

        Raises ``ValueError`` with the URI for an object that is no record.
        """
        name = self._name(key)
        return _of(key, self._read(name) if self.store.exists(name) else None)

    def get_many(self, keys: Iterable[str]) -> builtins.list[CheckpointRecord | None]:
        """Return the record of each key, in order, or None where there is no mark."""
        keys = several(keys)
        if not keys or store_method(self.store, "list") is None:
            return in_threads(self.get, keys, self.requests)
        names = [self._name(key) for key in keys]
        common = os.path.commonprefix(keys)  # noqa: RUF071 - of text, not of paths
        found = sorted(set(names).intersection(self._names(common)))
        records = dict(zip(found, in_threads(self._read, found, self.requests), strict=True))
        return [_of(key, records.get(name)) for key, name in zip(keys, names, strict=True)]

    def should_skip(self, key: str) -> bool:
        """Return whether ``key`` is marked ``succeeded``."""
        return _succeeded(self.get(key))

    def should_skip_many(self, keys: Iterable[str]) -> builtins.list[bool]:
        """Return one flag for each key, in order: whether it is marked ``succeeded``."""
        return [_succeeded(record) for record in self.get_many(keys)]

    def list(
        self, prefix: str | None = None, status: CheckpointStatus | None = None
    ) -> builtins.list[CheckpointRecord]:
        """Return the records whose key starts with ``prefix`` and that have ``status``, in the order of their keys."""
        records = in_threads(self._read, self._names(prefix or ""), self.requests)
        found = [
            record
            for record in records
            if record is not None and record.key.startswith(prefix or "") and status in (None, record.status)
        ]
        return sorted(found, key=lambda record: record.key)

    def mark(self, key: str, status: CheckpointStatus, metadata: dict[str, Any] | None = None) -> CheckpointRecord:
        """Set the status of ``key`` and replace its metadata; return the record as written.

        Raises ``pydantic.ValidationError`` for an unknown status, ``TypeError`` for metadata that is not JSON.
        """
        record = new_record(key, status, metadata)
        self._put(record)
        return record

    def mark_succeeded(self, key: str, metadata: dict[str, Any] | None = None) -> CheckpointRecord:
        """Mark ``key`` as done, so that later runs skip it."""
        return self.mark(key, "succeeded", metadata)

    def mark_many(self, keys: Iterable[str], status: CheckpointStatus, metadata: dict[str, Any] | None = None) -> None:
        """Set one status and metadata for all keys, a put for each; an error may leave some of them marked."""
        in_threads(self._put, [new_record(key, status, metadata) for key in several(keys)], self.requests)

    def delete(self, key: str) -> bool:
        """Remove the mark of ``key``; return whether there was one."""
        name, delete = self._name(key), self._needed("delete")
        existed = bool(self.store.exists(name))
        delete(name)
        return existed

    def _name(self, key: str) -> str:
        quoted = quote(key, safe="")
        if len(quoted) > _LONGEST_NAME:  # what is cut is longer than what is not, so no two keys share a name
            quoted = f"{quoted[: _LONGEST_NAME - 50]}~{sha256(key.encode()).hexdigest()}"
        return f"{self.prefix}/{quoted}.json"

    def _names(self, prefix: str) -> builtins.list[str]:
        """The names of the marks whose keys begin with a prefix, and perhaps of some more."""
        folder = f"{self.prefix}/"
        names = self._needed("list")(folder + quote(prefix, safe="")[: _LONGEST_NAME - 50])
        return [name for name in names if name.endswith(".json") and "/" not in name.removeprefix(folder)]

    def _needed(self, method: str) -> Callable[..., Any]:
        found = store_method(self.store, method)
        if found is None:
            raise NotImplementedError(
                f"{type(self.store).__name__} has no method {method}, so its checkpoints cannot {method}"
            )
        return found

    def _put(self, record: CheckpointRecord) -> None:
        body = record.model_dump(include={"key", "status", "updated_at", "metadata"})
        text = json.dumps(body, separators=(",", ":"), sort_keys=True)
        self.store.put_bytes(self._name(record.key), text.encode(), content_type="application/json")

    def _read(self, name: str) -> CheckpointRecord | None:
        """The record in an object that was there a moment ago."""
        try:
            body = self.store.get_bytes(name)
        except FileNotFoundError:
            return None
        try:
            return CheckpointRecord(**json.loads(body))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{self.store.uri(name)} is no checkpoint record: {error}. Remove it, and its unit of work runs again"
            ) from error


def _of(key: str, record: CheckpointRecord | None) -> CheckpointRecord | None:
    """The record if it is that of the key: a file system that ignores case gives one name to two keys."""
    return record if record is not None and record.key == key else None


def _succeeded(record: CheckpointRecord | None) -> bool:
    return record is not None and record.status == "succeeded"

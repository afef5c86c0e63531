"""A get that knows the artifact or the hash: other bytes are an error that says which, never a payload."""

import hashlib
import random
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from ccflow_etl import (
    CacheFormat,
    CacheGetContext,
    CacheGetModel,
    CachePutModel,
    ETLArtifact,
    MemoryCacheStore,
    PayloadIntegrityError,
    PayloadTooLargeError,
)

ROWS = 5_000
FRAME = pd.DataFrame(
    {"number": range(ROWS), "name": pd.array(["alpha", "beta"] * (ROWS // 2), dtype="string")},
    index=pd.date_range("2024", periods=ROWS, freq="min", name="at"),
)
RECORDS = [{"number": number, "name": "x" * (number % 7)} for number in range(ROWS)]

PAYLOADS: list[tuple[CacheFormat, Any]] = [
    ("json", RECORDS),
    ("text", "some text " * ROWS),
    ("binary", bytes(range(256)) * 20),
    ("csv", FRAME),
    ("parquet", FRAME),
    ("arrow", FRAME),
    ("gzip", bytes(range(256)) * 20),
    (["json", "gzip"], RECORDS),
    (["text", "gzip"], "some text " * ROWS),
    (["csv", "gzip"], FRAME),
    (["parquet", "gzip"], FRAME),
    (["arrow", "gzip"], FRAME),
]


@pytest.fixture
def store() -> MemoryCacheStore:
    return MemoryCacheStore(name="handoffs")


@pytest.mark.parametrize(("format_", "payload"), PAYLOADS, ids=[str(format_) for format_, _ in PAYLOADS])
def test_no_damage_goes_unseen(store: MemoryCacheStore, format_: CacheFormat, payload: Any) -> None:
    put, get = CachePutModel(store=store, format=format_), CacheGetModel(store=store, format=format_)
    written = put(key="daily/AAA", payload=payload)
    whole = store.get_bytes(written.cache_key)
    found = get(artifact=written.artifact).payload
    assert found.equals(payload) if isinstance(payload, pd.DataFrame) else found == payload
    chance = random.Random(7)
    damaged = [whole[: chance.randrange(len(whole))] for _ in range(20)]
    for _ in range(200):
        flipped = bytearray(whole)
        flipped[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        damaged.append(bytes(flipped))
    for data in damaged:
        store.put_bytes(written.cache_key, data)
        with pytest.raises(PayloadIntegrityError):
            get(artifact=written.artifact)


@pytest.mark.parametrize("by", ["artifact", "sha256", "dumped artifact"])
def test_the_error_says_which_payload_and_what_it_should_be(store: MemoryCacheStore, by: str) -> None:
    written = CachePutModel(store=store)(key="daily/AAA", payload=1).artifact
    store.put_bytes("daily/AAA.json", b"2")
    known = {
        "artifact": {"artifact": written},
        "dumped artifact": {"artifact": written.model_dump()},
        "sha256": {"key": "/daily/AAA", "sha256": written.sha256.upper()},
    }[by]
    expected, found = (f"sha256 {hashlib.sha256(data).hexdigest()}" for data in (b"1", b"2"))
    with pytest.raises(PayloadIntegrityError) as caught:
        CacheGetModel(store=store)(**known)
    error = caught.value
    assert (error.key, error.uri) == ("daily/AAA", "memory://handoffs/daily/AAA.json")
    assert (error.expected, error.found) == (expected, found)
    assert all(text in str(error) for text in (error.key, error.uri, expected, found))


def test_bytes_are_verified_before_they_are_decoded(store: MemoryCacheStore) -> None:
    store.put_bytes("AAA.json", b"{")
    with pytest.raises(PayloadIntegrityError, match="expected sha256 0000"):
        CacheGetModel(store=store)(key="AAA", sha256="0" * 64)


def test_without_a_hash_the_size_is_verified(store: MemoryCacheStore) -> None:
    store.put_bytes("AAA.json", b"1")
    get = CacheGetModel(store=store)
    assert get(artifact=ETLArtifact(key="AAA", stage="load", size=1)).payload == 1
    with pytest.raises(PayloadIntegrityError, match="expected 1,234 bytes, found 1 bytes"):
        get(artifact=ETLArtifact(key="AAA", stage="load", size=1_234))
    assert get(artifact=ETLArtifact(key="AAA", stage="load")).artifact.sha256 == hashlib.sha256(b"1").hexdigest()


def test_an_artifact_says_the_rest(store: MemoryCacheStore) -> None:
    written = CachePutModel(store=store)(key="/daily/AAA", payload=1, dataset="closes", stage="extract").artifact
    hit = CacheGetModel(store=store)(artifact=written)
    assert hit.artifact == written.model_copy(update={"status": "hit"})
    other = CacheGetContext(artifact=written, key="other", dataset="opens", stage="load")
    assert (other.key, other.dataset, other.stage, other.sha256) == ("other", "opens", "load", written.sha256)
    assert CacheGetContext(artifact=written, path="a.json").key is None
    assert CacheGetModel(store=MemoryCacheStore())(artifact=written).status == "miss"
    assert CacheGetContext.model_validate(other.model_dump()) == other


def test_two_hashes_are_one_too_many() -> None:
    artifact = ETLArtifact(key="AAA", stage="load", sha256="0" * 64)
    assert CacheGetContext(artifact=artifact, sha256="0" * 64).sha256 == "0" * 64
    with pytest.raises(ValidationError, match=r"sha256 is 1111.* but that of the artifact is 0000.*; give one"):
        CacheGetContext(artifact=artifact, sha256="1" * 64)


@pytest.mark.parametrize("sha256", ["", "0" * 63, "g" * 64])
def test_a_hash_is_64_hexadecimal_digits(sha256: str) -> None:
    with pytest.raises(ValidationError, match="should match pattern"):
        CacheGetContext(key="AAA", sha256=sha256)


@pytest.mark.parametrize(
    ("format_", "payload", "rows"),
    [
        ("parquet", FRAME, ROWS),
        ("csv", FRAME["number"], ROWS),
        ("arrow", [{"a": 1}, {"a": 2}], 2),
        (["csv", "gzip"], [{"a": "1"}], 1),
        ("json", [{"a": 1}, {"b": 2}], 2),
        ("json", {"a": 1}, None),
        ("json", [1, 2], None),
        ("text", "one\ntwo", None),
    ],
)
def test_rows_are_counted(store: MemoryCacheStore, format_: CacheFormat, payload: Any, rows: int | None) -> None:
    written = CachePutModel(store=store, format=format_)(key="AAA", payload=payload).artifact
    found = CacheGetModel(store=store, format=format_)(artifact=written).artifact
    assert (written.rows, found.rows) == (rows, rows)
    assert written == written.model_copy(update={"rows": 99})


def test_a_payload_that_unpacks_to_too_much_is_named(store: MemoryCacheStore) -> None:
    written = CachePutModel(store=store, format="gzip")(key="AAA", payload=bytes(10_000)).artifact
    get = CacheGetModel(store=store, format="gzip", max_decoded_bytes=9_999)
    with pytest.raises(PayloadTooLargeError) as caught:
        get(artifact=written)
    assert (caught.value.key, caught.value.uri, caught.value.limit) == ("AAA", "memory://handoffs/AAA.gz", 9_999)

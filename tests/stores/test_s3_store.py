"""ObjectCacheStore over S3: the shipped suite against a server on this machine, looked at with Amazon's own client."""

from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ccflow_etl import CacheGetModel, CachePutModel, ObjectCacheStore
from ccflow_etl.testing import CacheStoreTests

pytestmark = pytest.mark.integration

KEYS = {"access_key_id": "someone", "secret_access_key": "hush", "region": "us-east-1"}
BUCKET = "payloads"
PREFIXES = count()


@pytest.fixture(scope="session")
def endpoint(s3_endpoint: str) -> str:
    amazon(s3_endpoint).create_bucket(Bucket=BUCKET)
    return s3_endpoint


def amazon(endpoint: str) -> Any:
    import boto3

    names = {f"aws_{name}": KEYS[name] for name in ("access_key_id", "secret_access_key")}
    return boto3.client("s3", endpoint_url=endpoint, region_name=KEYS["region"], **names)


def new_store(endpoint: str) -> ObjectCacheStore:
    return ObjectCacheStore(
        url=f"s3://{BUCKET}/tests/{next(PREFIXES)}",
        options={**KEYS, "endpoint": endpoint},
        client_options={"allow_http": True},
    )


class TestS3(CacheStoreTests):
    @pytest.fixture
    def store(self, endpoint: str) -> ObjectCacheStore:
        return new_store(endpoint)


def found(endpoint: str, store: ObjectCacheStore, key: str) -> Any:
    path = store.uri(key).removeprefix(f"s3://{BUCKET}/")
    return amazon(endpoint).get_object(Bucket=BUCKET, Key=path)


def test_another_client_finds_the_payload_with_its_type(endpoint: str) -> None:
    store = new_store(endpoint)
    written = CachePutModel(store=store)(key="daily/A+A=ä&%20#1", payload={"close": 103.6})
    there = found(endpoint, store, written.cache_key)
    assert there["Body"].read() == b'{"close":103.6}'
    assert there["ContentType"] == "application/json"
    assert written.uri == f"{store.url}/daily/A+A=ä&%20#1.json"
    assert CacheGetModel(store=store)(key="daily/A+A=ä&%20#1", artifact=written.artifact).status == "hit"


def test_a_large_payload_goes_up_in_parts(endpoint: str) -> None:
    store, payload = new_store(endpoint), bytes(range(256)) * 80_000
    store.put_bytes("AAA", payload)
    there = found(endpoint, store, "AAA")
    assert there["Body"].read() == store.get_bytes("AAA") == payload
    assert there["ETag"].strip('"').endswith("-3"), "of three parts"
    assert store.put_bytes_new("AAA", b"") is False
    assert store.put_bytes_new("BBB", payload) is True
    assert found(endpoint, store, "BBB")["Body"].read() == payload


def test_more_keys_than_fit_one_answer_are_listed(endpoint: str, tmp_path: Path) -> None:
    store, client = new_store(endpoint), amazon(endpoint)
    prefix = store.url.removeprefix(f"s3://{BUCKET}/")
    for number in range(1_100):
        client.put_object(Bucket=BUCKET, Key=f"{prefix}/many/{number:04}", Body=b"")
    assert store.list("many/") == [f"many/{number:04}" for number in range(1_100)]
    assert store.list("many/109") == [f"many/{number:04}" for number in range(1_090, 1_100)]


def test_a_missing_bucket_is_an_error(endpoint: str) -> None:
    store = ObjectCacheStore(
        url="s3://no-such-bucket",
        options={**KEYS, "endpoint": endpoint},
        client_options={"allow_http": True},
    )
    with pytest.raises(FileNotFoundError, match="there is no payload at s3://no-such-bucket/AAA"):
        store.get_bytes("AAA")
    with pytest.raises(OSError, match="not found"):
        store.put_bytes("AAA", b"")

"""ObjectCacheStore over S3: the shipped suite against a server on this machine, looked at with Amazon's own client."""

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ccflow_etl import CacheGetModel, CachePutModel, ObjectCacheStore
from ccflow_etl.testing import CacheStoreTests

pytestmark = pytest.mark.integration

# S3 decides a conditional put atomically. moto looks and then puts, so its requests are taken one at a time.
SERVER = """
    import threading
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    moto, one_at_a_time = DomainDispatcherApplication(create_backend_app), threading.Lock()

    def application(environ, start_response):
        with one_at_a_time:
            return list(moto(environ, start_response))

    server = make_server("127.0.0.1", 0, application, threaded=True)
    print(server.port, flush=True)
    server.serve_forever()
"""

KEYS = {"access_key_id": "someone", "secret_access_key": "hush", "region": "us-east-1"}
BUCKET = "payloads"
PREFIXES = count()


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    command = [sys.executable, "-c", textwrap.dedent(SERVER)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        endpoint = f"http://127.0.0.1:{int(server.stdout.readline())}"
        amazon(endpoint).create_bucket(Bucket=BUCKET)
        yield endpoint
        server.kill()


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

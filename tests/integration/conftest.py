"""Stores of the published connectors, as a config names them, and what their files and buckets really hold."""

import itertools
import os
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

KEYS = {"aws_access_key_id": "someone", "aws_secret_access_key": "hush", "region_name": "us-east-1"}
NUMBERS = itertools.count()

Config = dict[str, Any]


@dataclass(frozen=True)
class Bucket:
    """A bucket of its own for one test."""

    endpoint: str
    name: str

    @property
    def amazon(self) -> Any:
        """Amazon's own client."""
        import boto3

        return boto3.client("s3", endpoint_url=self.endpoint, **KEYS)

    @property
    def client(self) -> Config:
        session = {"_target_": "ccflow_s3.S3Session", **KEYS}
        return {"_target_": "ccflow_s3.S3Client", "endpoint_url": self.endpoint, "session": session}

    @property
    def environment(self) -> dict[str, str]:
        """What tells a process on this machine about the server and its keys, and nothing of the user's own."""
        return {
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_ACCESS_KEY_ID": KEYS["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": KEYS["aws_secret_access_key"],
            "AWS_DEFAULT_REGION": KEYS["region_name"],
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    def keys(self) -> list[str]:
        pages = self.amazon.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]


@pytest.fixture
def bucket(s3_endpoint: str) -> Bucket:
    made = Bucket(s3_endpoint, f"test-{next(NUMBERS)}")
    made.amazon.create_bucket(Bucket=made.name)
    return made


@pytest.fixture
def shell(tmp_path: Path, scripts: Path, bucket: Bucket) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Runs a command line in the test's folder, with the S3 server and its keys in the environment."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | bucket.environment
    environment["PATH"] = f"{scripts}{os.pathsep}{os.environ['PATH']}"

    def run(command: str) -> subprocess.CompletedProcess[str]:
        words = ["bash", "-euo", "pipefail", "-c", command]
        return subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


# --- stores of bytes


class DatabaseCache:
    def __init__(self, folder: Path, bucket: Bucket):
        self.path = folder / "cache.sqlite"
        self.config: Config = {
            "_target_": "ccflow_db.SQLiteCacheStore",
            "config": {"_target_": "ccflow_db.SQLiteConfig", "path": str(self.path)},
        }

    def uri(self, key: str) -> str:
        return f"sqlite://{self.path}/cache_entries/{key}"

    def read(self, key: str) -> tuple[bytes, str | None]:
        """The bytes and the media type that are really there."""
        with closing(sqlite3.connect(self.path)) as opened:
            query = "SELECT payload, content_type FROM cache_entries WHERE key = ?"
            payload, kind = opened.execute(query, [key]).fetchone()
        return payload, kind

    def damage(self, key: str, payload: bytes) -> None:
        with closing(sqlite3.connect(self.path)) as opened, opened:
            opened.execute("UPDATE cache_entries SET payload = ? WHERE key = ?", [payload, key])


class BucketCache:
    def __init__(self, folder: Path, bucket: Bucket):
        self.bucket = bucket
        self.config: Config = {
            "_target_": "ccflow_s3.S3CacheStore",
            "client": bucket.client,
            "bucket": bucket.name,
            "prefix": "handoffs",
        }

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket.name}/handoffs/{key}"

    def read(self, key: str) -> tuple[bytes, str | None]:
        """The bytes and the media type that are really there."""
        found = self.bucket.amazon.get_object(Bucket=self.bucket.name, Key=f"handoffs/{key}")
        kind = found["ContentType"]
        # what a bucket says of an object that was put without a type
        return found["Body"].read(), None if kind == "binary/octet-stream" else kind

    def damage(self, key: str, payload: bytes) -> None:
        self.bucket.amazon.put_object(Bucket=self.bucket.name, Key=f"handoffs/{key}", Body=payload)


@pytest.fixture(params=[DatabaseCache, BucketCache], ids=["db", "s3"])
def cache(request: pytest.FixtureRequest, tmp_path: Path, bucket: Bucket) -> Any:
    return request.param(tmp_path, bucket)


# --- stores of marks

CHECKPOINT_STORES: dict[str, Callable[[Path, Bucket], Config]] = {
    "local": lambda folder, _: {"_target_": "ccflow_etl.LocalCheckpointStore", "path": f"{folder}/marks.sqlite"},
    "db": lambda folder, _: {
        "_target_": "ccflow_db.SQLiteCheckpointStore",
        "config": {"_target_": "ccflow_db.SQLiteConfig", "path": f"{folder}/marks.sqlite"},
    },
    "bytes": lambda folder, _: {
        "_target_": "ccflow_etl.CacheCheckpointStore",
        "store": {"_target_": "ccflow_etl.LocalCacheStore", "root": f"{folder}/marks"},
    },
    "bytes in db": lambda folder, _: {
        "_target_": "ccflow_etl.CacheCheckpointStore",
        "store": {
            "_target_": "ccflow_db.SQLiteCacheStore",
            "config": {"_target_": "ccflow_db.SQLiteConfig", "path": f"{folder}/marks.sqlite"},
        },
    },
    "s3": lambda _, bucket: {
        "_target_": "ccflow_s3.S3CheckpointStore",
        "client": bucket.client,
        "bucket": bucket.name,
    },
}


@pytest.fixture(params=CHECKPOINT_STORES)
def marks(request: pytest.FixtureRequest, tmp_path: Path, bucket: Bucket) -> Config:
    """The config of a checkpoint store, empty."""
    return CHECKPOINT_STORES[request.param](tmp_path, bucket)

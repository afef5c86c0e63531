"""The published connectors beside this package: what they export, their own tests, and the suites for stores."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from ccflow_etl.models.stores import resolve_store
from ccflow_etl.testing import CacheStoreTests, CheckpointStoreTests

pytestmark = pytest.mark.integration

PINNED = [
    line.strip().split("==")
    for line in Path(__file__).with_name("connectors.txt").read_text().splitlines()
    if "==" in line
]


@pytest.mark.parametrize(("name", "pinned"), PINNED)
def test_it_is_the_published_one_and_every_public_name_is_there(name, pinned):
    assert version(name) == pinned
    script = f"import {name.replace('-', '_')} as c; print(*(getattr(c.base, n).__name__ for n in c.base.__all__))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True)
    assert len(done.stdout.split()) == {"ccflow-db": 12, "ccflow-s3": 26}[name]
    assert done.stderr == ""


def test_the_connectors_own_tests_pass(tmp_path):
    """But for one of each, which reads the pyproject.toml of the connector's checkout."""
    packages = ["--pyargs", "ccflow_db", "ccflow_s3", "--import-mode=importlib", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "-q", *packages, "-k", "not config_package_is_exposed"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "22 passed, 2 deselected" in done.stdout


class TestCacheStores(CacheStoreTests):
    @pytest.fixture
    def store(self, cache: Any) -> Any:
        return resolve_store(cache.config)

    def test_a_missing_key_does_not_exist(self, store: Any) -> None:
        """S3's own error for it is botocore's, and no FileNotFoundError."""
        from botocore.exceptions import ClientError

        assert store.exists("AAA.json") is False
        with pytest.raises((FileNotFoundError, ClientError), match=r"AAA\.json|NoSuchKey"):
            store.get_bytes("AAA.json")

    def test_a_folder_of_keys_is_no_key(self, store: Any) -> None:
        """The same error as for a missing key."""
        from botocore.exceptions import ClientError

        store.put_bytes("daily/AAA.json", b"one")
        assert store.exists("daily") is False
        with pytest.raises((FileNotFoundError, ClientError), match=r"daily|NoSuchKey"):
            store.get_bytes("daily")


class TestDatabaseMarks(CheckpointStoreTests):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Any:
        from ccflow_db import SQLiteCheckpointStore, SQLiteConfig

        return SQLiteCheckpointStore(config=SQLiteConfig(path=tmp_path / "marks.sqlite"))


class TestBucketMarks(CheckpointStoreTests):
    @pytest.fixture
    def store(self, bucket: Any) -> Any:
        from ccflow_s3 import S3CheckpointStore, S3Client, S3Session

        session = S3Session(**{name: value for name, value in bucket.client["session"].items() if name != "_target_"})
        return S3CheckpointStore(client=S3Client(endpoint_url=bucket.endpoint, session=session), bucket=bucket.name)

    # It makes a client for each of 400 requests, a minute in all; test_connector_backfills marks from threads.
    test_threads_lose_no_marks = None

"""Puts and gets of LocalCacheStore beside a plain write and rename."""

import json
import os
from functools import partial
from pathlib import Path

import pytest

from benchmarks.ratios import Case
from ccflow_etl import CachePutContext, CachePutModel, LocalCacheStore

# A payload's bytes, and the most that a put that waits for nothing, and a get, may take of the plain way's time.
# A small payload pays for the checks of its key and for the lock.
SIZES = {"4 kB": (4_096, 8.0, 15.0), "40 MB": (40_000_000, 1.5, 1.5)}


def plain_put(path: Path, payload: bytes) -> None:
    temporary = path.with_suffix(".tmp")
    with open(temporary, "wb") as file:
        file.write(payload)
    os.replace(temporary, path)


def durable_put(path: Path, payload: bytes) -> None:
    temporary = path.with_suffix(".tmp")
    with open(temporary, "wb") as file:
        file.write(payload)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    (tmp_path / "plain").mkdir()
    return tmp_path / "plain" / "AAA"


@pytest.mark.parametrize("size", SIZES)
def test_a_put_and_a_get_beside_a_plain_write_and_read(compare, tmp_path: Path, plain: Path, size: str) -> None:
    length, most_put, most_get = SIZES[size]
    payload = os.urandom(length)
    scratch, durable = (LocalCacheStore(root=tmp_path / str(durable), durable=durable) for durable in (False, True))

    put, get, durably = (
        partial(scratch.put_bytes, "daily/AAA", payload),
        partial(scratch.get_bytes, "daily/AAA"),
        partial(durable.put_bytes, "daily/AAA", payload),
    )
    by_hand, durably_by_hand = partial(plain_put, plain, payload), partial(durable_put, plain, payload)
    compare(Case(f"{size}, put", put, "open, write, replace", by_hand, most_put, quiet=True), by="clock")
    # The disk decides, which no bound can foresee.
    compare(Case(f"{size}, durable put", durably, "the same, with fsync", durably_by_hand), by="clock")
    compare(Case(f"{size}, get", get, "open, read", plain.read_bytes, most_get, quiet=True), by="clock")
    assert scratch.get_bytes("daily/AAA") == durable.get_bytes("daily/AAA") == payload == plain.read_bytes()


def test_a_payload_beside_its_json_in_a_file(compare, tmp_path: Path, plain: Path) -> None:
    """A put through the model brings a codec, a hash, an artifact, and ccflow's call."""
    payload = [{"day": day, "close": day / 7} for day in range(1_000)]
    model = CachePutModel(store=LocalCacheStore(root=tmp_path / "ours", durable=False))
    context = CachePutContext(key="AAA", payload=payload, overwrite=True)

    def by_hand() -> None:
        plain_put(plain, json.dumps(payload, sort_keys=True, separators=(",", ":")).encode())

    what = "CachePutModel, 1,000 rows as JSON"
    compare(Case(what, lambda: model(context), "json.dumps, write, replace", by_hand, 8, quiet=True), by="clock")
    assert (tmp_path / "ours" / "AAA.json").read_bytes() == plain.read_bytes()


@pytest.mark.benchmark(group="a put of 4 kB", max_time=0.5)
@pytest.mark.parametrize("durable", [False, True])
def test_a_put(benchmark, tmp_path: Path, durable: bool) -> None:
    store = LocalCacheStore(root=tmp_path, durable=durable)
    benchmark(store.put_bytes, "daily/AAA", bytes(4_096))
    assert store.get_bytes("daily/AAA") == bytes(4_096)

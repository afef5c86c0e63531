"""Damaged bytes are an error or the same payload; with checksums they are never another payload."""

import random
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ccflow_etl import CacheFormat, PayloadCodec

RANDOM = np.random.default_rng(7)
ROWS = 5_000
FRAME = pd.DataFrame(
    {
        "number": RANDOM.integers(0, 10**9, ROWS),
        "price": RANDOM.normal(100, 5, ROWS),
        "name": pd.array(RANDOM.choice(["alpha", "beta", "gamma"], ROWS), dtype="string"),
        "kind": pd.Categorical(RANDOM.choice(["x", "y"], ROWS)),
    },
    index=pd.date_range("2024", periods=ROWS, freq="min", name="at"),
)
RECORDS = [{"number": number, "name": "x" * (number % 7)} for number in range(ROWS)]

CHECKED: list[tuple[CacheFormat, Any]] = [
    ("parquet", FRAME),
    (["parquet", "gzip"], FRAME),
    (["csv", "gzip"], FRAME),
    (["arrow", "gzip"], FRAME),
    (["json", "gzip"], RECORDS),
    (["text", "gzip"], "some text " * ROWS),
    ("gzip", bytes(range(256)) * 20),
]


def same(found: Any, payload: Any) -> bool:
    if isinstance(payload, pd.DataFrame):
        return isinstance(found, pd.DataFrame) and found.equals(payload) and found.index.identical(payload.index)
    return bool(found == payload)


@pytest.mark.parametrize(("kind", "payload"), CHECKED, ids=[str(kind) for kind, _ in CHECKED])
def test_no_damage_goes_unseen(kind: CacheFormat, payload: Any) -> None:
    codec = PayloadCodec(format=kind)
    data = codec.encode(payload)
    assert same(codec.decode(data), payload)
    chance = random.Random(7)
    cuts = [data[: chance.randrange(len(data))] for _ in range(20)]
    flips = []
    for _ in range(200):
        damaged = bytearray(data)
        damaged[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        flips.append(bytes(damaged))
    for damaged in cuts + flips:
        try:
            found = codec.decode(bytes(damaged))
        except ValueError:
            continue
        assert same(found, payload)


@pytest.mark.parametrize("kind", ["json", "csv", "arrow"])
def test_damage_without_checksums_is_no_other_kind_of_error(kind: CacheFormat) -> None:
    """Whether it is seen at all is for the hash of the bytes to say."""
    codec = PayloadCodec(format=kind)
    data = codec.encode(RECORDS if kind == "json" else FRAME)
    chance = random.Random(7)
    for _ in range(200):
        damaged = bytearray(data)
        damaged[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        try:
            codec.decode(bytes(damaged))
        except ValueError:
            continue
    for _ in range(20):
        try:
            codec.decode(data[: chance.randrange(len(data))])
        except ValueError:
            continue

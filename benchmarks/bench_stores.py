"""Puts and gets of LocalCacheStore beside a plain write and rename, in turns.

python -m pytest benchmarks/bench_stores.py -s
"""

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ccflow_etl import LocalCacheStore

# Payload, rounds, and the most that a put that waits for nothing and a get may take of the plain way's time. A small
# payload pays for the checks of its key and for the lock; a durable put pays for the disk, which no bound can foresee.
SIZES = {"4 KB": (4_096, 300, 8.0, 15.0), "40 MB": (40_000_000, 9, 1.5, 1.5)}


def plain_put(path: Path, payload: bytes) -> None:
    temporary = path.with_suffix(".tmp")
    with open(temporary, "wb") as file:
        file.write(payload)
    os.replace(temporary, path)


def plain_get(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def medians(rounds: int, **calls: Callable[[], object]) -> dict[str, float]:
    """Return the median seconds of each call, made in turns after one of each for the caches."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for round_ in range(rounds + 1):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            if round_:
                times[name].append(time.perf_counter() - started)
    return {name: statistics.median(found) for name, found in times.items()}


@pytest.mark.parametrize("size", SIZES)
def test_a_put_and_a_get_beside_a_plain_write_and_read(tmp_path: Path, size: str) -> None:
    length, rounds, most_put, most_get = SIZES[size]
    payload = os.urandom(length)
    path = tmp_path / "plain" / "AAA"
    path.parent.mkdir()
    scratch, durable = (LocalCacheStore(root=tmp_path / str(durable), durable=durable) for durable in (False, True))
    put = medians(
        rounds,
        plain=lambda: plain_put(path, payload),
        scratch=lambda: scratch.put_bytes("daily/AAA", payload),
        durable=lambda: durable.put_bytes("daily/AAA", payload),
    )
    get = medians(rounds, plain=lambda: plain_get(path), scratch=lambda: scratch.get_bytes("daily/AAA"))
    for verb, found in (("put", put), ("get", get)):
        for name, seconds in found.items():
            ratio = seconds / found["plain"]
            print(f"{size:>6} {verb} {name:<8} {seconds * 1e6:12,.0f} us  {ratio:6.2f} x plain")  # noqa: T201 - shown by -s
    assert scratch.get_bytes("daily/AAA") == durable.get_bytes("daily/AAA") == payload
    assert put["scratch"] <= most_put * put["plain"]
    assert get["scratch"] <= most_get * get["plain"]

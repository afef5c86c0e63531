"""Codecs beside pandas, the standard library's gzip and json: time, size and memory, in one run.

python -m pytest benchmarks/bench_codecs.py -s               small frames, seconds
CODEC_ROWS=1000000 python -m pytest benchmarks/bench_codecs.py -s     the full table: 1M mixed and 10M numeric rows
"""

import gzip
import io
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ccflow_etl import PayloadCodec

ROWS = int(os.environ.get("CODEC_ROWS", "50000"))
FULL = ROWS >= 1_000_000
ROUNDS = 5 if FULL else 3
# An idle machine shows the bounds; small frames and shared cores show only that nothing is lost.
SLACK = 1.0 if FULL else 2.5


def mixed(rows: int) -> pd.DataFrame:
    random = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "id": np.arange(rows),
            "volume": random.integers(0, 10**6, rows),
            "price": random.normal(100, 5, rows).round(2),
            "return": random.normal(0, 0.01, rows),
            "flag": random.random(rows) < 0.5,
            "ticker": pd.array(random.choice([f"T{number:04}" for number in range(500)], rows), dtype="str"),
            "side": pd.Categorical(random.choice(["buy", "sell"], rows)),
            "count": pd.array(np.where(random.random(rows) < 0.1, None, random.integers(0, 99, rows)), dtype="Int64"),
        },
        index=pd.date_range("2020", periods=rows, freq="s", name="at", unit="us"),
    )


def numeric(rows: int) -> pd.DataFrame:
    random = np.random.default_rng(7)
    return pd.DataFrame({f"x{number}": random.normal(size=rows).astype("f4").astype("f8") for number in range(4)})


FRAMES = {"mixed": lambda: mixed(ROWS), "numeric": lambda: numeric(10 * ROWS)}


def in_turns(*calls: Callable[[], Any], rounds: int = ROUNDS) -> list[float]:
    """Return the median time of each call in seconds; they are run in turns, after one run of each."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds + 1):
        for call, taken in zip(calls, times, strict=True):
            started = time.perf_counter()
            call()
            taken.append(time.perf_counter() - started)
    return [statistics.median(taken[1:]) for taken in times]


def show(*cells: Any) -> None:
    print("|", " | ".join(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in cells), "|")  # noqa: T201


def pandas_parquet(frame: pd.DataFrame, **settings: Any) -> bytes:
    file = io.BytesIO()
    frame.to_parquet(file, **settings)
    return file.getvalue()


@pytest.mark.parametrize("name", FRAMES)
def test_parquet_beside_pandas(name: str) -> None:
    frame, codec = FRAMES[name](), PayloadCodec(format="parquet")
    same = {"compression": "zstd", "compression_level": 1}
    ours, theirs, default = codec.encode(frame), pandas_parquet(frame, **same), pandas_parquet(frame)
    encode, pandas_encode = in_turns(lambda: codec.encode(frame), lambda: pandas_parquet(frame, **same))
    decode, verified, pandas_decode = in_turns(
        lambda: codec.decode(ours),
        lambda: codec.decode(ours, verified=True),
        lambda: pd.read_parquet(io.BytesIO(theirs)),
    )
    pd.testing.assert_frame_equal(codec.decode(ours), frame)
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(theirs)), frame, check_freq=False)
    size = len(ours) / len(default)
    show(name, "parquet encode s", encode, "pandas", pandas_encode, "ratio", encode / pandas_encode)
    show(name, "parquet decode s", decode, "pandas", pandas_decode, "ratio", decode / pandas_decode)
    show(name, "parquet decode verified s", verified, "ratio", verified / pandas_decode)
    show(name, "parquet MB", len(ours) / 1e6, "pandas default", len(default) / 1e6, "ratio", size)
    assert encode <= 1.1 * SLACK * pandas_encode
    assert decode <= 1.1 * SLACK * pandas_decode
    assert verified <= 1.1 * SLACK * pandas_decode
    assert size <= 0.7 * SLACK


@pytest.mark.parametrize("name", FRAMES)
def test_parts_beside_the_whole(name: str) -> None:
    """One column of all, and the rows of one group of all, as the times of the whole."""
    frame, codec = FRAMES[name](), PayloadCodec(format="parquet")
    frame = frame.assign(row=np.arange(len(frame)))
    data, column = codec.encode(frame), frame.columns[2]
    last = [("row", ">=", len(frame) - 1_000)]
    whole, columns, rows, pandas_columns, pandas_rows = in_turns(
        lambda: codec.decode(data, verified=True),
        lambda: codec.decode(data, verified=True, columns=[column]),
        lambda: codec.decode(data, verified=True, filters=last),
        lambda: pd.read_parquet(io.BytesIO(data), columns=[str(column)]),
        lambda: pd.read_parquet(io.BytesIO(data), filters=last),
    )
    show(name, "one column s", columns, "of the whole", columns / whole, "pandas", pandas_columns)
    show(name, "last thousand rows s", rows, "of the whole", rows / whole, "pandas", pandas_rows)
    assert len(codec.decode(data, filters=last)) == 1_000
    if len(frame) > 4 * 131_072:  # of fewer groups little can be left out
        assert columns <= 0.5 * SLACK * whole
        assert rows <= 0.5 * SLACK * whole


# What a user has to say to pandas, frame by frame, to get the same frame from its CSV; a codec is told nothing.
READ_CSV: dict[str, dict[str, Any]] = {
    "mixed": {"index_col": 0, "parse_dates": ["at"], "dtype": {"ticker": "str", "side": "category", "count": "Int64"}},
    "numeric": {"index_col": 0},
}


@pytest.mark.parametrize("name", FRAMES)
def test_csv_beside_pandas(name: str) -> None:
    frame, codec = FRAMES[name](), PayloadCodec(format="csv")
    ours, theirs = codec.encode(frame), frame.to_csv().encode()
    rounds = 1 if name == "numeric" else ROUNDS  # pandas takes minutes to write ten million rows
    encode, pandas_encode = in_turns(lambda: codec.encode(frame), lambda: frame.to_csv().encode(), rounds=rounds)
    decode, pandas_decode, untyped = in_turns(
        lambda: codec.decode(ours),
        lambda: pd.read_csv(io.BytesIO(theirs), **READ_CSV[name]),
        lambda: pd.read_csv(io.BytesIO(theirs), index_col=0),
    )
    pd.testing.assert_frame_equal(codec.decode(ours), frame, check_exact=True)
    found = pd.read_csv(io.BytesIO(theirs), **READ_CSV[name])
    pd.testing.assert_frame_equal(found, frame, check_freq=False, check_names=False)
    show(name, "csv encode s", encode, "pandas", pandas_encode, "times faster", pandas_encode / encode)
    show(name, "csv decode s", decode, "pandas", pandas_decode, "ratio", decode / pandas_decode)
    show(name, "csv decode s", decode, "pandas, told no types", untyped, "ratio", decode / untyped)
    assert pandas_encode >= 5 / SLACK * encode
    assert decode <= SLACK * pandas_decode


def test_gzip_beside_the_standard_library() -> None:
    data, codec = mixed(min(ROWS, 300_000)).to_csv().encode(), PayloadCodec(format="gzip")
    ours, theirs = codec.encode(data), gzip.compress(data, 9, mtime=0)
    pack, best = in_turns(lambda: codec.encode(data), lambda: gzip.compress(data, 9, mtime=0))
    unpack, plain = in_turns(lambda: codec.decode(ours), lambda: gzip.decompress(ours))
    show("csv", "gzip s", pack, "level 9", best, "times faster", best / pack, "size", len(ours) / len(theirs))
    show("csv", "gunzip s", unpack, "gzip", plain, "times faster", plain / unpack)
    assert best >= 5 / SLACK * pack
    assert len(ours) <= 1.1 * len(theirs)


def test_json_beside_the_standard_library() -> None:
    rows, codec = mixed(min(ROWS, 100_000))[["id", "price", "ticker"]].to_dict("records"), PayloadCodec(format="json")
    compact = {"sort_keys": True, "separators": (",", ":")}
    ours, theirs = in_turns(lambda: codec.encode(rows), lambda: json.dumps(rows, **compact).encode())
    show("rows", "json encode s", ours, "json", theirs, "ratio", ours / theirs)


PEAK = """
import re, sys
sys.path.insert(0, {folder!r})
import pyarrow as pa, pyarrow.parquet, pyarrow.csv, pandas as pd
import bench_codecs
from ccflow_etl import PayloadCodec
def status(name):
    return int(re.search(name + r":\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024
frame = bench_codecs.FRAMES[{name!r}]()
codec = PayloadCodec(format={kind!r})
codec.encode(frame[:1000])
open("/proc/self/clear_refs", "w").write("5")
before = status("VmRSS")
data = codec.encode(frame)
print(status("VmHWM") - before, len(data), pa.Table.from_pandas(frame).nbytes)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
@pytest.mark.parametrize("kind", ["parquet", "arrow", "csv"])
@pytest.mark.parametrize("name", FRAMES)
def test_memory_of_an_encode(name: str, kind: str) -> None:
    script = PEAK.format(folder=os.path.dirname(__file__), name=name, kind=kind)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    peak, payload, table = map(int, done.stdout.split())
    show(
        name, f"{kind} peak MB", peak / 1e6, "table", table / 1e6, "payload", payload / 1e6, peak / max(table, payload)
    )
    if FULL:
        assert peak <= 1.2 * max(table, payload)

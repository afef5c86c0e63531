"""Codecs beside pandas, and the standard library's gzip and json: time, size and memory."""

import gzip
import io
import json
import sys
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from benchmarks.processes import peak
from benchmarks.ratios import Case
from ccflow_etl import PayloadCodec

ZSTD = {"compression": "zstd", "compression_level": 1}
# What a user has to say to pandas, frame by frame, to get the same frame from its CSV; a codec is told nothing.
READ_CSV: dict[str, dict[str, Any]] = {
    "mixed": {"index_col": 0, "parse_dates": ["at"], "dtype": {"ticker": "str", "side": "category", "count": "Int64"}},
    "numeric": {"index_col": 0},
}


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


FRAMES = {"mixed": mixed, "numeric": numeric}


@pytest.fixture(scope="module", params=FRAMES)
def name(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def rows(full: bool, name: str) -> int:
    if not full:
        return 20_000
    return {"mixed": 1_000_000, "numeric": 10_000_000}[name]


@pytest.fixture(scope="module")
def frame(name: str, rows: int) -> pd.DataFrame:
    return FRAMES[name](rows)


def pandas_parquet(frame: pd.DataFrame, **settings: Any) -> bytes:
    file = io.BytesIO()
    frame.to_parquet(file, **settings)
    return file.getvalue()


def test_parquet_beside_pandas(compare, name: str, frame: pd.DataFrame) -> None:
    codec = PayloadCodec(format="parquet")
    ours, theirs, default = codec.encode(frame), pandas_parquet(frame, **ZSTD), pandas_parquet(frame)
    pd.testing.assert_frame_equal(codec.decode(ours), frame)
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(theirs)), frame, check_freq=False)

    encode, by_pandas = partial(codec.encode, frame), partial(pandas_parquet, frame, **ZSTD)
    decode, verified = partial(codec.decode, ours), partial(codec.decode, ours, verified=True)

    def back_by_pandas() -> pd.DataFrame:
        return pd.read_parquet(io.BytesIO(theirs))

    compare(Case(f"{name}, Parquet encode", encode, "pandas, zstd 1 too", by_pandas, 1.1, quiet=True), by="clock")
    what = f"{name}, Parquet decode"
    compare(
        Case(what, decode, "pandas", back_by_pandas, 1.1, quiet=True),
        Case(f"{what}, hash verified before", verified, "pandas", back_by_pandas, 1.1, quiet=True),
        by="clock",
    )
    compare.sizes(f"{name}, Parquet size", len(ours), "pandas' default", len(default), 0.7, quiet=True)


def test_parts_beside_the_whole(compare, full: bool, name: str, frame: pd.DataFrame) -> None:
    """One column of all, and the rows of one group of all."""
    codec, frame = PayloadCodec(format="parquet"), frame.assign(row=np.arange(len(frame)))
    data, column = codec.encode(frame), frame.columns[2]
    last = [("row", ">=", len(frame) - 1_000)]
    assert len(codec.decode(data, filters=last)) == 1_000

    whole = partial(codec.decode, data, verified=True)
    columns, rows = partial(whole, columns=[column]), partial(whole, filters=last)

    def pandas_columns() -> pd.DataFrame:
        return pd.read_parquet(io.BytesIO(data), columns=[str(column)])

    def pandas_rows() -> pd.DataFrame:
        return pd.read_parquet(io.BytesIO(data), filters=last)

    compare(
        # Of fewer groups little can be left out.
        Case(f"{name}, one column", columns, "decode of the whole", whole, 0.5, quiet=True),
        Case(f"{name}, the last 1,000 rows", rows, "decode of the whole", whole, 0.5, quiet=True),
        Case(f"{name}, one column", columns, "pandas, columns=", pandas_columns),
        Case(f"{name}, the last 1,000 rows", rows, "pandas, filters=", pandas_rows),
        by="clock",
    )


def test_csv_beside_pandas(compare, name: str, rows: int, frame: pd.DataFrame) -> None:
    frame, codec = frame[:1_000_000], PayloadCodec(format="csv")
    if len(frame) < rows:  # pandas takes minutes to write ten million rows
        name = f"{name}, {len(frame):,} rows"
    ours, theirs = codec.encode(frame), frame.to_csv().encode()
    typed = READ_CSV[name.split(",")[0]]

    encode, decode = partial(codec.encode, frame), partial(codec.decode, ours)

    def by_pandas() -> bytes:
        return frame.to_csv().encode()

    def back_by_pandas() -> pd.DataFrame:
        return pd.read_csv(io.BytesIO(theirs), **typed)

    def untyped() -> pd.DataFrame:
        return pd.read_csv(io.BytesIO(theirs), index_col=0)

    pd.testing.assert_frame_equal(decode(), frame, check_exact=True)
    pd.testing.assert_frame_equal(back_by_pandas(), frame, check_freq=False, check_names=False)
    compare(Case(f"{name}, CSV encode", encode, "pandas", by_pandas, 1 / 5, quiet=True), by="clock")
    # The codec decodes on all cores: how much sooner it is done depends on whether a second one is free.
    compare(
        Case(f"{name}, CSV decode", decode, "pandas, told the dtypes", back_by_pandas, 1, quiet=True),
        Case(f"{name}, CSV decode", decode, "pandas, told no dtypes", untyped),
        by="clock",
    )


def test_gzip_beside_the_standard_library(compare, full: bool) -> None:
    data, codec = mixed(300_000 if full else 20_000).to_csv().encode(), PayloadCodec(format="gzip")
    ours = codec.encode(data)

    def best() -> bytes:
        return gzip.compress(data, 9, mtime=0)

    compare(Case("CSV text, gzip", lambda: codec.encode(data), "gzip.compress, its level 9", best, 1 / 5))
    compare(Case("CSV text, gunzip", lambda: codec.decode(ours), "gzip.decompress", lambda: gzip.decompress(ours), 1.2))
    compare.sizes("CSV text, gzip size", len(ours), "gzip.compress, its level 9", len(best()), 1.1)


def test_json_beside_the_standard_library(compare, full: bool) -> None:
    count = 100_000 if full else 5_000
    rows, codec = mixed(count)[["id", "price", "ticker"]].to_dict("records"), PayloadCodec(format="json")

    def dumps() -> bytes:
        return json.dumps(rows, sort_keys=True, separators=(",", ":")).encode()

    data = codec.encode(rows)
    assert data == dumps()
    compare(Case("rows, JSON encode", lambda: codec.encode(rows), "json.dumps", dumps, 4))
    compare(Case("rows, JSON decode", lambda: codec.decode(data), "json.loads", lambda: json.loads(data), 4))


def peak_of_an_encode(name: str, rows: int, kind: str) -> tuple[int, int]:
    """The bytes that an encode takes on top, and those of the larger of its table and its payload."""
    frame, codec = FRAMES[name](rows), PayloadCodec(format=kind)
    codec.encode(frame[:1_000])
    kept: list[bytes] = []
    _, on_top = peak(lambda: kept.append(codec.encode(frame)))
    return on_top, max(pa.Table.from_pandas(frame).nbytes, len(kept[0]))


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
@pytest.mark.parametrize("kind", ["parquet", "arrow", "csv"])
def test_memory_of_an_encode(compare, alone, name: str, rows: int, kind: str) -> None:
    rows = min(rows, 2_000_000)
    on_top, larger = alone(peak_of_an_encode, name, rows, kind)
    what, beside = f"{name}, {kind}, peak of an encode", "the larger of table and payload"
    compare.sizes(what, on_top, beside, larger, 1.2, quiet=True, by="memory")


@pytest.mark.benchmark(group="a frame of 20,000 rows", max_time=0.5, min_rounds=5)
@pytest.mark.parametrize("kind", ["parquet", "arrow", "csv"])
def test_a_round_trip(benchmark, kind: str) -> None:
    frame, codec = mixed(20_000), PayloadCodec(format=kind)
    pd.testing.assert_frame_equal(benchmark(lambda: codec.decode(codec.encode(frame))), frame)

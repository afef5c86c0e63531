"""Bytes that unpack to more than they should are refused, in little memory."""

import json
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ccflow_etl import CacheFormat, PayloadCodec, PayloadTooLargeError

ATTEMPT = """
import json
import re
import sys

from ccflow_etl import PayloadCodec, PayloadTooLargeError

format, path = sys.argv[1:]
try:
    PayloadCodec(format=format).decode(open(path, "rb").read())
except PayloadTooLargeError as error:
    status = open("/proc/self/status").read()  # getrusage counts the parent too
    print(json.dumps([str(error), int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) * 1024]))
"""


def gzip_of_zeros(path: Path) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(1 << 24)) + packer.flush(zlib.Z_FULL_FLUSH)
    path.write_bytes(b"\x1f\x8b\x08" + bytes(7) + block * 600 + packer.flush() + bytes(8))


def parquet_of_one_repeated_text(path: Path) -> None:
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 2_000, pa.int32()), pa.array(["x" * (1 << 20)]))
    pq.write_table(pa.table({"a": column}), path, compression="zstd", store_schema=False, write_statistics=False)


def huge_text() -> pa.Table:
    size = 1_200_000_000
    buffers = [None, pa.py_buffer(np.array([0, size], "i8")), pa.py_buffer(np.zeros(size, "u1"))]
    return pa.table({"a": pa.Array.from_buffers(pa.large_string(), 1, buffers)})


def parquet_of_one_huge_text(path: Path) -> None:
    pq.write_table(
        huge_text(), path, compression="zstd", store_schema=False, write_statistics=False, use_dictionary=False
    )


def arrow_of_one_huge_text(path: Path) -> None:
    table = huge_text()
    with pa.ipc.new_file(path, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
@pytest.mark.parametrize(
    ("kind", "write", "largest"),
    [
        ("gzip", gzip_of_zeros, 11_000_000),
        ("parquet", parquet_of_one_repeated_text, 1_000),
        ("parquet", parquet_of_one_huge_text, 100_000),
        ("arrow", arrow_of_one_huge_text, 100_000),
    ],
)
def test_bombs_are_refused_under_300_mb(kind: str, write: Any, largest: int, tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    write(path)
    assert path.stat().st_size < largest
    command = [sys.executable, "-c", ATTEMPT, kind, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    message, peak = json.loads(done.stdout)
    assert "more than the limit of 1,073,741,824 bytes" in message
    assert peak < 300_000_000


FRAME = pd.DataFrame({"a": range(10_000), "b": ["text"] * 10_000})


@pytest.mark.parametrize("kind", ["parquet", "arrow", "csv", ["csv", "gzip"], ["arrow", "gzip"]], ids=str)
def test_a_frame_over_the_limit_is_refused_and_one_under_it_is_not(kind: CacheFormat) -> None:
    data = PayloadCodec(format=kind).encode(FRAME)
    with pytest.raises(PayloadTooLargeError, match="more than the limit of 100,000 bytes"):
        PayloadCodec(format=kind, max_decoded_bytes=100_000).decode(data)
    pd.testing.assert_frame_equal(PayloadCodec(format=kind, max_decoded_bytes=1_000_000).decode(data), FRAME)


def test_rows_and_values_are_counted_by_what_they_take() -> None:
    data = PayloadCodec(format="json").encode([0] * 10_000)
    with pytest.raises(PayloadTooLargeError):
        PayloadCodec(format="json", max_decoded_bytes=100_000).decode(data)
    rows = PayloadCodec(format="csv").encode([{"a": 1, "b": 2}] * 1_000)
    with pytest.raises(PayloadTooLargeError):
        PayloadCodec(format="csv", max_decoded_bytes=100_000).decode(rows)
    for kind in ("text", "binary"):
        with pytest.raises(PayloadTooLargeError, match="takes 11 bytes when decoded, more than the limit of 10"):
            PayloadCodec(format=kind, max_decoded_bytes=10).decode(b"x" * 11)


def test_text_that_repeats_is_counted_by_its_longest_value() -> None:
    """What all of the dictionary would take is over the limit, what the values take is not."""
    texts = [f"{number:0100}" for number in range(1_000)] * 10
    data = PayloadCodec(format="parquet").encode({"a": texts})
    assert PayloadCodec(format="parquet", max_decoded_bytes=2_000_000).decode(data)["a"].to_pylist() == texts
    uneven = ["x" * 10_000, *["y"] * 9_999]
    data = PayloadCodec(format="parquet").encode({"a": uneven})
    assert PayloadCodec(format="parquet", max_decoded_bytes=200_000).decode(data)["a"].to_pylist() == uneven
    with pytest.raises(PayloadTooLargeError):
        PayloadCodec(format="parquet", max_decoded_bytes=20_000).decode(data)


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "brotli", "lz4", "zstd"])
@pytest.mark.parametrize("settings", [{}, {"use_dictionary": False, "column_encoding": {"a": "DELTA_BYTE_ARRAY"}}])
def test_files_of_others_are_bounded_too(compression: str, settings: dict[str, Any], tmp_path: Path) -> None:
    table = pa.table({"a": ["text" * 1_000] * 1_000, "b": [[1, 2]] * 1_000})
    pq.write_table(table, tmp_path / "file", compression=compression, **settings)
    data = (tmp_path / "file").read_bytes()
    assert PayloadCodec(format="parquet", max_decoded_bytes=5_000_000).decode(data).equals(table)
    with pytest.raises(PayloadTooLargeError):
        PayloadCodec(format="parquet", max_decoded_bytes=1_000_000).decode(data)

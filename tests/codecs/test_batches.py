"""Payloads that are larger than memory, batch by batch."""

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal

from ccflow_etl import CacheFormatName, PayloadCodec, PayloadIntegrityError, PayloadTooLargeError
from ccflow_etl.codecs.errors import PayloadEncodeError

FORMATS: list[CacheFormatName] = ["parquet", "arrow"]


def batch(number: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "number": range(number * 3, number * 3 + 3),
            "kind": pd.Categorical(["x", None, "y"], categories=["z", "y", "x"]),
            "text": [f"row {number}", None, ""],
        }
    )


def written(kind: CacheFormatName, batches: Any) -> io.BytesIO:
    file = io.BytesIO()
    PayloadCodec(format=kind).encode_batches(batches, file)
    return file


@pytest.mark.parametrize("kind", FORMATS)
def test_batches_come_back_one_by_one_and_as_a_whole(kind: CacheFormatName) -> None:
    codec, file = PayloadCodec(format=kind), io.BytesIO()
    assert codec.encode_batches(map(batch, range(4)), file) == 12
    whole = pd.concat(map(batch, range(4)), ignore_index=True)
    assert_frame_equal(codec.decode(file.getvalue()), whole)
    assert_frame_equal(pd.concat(codec.decode_batches(file)), whole)
    assert [len(found) for found in codec.decode_batches(file, verified=True)] == [3, 3, 3, 3]
    again = written(kind, (whole[start : start + 3] for start in range(0, 12, 3)))
    assert again.getvalue() == file.getvalue()


@pytest.mark.parametrize("kind", FORMATS)
def test_an_index_and_tables(kind: CacheFormatName) -> None:
    frames = [batch(number).set_index("number") for number in range(3)]
    assert_frame_equal(PayloadCodec(format=kind).decode(written(kind, frames).getvalue()), pd.concat(frames))
    table = pa.table({"a": [1, 2]})
    found = list(PayloadCodec(format=kind).decode_batches(written(kind, [table, table])))
    assert [one.to_pydict() for one in found] == [table.to_pydict()] * 2


def test_parquet_batches_have_the_columns_that_were_asked_for() -> None:
    found = PayloadCodec(format="parquet").decode_batches(written("parquet", map(batch, range(2))), columns=["text"])
    assert [list(frame.columns) for frame in found] == [["text"], ["text"]]
    with pytest.raises(ValueError, match="cannot read some columns only"):
        next(PayloadCodec(format="arrow").decode_batches(written("arrow", [batch(0)]), columns=["text"]))


def days(start: str, count: int) -> pd.DataFrame:
    return pd.DataFrame({"a": range(count)}, index=pd.date_range(start, periods=count, freq="D"))


@pytest.mark.parametrize("kind", FORMATS)
def test_the_freq_of_the_whole_is_that_of_the_batches(kind: CacheFormatName) -> None:
    codec = PayloadCodec(format=kind)
    batches = [days("2024-01-01", 2), days("2024-01-03", 0), days("2024-01-03", 3)]
    file = written(kind, batches)
    assert codec.decode(file.getvalue()).index.equals(pd.date_range("2024-01-01", periods=5))
    assert [found.index.freqstr for found in codec.decode_batches(file) if len(found)] == ["D", "D"]
    months = pd.period_range("2024-01", periods=4, freq="M")
    frames = [pd.DataFrame({"a": [1]}, index=months[[place]]) for place in (0, 3)]
    assert codec.decode(written(kind, frames).getvalue()).index.equals(months[[0, 3]]), "periods need not go on"


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_that_has_something_is_not_appended_to(kind: CacheFormatName) -> None:
    file = io.BytesIO()
    file.write(b"header")
    with pytest.raises(ValueError, match="the file already has 6 bytes; give one that is empty"):
        PayloadCodec(format=kind).encode_batches([batch(0)], file)
    assert file.getvalue() == b"header"


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        ([], "no batches"),
        ([batch(0), batch(1).rename(columns={"text": "t"})], "batch 1: it has the columns"),
        ([batch(0), batch(1).astype({"kind": "category"}).assign(kind=pd.Categorical(["x"] * 3))], "of column 'kind'"),
        ([batch(0), batch(1).set_axis([7, 8, 9])], "batch 1"),
        ([batch(0), batch(1).set_axis(pd.RangeIndex(5, 8))], "its index begins at 5; it may begin at 3"),
        ([batch(0), pa.table({"number": [1]})], "batch 1"),
        (
            [days("2024-01-01", 2), days("2024-01-04", 1)],
            "batch 1: its index begins at 2024-01-04 .* not at 2024-01-03",
        ),
        ([batch(0), pd.DataFrame({"number": [object()]})], "has the dtype object"),
        (
            [pd.DataFrame({"a": [1]}), pa.table({"a": [2]})],
            "batch 1: it is a table and the first one is not; convert one of them",
        ),
        (
            [pa.table({"a": [2]}), pd.DataFrame({"a": [1]})],
            "batch 1: it is a pandas object and the first one is not; convert one of them",
        ),
        (
            [pd.DataFrame({"a": [1]}), pd.Series([2], name="a")],
            "batch 1: what describes its class differs from that of the first batch$",
        ),
        (
            [pd.Series([1], name="a"), pd.DataFrame({"a": [2]})],
            "batch 1: what describes its class differs from that of the first batch$",
        ),
    ],
)
@pytest.mark.parametrize("kind", FORMATS)
def test_batches_that_do_not_go_together_are_refused(kind: CacheFormatName, batches: Any, message: str) -> None:
    with pytest.raises(PayloadEncodeError, match=message):
        written(kind, batches)


@pytest.mark.parametrize("kind", ["csv", "json", ["parquet", "gzip"]], ids=str)
def test_other_formats_have_no_batches(kind: Any) -> None:
    with pytest.raises(PayloadEncodeError, match="has no batches; use 'parquet' or 'arrow'"):
        written(kind, [batch(0)])
    with pytest.raises(ValueError, match="has no batches"):
        next(PayloadCodec(format=kind).decode_batches(io.BytesIO()))


@pytest.mark.parametrize("kind", FORMATS)
def test_damage_and_the_limit_are_seen_before_the_first_batch(kind: CacheFormatName) -> None:
    data = bytearray(written(kind, map(batch, range(3))).getvalue())
    with pytest.raises(PayloadTooLargeError):
        next(PayloadCodec(format=kind, max_decoded_bytes=10).decode_batches(io.BytesIO(data)))
    data[len(data) // 3] ^= 1
    with pytest.raises(PayloadIntegrityError):
        next(PayloadCodec(format=kind).decode_batches(io.BytesIO(data)))


STREAM = """
import resource
import sys

import numpy as np
import pandas as pd
import pyarrow.parquet

from ccflow_etl import PayloadCodec

kind, path = sys.argv[1:]
codec, random = PayloadCodec(format=kind), np.random.default_rng(7)
def batches(count):
    return (pd.DataFrame(random.normal(size=(131_072, 8))) for _ in range(count))
def stream(count):
    with open(path, "w+b") as file:
        codec.encode_batches(batches(count), file)
        assert sum(len(frame) for frame in codec.decode_batches(file)) == 131_072 * count
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
_, few, many = stream(4), stream(4), stream(40)  # at first, what is kept for the next time is not there yet
print(many - few)
"""


@pytest.mark.parametrize("kind", FORMATS)
def test_memory_is_bounded_by_the_batch(kind: CacheFormatName, tmp_path: Path) -> None:
    command = [sys.executable, "-c", STREAM, kind, str(tmp_path / "file")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    batch_size = 131_072 * 8 * 8
    assert int(done.stdout) < 4 * batch_size, "ten times the batches, 302 MB more, take no more than some batches more"


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("first", [2, 0])
def test_rows_without_columns_are_refused_and_not_lost(kind: CacheFormatName, first: int) -> None:
    frames = [pd.DataFrame(index=range(first)), pd.DataFrame(index=range(3))]
    with pytest.raises(PayloadEncodeError, match=f"{first or 3} rows but no columns, .*; give it a column"):
        written(kind, frames)
    assert PayloadCodec(format=kind).decode(written(kind, [frames[0][:0]] * 2).getvalue()).shape == (0, 0)


@pytest.mark.parametrize("kind", FORMATS)
def test_batches_of_one_payload_without_columns_have_its_rows(kind: CacheFormatName) -> None:
    codec, frame = PayloadCodec(format=kind), pd.DataFrame(index=pd.RangeIndex(4, 14, 2))
    (found,) = codec.decode_batches(io.BytesIO(codec.encode(frame)))
    assert_frame_equal(found, frame)


def test_no_columns_of_batches_have_their_rows() -> None:
    codec, file = PayloadCodec(format="parquet"), written("parquet", map(batch, range(2)))
    assert [list(found.index) for found in codec.decode_batches(file, columns=[])] == [[0, 1, 2], [3, 4, 5]]
    assert list(codec.decode(file.getvalue(), columns=[]).index) == list(range(6))


def endless() -> Iterator[pd.DataFrame]:
    yield batch(0)
    raise RuntimeError("the source failed")


@pytest.mark.parametrize("kind", FORMATS)
def test_an_error_of_the_source_is_raised_as_it_is(kind: CacheFormatName) -> None:
    with pytest.raises(RuntimeError, match="the source failed"):
        written(kind, endless())

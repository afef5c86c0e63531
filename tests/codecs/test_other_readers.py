"""What other libraries see in our files, and what we see in theirs."""

import io
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from ccflow_etl import PayloadCodec

FRAME = pd.DataFrame(
    {
        "number": [1, 2, 3],
        "price": [0.5, np.nan, -1.5],
        "flag": [True, False, True],
        "name": ["a", None, ""],
        "code": pd.array(["007", "NA", None], dtype="string"),
        "count": pd.array([1, None, 3], dtype="Int32"),
        "kind": pd.Categorical(["x", "y", None]),
        "at": pd.date_range("2024-03-30", periods=3, tz="Europe/Paris", unit="us"),
        "lag": pd.to_timedelta([1, 2, None], unit="s"),
    },
    index=pd.date_range("2024-01-03", periods=3, name="day", unit="us"),
)


def test_pandas_reads_our_parquet_as_the_same_frame() -> None:
    found = pd.read_parquet(io.BytesIO(PayloadCodec(format="parquet").encode(FRAME)))
    pd.testing.assert_frame_equal(found, FRAME, check_freq=False)


def test_pandas_reads_our_arrow_as_the_same_frame() -> None:
    found = pa.feather.read_feather(io.BytesIO(PayloadCodec(format="arrow").encode(FRAME)))
    pd.testing.assert_frame_equal(found, FRAME, check_freq=False)


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(3, name="row"),
        pd.MultiIndex.from_product([["a"], [1, 2, 3]], names=["x", None]),
        pd.Index(["a", "b", "c"]),
    ],
    ids=["range", "multi", "text"],
)
def test_pandas_sees_the_index(index: pd.Index) -> None:
    frame = pd.DataFrame({"x": [1, 2, 3]}, index=index)
    found = pd.read_parquet(io.BytesIO(PayloadCodec(format="parquet").encode(frame)))
    pd.testing.assert_frame_equal(found, frame)


def test_pandas_sees_labels_that_are_numbers() -> None:
    frame = pd.DataFrame(np.zeros((2, 3)))
    found = pd.read_parquet(io.BytesIO(PayloadCodec(format="parquet").encode(frame)))
    pd.testing.assert_frame_equal(found, frame, check_column_type=False)


@pytest.mark.parametrize("labels", [pd.MultiIndex.from_tuples([("a", 1), ("b", 2)]), ["a", "a"], [0.5, 1.5]], ids=str)
def test_pandas_reads_other_labels_as_text(labels: object) -> None:
    frame = pd.DataFrame([[1, 2]])
    frame.columns = labels
    found = pd.read_parquet(io.BytesIO(PayloadCodec(format="parquet").encode(frame)))
    assert list(found.columns) == [str(label) for label in frame.columns]
    assert found.to_numpy().tolist() == [[1, 2]]


def test_a_series_is_a_frame_of_one_column() -> None:
    found = pd.read_parquet(io.BytesIO(PayloadCodec(format="parquet").encode(FRAME["price"])))
    pd.testing.assert_frame_equal(found, FRAME[["price"]], check_freq=False)


def test_readers_that_know_only_arrow_see_columns() -> None:
    table = pq.read_table(io.BytesIO(PayloadCodec(format="parquet").encode(FRAME)))
    assert table.column_names == [*FRAME.columns, "day"]
    assert table["at"].type == pa.timestamp("us", "Europe/Paris")
    assert table["name"].to_pylist() == ["a", None, ""]


def test_pandas_reads_our_csv() -> None:
    data = PayloadCodec(format="csv").encode(FRAME)
    found = pd.read_csv(io.BytesIO(data), comment="#", index_col="day", parse_dates=["day", "at"])
    assert found["number"].to_list() == [1, 2, 3]
    assert found["price"].to_list()[::2] == [0.5, -1.5]
    assert found["flag"].to_list() == [True, False, True]
    assert found["at"].dt.tz_convert("Europe/Paris").to_list() == FRAME["at"].to_list()
    assert found.index.to_list() == FRAME.index.to_list()


def test_gzipped_csv_is_plain_inside() -> None:
    data = PayloadCodec(format=["csv", "gzip"]).encode(FRAME)
    found = pd.read_csv(io.BytesIO(data), compression="gzip")
    assert found.columns.to_list() == [*FRAME.columns, "day"]
    assert len(found) == 3


def test_gzipped_csv_whose_header_was_lost_is_plain_rows() -> None:
    import gzip

    codec = PayloadCodec(format=["csv", "gzip"])
    rows = codec.decode(gzip.compress(gzip.decompress(codec.encode(FRAME[["number"]]))))
    assert [row["number"] for row in rows] == ["1", "2", "3"]


def test_polars_and_duckdb_read_our_parquet(tmp_path: Path) -> None:
    path = tmp_path / "file.parquet"
    path.write_bytes(PayloadCodec(format="parquet").encode(FRAME))
    assert pl.read_parquet(path)["number"].to_list() == [1, 2, 3]
    assert duckdb.sql(f"select sum(number), min(price) from '{path}'").fetchall() == [(6, -1.5)]


def test_polars_and_duckdb_read_the_whole_range_of_integers_and_times(tmp_path: Path) -> None:
    random, path = np.random.default_rng(7), tmp_path / "file.parquet"
    columns: dict[str, np.ndarray] = {}
    for kind in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"):
        bounds = np.iinfo(kind)
        inside = random.integers(bounds.min, bounds.max, 5_000, dtype=kind, endpoint=True)
        columns[kind] = np.concatenate([np.array([bounds.min, bounds.max] * 3, dtype=kind), inside])
    columns["at"] = random.integers(-(10**16), 10**16, len(columns["i8"])).view("M8[us]")
    path.write_bytes(PayloadCodec(format="parquet").encode(pd.DataFrame(columns)))
    with_polars, with_duckdb = pl.read_parquet(path), duckdb.sql(f"select * from '{path}'").fetchnumpy()
    for name, values in columns.items():
        np.testing.assert_array_equal(with_polars[name].to_numpy(), values)
        np.testing.assert_array_equal(np.asarray(with_duckdb[name]), values)


@pytest.mark.parametrize("kind", ["parquet", "arrow", "csv"])
def test_frames_of_polars_and_duckdb_are_tables(kind: str) -> None:
    codec = PayloadCodec(format=kind)
    for payload in (pl.DataFrame({"a": [1, None], "b": ["x", None]}), duckdb.sql("select 1 as a, 'x' as b")):
        assert codec.decode(codec.encode(payload)).column_names == ["a", "b"]


def test_a_bare_csv_is_for_others() -> None:
    codec = PayloadCodec(format="csv", schema="none")
    assert codec.encode(pd.DataFrame({"a": [1, 2]})) == b'"a"\n1\n2\n'
    assert codec.decode(codec.encode(pd.DataFrame({"a": [1, 2]}))) == [{"a": "1"}, {"a": "2"}]
    assert PayloadCodec.model_validate(codec.model_dump()) == codec
    with pytest.raises(ValueError, match="schema='none' is for CSV; the format is 'json'"):
        PayloadCodec(format="json", schema="none")


def test_pandas_reads_our_sparse_columns_as_dense_ones() -> None:
    frame = pd.DataFrame({"a": pd.arrays.SparseArray([0, 7, 0]), "b": pd.arrays.SparseArray([np.nan, 0.5, np.nan])})
    found = pd.read_parquet(io.BytesIO(PayloadCodec(format="parquet").encode(frame)))
    pd.testing.assert_frame_equal(found, frame.sparse.to_dense())

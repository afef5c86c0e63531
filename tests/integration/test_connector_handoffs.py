"""Payloads of every format from one stage to the next through the connectors' stores, and through S3Model."""

import gzip
import io
import json
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from ccflow_etl import CacheGetModel, CachePutModel, PayloadIntegrityError

pytestmark = pytest.mark.integration

FRAME = pd.DataFrame(
    {"close": [103.6, float("nan")], "ticker": pd.Categorical(["AAA", "BBB"])},
    index=pd.DatetimeIndex(["2024-01-03 09:30", "2024-01-04 09:30"], tz="America/New_York", name="when"),
)
ROWS = [{"close": "103.6", "ticker": "AAA"}, {"close": "", "ticker": "BBB, Inc."}]


def read_table(data: bytes) -> pd.DataFrame:
    """With pyarrow alone."""
    return pa.ipc.open_file(data).read_all().to_pandas()


# format: payload, suffix, media type, and the same payload read from the bytes without our code
KINDS: dict[str, tuple[Any, str, str | None, Any]] = {
    "json": ({"ticker": "AAA", "close": 103.6}, ".json", "application/json", json.loads),
    "csv": (ROWS, ".csv", "text/csv; charset=utf-8", lambda data: read_csv(data)),  # noqa: PLW0108 - defined below
    "text": ("zwölf\r\n", ".txt", "text/plain; charset=utf-8", lambda data: data.decode()),
    "binary": (bytes(range(256)), "", None, bytes),
    "parquet": (FRAME, ".parquet", "application/vnd.apache.parquet", lambda data: pd.read_parquet(io.BytesIO(data))),
    "arrow": (FRAME, ".arrow", "application/vnd.apache.arrow.file", read_table),
}
CASES = [pytest.param(name, *kind, id=name) for name, kind in KINDS.items()]
CASES += [
    pytest.param(
        [name, "gzip"],
        payload,
        f"{suffix}.gz",
        media,
        lambda data, read=read: read(gzip.decompress(data)),
        id=f"{name}+gzip",
    )
    for name, (payload, suffix, media, read) in KINDS.items()
]
CASES.append(pytest.param("gzip", b"\0" * 10_000, ".gz", None, gzip.decompress, id="gzip"))


def read_csv(data: bytes) -> Any:
    return pd.read_csv(io.BytesIO(data), dtype=str, keep_default_na=False).to_dict("records")


def same(found: Any, expected: Any) -> bool:
    if isinstance(expected, pd.DataFrame):
        pd.testing.assert_frame_equal(found, expected, check_freq=False)
        return True
    return type(found) is type(expected) and found == expected


@pytest.mark.parametrize(("format_", "payload", "suffix", "media", "read"), CASES)
def test_the_next_stage_gets_what_this_one_put(cache, format_, payload, suffix, media, read):
    put, get = CachePutModel(store=cache.config, format=format_), CacheGetModel(store=cache.config, format=format_)
    assert get(key="daily/AAA").status == "miss"
    with pytest.raises(FileNotFoundError, match="nothing is cached for 'daily/AAA' at"):
        get(key="daily/AAA", missing_ok=False)

    written = put(key="/daily/AAA", payload=payload, dataset="prices", stage="extract")
    assert (written.status, written.cache_key) == ("written", f"daily/AAA{suffix}")
    assert written.uri == written.artifact.uri == cache.uri(f"daily/AAA{suffix}")
    found = get(artifact=written.artifact)
    assert (found.status, found.artifact.stage, found.artifact.dataset) == ("hit", "extract", "prices")
    assert same(found.payload, payload)

    data, kind = cache.read(f"daily/AAA{suffix}")
    assert (len(data), kind) == (written.artifact.size, media)
    assert same(read(data), payload)


def test_what_is_there_is_left_alone_unless_it_is_to_be_overwritten(cache):
    put, get = CachePutModel(store=cache.config), CacheGetModel(store=cache.config)
    statuses = [put(key="AAA", payload=number).status for number in (1, 2)]
    assert (statuses, get(key="AAA").payload) == (["written", "exists"], 1)
    assert put(key="AAA", payload=3, overwrite=True).status == "written"
    assert get(key="AAA").payload == 3


def test_bytes_that_changed_in_the_store_are_refused(cache):
    written = CachePutModel(store=cache.config)(key="AAA", payload={"close": 103.6})
    cache.damage("AAA.json", b'{"close":10.36}')
    with pytest.raises(PayloadIntegrityError, match=r"AAA\.json"):
        CacheGetModel(store=cache.config)(artifact=written.artifact)


def test_a_path_is_refused_with_what_to_give_instead(cache):
    with pytest.raises(ValueError, match="has no resolve_key and so no paths; give a key"):
        CachePutModel(store=cache.config)(path="AAA.json", payload=1)


# S3WriteDataContext takes bytes, text, a dict or rows
@pytest.mark.parametrize(
    ("format_", "payload", "decoded"),
    [
        ("json", {"ticker": "AAA", "close": 103.6}, {"ticker": "AAA", "close": 103.6}),
        ("csv", ROWS, ROWS),
        ("text", "zwölf\r\n", "zwölf\r\n"),
        ("binary", bytes(range(256)), bytes(range(256))),
        ("gzip", b"\0" * 100, b"\0" * 100),
        (["gzip", "json"], {"close": 1}, {"close": 1}),
        ("parquet", ROWS, pa.Table.from_pylist(ROWS)),
        (["parquet", "gzip"], {"close": [1.5, None]}, pa.table({"close": [1.5, None]})),
        ("arrow", ROWS, pa.Table.from_pylist(ROWS)),
    ],
)
def test_s3_model_and_the_cache_models_read_each_other(bucket, format_, payload, decoded):
    from ccflow_s3 import S3Model, S3ReadContext, S3WriteDataContext

    made = {"client": bucket.client, "bucket": bucket.name, "format": format_}
    store = {"_target_": "ccflow_s3.S3CacheStore", "client": bucket.client, "bucket": bucket.name}
    put, get = CachePutModel(store=store, format=format_), CacheGetModel(store=store, format=format_)
    name = put(key="ours", payload=payload).cache_key
    assert S3Model(mode="read", **made)(S3ReadContext(object=name)).value == decoded

    name = name.replace("ours", "theirs")
    result = S3Model(mode="write", **made)(S3WriteDataContext(object=name, data=payload))
    assert result.value["status"] == "written"
    assert get(key="theirs").payload == decoded


def test_every_mode_of_s3_model(bucket):
    import ccflow_s3 as s3

    model = s3.S3Model(client=bucket.client, bucket=bucket.name, format="json", mode="write")
    many = [model(s3.S3WriteDataContext(object=f"daily/{n}.json", data={"n": n})).value["status"] for n in range(3)]
    assert many == ["written"] * 3
    assert model(s3.S3WriteDataContext(object="daily/0.json", data={"n": 9})).value["status"] == "exists"
    atomic = s3.S3WriteDataContext(
        object="daily/0.json", data={"n": 9}, overwrite=True, atomic=True, manifest_object="manifests/0", row_count=1
    )
    assert model(atomic).value["manifest"]["object"] == "manifests/0"
    assert model(s3.S3ExistsContext(object="daily/1.json")).value is True
    assert model(s3.S3ExistsContext(object="daily/9.json")).value is False
    assert model(s3.S3HeadContext(object="daily/1.json")).value["content_type"] == "application/json"
    listed = model(s3.S3ListContext(prefix="daily/")).value["objects"]
    walked = model(s3.S3PrefixWalkContext(prefix="daily/", page_size=2)).value["objects"]
    assert [item["key"] for item in walked] == [item["key"] for item in listed]
    assert [item["key"] for item in listed] == [
        f"daily/{name}" for name in ("0.json", "0.json.tmp", "1.json", "2.json")
    ]
    copied = s3.S3CopyContext(object="copy.json", source_bucket=bucket.name, source_object="daily/0.json")
    assert model(copied).value["status"] == "copied"
    read = s3.S3ReadContext(object="copy.json")
    assert model(read).value == {"n": 9}
    both = s3.S3ReadWriteContext(read=read, write=s3.S3WriteDataContext(object="both.json", data={"n": 10}))
    assert model(both).read.value == {"n": 9}
    assert model(s3.S3DeleteContext(object="copy.json")).value["deleted"] is True
    assert bucket.keys() == [
        "both.json", "daily/0.json", "daily/0.json.tmp", "daily/1.json", "daily/2.json", "manifests/0"
    ]  # fmt: skip

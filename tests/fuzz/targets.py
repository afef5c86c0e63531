"""What is given arbitrary bytes, and what may come of it; anything else that is raised is a finding."""

import contextlib
import gzip
import io
from collections.abc import Callable

import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
from pydantic import ValidationError

from ccflow_etl import Interval, PayloadCodec
from ccflow_etl.cli.explain import main as explain
from ccflow_etl.codecs.errors import PayloadDecodeError, PayloadIntegrityError, PayloadTooLargeError

FORMATS = ["json", "csv", "text", "binary", "parquet", "gzip", "arrow", ["json", "gzip"], ["csv", "gzip"]]
FRAME = pd.DataFrame({"name": ["a", "b", None], "close": [1.5, 2.5, 3.5]}, index=pd.date_range("2024", periods=3))
ROWS = [{"ticker": "AAA", "close": "103.6"}, {"ticker": "BBB", "close": ""}]


def interval(data: bytes) -> None:
    """A text is refused, or is an interval that is read again from its own text and counts what it steps."""
    try:
        read = Interval.model_validate(data.decode(errors="replace"))
    except ValidationError:
        return
    assert Interval.model_validate(str(read)) == read
    with contextlib.suppress(ValueError):  # units of a calendar, and lengths past the years that there are
        count = read.count("2024-01-31", "2024-03-31")
        assert count > 10_000 or count == len(read.steps("2024-01-31", "2024-03-31"))


def codec(data: bytes) -> None:
    """Bytes are decoded, or an error of ours says why not; the first byte is the format."""
    chosen = PayloadCodec(format=FORMATS[data[0] % len(FORMATS)] if data else "json")
    with contextlib.suppress(PayloadDecodeError, PayloadIntegrityError, PayloadTooLargeError):
        chosen.decode(data[1:])


def overrides(data: bytes) -> None:
    """Overrides, one on a line, are a config or a mistake in the config: never an error that nobody thought of."""
    import sys
    from unittest import mock

    lines = [line for line in data.decode(errors="replace").split("\n") if not line.startswith("-")]
    with (
        mock.patch.object(sys, "argv", ["cc-etl-explain", *lines]),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()) as told,
    ):
        code = explain()
    assert code in (0, 2), told.getvalue()
    assert "Traceback" not in told.getvalue()


def of_other_writers() -> list[tuple[object, bytes]]:
    """Files that have no checksum of ours, so that what is changed in them is decoded."""
    parquet, arrow = io.BytesIO(), io.BytesIO()
    pq.write_table(pa.Table.from_pandas(FRAME), parquet)
    feather.write_feather(FRAME.reset_index(), arrow)
    return [
        ("parquet", parquet.getvalue()),
        ("arrow", arrow.getvalue()),
        (["csv", "gzip"], gzip.compress(b"a,b\n1,2", mtime=0)),
    ]


def encoded() -> list[tuple[object, bytes]]:
    """What our own codec makes for every format that it has."""
    payloads = {"text": "some text", "binary": b"\0\xff", "gzip": b"\0\xff", "json": {"close": [103.6, None, "x"]}}
    made = [(each, PayloadCodec(format=each).encode(payloads.get(str(each), FRAME))) for each in FORMATS[:7]]
    made += [(each, PayloadCodec(format=each).encode(ROWS)) for each in ("csv", ["json", "gzip"], ["csv", "gzip"])]
    return made


SEEDS: dict[Callable[[bytes], None], list[bytes]] = {
    interval: [text.encode() for text in ("2M", "1B", "15min", "business-day", "3SME", "-1ME", "1.5h", "1D6h", "/a/b")],
    codec: [bytes([FORMATS.index(each)]) + data for each, data in encoded() + of_other_writers()],
    overrides: [
        b"context.path=./a.json\ncontext.payload.message='hello'",
        b"+backfill=daily\n+context.start_datetime=2024-01-01",
        b"callable=/model\n~context.overwrite",
        b"+x=${oc.env:HOME}\n+y=[1,{a: b}]\nhydra.verbose=true",
        b"model._target_=ccflow_etl.Nothing\n++cli.model=null",
    ],
}

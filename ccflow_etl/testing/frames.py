"""Hypothesis strategies of DataFrames and Series of every kind: what a codec has to keep exactly or refuse.

Needs hypothesis, and is imported when one of its names is used.

>>> from ccflow_etl.testing import data_frames
>>> data_frames(max_rows=2)
data_frames(max_rows=2)
"""

import datetime as dt
import zoneinfo
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

_TEXT = st.text(st.characters(codec="utf-8"), max_size=5)
_INT64 = st.integers(-(2**63) + 1, 2**63 - 1)
_UNITS = st.sampled_from(["s", "ms", "us", "ns"])
_ZONES = st.sampled_from([zoneinfo.ZoneInfo("Europe/Paris"), dt.UTC, zoneinfo.ZoneInfo("America/Sao_Paulo")])
_DECIMALS = st.decimals().filter(lambda value: not value.is_snan())  # which pandas cannot hash
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | _TEXT
    | st.binary(max_size=3)
    | _DECIMALS
    | st.dates()
    | st.times()
    | st.datetimes(timezones=st.none() | _ZONES)
    | st.timedeltas()
    | st.uuids()
    | st.complex_numbers()
    | st.sampled_from([pd.NA, pd.NaT, np.float32(0.5), np.int8(3), pd.Timestamp(1), pd.Period("2024-01"), "NA"])
)
_CELLS = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(_TEXT | st.integers(), inner, max_size=3)
    ),
    max_leaves=4,
)
_LABELS = st.none() | st.booleans() | _INT64 | _TEXT | st.dates() | st.tuples(_TEXT, _INT64)


def _objects(values: list[Any]) -> np.ndarray:
    """Return values as objects; numpy would make an array of arrays of lists."""
    array = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        array[place] = value
    return array


def _text_with_nan() -> Any:
    try:
        return pd.StringDtype("pyarrow", na_value=np.nan)
    except TypeError:  # before pandas 2.3
        return pd.StringDtype("pyarrow_numpy")


def _many(values: "st.SearchStrategy[Any]", make: Callable[[list[Any]], Any]) -> Callable[[int], Any]:
    return lambda size: st.lists(values, min_size=size, max_size=size).map(make)


def _ticks(kind: str) -> Callable[[int], Any]:
    def build(size: int) -> Any:
        ticks = st.lists(_INT64, min_size=size, max_size=size)
        return st.tuples(ticks, _UNITS).map(lambda pair: np.array(pair[0], "i8").view(f"{kind}8[{pair[1]}]"))

    return build


def _zoned(size: int) -> Any:
    instants = st.lists(st.integers(-(10**18), 10**18), min_size=size, max_size=size)
    return st.tuples(instants, _ZONES).map(
        lambda pair: pd.DatetimeIndex(np.array(pair[0], "M8[ns]")).tz_localize("UTC").tz_convert(pair[1]).array
    )


def _category(size: int) -> Any:
    categories = st.sampled_from(
        [["z", "", "a"], [2, 1, 3], [0.5, -1.0, np.inf], [dt.date(2024, 1, 3), "x", (1, 2)], pd.interval_range(0, 3)]
    )
    codes = st.lists(st.integers(-1, 2), min_size=size, max_size=size)
    return st.tuples(codes, categories, st.booleans()).map(
        lambda drawn: pd.Categorical.from_codes(
            drawn[0],
            categories=pd.Index(_objects(drawn[1]), dtype=object) if drawn[1][0] == dt.date(2024, 1, 3) else drawn[1],
            ordered=drawn[2],
        )
    )


def _float64(size: int) -> Any:
    pairs = st.lists(st.tuples(st.floats(), st.booleans()), min_size=size, max_size=size)
    return pairs.map(
        lambda drawn: pd.arrays.FloatingArray(
            np.array([value for value, _ in drawn], "f8"), np.array([missing for _, missing in drawn], bool)
        )
    )


def _intervals(size: int) -> Any:
    pairs = st.lists(st.none() | st.tuples(st.floats(-10, 0), st.floats(0, 10)), min_size=size, max_size=size)
    return st.tuples(pairs, st.sampled_from(["left", "right", "both", "neither"])).map(
        lambda drawn: (
            pd.arrays.IntervalArray.from_tuples(drawn[0], closed=drawn[1], dtype="interval[float64]")
            if not drawn[0]
            else pd.arrays.IntervalArray.from_arrays(
                [np.nan if pair is None else pair[0] for pair in drawn[0]],
                [np.nan if pair is None else pair[1] for pair in drawn[0]],
                closed=drawn[1],
            )
        )
    )


ARRAYS: dict[str, Callable[[int], Any]] = {
    "int64": _many(_INT64, lambda values: np.array(values, "i8")),
    "float64": _many(st.floats(), lambda values: np.array(values, "f8")),
    "float32": _many(st.floats(width=32), lambda values: np.array(values, "f4")),
    "float16": _many(st.floats(width=16), lambda values: np.array(values, "f2")),
    "bool": _many(st.booleans(), lambda values: np.array(values, bool)),
    "complex": _many(st.complex_numbers(), lambda values: np.array(values, "c16")),
    "datetime": _ticks("M"),
    "timedelta": _ticks("m"),
    "zoned": _zoned,
    "text object": _many(_TEXT | st.sampled_from([None, np.nan]), _objects),
    "object": _many(_CELLS, _objects),
    "date object": _many(st.none() | st.dates(), _objects),
    "decimal object": _many(st.none() | _DECIMALS, _objects),
    "str": _many(_TEXT | st.none(), lambda values: pd.array(values, dtype=_text_with_nan())),
    "string python": _many(_TEXT | st.none(), lambda values: pd.array(values, dtype=pd.StringDtype("python"))),
    "string pyarrow": _many(_TEXT | st.none(), lambda values: pd.array(values, dtype=pd.StringDtype("pyarrow"))),
    "Int64": _many(_INT64 | st.none(), lambda values: pd.array(values, dtype="Int64")),
    "boolean": _many(st.booleans() | st.none(), lambda values: pd.array(values, dtype="boolean")),
    "Float64": _float64,
    "period": _many(st.none() | st.integers(-999, 999), lambda values: _periods(values)),  # noqa: PLW0108 - defined below
    "interval": _intervals,
    "sparse": _many(st.sampled_from([0.0, np.nan, 1.5]), lambda values: pd.arrays.SparseArray(np.array(values, "f8"))),
    "arrow": _many(_INT64 | st.none(), lambda values: pd.array(values, dtype="int64[pyarrow]")),
    "category": _category,
}
"""A strategy of arrays of a given length for each kind of column."""


def _periods(ordinals: list[int | None]) -> Any:
    return pd.array(
        [None if number is None else pd.Period(ordinal=number, freq="D") for number in ordinals], "period[D]"
    )


@st.composite
def data_frames(draw: st.DrawFn, max_rows: int = 4, max_columns: int = 4) -> pd.DataFrame:
    """Return a strategy of DataFrames with columns, labels, indexes, names and attrs of every kind.

    Some of them no format can keep: a codec has to refuse them or give back equal ones.
    """
    rows = draw(st.integers(0, max_rows))
    kinds = draw(st.lists(st.sampled_from(list(ARRAYS)), max_size=max_columns))
    columns = [_column(draw(ARRAYS[kind](rows))) for kind in kinds]
    frame = pd.DataFrame(dict(enumerate(columns)), index=range(rows))
    labels = draw(st.lists(_LABELS, min_size=len(kinds), max_size=len(kinds)))
    frame.columns = pd.Index(_objects(labels), dtype=object, tupleize_cols=False)
    levels = draw(st.lists(st.sampled_from(sorted(set(ARRAYS) - {"float16", "sparse", "object"})), max_size=2))
    names = draw(st.lists(_LABELS, min_size=len(levels), max_size=len(levels)))
    arrays = [_index(draw(ARRAYS[level](rows))) for level in levels]
    if len(arrays) == 1:
        frame.index = arrays[0].rename(names[0])
    elif arrays:
        frame.index = pd.MultiIndex.from_arrays(arrays, names=names)
    frame.attrs = draw(st.dictionaries(_TEXT | st.integers(), _CELLS, max_size=2))
    return frame


@st.composite
def data_series(draw: st.DrawFn, max_rows: int = 4) -> pd.Series:
    """Return a strategy of Series with values, indexes, names and attrs of every kind."""
    frame = draw(data_frames(max_rows=max_rows, max_columns=1).filter(lambda drawn: drawn.shape[1] == 1))
    series = frame.iloc[:, 0]
    series.attrs = frame.attrs
    return series


def _column(array: Any) -> pd.Series:
    return pd.Series(array, dtype=getattr(array, "dtype", None))


def _index(array: Any) -> pd.Index:
    return pd.Index(array, dtype=array.dtype)

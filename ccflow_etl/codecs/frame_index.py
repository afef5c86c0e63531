"""A pandas Index to Arrow arrays and back; short ones (labels, categories) to JSON as a whole."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import Refusal, type_name
from .frame_columns import Spec, decode_column, encode_column, physical_type
from .frame_json import array_to_json, json_to_array
from .tagged import from_tagged, to_tagged

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def encode_index(index: "pd.Index") -> "tuple[Spec, list[pa.Array | pa.ChunkedArray]]":
    """Return the spec of an Index and its Arrow arrays: none for a RangeIndex, one for each level of a MultiIndex.

    Raises:
        Refusal: If the index, its name or its freq cannot be kept exactly.

    >>> import pandas as pd
    >>> encode_index(pd.RangeIndex(3, name="row"))
    ({'class': 'range', 'start': 0, 'stop': 3, 'step': 1, 'name': 'row'}, [])
    """
    import pandas as pd

    if type(index) is pd.RangeIndex:
        bounds = {"start": index.start, "stop": index.stop, "step": index.step}
        return {"class": "range", **bounds, "name": keep_label(index.name)}, []
    if type(index) is pd.MultiIndex:
        return _encode_multi(index)
    if type(index) not in _flat_classes():
        raise Refusal(f"is a {type_name(index)}, which is not supported; convert it first")
    spec, array = encode_column(index.array)
    return {"class": "flat", "columns": [spec], "names": [keep_label(index.name)], "freq": _freq(index)}, [array]


def decode_index(spec: Spec, columns: "Sequence[pa.ChunkedArray]") -> "pd.Index":
    """Return the Index that ``encode_index`` was given."""
    import pandas as pd

    if spec["class"] == "multi":
        return _decode_multi(spec, columns)
    if spec["class"] == "range":
        return pd.RangeIndex(spec["start"], spec["stop"], spec["step"], name=from_tagged(spec["name"]))
    (array,) = [decode_column(one, column) for one, column in zip(spec["columns"], columns, strict=True)]
    index = pd.Index(array, dtype=array.dtype)
    if spec["freq"]:
        index = _with_freq(index, spec["freq"])
    return index.rename(from_tagged(spec["names"][0]))


def inline_index(index: "pd.Index") -> Spec:
    """Return an Index with all its values as JSON; takes memory for each value, so it is for short ones.

    >>> import pandas as pd
    >>> inline_index(pd.Index([2.5]))["values"]
    [['2.5']]
    """
    spec, arrays = encode_index(index)
    return {**spec, "values": [array_to_json(array) for array in arrays]}


def outline_index(spec: Spec) -> "pd.Index":
    """Return the Index that ``inline_index`` was given."""
    import pyarrow as pa

    return decode_index(spec, [pa.chunked_array([array]) for array in inlined_arrays(spec)])


def inlined_arrays(spec: Spec) -> "list[pa.Array]":
    """Return the Arrow arrays of an Index that was inlined: none for a RangeIndex."""
    kinds = map(physical_type, spec.get("columns", []))
    return list(map(json_to_array, spec["values"], kinds))


def keep_label(label: Any) -> Any:
    """Return the name of a Series, an Index or a level as JSON, which ``from_tagged`` undoes, else raise ``Refusal``.

    >>> keep_label("ticker"), keep_label(None), keep_label(("a", 0))
    ('ticker', None, {'tuple': ['a', 0]})
    """
    try:
        return to_tagged(label)
    except Refusal as refusal:
        raise Refusal(f"has a name that cannot be kept: it {refusal.reason}") from refusal


def _encode_multi(index: "pd.MultiIndex") -> "tuple[Spec, list[pa.Array | pa.ChunkedArray]]":
    import pyarrow as pa

    bare = index.set_names([None] * index.nlevels)  # an int for a name would be taken for a level's number
    pairs = [encode_column(level.array) for level in bare.levels]
    spec = {
        "class": "multi",
        "columns": [spec for spec, _ in pairs],
        "names": [keep_label(name) for name in index.names],
        "levels": [
            None if _follows_from_values(level, codes) else inline_index(level)
            for level, codes in zip(bare.levels, bare.codes, strict=True)
        ],
    }
    places = (pa.array(codes, mask=codes < 0) for codes in bare.codes)
    return spec, [level.take(codes) for (_, level), codes in zip(pairs, places, strict=True)]


def _decode_multi(spec: Spec, columns: "Sequence[pa.ChunkedArray]") -> "pd.MultiIndex":
    import pandas as pd
    import pyarrow as pa

    levels, codes = [], []
    for inlined, column_spec, column in zip(spec["levels"], spec["columns"], columns, strict=True):
        if inlined is None:
            values = decode_column(column_spec, pa.chunked_array([column.unique().drop_null()]))
            levels.append(pd.Index(values, dtype=values.dtype).sort_values())
        else:
            levels.append(outline_index(inlined))
        codes.append(places_among(column, levels[-1]))
    return pd.MultiIndex(levels, codes, names=list(map(from_tagged, spec["names"])))


def places_among(column: "pa.ChunkedArray | pa.Array", values: "pd.Index") -> Any:
    """Return for each value of a column its place in an Index, and -1 for a missing one.

    They are compared as they are stored, so that values which are equal in Python only, as 1 and True, stay apart.

    Raises:
        ValueError: If a value is not in the Index.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    _, known = encode_column(values.array)
    if isinstance(known, pa.ChunkedArray):
        known = known.combine_chunks()
    if pa.types.is_dictionary(known.type):
        known = known.cast(known.type.value_type)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    known = known.cast(column.type)
    if pa.types.is_floating(column.type):  # there are many NaNs, and they are looked up by their bits
        nan = pa.scalar(float("nan"), column.type)
        column, known = (pc.if_else(pc.is_nan(values), nan, values) for values in (column, known))
    places = pc.index_in(column, known, skip_nulls=True)
    if places.null_count > column.null_count:
        raise ValueError("a column has values that are not among its categories or levels")
    return np.asarray(places.fill_null(-1))


def _flat_classes() -> tuple[type, ...]:
    import pandas as pd

    times = (pd.DatetimeIndex, pd.TimedeltaIndex, pd.PeriodIndex)
    return (pd.Index, *times, pd.IntervalIndex, pd.CategoricalIndex)


def _follows_from_values(level: "pd.Index", codes: Any) -> bool:
    """Return whether a level has just the values that occur, sorted, as pandas makes it from them."""
    import pandas as pd

    if type(level) in (pd.RangeIndex, pd.CategoricalIndex) or getattr(level, "freq", None) is not None:
        return False
    used = np.zeros(len(level), dtype=bool)
    used[codes[codes >= 0]] = True
    return bool(used.all()) and level.is_monotonic_increasing


def _with_freq(index: "pd.Index", freq: str) -> "pd.Index":
    """Return the index with a freq, which is that of its values."""
    import pandas as pd

    if isinstance(index, pd.DatetimeIndex) and len(index):
        offset = pd.tseries.frequencies.to_offset(freq)
        if isinstance(offset, pd.offsets.Tick):  # several times faster than pandas, which infers it from the values
            made = pd.date_range(index[0], periods=len(index), freq=offset, unit=index.unit)
            if made.dtype == index.dtype and made.equals(index):
                return made
    return type(index)(index, freq=freq)


def _freq(index: "pd.Index") -> str | None:
    """Return the freq of a time index as text from which pandas makes an equal one."""
    if getattr(index, "freq", None) is None:
        return None
    text = str(index.freqstr)
    try:
        # Of an array that has a freq, which a view has not, not every pandas looks at the instants.
        remade = type(index)(index.array.view(), freq=text).freq
    except ValueError as error:
        raise Refusal(f"has the freq {index.freq!r}, which has no text form ({error}); remove it first") from error
    if remade != index.freq or type(remade) is not type(index.freq):
        raise Refusal(f"has the freq {index.freq!r}, which would become {remade!r}; remove it first")
    return text

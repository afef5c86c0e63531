"""A pandas Index to Arrow arrays and back; short ones (labels, categories) to JSON as a whole."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .errors import Refusal, type_name
from .frame_columns import Spec, decode_column, encode_column, physical_type

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
    if type(index) not in (pd.Index, pd.DatetimeIndex, pd.TimedeltaIndex, pd.CategoricalIndex):
        raise Refusal(f"is a {type_name(index)}, which is not supported; convert it first")
    spec, array = encode_column(index.array)
    return {"class": "flat", "columns": [spec], "names": [keep_label(index.name)], "freq": _freq(index)}, [array]


def decode_index(spec: Spec, columns: "Sequence[pa.ChunkedArray]") -> "pd.Index":
    """Return the Index that ``encode_index`` was given."""
    import pandas as pd

    if spec["class"] == "range":
        return pd.RangeIndex(spec["start"], spec["stop"], spec["step"], name=spec["name"])
    arrays = [decode_column(column_spec, column) for column_spec, column in zip(spec["columns"], columns, strict=True)]
    values = [pd.Index(array, dtype=array.dtype) for array in arrays]
    if spec["class"] == "multi":
        return _decode_multi(spec, values)
    (index,) = values
    if spec["freq"]:
        index = type(index)(index, freq=spec["freq"])
    return index.rename(spec["names"][0])


def inline_index(index: "pd.Index") -> Spec:
    """Return an Index with all its values as JSON; takes memory for each value, so it is for short ones.

    >>> import pandas as pd
    >>> inline_index(pd.Index([2.5]))["values"]
    [['2.5']]
    """
    spec, arrays = encode_index(index)
    return {**spec, "values": [_to_json(array) for array in arrays]}


def outline_index(spec: Spec) -> "pd.Index":
    """Return the Index that ``inline_index`` was given."""
    import pyarrow as pa

    if spec["class"] == "range":
        return decode_index(spec, [])
    kinds = map(physical_type, spec["columns"])
    arrays = map(_from_json, spec["values"], kinds)
    return decode_index(spec, [pa.chunked_array([array]) for array in arrays])


def keep_label(label: Any) -> str | int | None:
    """Return the name of a Series, an Index or a level if JSON keeps it, else raise ``Refusal``.

    >>> keep_label("ticker"), keep_label(None), keep_label(0)
    ('ticker', None, 0)
    """
    if label is None or type(label) in (str, int):
        kept: str | int | None = label
        return kept
    raise Refusal(f"has the name {label!r} of type {type_name(label)}; a name is str, int or None")


def _encode_multi(index: "pd.MultiIndex") -> "tuple[Spec, list[pa.Array | pa.ChunkedArray]]":
    bare = index.set_names([None] * index.nlevels)  # an int for a name would be taken for a level's number
    pairs = [encode_column(bare.get_level_values(number).array) for number in range(index.nlevels)]
    spec = {
        "class": "multi",
        "columns": [spec for spec, _ in pairs],
        "names": [keep_label(name) for name in index.names],
        "levels": [
            None if _follows_from_values(level, codes) else inline_index(level)
            for level, codes in zip(bare.levels, bare.codes, strict=True)
        ],
    }
    return spec, [array for _, array in pairs]


def _decode_multi(spec: Spec, values: "list[pd.Index]") -> "pd.MultiIndex":
    import numpy as np
    import pandas as pd

    levels, codes = [], []
    for inlined, level_values in zip(spec["levels"], values, strict=True):
        if inlined is None:
            factorized = pd.MultiIndex.from_arrays([level_values])
            levels.append(factorized.levels[0])
            codes.append(factorized.codes[0])
        else:
            levels.append(outline_index(inlined))
            codes.append(np.where(level_values.isna(), -1, levels[-1].get_indexer(level_values)))
    return pd.MultiIndex(levels, codes, names=spec["names"])


def _follows_from_values(level: "pd.Index", codes: Any) -> bool:
    """Return whether a level has just the values that occur, sorted, as pandas makes it from them."""
    import numpy as np
    import pandas as pd

    if type(level) in (pd.RangeIndex, pd.CategoricalIndex) or getattr(level, "freq", None) is not None:
        return False
    used = np.zeros(len(level), dtype=bool)
    used[codes[codes >= 0]] = True
    return bool(used.all()) and level.is_monotonic_increasing


def _freq(index: "pd.Index") -> str | None:
    """Return the freq of a time index as text from which pandas makes an equal one."""
    if getattr(index, "freq", None) is None:
        return None
    text = str(index.freqstr)
    try:
        remade = type(index)(index.array, freq=text).freq
    except ValueError as error:
        raise Refusal(f"has the freq {index.freq!r}, which has no text form ({error}); remove it first") from error
    if remade != index.freq or type(remade) is not type(index.freq):
        raise Refusal(f"has the freq {index.freq!r}, which would become {remade!r}; remove it first")
    return text


def _to_json(array: "pa.Array | pa.ChunkedArray") -> list[Any]:
    import pyarrow as pa

    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if pa.types.is_temporal(array.type):
        array = array.cast(pa.int64())
    values: list[Any] = array.to_pylist()
    if pa.types.is_floating(array.type):  # as text, because JSON has no infinities
        return [None if value is None else repr(float(value)) for value in values]
    return values


def _from_json(values: list[Any], kind: "pa.DataType") -> "pa.Array":
    import pyarrow as pa

    if pa.types.is_floating(kind):
        return pa.array([None if value is None else float(value) for value in values], kind)
    if pa.types.is_temporal(kind):
        return pa.array(values, pa.int64()).cast(kind)
    return pa.array(values, kind.value_type if pa.types.is_dictionary(kind) else kind)

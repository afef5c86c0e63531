"""Columns of periods and of intervals."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from .frame_columns import ColumnKind, Spec, decode_column, encode_column, physical_type
from .frame_json import array_to_json, json_to_array
from .frame_text import text_array

if TYPE_CHECKING:
    import pyarrow as pa

_NAT = np.iinfo("int64").min


class PeriodKind(ColumnKind):
    """Periods, as how many there are since 1970; NaT is a null.

    >>> import pandas as pd
    >>> PeriodKind().encode(pd.array(["1970-03", None], dtype="period[M]"))[1].to_pylist()
    [2, None]
    """

    def accepts(self, dtype: Any) -> bool:
        """Return whether it is such a dtype."""
        import pandas as pd

        return isinstance(dtype, pd.PeriodDtype)

    def encode(self, array: Any) -> tuple[Spec, "pa.Array"]:
        """Return the numbers of the periods."""
        import pyarrow as pa

        numbers = np.asarray(array.asi8)
        return {"freq": array.freqstr}, pa.array(numbers, mask=numbers == _NAT)

    def physical_type(self, spec: Spec) -> "pa.DataType":
        """Return whole numbers."""
        import pyarrow as pa

        return pa.int64()

    def decode(self, spec: Spec, column: "pa.ChunkedArray") -> Any:
        """Return a PeriodArray."""
        import pandas as pd

        # a copy, because pandas makes none of such an array when it goes into a DataFrame
        numbers = column.fill_null(_NAT).to_numpy().copy()
        return pd.PeriodIndex.from_ordinals(numbers, freq=spec["freq"]).array


class IntervalKind(ColumnKind):
    """Intervals, as text with a list of both ends; a missing one is a null.

    >>> import pandas as pd
    >>> IntervalKind().encode(pd.arrays.IntervalArray.from_breaks([0, 1, 2]))[1].to_pylist()
    ['[0,1]', '[1,2]']
    """

    def accepts(self, dtype: Any) -> bool:
        """Return whether it is such a dtype."""
        import pandas as pd

        return isinstance(dtype, pd.IntervalDtype)

    def encode(self, array: Any) -> tuple[Spec, "pa.Array"]:
        """Return the ends as JSON."""
        ends, left = encode_column(array.left.array)
        _, right = encode_column(array.right.array)
        pairs = zip(array_to_json(left), array_to_json(right), array.isna(), strict=True)
        cells = [None if missing else json.dumps([low, high], separators=(",", ":")) for low, high, missing in pairs]
        return {"closed": array.closed, "ends": ends}, text_array(cells)

    def physical_type(self, spec: Spec) -> "pa.DataType":
        """Return Arrow's text type without a 2 GB limit."""
        import pyarrow as pa

        return pa.large_string()

    def decode(self, spec: Spec, column: "pa.ChunkedArray") -> Any:
        """Return an IntervalArray."""
        import pandas as pd
        import pyarrow as pa

        kind = physical_type(spec["ends"])
        missing = ["nan"] * 2 if pa.types.is_floating(kind) else [None] * 2
        pairs = [missing if cell is None else json.loads(cell) for cell in column.to_pylist()]
        left, right = (pa.chunked_array([json_to_array([pair[side] for pair in pairs], kind)], kind) for side in (0, 1))
        ends = (decode_column(spec["ends"], side) for side in (left, right))
        return pd.arrays.IntervalArray.from_arrays(*map(pd.Index, ends), closed=spec["closed"])

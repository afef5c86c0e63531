"""All columns of a DataFrame at once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .frame_columns import Spec, decode_column, plain_column

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def decode_columns(specs: Sequence[Spec], columns: "Sequence[pa.ChunkedArray]", rows: int) -> "pd.DataFrame":
    """Return the columns as a DataFrame with their places for labels, and nothing of it shared with them.

    Arrow makes pandas' blocks of numbers and times in one parallel pass; other columns are decoded one by one.

    Raises:
        ValueError: If a spec and its column do not fit together.

    >>> import pyarrow as pa
    >>> decode_columns([{"kind": "numpy", "dtype": "int64"}], [pa.chunked_array([[7, 8]])], rows=2)
       0
    0  7
    1  8
    """
    import pandas as pd
    import pyarrow as pa

    if columns and len(columns[0]) != rows:
        raise ValueError(f"the length of index ({rows}) is not that of the columns ({len(columns[0])})")
    plain: dict[str, pa.ChunkedArray] = {}
    others: dict[int, pd.Series] = {}
    for place, (spec, column) in enumerate(zip(specs, columns, strict=True)):
        kept = plain_column(spec, column)
        if kept is not None:
            plain[str(place)] = kept
        else:
            array = decode_column(spec, column)
            # a Series for objects, because from a bare array pandas infers a dtype
            others[place] = pd.Series(array, dtype=array.dtype, copy=False)
    parts = [pd.DataFrame(others, index=pd.RangeIndex(rows))]
    if plain:
        parts.append(pa.table(plain).to_pandas().set_axis(list(map(int, plain)), axis=1))
    frame = pd.concat(parts, axis=1)
    return frame.take(frame.columns.argsort(), axis=1)

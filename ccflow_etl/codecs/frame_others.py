"""Columns of complex numbers, sparse columns, and columns of Arrow's own types."""

import base64
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import Refusal
from .frame_columns import ColumnKind, Spec, decode_column, encode_column, physical_type
from .frame_text import text_array
from .tagged import from_tagged, to_tagged

if TYPE_CHECKING:
    import pyarrow as pa


class ComplexKind(ColumnKind):
    """Complex numbers, as text.

    >>> ComplexKind().encode(np.array([1 + 2j]))[1].to_pylist()
    ['(1+2j)']
    """

    def accepts(self, dtype: Any) -> bool:
        """Return whether it is such a dtype of two 32-bit or 64-bit floats."""
        return isinstance(dtype, np.dtype) and dtype.kind == "c" and dtype.isnative and dtype.itemsize <= 16

    def encode(self, array: Any) -> tuple[Spec, "pa.Array"]:
        """Return the numbers as Python writes them."""
        return {"dtype": str(array.dtype)}, text_array([str(complex(value)) for value in np.asarray(array)])

    def physical_type(self, spec: Spec) -> "pa.DataType":
        """Return Arrow's text type without a 2 GB limit."""
        import pyarrow as pa

        return pa.large_string()

    def decode(self, spec: Spec, column: "pa.ChunkedArray") -> Any:
        """Return a numpy array."""
        return np.array(list(map(complex, column.to_pylist())), dtype=spec["dtype"])


class SparseKind(ColumnKind):
    """Sparse columns, with all their values.

    >>> import pandas as pd
    >>> SparseKind().encode(pd.arrays.SparseArray([0, 7, 0]))[1].to_pylist()
    [0, 7, 0]
    """

    def accepts(self, dtype: Any) -> bool:
        """Return whether it is such a dtype."""
        import pandas as pd

        return isinstance(dtype, pd.SparseDtype)

    def encode(self, array: Any) -> tuple[Spec, "pa.Array | pa.ChunkedArray"]:
        """Return the values as those of a dense column."""
        dense, values = encode_column(np.asarray(array.to_dense()))
        fill = {"subtype": array.dtype.subtype.str, "fill": to_tagged(array.fill_value), "index": array.kind}
        return {**fill, "dense": dense}, values

    def physical_type(self, spec: Spec) -> "pa.DataType":
        """Return the type of the dense values."""
        return physical_type(spec["dense"])

    def decode(self, spec: Spec, column: "pa.ChunkedArray") -> Any:
        """Return a SparseArray."""
        import pandas as pd

        dtype = pd.SparseDtype(np.dtype(spec["subtype"]), from_tagged(spec["fill"]))
        dense = np.asarray(decode_column(spec["dense"], column))
        return pd.arrays.SparseArray(dense, dtype=dtype, fill_value=dtype.fill_value, kind=spec["index"])


class ArrowKind(ColumnKind):
    """pandas' columns of Arrow types, ``int64[pyarrow]`` and so on.

    >>> import pandas as pd
    >>> ArrowKind().encode(pd.array([1, None], dtype="int64[pyarrow]"))[1].to_pylist()
    [1, None]
    """

    def accepts(self, dtype: Any) -> bool:
        """Return whether it is such a dtype."""
        import pandas as pd

        return isinstance(dtype, pd.ArrowDtype)

    def encode(self, array: Any) -> tuple[Spec, "pa.Array | pa.ChunkedArray"]:
        """Return the values, in the next finer type where Parquet does not have their own."""
        import pyarrow as pa

        field = pa.schema([pa.field("", array.dtype.pyarrow_dtype)])
        spec = {"type": base64.b64encode(field.serialize()).decode()}
        try:
            return spec, array.__arrow_array__().cast(self.physical_type(spec))
        except pa.ArrowInvalid as error:
            raise Refusal(f"has values too far away for milliseconds: {error}") from error

    def physical_type(self, spec: Spec) -> "pa.DataType":
        """Return the type itself, or with milliseconds where it has seconds."""
        import pyarrow as pa

        kind = _arrow_type(spec)
        if pa.types.is_timestamp(kind) and kind.unit == "s":
            return pa.timestamp("ms", kind.tz)
        if pa.types.is_time32(kind):
            return pa.time32("ms")
        return pa.timestamp("ms") if pa.types.is_date64(kind) else kind

    def decode(self, spec: Spec, column: "pa.ChunkedArray") -> Any:
        """Return an ArrowExtensionArray."""
        import pandas as pd

        return pd.arrays.ArrowExtensionArray(column.cast(_arrow_type(spec)))


def _arrow_type(spec: Spec) -> "pa.DataType":
    import pyarrow as pa

    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(spec["type"], validate=True))).field(0).type

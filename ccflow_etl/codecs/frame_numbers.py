"""Columns of numbers and booleans: numpy's own and pandas' nullable ones."""

from typing import TYPE_CHECKING, Any

import numpy as np

from .frame_columns import ColumnKind, Spec

if TYPE_CHECKING:
    import pyarrow as pa


class NumpyKind(ColumnKind):
    """Integers, floats and booleans of numpy, in the machine's byte order; NaN is a value, not a null.

    >>> spec, array = NumpyKind().encode(np.array([1.5, np.nan]))
    >>> spec, array.null_count
    ({'dtype': 'float64'}, 0)
    """

    def accepts(self, dtype: Any) -> bool:
        """Return whether it is such a dtype; Arrow has no longer floats than 64 bits."""
        return isinstance(dtype, np.dtype) and dtype.kind in "iufb" and dtype.isnative and dtype.itemsize <= 8

    def encode(self, array: Any) -> tuple[Spec, "pa.Array"]:
        """Return the values as they are."""
        import pyarrow as pa

        return {"dtype": str(array.dtype)}, pa.array(np.asarray(array), from_pandas=False)

    def physical_type(self, spec: Spec) -> "pa.DataType":
        """Return the Arrow type of the same width."""
        import pyarrow as pa

        return pa.from_numpy_dtype(np.dtype(spec["dtype"]))

    def decode(self, spec: Spec, column: "pa.ChunkedArray") -> Any:
        """Return a numpy array, possibly a read-only view of the column."""
        return self.plain(spec, column).to_numpy()

    def plain(self, spec: Spec, column: "pa.ChunkedArray") -> "pa.ChunkedArray":
        """Return the column as it is; it has no nulls."""
        if column.null_count:
            raise ValueError(f"a column of dtype {spec['dtype']} has {column.null_count} nulls")
        return column


class MaskedKind(ColumnKind):
    """pandas' nullable ``Int64``, ``Float32``, ``boolean`` and so on.

    >>> import pandas as pd
    >>> MaskedKind().encode(pd.array([1, None], dtype="Int8"))[1].to_pylist()
    [1, None]
    """

    def accepts(self, dtype: Any) -> bool:
        """Return whether it is such a dtype."""
        import pandas as pd

        masked = pd.arrays.IntegerArray, pd.arrays.FloatingArray, pd.arrays.BooleanArray
        return isinstance(dtype, pd.api.extensions.ExtensionDtype) and issubclass(dtype.construct_array_type(), masked)

    def encode(self, array: Any) -> tuple[Spec, "pa.Array"]:
        """Return the values, with nulls for NA and NaN for NaN."""
        import pyarrow as pa

        return {"dtype": str(array.dtype)}, pa.array(array)

    def physical_type(self, spec: Spec) -> "pa.DataType":
        """Return the Arrow type of the same width."""
        import pandas as pd
        import pyarrow as pa

        return pa.from_numpy_dtype(pd.api.types.pandas_dtype(spec["dtype"]).numpy_dtype)

    def decode(self, spec: Spec, column: "pa.ChunkedArray") -> Any:
        """Return the nullable array, possibly of read-only views of the column."""
        import pandas as pd

        values = column.fill_null(False if column.type == "bool" else 0).to_numpy()
        mask = column.is_null().to_numpy()
        array_type = pd.api.types.pandas_dtype(spec["dtype"]).construct_array_type()
        return array_type(values, mask)

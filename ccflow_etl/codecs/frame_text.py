"""Columns of text: pandas' string dtypes."""

from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import Refusal
from .frame_columns import ColumnKind, Spec

if TYPE_CHECKING:
    import pyarrow as pa


class StringKind(ColumnKind):
    """pandas' ``str`` and ``string``, with either storage and either missing value.

    >>> import pandas as pd
    >>> StringKind().encode(pd.array(["a", None], dtype="string[python]"))[0]
    {'storage': 'python', 'missing': 'NA'}
    """

    def accepts(self, dtype: Any) -> bool:
        """Return whether it is such a dtype."""
        import pandas as pd

        return isinstance(dtype, pd.StringDtype)

    def encode(self, array: Any) -> tuple[Spec, "pa.Array | pa.ChunkedArray"]:
        """Return the text, with nulls for missing values."""
        import pandas as pd

        missing = "NA" if array.dtype.na_value is pd.NA else "nan"
        return {"storage": array.dtype.storage.removesuffix("_numpy"), "missing": missing}, text_array(array)

    def physical_type(self, spec: Spec) -> "pa.DataType":
        """Return Arrow's text type without a 2 GB limit."""
        import pyarrow as pa

        return pa.large_string()

    def decode(self, spec: Spec, column: "pa.ChunkedArray") -> Any:
        """Return the string array."""
        import pandas as pd

        if spec["missing"] == "NA":
            dtype = pd.StringDtype(spec["storage"])
        else:
            try:
                dtype = pd.StringDtype(spec["storage"], na_value=np.nan)
            except TypeError:  # before pandas 2.3 there is one such dtype, with a storage name of its own
                dtype = pd.StringDtype("pyarrow_numpy")
        return dtype.__from_arrow__(column)


def text_array(array: Any) -> "pa.Array | pa.ChunkedArray":
    """Return text as an Arrow array, with nulls for missing values.

    Raises:
        Refusal: If it is not valid Unicode.
    """
    import pyarrow as pa

    try:
        return pa.array(array, pa.large_string(), from_pandas=True)
    except UnicodeEncodeError as error:
        raise Refusal(f"has text that is not valid Unicode ({error})") from error

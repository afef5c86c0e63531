"""Columns of text: pandas' string dtypes, and object columns that hold nothing but str."""

from typing import TYPE_CHECKING, Any, ClassVar

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

    name: ClassVar[str] = "string"

    def accepts(self, dtype: Any) -> bool:
        """Return whether it is such a dtype."""
        import pandas as pd

        return isinstance(dtype, pd.StringDtype)

    def encode(self, array: Any) -> tuple[Spec, "pa.Array | pa.ChunkedArray"]:
        """Return the text, with nulls for missing values."""
        import pandas as pd

        missing = "NA" if array.dtype.na_value is pd.NA else "nan"
        return {"storage": array.dtype.storage.removesuffix("_numpy"), "missing": missing}, _text(array)

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


class ObjectKind(ColumnKind):
    """``object`` columns of ``str``, with either None or NaN for missing values.

    >>> ObjectKind().encode(np.array(["a", None], dtype=object))[0]
    {'missing': 'None'}
    >>> ObjectKind().encode(np.array(["a", 1], dtype=object))
    Traceback (most recent call last):
    ...
    ccflow_etl.codecs.errors.Refusal: it has the dtype object with values of type int; only str, with None or NaN for \
missing, is supported
    """

    name: ClassVar[str] = "object"

    def accepts(self, dtype: Any) -> bool:
        """Return whether it is ``object``."""
        return isinstance(dtype, np.dtype) and dtype.kind == "O"

    def encode(self, array: Any) -> tuple[Spec, "pa.Array | pa.ChunkedArray"]:
        """Return the text, with nulls for missing values."""
        values = np.asarray(array)
        kinds = set(map(type, values)) - {str}
        others = [kind.__name__ for kind in kinds - {float, type(None)}]
        if float in kinds and any(value == value for value in values if type(value) is float):
            others.append("float")
        if others:
            raise Refusal(
                f"has the dtype object with values of type {', '.join(sorted(others))}; "
                "only str, with None or NaN for missing, is supported"
            )
        if len(kinds) > 1:
            raise Refusal("has the dtype object with both None and NaN in it; use one of them for missing values")
        return {"missing": "nan" if float in kinds else "None"}, _text(values)

    def physical_type(self, spec: Spec) -> "pa.DataType":
        """Return Arrow's text type without a 2 GB limit."""
        import pyarrow as pa

        return pa.large_string()

    def decode(self, spec: Spec, column: "pa.ChunkedArray") -> Any:
        """Return a numpy array of objects."""
        values = column.to_numpy()
        if spec["missing"] == "nan":
            values[column.is_null().to_numpy()] = np.nan
        return values


def _text(array: Any) -> "pa.Array | pa.ChunkedArray":
    import pyarrow as pa

    try:
        return pa.array(array, pa.large_string(), from_pandas=True)
    except UnicodeEncodeError as error:
        raise Refusal(f"has text that is not valid Unicode ({error})") from error

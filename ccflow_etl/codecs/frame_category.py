"""Categorical columns."""

from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import Refusal
from .frame_columns import ColumnKind, Spec, encode_column, physical_type
from .frame_index import inline_index, outline_index, places_among

if TYPE_CHECKING:
    import pyarrow as pa


class CategoryKind(ColumnKind):
    """Categoricals: the values in the column, and all categories in their order in the spec.

    Text is dictionary encoded, so that other readers see a categorical too.

    >>> import pandas as pd
    >>> spec, array = CategoryKind().encode(pd.Categorical(["b", "b"], categories=["c", "b"], ordered=True))
    >>> spec["ordered"], spec["categories"]["values"], array.to_pylist()
    (True, [['c', 'b']], ['b', 'b'])
    """

    def accepts(self, dtype: Any) -> bool:
        """Return whether it is categorical."""
        import pandas as pd

        return isinstance(dtype, pd.CategoricalDtype)

    def encode(self, array: Any) -> tuple[Spec, "pa.Array"]:
        """Return the values, with nulls for missing ones."""
        import pyarrow as pa

        try:
            categories = inline_index(array.categories)
            value_spec, values = encode_column(array.categories.array)
        except Refusal as refusal:
            raise Refusal(f"has categories that cannot be kept: its Index {refusal.reason}") from refusal
        spec = {"ordered": bool(array.ordered), "categories": categories, "value": value_spec}
        codes = np.asarray(array.codes)
        missing = codes < 0
        indices = pa.array(codes.astype("int32"), mask=missing if missing.any() else None)  # a mask makes a copy
        dictionary_type = self.physical_type(spec)
        if not pa.types.is_dictionary(dictionary_type):
            return spec, values.take(indices)
        values = values.cast(dictionary_type.value_type)
        return spec, pa.DictionaryArray.from_arrays(indices, values, ordered=dictionary_type.ordered)

    def physical_type(self, spec: Spec) -> "pa.DataType":
        """Return a dictionary type for text, else the type of the categories."""
        import pyarrow as pa

        value_type = physical_type(spec["value"])
        if pa.types.is_large_string(value_type):
            # string, because Parquet gives back no other text in a dictionary
            return pa.dictionary(pa.int32(), pa.string(), ordered=spec["ordered"])
        return value_type

    def decode(self, spec: Spec, column: "pa.ChunkedArray") -> Any:
        """Return the categorical."""
        import pandas as pd
        import pyarrow as pa

        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        chunks = column.unify_dictionaries().chunks
        categories = outline_index(spec["categories"])
        codes = np.empty(0, dtype="int32")
        if chunks:
            # one place more, which is -1, for nulls
            code_of = np.append(places_among(chunks[0].dictionary, categories), -1)
            code_of = code_of.astype(np.min_scalar_type(-1 - len(categories)))
            places = [chunk.indices.fill_null(len(code_of) - 1).to_numpy() for chunk in chunks]
            codes = code_of[np.concatenate(places)]
        return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(categories, spec["ordered"]))

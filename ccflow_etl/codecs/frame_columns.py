"""One pandas array to one Arrow array and back, by the kind of its dtype."""

from abc import ABC, abstractmethod
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import Refusal

if TYPE_CHECKING:
    import pyarrow as pa

Spec = dict[str, Any]
"""What has to be known, besides the Arrow array, to make the pandas array again; plain JSON."""

_LOCATIONS = {
    "numpy": "frame_numbers:NumpyKind",
    "masked": "frame_numbers:MaskedKind",
    "datetime": "frame_times:DatetimeKind",
    "timedelta": "frame_times:TimedeltaKind",
    "string": "frame_text:StringKind",
    "object": "frame_objects:ObjectKind",
    "category": "frame_category:CategoryKind",
    "period": "frame_spans:PeriodKind",
    "interval": "frame_spans:IntervalKind",
    "complex": "frame_others:ComplexKind",
    "sparse": "frame_others:SparseKind",
    "arrow": "frame_others:ArrowKind",
}


class ColumnKind(ABC):
    """How arrays of one family of dtypes are kept; instances hold no state."""

    @abstractmethod
    def accepts(self, dtype: Any) -> bool:
        """Return whether arrays of this dtype are of this kind."""

    @abstractmethod
    def encode(self, array: Any) -> tuple[Spec, "pa.Array | pa.ChunkedArray"]:
        """Return what makes the array again, or raise ``Refusal``; a missing value is a null."""

    @abstractmethod
    def physical_type(self, spec: Spec) -> "pa.DataType":
        """Return the Arrow type of the arrays that ``encode`` makes with this spec."""

    @abstractmethod
    def decode(self, spec: Spec, column: "pa.ChunkedArray") -> Any:
        """Return the array: a pandas extension array or a numpy array."""

    def plain(self, spec: Spec, column: "pa.ChunkedArray") -> "pa.ChunkedArray | None":
        """Return the column in the type of which Arrow itself makes the numpy array, or None if there is none."""
        return None


def encode_column(array: Any) -> tuple[Spec, "pa.Array | pa.ChunkedArray"]:
    """Return the spec and the Arrow array of one pandas array.

    Raises:
        Refusal: If arrays of this dtype, or one of its values, cannot be kept exactly.

    >>> import pandas as pd
    >>> encode_column(pd.array([1, 2], dtype="int16"))[0]
    {'kind': 'numpy', 'dtype': 'int16'}
    """
    import numpy as np
    import pandas as pd

    if type(array) is pd.arrays.NumpyExtensionArray:  # a wrapper, which no dtype shows
        array = np.asarray(array)
    for name in _LOCATIONS:
        kind = _kind(name)
        if kind.accepts(array.dtype):
            spec, encoded = kind.encode(array)
            return {"kind": name, **spec}, encoded
    raise Refusal(f"has the dtype {array.dtype}, which is not supported; convert it first")


def decode_column(spec: Spec, column: "pa.ChunkedArray") -> Any:
    """Return the pandas or numpy array that ``encode_column`` was given.

    Raises:
        ValueError: If spec and column do not fit together.
    """
    kind = _kind(spec["kind"])
    return kind.decode(spec, column.cast(kind.physical_type(spec)))


def plain_column(spec: Spec, column: "pa.ChunkedArray") -> "pa.ChunkedArray | None":
    """Return a column of which Arrow itself makes the array that ``decode_column`` returns, or None.

    Raises:
        ValueError: If spec and column do not fit together.
    """
    kind = _kind(spec["kind"])
    return kind.plain(spec, column.cast(kind.physical_type(spec)))


def physical_type(spec: Spec) -> "pa.DataType":
    """Return the Arrow type of the arrays that go with a spec."""
    return _kind(spec["kind"]).physical_type(spec)


def _kind(name: str) -> ColumnKind:
    location = _LOCATIONS.get(name)
    if location is None:
        raise ValueError(f"unknown kind of column {name!r}; it was written by a later version")
    module, _, class_name = location.partition(":")
    kind: ColumnKind = getattr(import_module(f"{__package__}.{module}"), class_name)()
    return kind

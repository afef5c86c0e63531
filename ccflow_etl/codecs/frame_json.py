"""Short Arrow arrays as lists of JSON values, and back: labels, categories, ends of intervals."""

from typing import TYPE_CHECKING, Any

from .errors import Refusal

if TYPE_CHECKING:
    import pyarrow as pa


def array_to_json(array: "pa.Array | pa.ChunkedArray") -> list[Any]:
    """Return the values as numbers, text or None; floats as text, because JSON has no infinities.

    >>> import pyarrow as pa
    >>> array_to_json(pa.array([0.5, None]))
    ['0.5', None]
    """
    import pyarrow as pa

    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if pa.types.is_temporal(array.type):
        array = array.cast(pa.int64() if array.type.bit_width == 64 else pa.int32())
    values: list[Any] = array.to_pylist()
    if pa.types.is_floating(array.type):
        return [None if value is None else repr(float(value)) for value in values]
    if not all(value is None or isinstance(value, str | int) for value in values):
        raise Refusal(f"has values of type {array.type}, which have no short text form; turn them into text")
    return values


def json_to_array(values: list[Any], kind: "pa.DataType") -> "pa.Array":
    """Return the array of a type that ``array_to_json`` was given."""
    import pyarrow as pa

    if pa.types.is_floating(kind):
        return pa.array([None if value is None else float(value) for value in values], kind)
    if pa.types.is_temporal(kind):
        return pa.array(values, pa.int64() if kind.bit_width == 64 else pa.int32()).cast(kind)
    return pa.array(values, kind.value_type if pa.types.is_dictionary(kind) else kind)

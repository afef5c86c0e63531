"""Which columns of a table the labels of a DataFrame stand for."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .frame_columns import Spec
from .frame_index import outline_index
from .frames import SPEC_KEY, Part
from .tagged import from_tagged

if TYPE_CHECKING:
    import pyarrow as pa


def frame_part(schema: "pa.Schema", labels: Sequence[Any] | None) -> Part:
    """Return the columns with these labels, in this order, and those of the index.

    Raises:
        ValueError: If there is no such label.
    """
    if labels is None:
        return Part(schema.names)
    spec = json.loads(schema.metadata[SPEC_KEY])
    fields = [column["field"] for column in spec["columns"]]
    index_fields = spec["index"]["fields"]
    there = _labels(spec)
    places: list[int] = []
    for label in labels:
        found = [place for place, known in enumerate(there) if _same(known, label)]
        if not found:
            raise ValueError(f"there is no column {label!r}; there are {there}")
        places += found
    chosen = list(dict.fromkeys(places))
    return Part([fields[place] for place in chosen] + index_fields, chosen)


def frame_filters(schema: "pa.Schema", filters: Any) -> Any:
    """Return filters with the stored name for each label, of a column or of an index level."""
    if not isinstance(filters, list | tuple):
        return filters
    spec = json.loads(schema.metadata[SPEC_KEY])
    stored = list(zip(_labels(spec), [column["field"] for column in spec["columns"]], strict=True))
    if spec["index"]["class"] != "range":
        stored += zip(map(from_tagged, spec["index"]["names"]), spec["index"]["fields"], strict=True)
    return _rename(filters, stored)


def _rename(filters: Any, stored: list[tuple[Any, str]]) -> Any:
    if isinstance(filters, list) or not (len(filters) == 3 and isinstance(filters[1], str)):
        return [_rename(item, stored) for item in filters]
    label, operator, value = filters
    for known, field in stored:
        if _same(known, label):
            return (field, operator, value)
    raise ValueError(f"there is no column {label!r} to filter by; there are {[known for known, _ in stored]}")


def _labels(spec: Spec) -> list[Any]:
    if spec["class"] == "DataFrame":
        return list(outline_index(spec["labels"]))
    name = from_tagged(spec["name"])
    return ["value" if name is None else name]


def _same(known: Any, label: Any) -> bool:
    return bool(known is label or (type(known) is type(label) and known == label))

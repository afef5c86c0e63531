"""Which columns of a table the labels of a DataFrame stand for."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .filter_values import stored_condition
from .filters import Condition, Filters, same_label
from .frame_columns import Spec
from .frame_index import outline_index
from .table_part import SPEC_KEY, Part
from .tagged import from_tagged

if TYPE_CHECKING:
    import pyarrow as pa


def frame_part(schema: "pa.Schema", labels: Sequence[Any] | None) -> Part:
    """Return the columns with these labels, in this order, and those of the index.

    Raises:
        ValueError: If there is no such label, or none is asked for of a Series.
    """
    if labels is None:
        return Part(schema.names)
    spec = json.loads(schema.metadata[SPEC_KEY])
    fields = [column["field"] for column in spec["columns"]]
    index_fields = spec["index"]["fields"]
    there = _labels(spec)
    if spec["class"] == "Series" and not labels:
        raise ValueError(f"a Series is one column and not none; ask for {there}, or leave columns out")
    places: list[int] = []
    for label in labels:
        found = [place for place, known in enumerate(there) if same_label(known, label)]
        if not found:
            raise ValueError(f"there is no column {label!r}; there are {there}")
        places += found
    chosen = list(dict.fromkeys(places))
    return Part([fields[place] for place in chosen] + index_fields, chosen)


def frame_filters(schema: "pa.Schema", filters: Filters) -> Filters:
    """Return filters with the stored name and the stored value for each label, of a column or of an index level.

    Raises:
        ValueError: If there is no such label, or its values cannot be compared as they are stored.
    """
    spec = json.loads(schema.metadata[SPEC_KEY])
    stored = [(label, column["field"], column) for label, column in zip(_labels(spec), spec["columns"], strict=True)]
    index = spec["index"]
    if index["class"] != "range":
        stored += zip(map(from_tagged, index["names"]), index["fields"], index["columns"], strict=True)
    return tuple(tuple(_stored(condition, stored, schema) for condition in alternative) for alternative in filters)


def _stored(condition: Condition, stored: list[tuple[Any, str, Spec]], schema: "pa.Schema") -> Condition:
    label, operator, value = condition
    for known, field, column in stored:
        if same_label(known, label):
            _check_comparable(label, operator, column)
            if column["kind"] == "period":
                value = _ordinal(value, column["freq"])
            return field, *stored_condition(label, schema.field(field).type, operator, value)
    raise ValueError(f"there is no column {label!r} to filter by; there are {[known for known, _, _ in stored]}")


def _check_comparable(label: Any, operator: str, column: Spec) -> None:
    """Refuse what would compare the text that values are kept as, or categories by another order than theirs."""
    kind = column["kind"]
    if kind == "category":
        if operator not in ("==", "=", "!=", "in", "not in"):
            raise ValueError(f"column {label!r} is categorical; filter it by ==, !=, in or not in, not by {operator}")
        _check_comparable(label, operator, column["value"])
    if kind in ("interval", "complex") or (kind == "object" and column["cells"] not in ("text", "date")):
        what = f"objects ({column['cells']})" if kind == "object" else f"values of kind {kind}"
        raise ValueError(f"column {label!r} holds {what}, which are kept as text and cannot be filtered by")


def _ordinal(value: Any, freq: str) -> Any:
    import pandas as pd

    if isinstance(value, tuple):
        return tuple(_ordinal(item, freq) for item in value)
    try:
        period = pd.Period(value, freq) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(f"{value!r} is not a period of freq {freq!r}: {error}") from error
    if not isinstance(period, pd.Period) or period.freqstr != freq:
        raise ValueError(f"{value!r} is not a period of freq {freq!r}, as the column holds")
    return period.ordinal


def _labels(spec: Spec) -> list[Any]:
    if spec["class"] == "DataFrame":
        return list(outline_index(spec["labels"]))
    name = from_tagged(spec["name"])
    return ["value" if name is None else name]

"""The description of a DataFrame that pandas itself writes into Parquet, for readers that know no other.

The format is documented at
https://pandas.pydata.org/docs/development/developer.html#storing-pandas-dataframe-objects-in-apache-parquet-format
"""

from typing import TYPE_CHECKING, Any

from .frame_columns import Spec

if TYPE_CHECKING:
    import pyarrow as pa


def pandas_document(payload: Any, spec: Spec, table: "pa.Table") -> Spec:
    """Return the description of a DataFrame or Series of which ``table`` has the columns.

    With it ``pandas.read_parquet`` restores the index and the extension dtypes; our own spec restores the rest.
    """
    import pandas as pd

    data_columns = list(payload.items()) if payload.ndim == 2 else [(payload.name, payload)]
    index = spec["index"]
    columns = [
        _column(str(label), table.schema.field(column["field"]), values.dtype, column)
        for (label, values), column in zip(data_columns, spec["columns"], strict=True)
    ]
    if index["class"] != "range":
        levels = payload.index.levels if index["class"] == "multi" else [payload.index]
        parts = zip(map(_name, payload.index.names), index["fields"], levels, index["columns"], strict=True)
        columns += [_column(name, table.schema.field(field), level.dtype, spec) for name, field, level, spec in parts]
    return {
        "index_columns": index["fields"] or [_range(payload.index)],
        "column_indexes": _label_dtypes(payload.columns) if payload.ndim == 2 else [],
        "columns": columns,
        "attributes": spec["attrs"] or {},
        "pandas_version": pd.__version__,
    }


def _column(name: Any, field: "pa.Field", dtype: Any, spec: Spec) -> Spec:
    pandas_type, numpy_type, metadata = _types(dtype, spec, field.type)
    return {
        "name": name,
        "field_name": field.name,
        "pandas_type": pandas_type,
        "numpy_type": numpy_type,
        "metadata": metadata,
    }


def _types(dtype: Any, spec: Spec, kept_as: "pa.DataType") -> tuple[str, str, Spec | None]:
    kind = spec["kind"]
    if kind == "datetime":
        zone = kept_as.tz
        return ("datetimetz" if zone else "datetime"), f"datetime64[{spec['unit']}]", zone and {"timezone": zone}
    if kind == "category":
        counts = {"num_categories": len(dtype.categories), "ordered": bool(dtype.ordered)}
        return "categorical", "int32", counts
    if kind in ("string", "object"):
        return ("date" if spec.get("cells") == "date" else "unicode"), str(dtype), None
    if kind in ("interval", "complex", "sparse"):
        return "object", "object", None
    if kind == "period":
        return "int64", "int64", None
    if kind == "arrow":
        return "object", _arrow_name(dtype), None
    if kind == "masked":
        return str(dtype.numpy_dtype), str(dtype), None
    return ("timedelta" if kind == "timedelta" else str(dtype)), str(dtype), None


def _arrow_name(dtype: Any) -> str:
    """Return the dtype as text if pandas makes the same of it."""
    import pandas as pd

    try:
        return str(dtype) if pd.api.types.pandas_dtype(str(dtype)) == dtype else "object"
    except (TypeError, ValueError, NotImplementedError):
        return "object"


def _range(index: Any) -> Spec:
    return {"kind": "range", "name": _name(index.name), "start": index.start, "stop": index.stop, "step": index.step}


def _label_dtypes(labels: Any) -> list[Spec]:
    """Return how labels other than text are to be read; what pandas' format has no words for stays text."""
    if labels.dtype != "int64":  # nor has a MultiIndex
        return []
    types = {"pandas_type": "int64", "numpy_type": "int64"}
    return [{"name": _name(labels.name), "field_name": _name(labels.name), **types, "metadata": None}]


def _name(name: Any) -> str | int | None:
    """Return a name as it is if this format has a form for it, else as text."""
    return name if name is None or type(name) in (str, int) else str(name)

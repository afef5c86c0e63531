"""Frames of steps and ranges as a printed table and as JSON values."""

from typing import TYPE_CHECKING, Any

from .steps import datetimes

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["records", "table"]

_SHOWN = 10  # lines of a printed table


def table(frame: "pd.DataFrame") -> str:
    """The first and last lines of a frame, without its index; nothing of an empty one.

    >>> import pandas as pd
    >>> print(table(pd.DataFrame({"start": ["2024-01-01"], "steps": [1500]})))
         start steps
    2024-01-01 1,500
    """
    if frame.empty:
        return ""
    return frame.to_string(index=False, max_rows=_SHOWN, formatters={"steps": "{:,}".format})


def records(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """A mapping for each line of a frame, with instants as ISO 8601 text.

    >>> import pandas as pd
    >>> records(pd.DataFrame({"step": pd.to_datetime(["2024-01-01"]), "attempts": [2]}))
    [{'step': '2024-01-01T00:00:00', 'attempts': 2}]
    """
    import pandas as pd

    columns = {
        name: [when.isoformat() for when in datetimes(pd.DatetimeIndex(column))]
        if pd.api.types.is_datetime64_any_dtype(column)
        else column.tolist()
        for name, column in frame.items()
    }
    return [dict(zip(columns, line, strict=True)) for line in zip(*columns.values(), strict=True)]

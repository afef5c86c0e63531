"""Frames of steps and ranges as a printed table, as one of a page, and as JSON values."""

from typing import TYPE_CHECKING, Any

from ..pages.card import Table
from .steps import datetimes

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["page_table", "records", "table"]

_SHOWN = 10  # lines of a table


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


def page_table(caption: str, frame: "pd.DataFrame") -> Table:
    """The first and last lines of a frame, without its index, for a page.

    >>> import pandas as pd
    >>> page_table("Gaps", pd.DataFrame({"start": pd.to_datetime(["2024-01-01"]), "steps": [1500]})).rows
    [('2024-01-01', '1,500')]
    """
    import pandas as pd

    shown = frame if len(frame) <= _SHOWN else pd.concat([frame.head(_SHOWN // 2), frame.tail(_SHOWN // 2)])
    numbers = frozenset(frame.select_dtypes("number").columns)
    columns = [_texts(column) for _, column in shown.items()]
    return Table(
        caption, tuple(frame.columns), list(zip(*columns, strict=True)), numbers, left_out=len(frame) - len(shown)
    )


def _texts(column: "pd.Series") -> list[str]:
    """What is not known is no text."""
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column):
        return list(column.astype(str))
    missing = column.isna()
    texts = (f"{value:,}" if isinstance(value, int) else str(value) for value in column.tolist())
    return ["" if gone else text for text, gone in zip(texts, missing, strict=True)]


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

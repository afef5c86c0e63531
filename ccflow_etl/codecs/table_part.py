"""What of a table was read, and where a table says what it was made from."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

SPEC_KEY = b"ccflow_etl"
"""The schema metadata entry that says, as JSON, which pandas object a table was made from."""


@dataclass(frozen=True, slots=True)
class Part:
    """What of a whole table was read: the columns, and the rows."""

    fields: list[str]
    """The names of the columns of the table."""

    columns: list[int] | None = None
    """For a pandas object, the places of its columns among all; None for all."""

    rows: "np.ndarray | range | None" = None
    """The places of the rows among all; None for all."""

    def at(self, rows: "np.ndarray | range") -> "Part":
        """Return the same with these rows."""
        return replace(self, rows=rows)

"""Columns of dates with times, with or without a time zone, and of durations."""

from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import Refusal
from .frame_columns import ColumnKind, Spec
from .zones import arrow_zone, zone_of, zone_spec

if TYPE_CHECKING:
    import pyarrow as pa


class DatetimeKind(ColumnKind):
    """``datetime64`` of any resolution; NaT is a null.

    Whole seconds are kept as milliseconds, because Parquet has nothing coarser.

    >>> import pandas as pd
    >>> DatetimeKind().encode(pd.array(["2024-01-03"], dtype="datetime64[s, Europe/Paris]"))[0]
    {'unit': 's', 'zone': {'class': 'zoneinfo', 'key': 'Europe/Paris'}}
    """

    def accepts(self, dtype: Any) -> bool:
        """Return whether it is such a dtype."""
        import pandas as pd

        return isinstance(dtype, pd.DatetimeTZDtype) or (isinstance(dtype, np.dtype) and dtype.kind == "M")

    def encode(self, array: Any) -> tuple[Spec, "pa.Array"]:
        """Return the instants, in UTC if there is a zone."""
        import pyarrow as pa

        zone = getattr(array.dtype, "tz", None)
        unit = getattr(array.dtype, "unit", None) or np.datetime_data(array.dtype)[0]
        spec = {"unit": unit, "zone": None if zone is None else zone_spec(zone)}
        instants = np.asarray(array.view("i8")).view(f"M8[{unit}]")
        try:
            return spec, pa.array(instants, pa.timestamp(unit)).cast(self.physical_type(spec))
        except pa.ArrowInvalid as error:
            raise Refusal(f"has instants too far away for milliseconds: {error}") from error

    def physical_type(self, spec: Spec) -> "pa.DataType":
        """Return a timestamp type, with the zone's name when Arrow has one for it."""
        import pyarrow as pa

        return pa.timestamp("ms" if spec["unit"] == "s" else spec["unit"], spec["zone"] and arrow_zone(spec["zone"]))

    def decode(self, spec: Spec, column: "pa.ChunkedArray") -> Any:
        """Return a DatetimeArray."""
        import pandas as pd

        index = pd.DatetimeIndex(_instants(spec, column).to_numpy(), copy=False)
        if spec["zone"]:
            index = index.tz_localize("UTC").tz_convert(zone_of(spec["zone"]))
        return index.array

    def plain(self, spec: Spec, column: "pa.ChunkedArray") -> "pa.ChunkedArray | None":
        """Return the instants, if there is no zone."""
        return None if spec["zone"] else _instants(spec, column)


class TimedeltaKind(ColumnKind):
    """``timedelta64`` of any resolution; NaT is a null.

    >>> TimedeltaKind().encode(np.array([90, "NaT"], dtype="m8[s]"))[1].null_count
    1
    """

    def accepts(self, dtype: Any) -> bool:
        """Return whether it is such a dtype."""
        return isinstance(dtype, np.dtype) and dtype.kind == "m"

    def encode(self, array: Any) -> tuple[Spec, "pa.Array"]:
        """Return the durations."""
        import pyarrow as pa

        unit = np.datetime_data(array.dtype)[0]
        return {"unit": unit}, pa.array(np.asarray(array.view("i8")).view(f"m8[{unit}]"), pa.duration(unit))

    def physical_type(self, spec: Spec) -> "pa.DataType":
        """Return a duration type."""
        import pyarrow as pa

        return pa.duration(spec["unit"])

    def decode(self, spec: Spec, column: "pa.ChunkedArray") -> Any:
        """Return a TimedeltaArray."""
        import pandas as pd

        return pd.TimedeltaIndex(column.to_numpy(), copy=False).array

    def plain(self, spec: Spec, column: "pa.ChunkedArray") -> "pa.ChunkedArray":
        """Return the column as it is."""
        return column


def _instants(spec: Spec, column: "pa.ChunkedArray") -> "pa.ChunkedArray":
    """Return what a column of times holds, in the unit of its dtype and without its zone."""
    import pyarrow as pa

    return column.cast(pa.timestamp(column.type.unit)).cast(pa.timestamp(spec["unit"]))

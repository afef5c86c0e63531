"""The columns and rows of a Parquet file that were asked for, within a limit."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from .arrow_threads import lent
from .filters import Filters, as_filters
from .frames import part_of, stored_filters
from .options import DecodeOptions
from .parquet_sizes import Bound, column_bound
from .table_part import Part

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_BATCH_BYTES = 1 << 25


def read_parts(data: bytes, options: DecodeOptions) -> "tuple[pa.Table, Part]":
    """Return a table of the columns and rows that were asked for, and what of the whole it is.

    Raises:
        PayloadTooLargeError: If it would take more memory than the limit allows.
        ValueError: If there is no such column.
    """
    with lent(data):
        return _read(data, options)


def _read(data: bytes, options: DecodeOptions) -> "tuple[pa.Table, Part]":
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = pa.BufferReader(data)
    file = pq.ParquetFile(source, page_checksum_verification=not options.verified)
    part = part_of(file.schema_arrow, options.columns)
    groups, keep = list(range(file.num_row_groups)), None
    if options.filters is not None:
        groups, keep, positions = _matching(source, file, options.filters)
        part = part.at(positions)
    table = read_groups(data, file, groups, part.fields, options)
    return (table if keep is None else table.filter(pa.array(keep))), part


def _matching(source: Any, file: "pq.ParquetFile", filters: Any) -> tuple[list[int], np.ndarray, np.ndarray]:
    """Return the row groups that may hold matching rows, which rows of these match, and where those are in the file."""
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

    if isinstance(filters, ds.Expression):
        condition, sure = filters, None if any(map(_is_floating, file.schema_arrow)) else filters
    else:
        alternatives = stored_filters(file.schema_arrow, as_filters(filters))
        condition, sure = pq.filters_to_expression(alternatives), _by_statistics(file.schema_arrow, alternatives)
    fragment = ds.ParquetFileFormat().make_fragment(source)
    if sure is not None:
        fragment = fragment.subset(sure)
    groups = [group.id for group in fragment.row_groups]
    kept = fragment.to_table(columns={"keep": condition})["keep"].fill_null(False)
    keep = kept.to_numpy() if len(kept) else np.empty(0, dtype=bool)
    sizes = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
    starts = np.concatenate([[0], np.cumsum(sizes, dtype="int64")])
    rows = [np.arange(starts[number], starts[number + 1]) for number in groups]
    return groups, keep, np.concatenate([np.empty(0, dtype="int64"), *rows])[keep]


def _by_statistics(schema: "pa.Schema", alternatives: Filters) -> "pa.compute.Expression | None":
    """Return a weaker condition that least and greatest values can rule out, or None if they can rule out nothing.

    They say nothing of NaN, which differs from every value, so a group that has it may match ``!=``, ``not in``, and
    ``in`` a list that has it.
    """
    import pyarrow.parquet as pq

    weaker = [
        [
            (name, operator, value)
            for name, operator, value in alternative
            if not (_is_floating(schema.field(name)) and _matches_nan(operator, value))
        ]
        for alternative in alternatives
    ]
    return pq.filters_to_expression(weaker) if all(weaker) else None


def _matches_nan(operator: str, value: Any) -> bool:
    import pyarrow.compute as pc

    return operator in ("!=", "not in") or (operator == "in" and bool(pc.any(pc.is_nan(value)).as_py()))


def _is_floating(field: "pa.Field") -> bool:
    import pyarrow as pa

    return bool(pa.types.is_floating(field.type))


class FileBytes:
    """The bytes of a file that is open for reading, a few at a time."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            self._file.seek(at.start)
            return self._file.read(at.stop - at.start)
        self._file.seek(at)
        return self._file.read(1)[0]


def read_groups(
    data: "bytes | FileBytes",
    file: "pq.ParquetFile",
    groups: list[int],
    fields: Sequence[str],
    options: DecodeOptions,
) -> "pa.Table":
    """Return these columns of these row groups.

    Raises:
        PayloadTooLargeError: If they would take more memory than the limit allows.
    """
    for exact in (False, True):
        bound = _bound(data, file, groups, fields, exact=exact)
        options.check(bound.least)
        if bound.most <= options.limit:
            break
    else:
        _count(file, groups, fields, bound.value, options)
    if fields == file.schema_arrow.names:  # of which several may have one name
        return file.read_row_groups(groups)
    return file.read_row_groups(groups, columns=list(fields)).select(fields)


def _bound(
    data: "bytes | FileBytes", file: "pq.ParquetFile", groups: list[int], fields: Sequence[str], *, exact: bool
) -> Bound:
    """Return bounds for the decoded bytes, and for those of one row."""
    import pyarrow as pa

    wanted = set(fields)
    as_codes = {field.name for field in file.schema_arrow if pa.types.is_dictionary(field.type)}
    paths = [file.schema.column(at).path for at in range(file.metadata.num_columns)]
    places = [at for at, path in enumerate(paths) if path in wanted or _parents(path) & wanted]
    least = most = row = 0
    for number in groups:
        group = file.metadata.row_group(number)
        bounds = [column_bound(data, group.column(at), as_codes=paths[at] in as_codes, exact=exact) for at in places]
        least += sum(bound.least for bound in bounds)
        most += sum(bound.most for bound in bounds)
        row = max(row, sum(bound.value for bound in bounds))
    return Bound(least, most, row)


def _parents(path: str) -> set[str]:
    parts = path.split(".")
    return {".".join(parts[:count]) for count in range(1, len(parts))}


def _count(
    file: "pq.ParquetFile", groups: list[int], fields: Sequence[str], widest: int, options: DecodeOptions
) -> None:
    """Read what may be too large a few rows at a time, keeping none, and stop where it is."""
    rows = max(1, min(1 << 16, _BATCH_BYTES // max(1, widest)))
    size = 0
    for batch in file.iter_batches(batch_size=rows, row_groups=groups, columns=list(fields), use_threads=False):
        size += batch.nbytes
        options.check(size)

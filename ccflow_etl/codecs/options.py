"""How bytes are to be decoded."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .errors import PayloadTooLargeError

_SMALLEST_LIMIT, _TIMES = 1 << 30, 64


@dataclass(frozen=True, slots=True)
class DecodeOptions:
    """What a caller says about the bytes, and what of them it wants.

    >>> DecodeOptions(limit=1_000).check(1_001)
    Traceback (most recent call last):
    ...
    ccflow_etl.codecs.errors.PayloadTooLargeError: the payload takes 1,001 bytes when decoded, more than the limit of \
1,000 bytes; raise max_decoded_bytes if it can be trusted
    """

    limit: int
    """The payload may take this many bytes of memory."""

    verified: bool = False
    """The caller has compared the hash of the bytes, so that checks against damage can be left out."""

    columns: Sequence[Any] | None = None
    """The labels of the columns to read, or None for all."""

    filters: Any = None
    """The rows to read, as ``pyarrow.parquet.read_table`` takes them, or None for all."""

    def check(self, size: int) -> None:
        """Raise ``PayloadTooLargeError`` if a payload of this many bytes is over the limit."""
        if size > self.limit:
            raise PayloadTooLargeError(self.limit, size)


def default_limit(size: int) -> int:
    """Return how many bytes a payload may take in memory when the caller does not say: 1 GiB or 64 times its bytes.

    Data compresses 3 to 20 times; what compresses 1,000 times is small, or was made to do harm.

    >>> default_limit(10_000_000) == 2**30, default_limit(2**30) == 2**36
    (True, True)
    """
    return max(_SMALLEST_LIMIT, _TIMES * size)

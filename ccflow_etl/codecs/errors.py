"""The ways in which turning a payload into bytes, or bytes into a payload, can fail."""

from typing import Any


class _PayloadError(Exception):
    """An error that is the same after it was pickled on its way between processes, whatever its arguments were."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _remake, (type(self), self.args), self.__dict__


class PayloadEncodeError(_PayloadError, TypeError, ValueError):
    """A format cannot keep this payload exactly; nothing was written.

    It is a ``TypeError`` as well as a ``ValueError``, because a format may refuse a type or one value of it.

    >>> raise PayloadEncodeError("text", 5, "it takes str")
    Traceback (most recent call last):
    ...
    ccflow_etl.codecs.errors.PayloadEncodeError: format 'text' cannot take a payload of type int: it takes str
    """

    def __init__(self, format_name: str, payload: Any, reason: str) -> None:
        super().__init__(f"format {format_name!r} cannot take a payload of type {type_name(payload)}: {reason}")


class PayloadDecodeError(_PayloadError, ValueError):
    """The bytes are not what the format writes, or have no such columns.

    >>> raise PayloadDecodeError("json", 1, "it ends too early")
    Traceback (most recent call last):
    ...
    ccflow_etl.codecs.errors.PayloadDecodeError: cannot decode 1 bytes as 'json': it ends too early
    """

    def __init__(
        self, format_name: str, size: int, reason: str, *, key: str | None = None, uri: str | None = None
    ) -> None:
        self.format_name, self.size, self.reason, self.key, self.uri = format_name, size, reason, key, uri
        what = f"{_named(key, uri)} ({size:,} bytes)" if key else f"{size:,} bytes"
        super().__init__(f"cannot decode {what} as {format_name!r}: {reason}")


class PayloadIntegrityError(_PayloadError, ValueError):
    """The bytes are not those that were written: a hash, a checksum or a size differs; they were not decoded.

    ``expected`` and ``found`` are what differs, ``key`` and ``uri`` say where the bytes are, when that is known.

    >>> raise PayloadIntegrityError("sha256 90ab", "sha256 12cd", key="daily/AAA", uri="file:///data/daily/AAA.json")
    Traceback (most recent call last):
    ...
    ccflow_etl.codecs.errors.PayloadIntegrityError: the payload of 'daily/AAA' at file:///data/daily/AAA.json is \
damaged or was replaced: expected sha256 90ab, found sha256 12cd; write it again or fetch another copy
    """

    def __init__(self, expected: object, found: object, *, key: str | None = None, uri: str | None = None) -> None:
        self.expected, self.found, self.key, self.uri = expected, found, key, uri
        super().__init__(
            f"{_named(key, uri)} is damaged or was replaced: expected {expected}, found {found}; "
            "write it again or fetch another copy"
        )


class PayloadTooLargeError(_PayloadError, ValueError):
    """The bytes would take more than ``limit`` bytes when decoded: at least ``found``, when that is known.

    >>> raise PayloadTooLargeError(1_000, 5_000)
    Traceback (most recent call last):
    ...
    ccflow_etl.codecs.errors.PayloadTooLargeError: the payload takes 5,000 bytes when decoded, more than the limit of \
1,000 bytes; raise max_decoded_bytes if it can be trusted
    """

    def __init__(self, limit: int, found: int | None = None, *, key: str | None = None, uri: str | None = None) -> None:
        self.limit, self.found, self.key, self.uri = limit, found, key, uri
        more = f"more than the limit of {limit:,} bytes"
        takes = f"takes {more} when decoded" if found is None else f"takes {found:,} bytes when decoded, {more}"
        super().__init__(f"{_named(key, uri)} {takes}; raise max_decoded_bytes if it can be trusted")


class Refusal(Exception):
    """Why a payload, or the part of it at ``where``, cannot be kept: the rest of a sentence that begins with it.

    >>> refusal = Refusal("is NaN")
    >>> str(refusal)
    'it is NaN'
    >>> refusal.where = "payload['close']"
    >>> str(refusal)
    "payload['close'] is NaN"
    """

    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.where = where

    def __str__(self) -> str:
        return f"{self.where or 'it'} {self.reason}"


def type_name(value: Any) -> str:
    """Return the name a reader knows a type by: bare for builtins, else with its module.

    >>> import decimal
    >>> type_name([]), type_name(decimal.Decimal(1))
    ('list', 'decimal.Decimal')
    """
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _named(key: str | None, uri: str | None) -> str:
    return "the payload" + (f" of {key!r}" if key else "") + (f" at {uri}" if uri else "")


def _remake(kind: type[BaseException], arguments: tuple[Any, ...]) -> BaseException:
    return kind.__new__(kind, *arguments)

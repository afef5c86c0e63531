"""The ways in which turning a payload into bytes, or bytes into a payload, can fail."""

from typing import Any


class PayloadEncodeError(TypeError, ValueError):
    """A format cannot keep this payload exactly; nothing was written.

    It is a ``TypeError`` as well as a ``ValueError``, because a format may refuse a type or one value of it.

    >>> raise PayloadEncodeError("text", 5, "it takes str")
    Traceback (most recent call last):
    ...
    ccflow_etl.codecs.errors.PayloadEncodeError: format 'text' cannot take a payload of type int: it takes str
    """

    def __init__(self, format_name: str, payload: Any, reason: str) -> None:
        super().__init__(f"format {format_name!r} cannot take a payload of type {type_name(payload)}: {reason}")


class PayloadDecodeError(ValueError):
    """The bytes are not what the format writes.

    >>> raise PayloadDecodeError("json", b"{", "it ends too early")
    Traceback (most recent call last):
    ...
    ccflow_etl.codecs.errors.PayloadDecodeError: cannot decode 1 bytes as 'json': it ends too early
    """

    def __init__(self, format_name: str, data: bytes, reason: str) -> None:
        super().__init__(f"cannot decode {len(data):,} bytes as {format_name!r}: {reason}")


class PayloadTooLargeError(ValueError):
    """The bytes would unpack to more than the limit allows.

    >>> raise PayloadTooLargeError(1_000)
    Traceback (most recent call last):
    ...
    ccflow_etl.codecs.errors.PayloadTooLargeError: the payload is larger than the limit of 1,000 bytes when decompressed; raise max_decoded_bytes if it can be trusted
    """  # noqa: E501 - one line is what a traceback prints

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"the payload is larger than the limit of {limit:,} bytes when decompressed; "
            "raise max_decoded_bytes if it can be trusted"
        )


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

"""JSON: compact, sorted, and never something else than what was given."""

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel

from .errors import Refusal, type_name
from .formats import ContentFormat
from .options import DecodeOptions
from .scalars import plain_scalar


@dataclass(frozen=True, slots=True)
class JsonFormat(ContentFormat):
    """JSON in UTF-8, compact and with sorted keys, so that equal payloads give equal bytes.

    Besides what JSON itself knows, a payload may hold mappings and sequences of any class, pydantic models (as
    their own JSON form), dataclasses (as objects), and the values of ``ccflow_etl.codecs.scalars.plain_scalar``.
    Keys that are not strings are written by the same rules; two that become the same are refused. So are NaN and
    infinities, sets (they have no order), bytes, and arrays and frames.

    >>> JsonFormat().encode({"ticker": "AAA", "close": 103.6})
    b'{"close":103.6,"ticker":"AAA"}'
    >>> JsonFormat().encode({"close": [1.0, float("nan")]})
    Traceback (most recent call last):
    ...
    ccflow_etl.codecs.errors.PayloadEncodeError: format 'json' cannot take a payload of type dict: \
payload['close'][1] is nan, which JSON has no number for; use None
    """

    name: ClassVar[str] = "json"
    suffix: ClassVar[str] = ".json"
    media_type: ClassVar[str | None] = "application/json"

    def _encode(self, payload: Any) -> bytes:
        try:
            plain = _plain(payload)
            return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        except Refusal as refusal:
            refusal.where = "payload" + refusal.where
            raise
        except UnicodeEncodeError as error:
            raise Refusal(f"holds text that is not valid Unicode ({error})") from error
        except RecursionError as error:
            raise Refusal("is nested too deeply, or holds itself") from error
        except ValueError as error:  # an int of more digits than Python writes
            raise Refusal(f"holds a number that has no text form: {error}") from error

    def _decode(self, data: bytes, options: DecodeOptions) -> Any:
        if len(data) * _VALUE > options.limit:  # counted only when it could be too much
            options.check(len(data) + _VALUE * sum(map(data.count, (b",", b"[", b"{"))))
        return json.loads(str(data, "utf-8"), parse_constant=_refuse_constant)


def _plain(value: Any) -> Any:
    """Return the value as dicts with str keys, lists, str, int, float, bool and None, all of exactly these types."""
    kind = type(value)
    if kind in _NATIVE:
        return value
    if kind is float:
        if not math.isfinite(value):
            raise Refusal(f"is {value}, which JSON has no number for; use None")
        return value
    if kind is dict or isinstance(value, Mapping):
        return _plain_object(value)
    if kind is list or kind is tuple or (isinstance(value, Sequence) and not isinstance(value, _NOT_ARRAYS)):
        return _plain_array(value)
    return _plain(_plain_other(value))


# Bytes of memory that a value takes beside its text.
_VALUE = 64
_NATIVE = frozenset({str, int, bool, type(None)})
_NOT_ARRAYS = (str, bytes, bytearray, memoryview)


def _plain_object(value: Mapping[Any, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, item in value.items():
        name = key if type(key) is str else _plain_key(key)
        try:
            plain[name] = _plain(item)
        except Refusal as refusal:
            refusal.where = f"[{key!r}]{refusal.where}"
            raise
    if len(plain) != len(value):
        raise Refusal("has keys that JSON cannot tell apart")
    return plain


def _plain_key(key: Any) -> str:
    """Return a key as text: as JSON would write the value, without quotes."""
    plain = _plain(key)
    return plain if isinstance(plain, str) else json.dumps(plain, sort_keys=True, separators=(",", ":"))


def _plain_array(value: Sequence[Any]) -> list[Any]:
    plain: list[Any] = []
    for item in value:
        try:
            plain.append(_plain(item))
        except Refusal as refusal:
            refusal.where = f"[{len(plain)}]{refusal.where}"
            raise
    return plain


def _plain_other(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return _plain_model(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    try:
        return plain_scalar(value)
    except ValueError as error:
        raise Refusal(f"is {value!r}: {error}") from error
    except TypeError:
        pass
    for native in (str, int, float):  # subclasses, as the value that they are
        if isinstance(value, native):
            return native(value)
    hint = "; use 'parquet', 'arrow' or 'csv' for frames" if hasattr(value, "__arrow_c_stream__") else ""
    raise Refusal(f"is of type {type_name(value)}, which JSON has no form for{hint}")


def _plain_model(value: BaseModel) -> Any:
    try:
        return value.model_dump(mode="json")
    except ValueError as error:
        raise Refusal(f"is a {type_name(value)}, which has no JSON form: {error}") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")

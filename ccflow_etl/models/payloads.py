"""Contexts that hold a payload: shared instead of copied, comparable, hashable and picklable whatever it is."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from ccflow import ContextBase
from ccflow.utils.tokenize import compute_data_token
from pydantic import ModelWrapValidatorHandler, SerializerFunctionWrapHandler, WrapSerializer, model_validator

from .shared import shared


def _dumped(payload: Any, default: SerializerFunctionWrapHandler) -> Any:
    return default(_lasting(payload))


Payload = Annotated[Any, WrapSerializer(_dumped)]
"""A field type: any payload; one that is a view of memory is dumped as its bytes."""


class PayloadContext(ContextBase):
    """The base of contexts that hold a payload in a field of that name.

    ccflow copies whatever a context is made from, in depth. A payload may be a frame of many gigabytes, or a view or
    a stream that cannot be copied, so this context and its copies share it: change it after the call, not before.

    Contexts are equal when their payloads have the same content and type, and equal contexts hash alike.

    >>> class Letter(PayloadContext):
    ...     to: str
    ...     payload: Payload
    >>> words = {"text": "hello"}
    >>> letter = Letter(to="you", payload=words)
    >>> letter.payload is words, letter == Letter(to="you", payload={"text": "hello"}), len({letter, letter})
    (True, True, 1)
    """

    @model_validator(mode="wrap")
    @classmethod
    def _share_payload(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        # Outermost, so ahead of ccflow's copy.
        return handler(shared(value))

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        return self.__copy__()

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()  # type: ignore[no-untyped-call] # ccflow's
        return state | {"__dict__": {name: _lasting(value) for name, value in state["__dict__"].items()}}

    def __hash__(self) -> int:
        return hash((type(self), *(value for value in self._rest().values() if isinstance(value, str | bool | None))))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PayloadContext) or type(self) is not type(other):
            return NotImplemented
        return self._rest() == other._rest() and _same(self.__dict__["payload"], other.__dict__["payload"])

    def _rest(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "payload"}


def row_count(payload: Any) -> int | None:
    """Return the number of rows of a table, a frame, a series or a list of rows; None for anything else.

    >>> row_count([{"close": 103.6}, {"close": 103.9}]), row_count({"close": 103.6})
    (2, None)
    """
    for name in ("num_rows", "height"):  # pyarrow's and polars' names for it
        count = getattr(payload, name, None)
        if isinstance(count, int):
            return count
    if hasattr(payload, "iloc"):  # pandas
        return len(payload)
    if isinstance(payload, list) and all(isinstance(row, Mapping) for row in payload):
        return len(payload)
    return None


def _lasting(payload: Any) -> Any:
    """Return the payload as something that can be pickled and hashed."""
    return bytes(payload) if isinstance(payload, memoryview) else payload


def _same(one: Any, other: Any) -> bool:
    if one is other:
        return True
    try:
        return compute_data_token(_lasting(one)) == compute_data_token(_lasting(other))
    except TypeError:  # it cannot be looked into
        return False

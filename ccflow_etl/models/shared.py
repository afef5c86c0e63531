"""What a context is made from, shared with it instead of copied in depth as ccflow does."""

from typing import Any, Self


def shared(value: Any) -> Any:
    """Return a mapping or a sequence of the same items whose deep copy is itself; anything else as it is.

    >>> from copy import deepcopy
    >>> words = {"text": ["hello"]}
    >>> deepcopy(shared(words))["text"] is words["text"]
    True
    """
    if isinstance(value, dict):
        return _SharedDict(value)
    return _SharedList(value) if isinstance(value, list | tuple) else value


class _SharedDict(dict[str, Any]):
    """A mapping whose deep copy is itself."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


class _SharedList(list[Any]):
    """A list whose deep copy is itself."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

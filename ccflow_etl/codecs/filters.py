"""Filters of rows, in the form of ``pyarrow.parquet.read_table``, which YAML can say too."""

from typing import Any

Condition = tuple[Any, str, Any]
"""A column, an operator and a value."""

Filters = tuple[tuple[Condition, ...], ...]
"""Alternatives, each of them conditions that all have to hold."""

OPERATORS = ("==", "=", "!=", "<", "<=", ">", ">=", "in", "not in")
_OF_SEVERAL = ("in", "not in")


def as_filters(filters: Any) -> Filters:
    """Return conditions that all have to hold, or a list of such lists of which one has to, as the latter.

    Lists may stand for tuples everywhere, so that YAML and JSON can say them.

    Raises:
        ValueError: If they are neither.

    >>> as_filters([["volume", ">", 10], ["ticker", "in", ["AAA", "BBB"]]])
    ((('volume', '>', 10), ('ticker', 'in', ('AAA', 'BBB'))),)
    >>> as_filters([[("volume", ">", 10)], [("volume", "<", 5)]])
    ((('volume', '>', 10),), (('volume', '<', 5),))
    >>> as_filters(("volume", ">", 10))
    Traceback (most recent call last):
    ...
    ValueError: 'volume' is not a condition; filters are a list of conditions such as ["volume", ">", 10], which all \
have to hold, or a list of such lists, of which one has to; the operators are == = != < <= > >= in not in
    """
    if not isinstance(filters, list | tuple):
        raise _malformed(filters)
    alternatives = [filters] if any(map(_is_condition, filters)) else filters
    if not alternatives:
        raise _malformed(filters)
    return tuple(map(_conjunction, alternatives))


def as_label(label: Any) -> Any:
    """Return a column's label, with tuples for lists.

    >>> as_label(["close", ["a", 1]]), as_label("close")
    (('close', ('a', 1)), 'close')
    """
    return tuple(map(as_label, label)) if isinstance(label, list | tuple) else label


def same_label(known: Any, label: Any) -> bool:
    """Return whether pandas takes two labels for one, except that no number is a boolean.

    >>> same_label(1, 1.0), same_label(1, True), same_label(float("nan"), float("nan"))
    (True, False, True)
    """
    if isinstance(known, tuple) or isinstance(label, tuple):
        both = type(known) is type(label) and len(known) == len(label)
        return both and all(map(same_label, known, label))
    if known is label or (known != known and label != label):
        return True
    return bool(_is_boolean(known) == _is_boolean(label) and known == label)


def _is_condition(item: Any) -> bool:
    return isinstance(item, list | tuple) and len(item) == 3 and isinstance(item[1], str)


def _conjunction(conditions: Any) -> tuple[Condition, ...]:
    if not isinstance(conditions, list | tuple) or not conditions:
        raise _malformed(conditions)
    return tuple(map(_condition, conditions))


def _condition(condition: Any) -> Condition:
    if not _is_condition(condition) or condition[1] not in OPERATORS:
        raise _malformed(condition)
    label, operator, value = condition
    if operator not in _OF_SEVERAL:
        return as_label(label), operator, value
    if not isinstance(value, list | tuple | set | frozenset):
        raise ValueError(f"the condition {condition} needs a list of values after {operator!r}")
    return as_label(label), operator, tuple(value)


def _is_boolean(label: Any) -> bool:
    return type(label).__name__ in ("bool", "bool_")


def _malformed(found: Any) -> ValueError:
    return ValueError(
        f'{found!r} is not a condition; filters are a list of conditions such as ["volume", ">", 10], which all have '
        f"to hold, or a list of such lists, of which one has to; the operators are {' '.join(OPERATORS)}"
    )

"""Many questions to a store at once, for stores that are far away."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def in_threads(call: Callable[[Item], Answer], items: Sequence[Item], threads: int) -> list[Answer]:
    """Return what a call gives for each item, in order, with up to ``threads`` calls under way at once.

    Raises what the first call that fails raises, by order of the items; those that have not begun do not begin.

    >>> in_threads(str.upper, ["aaa", "bbb"], threads=16)
    ['AAA', 'BBB']
    """
    if threads == 1 or len(items) < 2:
        return list(map(call, items))
    size = -(-len(items) // (8 * threads))  # batches: a future for each of many quick calls would cost more than they
    batches = [items[at : at + size] for at in range(0, len(items), size)]
    with ThreadPoolExecutor(min(threads, len(batches))) as pool:
        answers = list(pool.map(lambda batch: list(map(call, batch)), batches))
    return [answer for batch in answers for answer in batch]

"""BackfillStatus: how the steps of a backfill are marked, and the removal of such marks."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Sequence
from fnmatch import translate
from typing import TYPE_CHECKING, Any

import numpy as np

from ..stores.checkpoint_protocol import get_many, should_skip_many
from .backfill_context import BackfillContext
from .frame_text import records
from .status_text import instant_of, status_text
from .step_ranges import step_ranges

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BackfillStatus"]

_UNMARKED = {"unmarked", "unknown"}
_EARLIEST = dt.datetime.min.replace(tzinfo=dt.UTC)


class BackfillStatus:
    """How the steps of a backfill were marked at one moment.

    Printed, it shows how many steps have each status, the gaps between those that succeeded, and the last failures.

    Args:
        context: The range.
        keys: The checkpoint key of each step, in the order of ``context.steps()``.
        store: The checkpoint store, which is asked at once.

    Attributes:
        context: The range.
        keys: The checkpoint key of each step.
        statuses: The status of each step's mark; ``unmarked`` where there is none. Of a store that has neither ``get``
            nor ``get_many``, only ``succeeded`` for steps that are done is known, and ``unknown`` is any other.

    >>> from ccflow_etl import MemoryCheckpointStore
    >>> store = MemoryCheckpointStore()
    >>> for key in ("01-01", "01-03"):
    ...     _ = store.mark_succeeded(key)
    >>> days = BackfillContext(start_datetime="2024-01-01", end_datetime="2024-01-03")
    >>> print(BackfillStatus(days, ["01-01", "01-02", "01-03"], store))
    3 steps, marked in MemoryCheckpointStore:
      succeeded       2
      without a mark  1
    <BLANKLINE>
    1 gap:
         start        end steps
    2024-01-02 2024-01-03     1
    >>> status = BackfillStatus(days, ["01-01", "01-02", "01-03"], store)
    >>> status.counts
    {'succeeded': 2, 'unmarked': 1}
    >>> status.gaps
           start        end  steps
    0 2024-01-02 2024-01-03      1
    >>> len(status.failures)
    0
    >>> status.to_dict()["gaps"]
    [{'start': '2024-01-02T00:00:00', 'end': '2024-01-03T00:00:00', 'steps': 1}]
    >>> status.remove(status.removable("*-03")), [record.key for record in store.list()]
    (['01-03'], ['01-01'])
    """

    def __init__(self, context: BackfillContext[Any], keys: Sequence[str], store: Any):
        self.context, self.keys, self._store = context, list(keys), store
        # Most of a long backfill is done, and whether it is takes a fifth of the time that a record does.
        quick = hasattr(store, "should_skip_many") or not self._tells_marks
        done = should_skip_many(store, self.keys) if quick else [False] * len(self.keys)
        self.statuses = ["succeeded" if is_done else "unknown" for is_done in done]
        self._failed: list[tuple[int, Any]] = []
        if self._tells_marks:
            rest = [index for index, is_done in enumerate(done) if not is_done]
            marks = get_many(store, [self.keys[index] for index in rest], needed_for="a status")
            for index, mark in zip(rest, marks, strict=True):
                self.statuses[index] = "unmarked" if mark is None else mark.status
                if mark is not None and mark.status == "failed":
                    self._failed.append((index, mark))

    @property
    def _tells_marks(self) -> bool:
        return hasattr(self._store, "get") or hasattr(self._store, "get_many")

    @property
    def _store_name(self) -> str:
        return type(self._store).__name__

    @property
    def counts(self) -> dict[str, int]:
        """How many steps there are of each status, sorted by status."""
        return dict(sorted(Counter(self.statuses).items()))

    @property
    def gaps(self) -> "pd.DataFrame":
        """What is not marked as succeeded, as ranges of consecutive steps from the earliest on.

        Columns: ``start`` and ``end`` (half-open, from a first step to the end of a last window) and ``steps`` (int).
        """
        flags = np.array([status != "succeeded" for status in self.statuses], dtype=bool)
        ranges = step_ranges(self.context.windows(), flags, "gap")
        return ranges[ranges.pop("gap").astype(bool)].reset_index(drop=True)

    @property
    def failures(self) -> "pd.DataFrame":
        """The steps that are marked as failed, the last failure first.

        Columns: ``step`` and ``end`` (the half-open window), ``key``, ``updated_at`` (text, as the store has it),
        ``attempts`` (int or None) and ``error`` (str or None), as far as the mark has them.
        """
        import pandas as pd

        failed = sorted(self._failed, key=lambda one: (instant_of(str(one[1].updated_at)) or _EARLIEST, one[0]))
        positions, marks = [index for index, _ in failed[::-1]], [mark for _, mark in failed[::-1]]
        windows = self.context.windows()[positions]
        noted = [mark.metadata or {} for mark in marks]
        columns: dict[str, list[Any]] = {
            "key": [self.keys[index] for index in positions],
            "updated_at": [str(mark.updated_at) for mark in marks],
            "attempts": [each.get("attempts") for each in noted],
            "error": [each.get("error") for each in noted],
        }
        texts = {name: pd.Series(values, dtype=object) for name, values in columns.items()}
        return pd.DataFrame({"step": windows.left, "end": windows.right} | texts)

    def removable(self, glob: str = "*", *, failed: bool = False) -> list[str]:
        """The keys of the marks that :meth:`remove` can remove, in the order of the steps.

        Args:
            glob: What the whole key has to match: ``*`` is any text, slashes too, ``?`` one character, ``[...]`` one of
                several.
            failed: Only those that are marked as failed.

        Raises:
            ValueError: The store has no ``delete``; or does not tell which marks are failed, and is asked for them; or
                no step has such a key, marked or not.
        """
        if not hasattr(self._store, "delete"):
            raise ValueError(f"{self._store_name} has no delete(key), so its marks cannot be removed here")
        if failed and not self._tells_marks:
            raise ValueError(f"{self._store_name} has no get(key), so it cannot be told which of its marks are failed")
        matches = re.compile(translate(glob)).match
        found = [(key, status) for key, status in zip(self.keys, self.statuses, strict=True) if matches(key)]
        if self.keys and not found:
            raise ValueError(f"no step of this backfill has a key like {glob!r}; the first is {self.keys[0]!r}")
        marked = {"failed"} if failed else set(self.statuses) - _UNMARKED
        return [key for key, status in found if status in marked]

    def remove(self, keys: Sequence[str]) -> list[str]:
        """Remove the marks of some steps, but those that have another status by now.

        Returns:
            The keys whose marks were removed.

        Raises:
            KeyError: A key is not one of this backfill's; nothing was removed.
            NotImplementedError: The store cannot remove a mark after all.
        """
        statuses = dict(zip(self.keys, self.statuses, strict=True))
        chosen = [key for key in keys if statuses[key] not in _UNMARKED]
        if self._tells_marks:
            marks = get_many(self._store, chosen, needed_for="a removal")
            pairs = zip(chosen, marks, strict=True)
            chosen = [key for key, mark in pairs if mark is not None and mark.status == statuses[key]]
        return [key for key in chosen if self._store.delete(key) is not False]

    def to_dict(self) -> dict[str, Any]:
        """The status as JSON values: ``store`` (its class), ``context``, ``steps`` (how many), ``counts``, ``gaps`` and
        ``failures``, all of them.
        """
        return {
            "store": self._store_name,
            "context": self.context.model_dump(mode="json", by_alias=True, exclude={"type_"}),
            "steps": len(self.keys),
            "counts": self.counts,
            "gaps": records(self.gaps),
            "failures": records(self.failures),
        }

    def __str__(self) -> str:
        return status_text(self._store_name, self.counts, self.gaps, self.failures)

    def _repr_html_(self) -> str:
        from .cards import status_card

        return status_card(self).html()

"""A conformance suite that any calendar can run."""

import copy
import pickle
from itertools import pairwise
from typing import Any

import pytest

from ..calendars.builtin import DailyCalendar
from ..calendars.calendar import BaseCalendar
from ..calendars.instants import to_datetime
from ..models.backfill_context import BackfillContext

_SIZES = [1, 7, 10_000]
_ENDS = 50


class CalendarTests:
    """What every calendar has to do. Subclass it in a test module and override ``make_calendar``.

    ``start`` and ``end`` are the range that is asked about; choose one with a few steps and few enough to look at each.
    A calendar that counts its steps from the start of a range, as an interval of two days does, sets ``anchored``.

    >>> class TestMyCalendar(CalendarTests):
    ...     start, end = "2024-01-01", "2024-01-31"
    ...     def make_calendar(self):
    ...         return DailyCalendar()
    >>> TestMyCalendar().make_calendar().count("2024-01-01", "2024-01-31")
    31
    """

    start: Any = "2023-12-29"
    end: Any = "2025-01-02"
    anchored: bool = False

    def make_calendar(self) -> BaseCalendar:
        """Return the calendar."""
        raise NotImplementedError(f"{type(self).__name__} needs a make_calendar() that returns the calendar")

    @pytest.fixture
    def calendar(self) -> BaseCalendar:
        """The calendar under test."""
        return self.make_calendar()

    @pytest.fixture
    def steps(self, calendar: BaseCalendar) -> Any:
        """Its steps between ``start`` and ``end`` as a DatetimeIndex."""
        return calendar.ticks(self.start, self.end).index()

    def test_there_are_steps(self, steps: Any) -> None:
        """Otherwise the suite shows nothing."""
        assert len(steps) >= 2, "choose a start and an end with at least two steps between them"

    def test_steps_are_instants_in_order(self, calendar: BaseCalendar, steps: Any) -> None:
        """Whatever iterable ``steps`` returns: strictly increasing, within the range, to the microsecond."""
        given = list(calendar.steps(to_datetime(self.start), to_datetime(self.end)))
        assert given == list(steps)
        assert steps.unit == "us"
        assert all(one < other for one, other in pairwise(steps))

    def test_asking_twice_gives_the_same(self, calendar: BaseCalendar, steps: Any) -> None:
        """A calendar has no state that a question changes."""
        assert list(calendar.ticks(self.start, self.end).index()) == list(steps)

    def test_a_reversed_range_has_no_steps(self, calendar: BaseCalendar, steps: Any) -> None:
        """It is empty and of the same dtype."""
        nothing = calendar.ticks(steps[-1], steps[0]).index()
        assert len(nothing) == 0
        assert nothing.dtype == steps.dtype

    def test_count_is_the_number_of_steps(self, calendar: BaseCalendar, steps: Any) -> None:
        """Without making them."""
        assert calendar.count(self.start, self.end) == len(steps)

    @pytest.mark.parametrize("size", _SIZES)
    def test_chunks_are_the_steps_in_blocks(self, calendar: BaseCalendar, steps: Any, size: int) -> None:
        """Each of the size asked for but the last."""
        blocks = list(calendar.chunks(self.start, self.end, size))
        assert [step for block in blocks for step in block] == list(steps)
        assert all(len(block) == size for block in blocks[:-1])

    def test_windows_tile_the_range(self, calendar: BaseCalendar, steps: Any) -> None:
        """Each begins at its step and ends at the next one."""
        windows = calendar.windows(self.start, self.end)
        assert list(windows.left) == list(steps)
        assert list(windows.right[:-1]) == list(steps[1:])
        assert windows.right[-1] > steps[-1]

    def test_the_last_window_ends_at_the_next_step(self, calendar: BaseCalendar, steps: Any) -> None:
        """Of the steps that are counted from the start of the range, wherever the range ends."""
        for k in range(0, len(steps) - 1, -(-len(steps) // _ENDS)):
            windows = calendar.windows(self.start, steps[k])
            assert list(zip(windows.left, windows.right, strict=True)) == list(pairwise(steps[: k + 2]))

    def test_a_step_is_contained(self, calendar: BaseCalendar, steps: Any) -> None:
        """As a scalar and in an index."""
        assert calendar.contains(steps[0])
        assert calendar.contains(steps[-1])
        assert calendar.contains(steps).all()

    def test_next_and_previous_find_the_neighbours(self, calendar: BaseCalendar, steps: Any) -> None:
        """Strictly after and strictly before."""
        if self.anchored:
            assert calendar.next(steps[0]) == steps[1]
            return
        for one, other in pairwise(steps):
            assert calendar.next(one) == other
            assert calendar.previous(other) == one
        last = len(steps) - 1
        assert calendar.next(steps[0], last) == steps[last]
        assert calendar.previous(steps[last], last) == steps[0]

    def test_it_is_a_value(self, calendar: BaseCalendar) -> None:
        """Equal to its copies, its pickle and its configuration, with the same hash."""
        configuration = calendar.model_dump(mode="json", by_alias=True)
        for other in (
            copy.deepcopy(calendar),
            pickle.loads(pickle.dumps(calendar)),
            BaseCalendar.model_validate(configuration),
            self.make_calendar(),
        ):
            assert other == calendar
            assert hash(other) == hash(calendar)

    def test_set_algebra(self, calendar: BaseCalendar, steps: Any) -> None:
        """With itself, and with every day."""
        expected = list(steps)
        assert list((calendar | calendar).steps(self.start, self.end)) == expected
        assert list((calendar & calendar).steps(self.start, self.end)) == expected
        assert list((calendar - calendar).steps(self.start, self.end)) == []
        days = list(DailyCalendar().steps(self.start, self.end))
        assert list((calendar | DailyCalendar()).steps(self.start, self.end)) == sorted({*expected, *days})
        assert list((calendar & DailyCalendar()).steps(self.start, self.end)) == sorted({*expected} & {*days})
        assert list((calendar - DailyCalendar()).steps(self.start, self.end)) == sorted({*expected} - {*days})

    def test_shifting_there_and_back(self, calendar: BaseCalendar, steps: Any) -> None:
        """Gives the steps again, of a calendar that does not count from its start."""
        if not self.anchored:
            assert list(calendar.shift(3).shift(-3).steps(self.start, self.end)) == list(steps)

    def test_a_backfill_takes_it(self, calendar: BaseCalendar, steps: Any) -> None:
        """And runs its steps, forward and backward."""
        context = BackfillContext(start_datetime=self.start, end_datetime=self.end, calendar=calendar)
        assert list(context.steps()) == list(steps)
        backward = BackfillContext.model_validate([self.start, self.end, None, "backward", calendar])
        assert list(backward.steps()) == list(steps)[::-1]

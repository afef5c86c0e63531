"""How calls are set beside each other."""

from collections.abc import Callable

import pytest

from benchmarks.ratios import CLOCKS, Case, Comparison, Row, in_turns


class Clock:
    """A clock that goes on only where a call says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def call(self, *seconds: float, log: list[float] | None = None) -> Callable[[], None]:
        """A function that takes so many seconds, call by call; then as many as the last."""
        left = list(seconds)

        def function() -> None:
            took = left.pop(0) if len(left) > 1 else left[0]
            self.now += took
            if log is not None:
                log.append(took)

        return function


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setitem(CLOCKS, "clock", clock)
    return clock


@pytest.fixture
def rows() -> list[Row]:
    return []


@pytest.fixture
def compare(rows: list[Row]) -> Comparison:
    return Comparison("made_up", "bench_made_up.py::test_it", True, rows, lambda row: None)


def test_calls_alternate_so_that_a_slow_spell_hits_all(clock: Clock) -> None:
    log: list[float] = []
    in_turns([clock.call(0.01, log=log), clock.call(0.02, log=log)], 0.09, 3, clock)
    assert log == [0.01, 0.01, 0.02, 0.02] + [0.01, 0.02] * 3


def test_medians_forget_one_disturbance(clock: Clock) -> None:
    [first, second] = in_turns([clock.call(0.01, 0.01, 9.0, 0.01), clock.call(0.02)], 0.09, 3, clock)
    assert (first, second) == (pytest.approx(0.01), pytest.approx(0.02))


def test_short_calls_are_sampled_by_the_millisecond(clock: Clock) -> None:
    log: list[float] = []
    [took] = in_turns([clock.call(2**-12, log=log)], 0.001, 1, clock)  # 244 microseconds
    assert took == 2**-12
    assert len(log) == 2 + 1 + 4


def test_the_first_of_long_calls_counts(clock: Clock) -> None:
    log: list[float] = []
    in_turns([clock.call(10.0, log=log)], 0.5, 3, clock)
    assert log == [10.0] * 3


def test_functions_that_cases_share_are_called_once_a_turn(clock: Clock, compare: Comparison, rows: list[Row]) -> None:
    log: list[float] = []
    bare, ours = clock.call(1.0, log=log), clock.call(2.0)
    compare(Case("ours", ours, "bare", bare), Case("more of ours", clock.call(3.0), "bare", bare), by="clock")
    assert [row.ratio for row in rows] == [2.0, 3.0]
    assert len(log) == 3


def test_rows_tell_of_one_of_what_the_calls_make(clock: Clock, compare: Comparison, rows: list[Row]) -> None:
    compare(Case("a step", clock.call(10.0), "a bare one", clock.call(4.0), each=1_000, theirs_each=100), by="clock")
    assert (rows[0].ours, rows[0].theirs, rows[0].ratio) == (0.01, 0.04, 0.25)


def test_a_ratio_above_its_bound_fails_by_name(clock: Clock, compare: Comparison, rows: list[Row]) -> None:
    with pytest.raises(AssertionError, match=r"a step: 3 of a bare one, at most 2 is asserted"):
        compare(Case("a step", clock.call(3.0), "a bare one", clock.call(1.0), 2), by="clock")
    assert rows[0].ratio == 3.0


def test_a_disturbed_comparison_is_made_again(clock: Clock, compare: Comparison, rows: list[Row]) -> None:
    disturbed = clock.call(*[3.0] * 3, 1.0)
    compare(Case("a step", disturbed, "a bare one", clock.call(1.0), 2), by="clock")
    assert rows[0].ratio == 1.0


@pytest.mark.parametrize("quiet", [True, False])
def test_bounds_that_need_a_quiet_machine_are_left_out_of_small_runs(clock: Clock, quiet: bool) -> None:
    rows: list[Row] = []
    small = Comparison("made_up", "bench_made_up.py::test_it", False, rows, lambda row: None)
    case = Case("a step", clock.call(3.0), "a bare one", clock.call(1.0), 2, quiet=quiet)
    if quiet:
        small(case, by="clock")
        assert rows[0].most is None
    else:
        with pytest.raises(AssertionError, match="at most 2"):
            small(case, by="clock")


def test_a_size_above_its_bound_fails(compare: Comparison) -> None:
    compare.sizes("a file", 10, "pandas", 20, 0.7)
    with pytest.raises(AssertionError, match=r"another file: 0\.75 of pandas"):
        compare.sizes("another file", 15, "pandas", 20, 0.7)


def test_two_rows_of_one_name_are_refused(compare: Comparison) -> None:
    compare.sizes("a file", 10, "pandas", 20)
    with pytest.raises(AssertionError, match="two rows of the same name"):
        compare.sizes("a file", 10, "pandas", 20)

"""Maps of steps: how time is laid out, and what a cell shows."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccflow_etl.pages.grid import Kind, draw
from ccflow_etl.pages.layouts import wall_ticks

KINDS = [Kind("succeeded", "good"), Kind("failed", "bad", "m-2-2l4 4")]


def picture(starts, frequency=None, ranks=None):
    starts = pd.DatetimeIndex(starts)
    ends = starts[1:].append(starts[-1:] + (pd.Timedelta(frequency) if frequency else starts[-1] - starts[-2]))
    ranks = np.zeros(len(starts), dtype=int) if ranks is None else np.asarray(ranks)
    return draw("Steps", wall_ticks(starts), wall_ticks(ends), ranks, KINDS)


def cells(drawn):
    """The places and widths of the cells of each kind, read from the paths."""
    found = {}
    for group in drawn.groups:
        x = y = 0
        found[group.kind.name] = []
        for right, down, width in re.findall(r"m(-?\d+) (-?\d+)h(\d+)v\d+h-\d+z", group.path):
            x, y = x + int(right), y + int(down)
            found[group.kind.name].append((x, y, int(width)))
        assert len(found[group.kind.name]) == group.cells == group.path.count("m")
    return found


@pytest.mark.parametrize(
    ("start", "periods", "frequency", "unit"),
    [
        ("2024-01-01", 100, "s", "minute"),
        ("2024-01-01", 1000, "min", "minute"),
        ("2024-01-01", 10_000, "min", "hour"),
        ("2024-01-01", 1000, "h", "hour"),
        ("2024-01-01", 10_000, "h", "day"),
        ("2020-01-01", 1461, "D", "day"),
        ("2020-01-01", 200, "W", "day"),
        ("1970-01-01", 20_000, "D", "month"),
        ("2020-01-01", 48, "MS", "month"),
        ("1900-01-01", 100, "YS", "year"),
        ("1700-01-01", 100_000, "D", "year"),
    ],
)
def test_a_cell_is_as_long_as_the_range_and_the_steps_ask_for(start, periods, frequency, unit):
    drawn = picture(pd.date_range(start, periods=periods, freq=frequency, unit="us"))
    assert drawn.unit == unit
    assert drawn.height < 1400


def test_each_day_of_a_year_has_a_place_of_its_own():
    drawn = picture(pd.date_range("2024-01-01", "2024-12-31"), "1D")
    places = cells(drawn)["succeeded"]
    assert len(set(places)) == 366
    # 2024-01-01 was a Monday: seven rows, and the 8th day begins the next column
    assert places[7] == (places[0][0] + 12, places[0][1], places[0][2])
    assert {y for _, y, _ in places} == {places[day][1] for day in range(7)}


def test_a_year_that_begins_on_a_sunday_begins_in_the_last_row():
    places = cells(picture(pd.date_range("2023-01-01", "2023-01-02"), "1D"))["succeeded"]
    assert places[1] == (places[0][0] + 12, places[0][1] - 60, 10)


def test_a_long_window_fills_all_its_cells():
    drawn = picture(pd.DatetimeIndex(["2024-01-01", "2024-01-08"]), "7D", ranks=[1, 0])
    assert [(name, len(places)) for name, places in cells(drawn).items()] == [("succeeded", 7), ("failed", 7)]


def test_a_window_that_is_open_to_the_end_of_time_is_drawn_as_long_as_the_others():
    starts = pd.DatetimeIndex(["2024-01-01", "2024-01-02", "2024-01-03"], dtype="M8[us]")
    ends = pd.DatetimeIndex(["2024-01-02", "2024-01-03", "9999-12-31"], dtype="M8[us]")
    drawn = draw("Steps", wall_ticks(starts), wall_ticks(ends), np.zeros(3, dtype=int), KINDS)
    assert drawn.groups[0].cells == 3


def test_a_cell_of_several_kinds_has_a_part_for_the_worst_as_wide_as_its_share():
    hours = pd.date_range("2024-01-01", periods=24 * 400, freq="h", unit="us")
    ranks = np.zeros(len(hours), dtype=int)
    ranks[0] = 1  # one of 24
    ranks[24:42] = 1  # 18 of 24
    ranks[48:72] = 1  # all of them
    found = cells(picture(hours, ranks=ranks))
    (x, y, _) = found["succeeded"][0]
    assert found["failed"] == [(x + 7, y, 3), (x + 3, y + 10, 7), (x, y + 20, 10)]
    assert found["succeeded"][:2] == [(x, y, 7), (x, y + 10, 3)]
    assert len(found["succeeded"]) == 399


def test_a_sign_tells_the_worst_where_there_is_room_for_it():
    drawn = picture(pd.date_range("2024-01-01", periods=3), "1D", ranks=[0, 1, 1])
    (good, bad) = drawn.groups
    assert good.signs == ""
    assert bad.signs.count("m-2-2l4 4") == 2


def test_the_legend_names_what_there_is():
    assert [kind.told for kind in picture(pd.date_range("2024-01-01", periods=3), "1D").kinds] == ["good"]
    drawn = picture(pd.date_range("2024-01-01", periods=2), "1D", ranks=[1, 0])
    assert drawn.alternative == "Steps: bad, good"


def test_wall_time_decides_where_a_step_is():
    hours = pd.date_range("2024-03-30 23:00", periods=3, freq="h", tz="Europe/Paris", unit="us")
    drawn = picture(hours)  # 23:00, 00:00, 01:00
    assert len({y for _, y, _ in cells(drawn)["succeeded"]}) == 2


@given(
    st.lists(st.datetimes(), min_size=2, max_size=20, unique=True),
    st.lists(st.integers(0, 1), min_size=20, max_size=20),
)
def test_any_steps_can_be_drawn(starts, ranks):
    index = pd.DatetimeIndex(sorted(starts), dtype="M8[us]")
    drawn = picture(index[:-1], index[-1] - index[-2], ranks[: len(index) - 1])
    places = cells(drawn)
    for row in places.values():
        assert len(set(row)) == len(row)
        for x, y, width in row:
            assert 0 < x <= x + width <= drawn.width
            assert 0 < y < drawn.height

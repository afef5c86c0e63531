"""Pictures of calendars, judged by the numbers that are drawn."""

import datetime as dt
import sys
from zoneinfo import ZoneInfo

import matplotlib as mpl
import numpy as np
import pytest

from ccflow_etl import BusinessHourCalendar, HourlyCalendar, PeriodEdgeCalendar, WeekdayCalendar
from ccflow_etl.plotting import plot_calendar


@pytest.fixture(autouse=True)
def _no_window():
    mpl.use("Agg")
    yield
    from matplotlib import pyplot

    pyplot.close("all")


def drawn(axes):
    """The numbers that the axes show, and the grey days."""
    grey, image = axes.get_images()
    return np.asarray(grey.get_array().filled(np.nan)), np.asarray(image.get_array().filled(np.nan))


def test_a_day_is_drawn_in_its_week_and_weekday():
    axes = plot_calendar(WeekdayCalendar(), "2023-12-28", "2024-01-09")
    grey, shown = drawn(axes)
    expected = np.full((15, 54), np.nan)
    expected[3:5, 52] = 1  # Thursday 28 and Friday 29 December 2023, a year that began on a Sunday
    expected[8:13, 0] = 1  # the first week of 2024, after a row between the years
    expected[8:10, 1] = 1
    np.testing.assert_array_equal(shown, expected)
    assert np.argwhere(grey == 1).tolist() == [[5, 52], [6, 52], [13, 0], [14, 0]]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["2023", "2024"]
    assert axes.get_title(loc="left") == "WeekdayCalendar: 9 steps"
    assert len(axes.figure.axes) == 1


def test_steps_of_a_day_are_counted_and_explained_by_a_colour_bar():
    start, end = (
        dt.datetime(2025, 3, 29, tzinfo=ZoneInfo("Europe/Paris")),
        dt.datetime(2025, 3, 31, 5, tzinfo=ZoneInfo("Europe/Paris")),
    )
    axes = plot_calendar(HourlyCalendar(), start, end)
    shown = drawn(axes)[1]
    assert sorted(shown[~np.isnan(shown)]) == [6, 23, 24]
    assert [other.get_ylabel() for other in axes.figure.axes] == ["", "steps a day"]


def test_it_draws_into_given_axes():
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    assert plot_calendar(BusinessHourCalendar(), "2024-01-01", "2024-03-01", ax=axes) is axes


def test_a_range_without_steps_is_an_error():
    yearly = PeriodEdgeCalendar(calendar=WeekdayCalendar(), period="year", which="last")
    with pytest.raises(ValueError, match=r"no step from 2024-01-01 to 2024-02-01"):
        plot_calendar(yearly, "2024-01-01", "2024-02-01")


def test_matplotlib_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"ccflow-etl\[plot\]"):
        plot_calendar(WeekdayCalendar(), "2024-01-01", "2024-02-01")

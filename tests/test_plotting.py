"""Pictures of calendars and backfills, judged by what is drawn."""

import datetime as dt
import sys
from zoneinfo import ZoneInfo

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from ccflow import CallableModel, DateContext, Flow, GenericResult

from ccflow_etl import (
    BackfillModel,
    BackfillResult,
    BusinessHourCalendar,
    DailyCalendar,
    HourlyCalendar,
    PeriodEdgeCalendar,
    WeekdayCalendar,
)
from ccflow_etl.plotting import plot_calendar, plot_coverage


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


def test_the_first_colour_is_that_of_the_fewest_steps_and_ticks_are_whole():
    zone = ZoneInfo("America/Los_Angeles")
    start, end = dt.datetime(2010, 1, 1, tzinfo=zone), dt.datetime(2010, 12, 31, 23, tzinfo=zone)
    axes = plot_calendar(HourlyCalendar(), start, end)
    image, scale = axes.get_images()[1], axes.figure.axes[1]
    assert image.get_clim() == (23, 25)
    assert [tick for tick in scale.get_yticks() if 23 <= tick <= 25] == [23, 24, 25]


def test_days_before_the_first_step_and_after_the_last_one_are_grey():
    grey, shown = drawn(plot_calendar(WeekdayCalendar(), "2024-06-01", "2024-06-09"))  # two weekends and a week
    assert np.argwhere(shown == 1).tolist() == [[row, 22] for row in range(5)]
    assert np.argwhere(grey == 1).tolist() == [[5, 21], [5, 22], [6, 21], [6, 22]]


@pytest.mark.parametrize(("first", "last"), [(2024, 2024), (2012, 2015)])
def test_months_are_named_in_their_middle_and_so_nearly_evenly(first, last):
    axes = plot_calendar(DailyCalendar(), f"{first}-01-01", f"{last}-12-31")
    days = pd.Series(pd.date_range(f"{first}-01-01", f"{last}-12-31"))
    # the column of a day, from that of the first of January, whose week is column 0
    since_new_year = days.dt.day_of_year - 1
    week = (since_new_year + (days - pd.to_timedelta(since_new_year, "D")).dt.day_of_week) // 7
    middles = week.groupby(days.dt.month).mean()
    assert axes.get_xticks() == pytest.approx(middles.to_numpy())
    assert np.ptp(np.diff(axes.get_xticks())) < 0.6
    assert [label.get_text() for label in axes.get_xticklabels()][::11] == ["Jan", "Dec"]


def test_only_months_of_the_range_are_named():
    axes = plot_calendar(DailyCalendar(), "2024-11-20", "2025-02-01")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["Jan", "Feb", "Nov", "Dec"]


def test_a_line_parts_the_days_of_two_months():
    axes = plot_calendar(DailyCalendar(), "2024-01-15", "2024-05-10")
    february, march, april, may = (line.tolist() for line in axes.collections[2].get_segments())
    assert february == [[4.5, -0.5], [4.5, 2.5], [3.5, 2.5], [3.5, 6.5]]  # Thursday 1 February in column 4
    assert march == [[8.5, -0.5], [8.5, 3.5], [7.5, 3.5], [7.5, 6.5]]
    assert april == [[12.5, -0.5], [12.5, -0.5], [12.5, -0.5], [12.5, 6.5]]  # a Monday: straight
    assert may == [[17.5, -0.5], [17.5, 1.5], [16.5, 1.5], [16.5, 6.5]]


def test_weekdays_are_named_beside_each_year():
    axes = plot_calendar(DailyCalendar(), "2024-12-01", "2025-01-31")
    named = zip(axes.get_yticks(minor=True), axes.get_yticklabels(minor=True), strict=True)
    assert {int(row): label.get_text() for row, label in named} == {
        year * 8 + row: name for year in (0, 1) for row, name in {0: "Mon", 2: "Wed", 4: "Fri", 6: "Sun"}.items()
    }


def test_the_lines_can_be_seen_on_a_dark_page():
    with mpl.style.context("dark_background"):
        axes = plot_calendar(DailyCalendar(), "2024-01-15", "2024-05-10")
    rows, columns, months = axes.collections
    assert rows.get_colors().tolist() == columns.get_colors().tolist() == [[0, 0, 0, 1]]
    assert months.get_colors().tolist() == [[1, 1, 1, 1]]


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


COLORS = {
    "succeeded": "#0072b2",
    "checkpoint": "#80b9d9",
    "skipped": "#b3b3b3",
    "planned": "#ffffff",
    "cancelled": "#f0c24b",
    "failed": "#d55e00",
}
WORST_LAST = list(COLORS)


def lines(start, statuses, freq="D", tz=None):
    """A report of consecutive steps with these statuses."""
    bounds = pd.date_range(start, periods=len(statuses) + 1, freq=freq, tz=tz)
    return pd.DataFrame({"step": bounds[:-1], "end": bounds[1:], "status": pd.Categorical(statuses, WORST_LAST[::-1])})


def painted(axes):
    """The status of each day by the color of its cell: what stands in the row of the weekday and column of the week."""
    image = axes.get_images()[1]
    shown = image.get_array()
    names = {mpl.colors.to_rgba(color): status for status, color in COLORS.items()}
    first = int(axes.get_yticklabels()[0].get_text())
    found = {}
    for row, column in np.argwhere(~np.ma.getmaskarray(shown)):
        year, weekday = first + row // 8, row % 8
        new_year = dt.date(year, 1, 1)
        day = new_year + dt.timedelta(days=int(7 * column + weekday - new_year.weekday()))
        found[str(day)] = names[tuple(image.cmap(image.norm(shown[row, column])))]
    return found


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_each_day_of_a_backfill_has_the_color_of_its_status():
    statuses = ["checkpoint", "skipped", "succeeded", "failed", "cancelled", "planned", "succeeded"]
    axes = plot_coverage(lines("2023-12-29", statuses))
    days = [f"2023-12-{day}" for day in (29, 30, 31)] + [f"2024-01-0{day}" for day in range(1, 5)]
    assert painted(axes) == dict(zip(days, statuses, strict=True))
    assert legend(axes) == ["2 succeeded", "1 checkpoint", "1 skipped", "1 planned", "1 cancelled", "1 failed"]
    assert axes.get_title(loc="left") == "7 steps, 3 done"


@pytest.mark.parametrize("better", range(6))
def test_a_day_has_the_worst_status_of_its_steps(better):
    statuses = WORST_LAST[: better + 1]
    for order in (statuses, statuses[::-1]):
        axes = plot_coverage(lines("2024-05-01", order, freq="h"))
        assert painted(axes) == {"2024-05-01": statuses[-1]}


def test_a_long_step_paints_its_days_and_a_step_at_noon_one():
    assert painted(plot_coverage(lines("2024-02-01", ["failed", "succeeded"], freq="MS"))) == {
        **{f"2024-02-{day:02}": "failed" for day in range(1, 30)},
        **{f"2024-03-{day:02}": "succeeded" for day in range(1, 32)},
    }
    day_and_a_half = plot_coverage(lines("2024-02-01", ["failed"], freq="36h"))
    assert painted(day_and_a_half) == {"2024-02-01": "failed", "2024-02-02": "failed"}
    noon = plot_coverage(lines("2024-02-01 12:00", ["failed", "succeeded"]))
    assert painted(noon) == {"2024-02-01": "failed", "2024-02-02": "succeeded"}


def test_hours_belong_to_the_days_of_their_time_zone():
    statuses = ["failed"] + ["succeeded"] * 23  # the first hour of Paris is the day before in UTC
    axes = plot_coverage(lines("2025-03-30", statuses[:23], freq="h", tz="Europe/Paris"))
    assert painted(axes) == {"2025-03-30": "failed"}


def test_days_between_that_are_not_in_the_report_are_grey():
    report = lines("2024-05-01", ["succeeded"] * 5).iloc[[0, 4]]
    axes = plot_coverage(report)
    assert list(painted(axes)) == ["2024-05-01", "2024-05-05"]
    assert np.ma.count(axes.get_images()[0].get_array()) == 3
    assert legend(axes) == ["2 succeeded"]


def test_signs_tell_what_is_not_done_without_color():
    statuses = ["failed", "failed", "cancelled", "planned", "skipped", "succeeded", "checkpoint"]
    axes = plot_coverage(lines("2024-01-01", statuses))  # a Monday
    rows = [sorted(path.vertices[:, 1].mean().round() for path in signs.get_paths()) for signs in axes.collections[3:]]
    assert rows == [[4], [3, 3, 3, 3], [2], [0, 0, 1, 1]]  # strokes: /, four sides, -, and x twice
    assert (
        len(
            {
                len(handle.get_children())
                for handle in axes.get_legend().legend_handles
                if hasattr(handle, "get_children")
            }
        )
        >= 1
    )


def test_a_picture_of_a_real_backfill_forwards_and_backwards():
    class Odd(CallableModel):
        @Flow.call
        def __call__(self, context: DateContext) -> GenericResult[int]:
            return GenericResult[int](value=1 // (context.date.day % 5))

    model = BackfillModel(model=Odd(), on_error="continue", raise_on_failure=False)
    pictures = [
        painted(plot_coverage(model(["2024-01-01", "2024-01-07", {}, direction]).report))
        for direction in ("forward", "backward")
    ]
    assert (
        pictures[0] == pictures[1] == {f"2024-01-0{day}": "failed" if day == 5 else "succeeded" for day in range(1, 8)}
    )


def test_a_report_without_lines_is_an_error():
    with pytest.raises(ValueError, match="no steps: there is nothing to draw"):
        plot_coverage(BackfillResult(value={"steps": 0, "outputs": []}).report)


def test_what_is_no_report_is_an_error_that_says_what_lacks():
    with pytest.raises(ValueError, match=r"this DataFrame lacks \['end', 'status'\]"):
        plot_coverage(pd.DataFrame({"step": []}))
    with pytest.raises(ValueError, match="this BackfillResult lacks"):
        plot_coverage(BackfillResult(value={"steps": 0, "outputs": []}))
    with pytest.raises(ValueError, match="'lost' is no status of a backfill's step: succeeded, checkpoint"):
        plot_coverage(lines("2024-01-01", ["failed"]).assign(status="lost"))


def test_a_backfill_is_drawn_into_given_axes():
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    assert plot_coverage(lines("2024-01-01", ["failed"]), ax=axes) is axes

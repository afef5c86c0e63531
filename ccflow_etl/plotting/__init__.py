"""Pictures of calendars and backfills (extra ``plot``): heat maps with a column a week and a row a weekday."""

from .calendar import plot_calendar
from .coverage import plot_coverage

__all__ = ["plot_calendar", "plot_coverage"]

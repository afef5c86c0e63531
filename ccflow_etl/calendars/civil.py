"""Civil dates as whole numbers: days and months since 1970-01-01, proleptic Gregorian, years 1 to 9999.

Source of the scalar formulas: the 400-year cycle of the Gregorian calendar, counted from 1 March so that the leap day
comes last. Arrays take numpy's own conversions, which are faster for them.
"""

from typing import Any

import numpy as np

__all__ = ["first_day", "month_of", "weekday_of"]

_MONTHS = np.dtype("M8[M]")
_DAYS = np.dtype("M8[D]")

# 1970-01-01 was a Thursday: adding 3 makes Monday 0.
_WEEKDAY_OF_EPOCH = 3

# From 0000-03-01, where the 400-year cycle of the Gregorian calendar begins.
_MONTHS_TO_EPOCH = 23_638
_DAYS_TO_EPOCH = 719_468


def first_day(month: Any) -> Any:
    """Day number of the first day of each month; ``month`` counts months since 1970-01."""
    if isinstance(month, np.ndarray):
        return month.view(_MONTHS).astype(_DAYS).view(np.int64)
    # Years that begin in March keep the leap day last; 153 days are five months from there.
    year, march = divmod(month + _MONTHS_TO_EPOCH, 12)
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * march + 2) // 5 - _DAYS_TO_EPOCH


def month_of(day: Any) -> Any:
    """Month number (months since 1970-01) of each day number."""
    if isinstance(day, np.ndarray):
        return day.view(_DAYS).astype(_MONTHS).view(np.int64)
    era, of_era = divmod(day + _DAYS_TO_EPOCH, 146_097)
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    return 12 * (400 * era + year) + (5 * of_year + 2) // 153 - _MONTHS_TO_EPOCH


def weekday_of(day: Any) -> Any:
    """Weekday of each day number, Monday is 0."""
    return (day + _WEEKDAY_OF_EPOCH) % 7

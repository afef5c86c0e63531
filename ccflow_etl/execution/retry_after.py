"""The wait that a server asks for."""

import datetime as dt
import math
from email.utils import parsedate_to_datetime
from typing import Any

__all__ = ["retry_after_seconds"]


def retry_after_seconds(carrier: object, now: dt.datetime | None = None) -> float | None:
    """Seconds to wait according to a result or an exception; at least 0, or None if it does not say.

    It says so in its attribute ``retry_after`` (seconds or a timedelta), or in the header ``Retry-After`` of its
    ``headers`` or of its ``response.headers``: seconds or an HTTP date (RFC 9110, section 10.2.3). A date counts from
    the header ``Date`` where there is one, so that the two clocks need not agree, else from ``now``, the current time
    by default. What is neither is as if it were not there.

    >>> class Refused(Exception):
    ...     headers = {"Retry-After": "Fri, 03 May 2024 12:00:30 GMT", "Date": "Fri, 03 May 2024 12:00:00 GMT"}
    >>> retry_after_seconds(Refused())
    30.0
    """
    stated = _seconds(getattr(carrier, "retry_after", None))
    if stated is not None:
        return stated
    for source in (carrier, getattr(carrier, "response", None)):
        headers = _lower(getattr(source, "headers", None))
        stated = _seconds(headers.get("retry-after"))
        if stated is not None:
            return stated
        until = _date(headers.get("retry-after"))
        if until is not None:
            since = _date(headers.get("date")) or now or dt.datetime.now(dt.UTC)
            return max(0.0, (until - since).total_seconds())
    return None


def _lower(headers: Any) -> dict[str, Any]:
    items = getattr(headers, "items", None)
    return {str(name).lower(): value for name, value in items()} if callable(items) else {}


def _seconds(value: Any) -> float | None:
    if isinstance(value, dt.timedelta):
        value = value.total_seconds()
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _date(value: Any) -> dt.datetime | None:
    if not isinstance(value, str):
        return None
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=dt.UTC)

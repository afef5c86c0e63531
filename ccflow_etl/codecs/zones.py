"""Time zones as JSON, and back to the same class of zone."""

import datetime as dt
import zoneinfo
from importlib import import_module
from typing import Any

from .errors import Refusal

Spec = dict[str, Any]


def zone_spec(zone: dt.tzinfo) -> Spec:
    """Return a time zone as JSON; which class it is of is a part of a dtype."""
    if type(zone) is zoneinfo.ZoneInfo and zone.key:
        return {"class": "zoneinfo", "key": zone.key}
    if type(zone) is dt.timezone and zone in (dt.UTC, dt.timezone(zone.utcoffset(None))):
        offset = zone.utcoffset(None)
        named = zone.tzname(None) != dt.timezone(offset).tzname(None)
        return {
            "class": "timezone",
            "microseconds": offset // dt.timedelta(microseconds=1),
            "name": zone.tzname(None) if named else None,
        }
    if type(zone).__module__.partition(".")[0] == "pytz":
        return _pytz_spec(zone)
    raise Refusal(f"has the time zone {zone!r}, which is not one of zoneinfo, datetime.timezone or pytz")


def _pytz_spec(zone: Any) -> Spec:
    if zone.zone:
        return {"class": "pytz", "key": zone.zone}
    return {"class": "pytz", "minutes": zone.utcoffset(None) // dt.timedelta(minutes=1)}


def zone_of(spec: Spec) -> Any:
    """Return the zone that ``zone_spec`` was given.

    Raises:
        ValueError: If there is no such zone on this machine, or it is one of pytz, which is not installed.
    """
    if spec["class"] == "zoneinfo":
        return zoneinfo.ZoneInfo(spec["key"])
    if spec["class"] == "timezone":
        offset = dt.timedelta(microseconds=spec["microseconds"])
        if spec["name"] is not None:
            return dt.timezone(offset, spec["name"])
        return dt.timezone(offset) if offset else dt.UTC
    try:
        pytz = import_module("pytz")
    except ImportError as error:
        raise ValueError(f"it has a time zone of pytz, which is not installed: pip install pytz ({spec})") from error
    return pytz.timezone(spec["key"]) if "key" in spec else pytz.FixedOffset(spec["minutes"])


def arrow_zone(spec: Spec) -> str:
    """Return the zone as other readers of the file see it: by name, as +HH:MM, or UTC for an odd offset."""
    if "key" in spec:
        return str(spec["key"])
    minutes, rest = divmod(spec.get("microseconds", spec.get("minutes", 0) * 60_000_000), 60_000_000)
    if rest or not minutes:
        return "UTC"
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"

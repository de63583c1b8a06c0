"""The times of a calendar (RFC 5545): a line in, the time and its zone out."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from icalendar.prop import vDDDTypes
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from services.parser.text.decode import cut, one_line

ZONE_MAX_BYTES = 255
UTC_OF_OUTLOOK = "tzone://microsoft/utc"
# A zone as Windows displays it: "(UTC+01:00) Amsterdam, Berlin, Rome".
DISPLAYED_ZONE = re.compile(r"\((?:UTC|GMT)(?:([+-])([01]?\d):([0-5]\d))?\)")
CITIES = {
    name.rpartition("/")[2].replace("_", " "): name for name in set(WINDOWS_TO_OLSON.values())
}
# Times as some programs write them: without seconds, or with an offset.
LOOSE_TIME = re.compile(r"(\d{8}T\d{4})(\d\d)?(Z|[+-]\d{4})?")
# ZoneInfo opens a file of this name, so it must not be a path to anywhere else.
ZONE = re.compile(r"[A-Za-z_]{1,20}(?:/[A-Za-z0-9_+-]{1,30}){0,2}")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a calendar, without its name."""

    parameters: dict[str, str]
    value: str


def time_of(line: Line | None) -> tuple[date | None, str]:
    """Returns a time or a day, and its zone's name; a time in an unknown zone has no offset."""
    value = _value_of(line)
    if line is None or not isinstance(value, date):
        return None, ""
    if not isinstance(value, datetime):
        return value, ""
    if value.tzinfo is not None:
        return value, "UTC"
    given = line.parameters.get("TZID", "")
    zone = _zone(given)
    if isinstance(zone, ZoneInfo):
        return value.replace(tzinfo=zone), zone.key
    return value.replace(tzinfo=zone), cut(one_line(given), ZONE_MAX_BYTES)


def _value_of(line: Line | None) -> object:
    if line is None:
        return None
    try:
        return vDDDTypes.from_ical(line.value.strip())  # type: ignore[no-untyped-call]
    except ValueError:
        return _loose_time(line.value.strip())


def _loose_time(value: str) -> datetime | None:
    found = LOOSE_TIME.fullmatch(value)
    if found is None:
        return None
    minutes, seconds, offset = (part or "" for part in found.groups())
    form = "%Y%m%dT%H%M%S%z" if offset else "%Y%m%dT%H%M%S"
    try:
        time = datetime.strptime(minutes + (seconds or "00") + offset, form)  # noqa: DTZ007
        return time.astimezone(UTC) if offset else time
    except (ValueError, OverflowError):
        return None


def end_after(start: date, line: Line | None) -> date | None:
    """Returns the end of an event that gives its duration."""
    duration = _value_of(line)
    try:
        return start + duration if isinstance(duration, timedelta) else None
    except OverflowError:
        return None


def _zone(given: str) -> tzinfo | None:
    """Looks a zone up by its IANA name, its Windows name, or a vendor's path to it (3.2.19)."""
    if displayed := DISPLAYED_ZONE.match(given):
        return _displayed_zone(given, displayed)
    name = WINDOWS_TO_OLSON.get(given, given)
    if name.startswith("/"):
        name = "/".join(name.rsplit("/", 2)[1:])
    if given.lower() == UTC_OF_OUTLOOK:
        name = "UTC"
    if not ZONE.fullmatch(name):
        return None
    for spelling in dict.fromkeys([name, name.title(), name.upper()]):
        # An unknown zone, or the name of a folder of zones.
        with contextlib.suppress(KeyError, ValueError, OSError):
            return ZoneInfo(spelling)
    return None


def _displayed_zone(given: str, offset: re.Match[str]) -> tzinfo:
    """Looks a zone up by its places, since the offset holds in winter only; else by the offset."""
    for place in re.split(r" \(|, ", given[offset.end() :].strip()):
        windows = place.removesuffix(" Time") + " Standard Time"
        if name := CITIES.get(place) or WINDOWS_TO_OLSON.get(windows):
            return ZoneInfo(name)
    sign, hours, minutes = offset.groups()
    ahead = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    return timezone(-ahead if sign == "-" else ahead)


def in_zone(time: date, start: date | None) -> date:
    """Returns the same instant in the zone of an event's start, if both have one."""
    if not isinstance(time, datetime) or not isinstance(start, datetime):
        return time
    if time.tzinfo is None or start.tzinfo is None:
        return time
    # At the ends of the calendar.
    with contextlib.suppress(OverflowError, ValueError):
        return time.astimezone(start.tzinfo)
    return time

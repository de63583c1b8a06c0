"""Reads hours of the week, such as `mon-fri 08:00-18:00 Europe/Berlin`, and compares times."""

from __future__ import annotations

import re
from datetime import datetime, time
from zoneinfo import ZoneInfo

from postrail.conditions.tree import Hours

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FORM = re.compile(
    r"(?P<days>[a-z]{3}(?:[-,][a-z]{3}){0,6}) (?P<begin>\d\d:\d\d)-(?P<end>\d\d:\d\d)"
    r" (?P<zone>[A-Za-z_]{1,20}(?:/[A-Za-z0-9_+-]{1,30}){0,2})",
    re.IGNORECASE,
)
EXAMPLE = "mon-fri 08:00-18:00 Europe/Berlin"


def read_hours(text: str) -> Hours:
    """Returns the hours that a text states; raises ValueError with an example."""
    found = FORM.fullmatch(" ".join(text.split()))
    if not found:
        raise ValueError(f"{text!r} does not name days, hours and a zone as in {EXAMPLE}")
    try:
        return Hours(
            days=_days(found["days"].lower()),
            begin=time.fromisoformat(found["begin"]),
            end=time.max if found["end"] == "24:00" else time.fromisoformat(found["end"]),
            zone=ZoneInfo(found["zone"]),
        )
    except (ValueError, KeyError) as error:
        raise ValueError(f"{text!r}: {error}; write it as in {EXAMPLE}") from error


def within(hours: Hours, moment: datetime) -> bool:
    """Tells whether the moment is in these hours; hours over midnight belong to the first day."""
    local = moment.astimezone(hours.zone)
    day, at = local.weekday(), local.timetz().replace(tzinfo=None)
    if hours.begin <= hours.end:
        return day in hours.days and hours.begin <= at < hours.end
    yesterday = (day - 1) % len(DAYS)
    return (day in hours.days and at >= hours.begin) or (yesterday in hours.days and at < hours.end)


def _days(text: str) -> frozenset[int]:
    days: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        start, end = _day(first), _day(last or first)
        days.update((start + n) % len(DAYS) for n in range((end - start) % len(DAYS) + 1))
    return frozenset(days)


def _day(name: str) -> int:
    if name not in DAYS:
        raise ValueError(f"{name!r} is no day: use {', '.join(DAYS)}")
    return DAYS.index(name)

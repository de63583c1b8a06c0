"""Describes the calendar events of a message in plain text, as issues, comments and views show it.

The events of a parsed message in, a block of lines out. It is in English, as our own words in
issues are; dates are in ISO 8601, which all readers know.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from postrail.message_parts import Address, CalendarEvent
from postrail.records import MailParsed

# The others are only counted: a calendar may be an export of a year.
EVENTS_MAX = 5
# The most that the parser reads of a calendar.
EVENTS_READ_MAX = 20
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# RFC 5546, 1.4: what the sender of a calendar wants to say by it.
METHODS = {
    "REQUEST": "New invitation",
    "CANCEL": "Cancelled invitation",
    "REPLY": "Answer to an invitation",
    "COUNTER": "Answer to an invitation, with another proposal",
    "DECLINECOUNTER": "Other proposal declined",
    "ADD": "Further dates of a series",
    "REFRESH": "Question for the current state of an invitation",
    "PUBLISH": "Calendar entry",
}
# RFC 5545, 3.2.12
ANSWERS = {
    "ACCEPTED": "accepted",
    "DECLINED": "declined",
    "TENTATIVE": "tentatively accepted",
    "DELEGATED": "delegated to another person",
    "COMPLETED": "completed",
    "IN-PROCESS": "in progress",
    "NEEDS-ACTION": "not answered yet",
}
FREQUENCIES = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year"}
# RFC 5545, 3.3.10
DAYS = dict(zip(("MO", "TU", "WE", "TH", "FR", "SA", "SU"), WEEKDAYS, strict=True))
# Of such days a rule takes one by its place in the month (BYSETPOS).
GROUPS = {
    frozenset(list(DAYS)[:5]): "weekday",
    frozenset(list(DAYS)[5:]): "weekend day",
    frozenset(DAYS): "day",
}

ORDINALS = {
    "": "",
    "1": "the first ",
    "2": "the second ",
    "3": "the third ",
    "4": "the fourth ",
    "-1": "the last ",
}
# In the place of further dates that a series leaves out.
FURTHER = "..."
DAY = re.compile(rf"({'|'.join(ORDINALS)})({'|'.join([*DAYS, *GROUPS.values()])})")


def calendar_text(mail: MailParsed, *, with_description: bool = True) -> str:
    """Returns the block for a message's events, "" for a message without any."""
    has_text = bool(mail.text.strip()) or mail.text_blob is not None
    return text_of_events(
        mail.events, mail.text, has_text=has_text, with_description=with_description
    )


def text_of_events(
    events: Sequence[CalendarEvent], text: str, *, has_text: bool, with_description: bool = True
) -> str:
    """Returns the block for the events of a message with this text, which may be in a blob instead.

    A calendar that asks for nothing is just an attachment, unless it is all that the message has.
    What is written in an event is shown where the message has no text: programs repeat it there.
    A comment and a link are shown unless the text contains them.
    """
    least = "at least " if len(events) >= EVENTS_READ_MAX else ""
    events = [one for one in events if one.method or not has_text]
    shown = []
    for event in events[:EVENTS_MAX]:
        said = _said(event, text, has_text) if with_description else ""
        shown.append("\n\n".join(filter(None, [_block(event, text), said])))
    if len(events) > EVENTS_MAX:
        shown.append(f"(The calendar has {least}{len(events) - EVENTS_MAX} more entries.)")
    return "\n\n".join(shown)


def with_calendar(block: str, text: str) -> str:
    """Returns the text below the block of its events."""
    return "\n\n".join(filter(None, [block, text]))


def _block(event: CalendarEvent, text: str) -> str:
    title = _of_a_task(_title(event)) if event.task else _title(event)
    lines = [f"{title}: {event.summary or '(without a title)'}"]
    lines += [f"{name}: {value}" for name, value in _fields(event) if value]
    if event.link and event.link not in text:
        lines.append(f"Link: {event.link}")
    return "\n".join(lines)


def _said(event: CalendarEvent, text: str, has_text: bool) -> str:
    """Returns what the event's sender wrote in it, and not in the text."""
    if event.comment and _words(event.comment) not in _words(text):
        return event.comment
    return "" if has_text else event.description


def _words(text: str) -> str:
    """Returns a text without the lines into which it is divided."""
    return " ".join(text.split())


def _title(event: CalendarEvent) -> str:
    if event.method == "CANCEL" or (event.status == "CANCELLED" and event.method != "REPLY"):
        return METHODS["CANCEL"] + (", one date of a series" if event.occurrence else "")
    if event.method == "REQUEST" and event.occurrence:
        return "Changed invitation, one date of a series"
    if event.method == "REQUEST" and event.sequence:
        return "Changed invitation (moved or updated)"
    if event.method == "REPLY":
        answer = ANSWERS.get(event.answer, event.answer.lower())
        return "Answer to an invitation" + (f", {answer}" if answer else "")
    return METHODS.get(event.method, "Calendar entry")


def _of_a_task(title: str) -> str:
    for event, task in (("an invitation", "a task"), ("invitation", "task")):
        title = title.replace(event, task)
    return title.replace("Calendar entry", "Task")


def _fields(event: CalendarEvent) -> Iterator[tuple[str, str]]:
    is_due = event.task and event.end and not event.start
    yield ("Due", _time_of(event.end, event.zone)) if is_due else ("When", _when(event))
    yield "Instead of", _instead_of(event)
    yield "Repeats", _repeats(event)
    yield "Where", event.location
    yield "Organiser", _person(event.organiser) if event.organiser else ""
    if event.method in ("REPLY", "COUNTER"):
        yield "Answered by", ", ".join(map(_person, event.attendees[:1]))


def _instead_of(event: CalendarEvent) -> str:
    """Returns the time of the occurrence that the event replaces, unless it stays."""
    start, replaced = _read(event.start), _read(event.occurrence)
    if not event.occurrence or event.occurrence == event.start or (replaced and replaced == start):
        return ""
    # The zone's name is that of the start.
    same_zone = start is None or (replaced and _has_offset(start) == _has_offset(replaced))
    return _time_of(event.occurrence, event.zone if same_zone else "")


def _has_offset(time: date) -> bool:
    return isinstance(time, datetime) and time.tzinfo is not None


def _person(person: Address) -> str:
    if person.name and person.address and person.name != person.address:
        return f"{person.name} <{person.address}>"
    return person.name or person.address


def _when(event: CalendarEvent) -> str:
    """Returns the time with its zone; days are inclusive."""
    start, end = _read(event.start), _read(event.end)
    if start is None and end is not None:
        return f"until {_time_of(event.end, event.zone).removesuffix(', all day')}"
    if start is None or end is None or start == end:
        return _time_of(event.start or event.end, event.zone)
    if not isinstance(start, datetime) and not isinstance(end, datetime):
        return _days(start, end)
    if _offset(start) != _offset(end):
        return f"{_time_of(event.start, event.zone)} to {_time_of(event.end, '')}"
    last = f"{end:%H:%M}" if _day(start) == _day(end) else _day_and_time(end)
    return f"{_day_and_time(start)} to {last}{_zone(start, event.zone)}"


def _days(first: date, after: date) -> str:
    """Returns whole days; the end of an event is the day after its last one (RFC 5545, 3.6.1)."""
    if after - first <= timedelta(days=1):
        return f"{_day(first)}, all day"
    return f"{_day(first)} to {_day(after - timedelta(days=1))}, all day"


def _time_of(given: str, zone: str) -> str:
    time = _read(given)
    if time is None:
        return given
    if isinstance(time, datetime):
        return _day_and_time(time) + _zone(time, zone)
    return f"{_day(time)}, all day"


def _read(given: str) -> date | None:
    """Reads a time or a day as the parser writes it."""
    try:
        return datetime.fromisoformat(given) if "T" in given else date.fromisoformat(given)
    except ValueError:
        return None


def _offset(time: date) -> object:
    """Returns what differs between a day, a floating time and times of two offsets."""
    return time.utcoffset() if isinstance(time, datetime) else date


def _day(day: date) -> str:
    return f"{WEEKDAYS[day.weekday()]} {day:%Y-%m-%d}"


def _day_and_time(time: date) -> str:
    return f"{_day(time)} {time:%H:%M}"


def _zone(time: date, zone: str) -> str:
    """Returns the zone's name and its offset at this time; a floating time has neither."""
    if not isinstance(time, datetime) or time.tzinfo is None:
        return f", {zone}" if zone else ", local time"
    offset = f"{time:%z}"
    offset = "UTC" if offset == "+0000" else f"UTC{offset[:3]}:{offset[3:5]}"
    return f", {zone} ({offset})" if zone not in ("", "UTC") else f", {offset}"


def _repeats(event: CalendarEvent) -> str:
    """Returns a simple rule in words, and any other one as given."""
    parts = dict(part.partition("=")[::2] for part in event.recurrence.split(";"))
    left_out, further = _dates(parts.pop("EXDATE", "")), _dates(parts.pop("RDATE", ""))
    if "UNTIL" in parts:
        parts["UNTIL"] = _local_day(parts["UNTIL"], event)
    words = _regularly(parts)
    if words is None or left_out is None or further is None:
        return event.recurrence
    words += [f"also on {further}"] if further else []
    words += [f"except {left_out}"] if left_out else []
    return ", ".join(words)


def _dates(given: str) -> str | None:
    """Returns dates in a row, None if one cannot be read."""
    days = [day[:8] for day in given.split(",") if day]
    last = ["others"] if days[-1:] == [FURTHER] else []
    days = days[: len(days) - len(last)]
    return _listed([*map(_iso, days), *last]) if all(map(_is_count, days)) else None


def _local_day(given: str, event: CalendarEvent) -> str:
    """Returns the day of a time in UTC, as it is in the zone of the event."""
    start = _read(event.start)
    if not given.endswith("Z") or not isinstance(start, datetime) or start.tzinfo is None:
        return given[:8]
    zone: tzinfo = start.tzinfo
    # A zone without a known name has the offset of its first day.
    with contextlib.suppress(KeyError, ValueError, OSError):
        zone = ZoneInfo(event.zone)
    with contextlib.suppress(ValueError, OverflowError):
        return f"{datetime.fromisoformat(given).astimezone(zone):%Y%m%d}"
    return given[:8]


def _regularly(parts: dict[str, str]) -> list[str] | None:
    """Returns a rule in words, [] without one, and None for one that has no words here."""
    if "FREQ" not in parts:
        return None if any(parts) else []
    unit = FREQUENCIES.get(parts.pop("FREQ"))
    interval, count, until = (parts.pop(name, "") for name in ("INTERVAL", "COUNT", "UNTIL"))
    days, in_month = _days_of(_with_place(parts)), parts.pop("BYMONTHDAY", "")
    parts.pop("WKST", None)
    numbers = (interval, count, until, in_month)
    if unit is None or parts or days is None or not all(map(_is_count, numbers)):
        return None
    words = [f"every {unit}" if interval in ("", "1") else f"every {interval} {unit}s"]
    words += [f"on {days}"] if days else []
    words += [f"on day {in_month}"] if in_month else []
    words += [f"until {_iso(until)}"] if until else []
    return [" ".join(words), *([f"{count} times"] if count else [])]


def _with_place(parts: dict[str, str]) -> str:
    """Takes the weekdays of a rule; the one day of a BYSETPOS with its place, as Outlook may."""
    days, place = parts.pop("BYDAY", ""), parts.get("BYSETPOS", "")
    days = GROUPS.get(frozenset(days.split(",")), days) if place else days
    if place and "," not in days:
        days = parts.pop("BYSETPOS") + days
    return days


def _days_of(given: str) -> str | None:
    """Returns weekdays in words, also "the first Tuesday"; None for others."""
    found = [DAY.fullmatch(day) for day in given.split(",") if day]
    if not all(found):
        return None
    return _listed([f"{ORDINALS[one[1]]}{DAYS.get(one[2], one[2])}" for one in found if one])


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _iso(day: str) -> str:
    return f"{day[:4]}-{day[4:6]}-{day[6:8]}"


def _is_count(number: str) -> bool:
    return not number or number.isdecimal()

"""The events in calendar parts (RFC 5545): what, when, where, and who asks whom.

icalendar reads lines and values here, but no calendar as a whole: it keeps the time zones that one
calendar defines for all that follow, and a zone's rule may take for ever. Zones are looked up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from postrail.records import Address, CalendarEvent
from services.parser.content.parts import AttachedFile
from services.parser.text.decode import cut, decode, one_line, storable

CALENDAR_MAX_BYTES = 1024 * 1024
EVENTS_MAX = 20
ATTENDEES_MAX = 50
LINES_MAX = 400
# Reading the parameters of a line takes icalendar more time than the line is long.
LINE_MAX = 2000
TEXT_MAX_BYTES = 500
UID_MAX_BYTES = 255
TYPES = ("text/calendar", "application/ics")
FOLD = re.compile(rb"\r?\n[ \t]")
COMPONENTS = ("VEVENT", "VTODO")
NAME = re.compile(r"[A-Za-z-]{1,20}(?=[;:])")
SINGLE = ("UID", "SUMMARY", "LOCATION", "STATUS", "DTSTART", "DTEND", "DUE", "DURATION")
WANTED = {*SINGLE, "ORGANIZER", "ATTENDEE", "METHOD"}
# What ZoneInfo may be asked for: it opens a file of that name.
ZONE = re.compile(r"[A-Za-z_]{1,20}(?:/[A-Za-z0-9_+-]{1,30}){0,2}")


@dataclass(frozen=True, slots=True)
class _Line:
    parameters: dict[str, str]
    value: str


@dataclass(slots=True)
class _Component:
    single: dict[str, _Line] = field(default_factory=dict)
    attendees: list[Address] = field(default_factory=list)
    organiser: Address | None = None


def read_calendars(files: Iterable[AttachedFile]) -> tuple[list[CalendarEvent], list[str]]:
    """The events in these attachments, each once, and what is wrong with the calendars."""
    events: list[CalendarEvent] = []
    defects: list[str] = []
    for file in files:
        if file.content_type in TYPES or file.sniffed_type in TYPES:
            found, problem = read_events(file.source.first(CALENDAR_MAX_BYTES + 1), file.method)
            # Google sends the same calendar twice: as an alternative, and attached.
            events += [event for event in found if event not in events]
            if problem:
                defects.append(f"{file.name}: {problem}")
    return events[:EVENTS_MAX], defects


def read_events(data: bytes, method: str) -> tuple[list[CalendarEvent], str]:
    """The events of one calendar, and what is wrong with it ("" when nothing is)."""
    if len(data) > CALENDAR_MAX_BYTES:
        return [], f"a calendar of more than {CALENDAR_MAX_BYTES} bytes is not read"
    reader = _Reader(method)
    for line in _lines(data):
        reader.read(line)
    events = [_event(component, reader.method) for component in reader.components]
    pairs = zip(reader.components, events, strict=True)
    if any("DTSTART" in component.single and not event.start for component, event in pairs):
        return events, "its DTSTART cannot be read"
    return events, reader.problem or ("" if events else "a calendar without events")


def _lines(data: bytes) -> Iterator[str]:
    # Unfolded as bytes: a fold may stand within a character (RFC 5545, section 3.1).
    text = storable(decode(FOLD.sub(b"", data), None))
    for line in text.replace("\r", "\n").split("\n"):
        yield line[:LINE_MAX]


class _Reader:
    """Goes through the lines, and takes those that are wanted, of a limited number of events."""

    def __init__(self, method: str) -> None:
        self.method = method
        self.components: list[_Component] = []
        self.problem = ""
        self._open: list[str] = []
        self._lines = 0

    def read(self, line: str) -> None:
        """Takes the next line in; one that cannot be read is a problem of the calendar."""
        name, _, rest = line.partition(":")
        if name.upper() == "BEGIN":
            self._begin(rest.strip().upper())
        elif name.upper() == "END":
            del self._open[-1:]
        elif (found := NAME.match(line)) and found.group().upper() in WANTED:
            self._wanted(found.group().upper(), line)

    def _begin(self, name: str) -> None:
        self._open.append(name)
        if name not in COMPONENTS:
            return
        if len(self.components) >= EVENTS_MAX:
            self.problem = f"the events after the first {EVENTS_MAX} are not read"
        else:
            self.components.append(_Component())

    def _wanted(self, name: str, line: str) -> None:
        """Lines of the calendar (METHOD) and of events, not of the alarms within them."""
        inside = self._open[-1] if self._open else ""
        if name == "METHOD" or inside not in COMPONENTS or len(self.components) > EVENTS_MAX:
            if name == "METHOD" and not self.method:
                self.method = one_line(line.partition(":")[2]).upper()[:40]
            return
        self._lines += 1
        if self._lines > LINES_MAX:
            self.problem = f"the lines after the first {LINES_MAX} are not read"
            return
        read = _read_line(line)
        if read is None:
            self.problem = f"its {name} cannot be read"
        else:
            _add(self.components[-1], name, read)


def _read_line(line: str) -> _Line | None:
    # Loading it takes longer than parsing fifty mails, and few mails hold a calendar.
    from icalendar.parser import Contentline

    try:
        _, parameters, value = Contentline(line).parts()  # type: ignore[no-untyped-call]
    except ValueError:
        return None
    plain = {
        name.upper(): given if isinstance(given, str) else ",".join(given)
        for name, given in parameters.items()
    }
    return _Line(plain, value)


def _add(component: _Component, name: str, line: _Line) -> None:
    if name == "ORGANIZER":
        component.organiser = component.organiser or _address(line)
    elif name == "ATTENDEE":
        if len(component.attendees) < ATTENDEES_MAX:
            component.attendees.append(_address(line))
    else:
        component.single.setdefault(name, line)


def _address(line: _Line) -> Address:
    value = line.value[7:] if line.value[:7].lower() == "mailto:" else line.value
    name = line.parameters.get("CN", "")
    return Address(name=_text(name, TEXT_MAX_BYTES), address=_text(value, TEXT_MAX_BYTES))


def _event(component: _Component, method: str) -> CalendarEvent:
    single = component.single
    start, zone = _time(single.get("DTSTART"))
    end, _ = _time(single.get("DTEND") or single.get("DUE"))
    if end is None and start is not None:
        end = _after(start, single.get("DURATION"))
    return CalendarEvent(
        method=method,
        uid=_text(_value(single, "UID"), UID_MAX_BYTES),
        summary=_text(_value(single, "SUMMARY"), TEXT_MAX_BYTES),
        location=_text(_value(single, "LOCATION"), TEXT_MAX_BYTES),
        status=_text(_value(single, "STATUS"), 40).upper(),
        start=start.isoformat() if start else "",
        end=end.isoformat() if end else "",
        zone=zone,
        organiser=component.organiser,
        attendees=component.attendees,
    )


def _value(single: dict[str, _Line], name: str) -> str:
    return single[name].value if name in single else ""


def _text(value: str, max_bytes: int) -> str:
    return cut(one_line(value), max_bytes)


def _time(line: _Line | None) -> tuple[date | None, str]:
    """A time (or a day) and its zone's name; without an offset where nobody knows the zone."""
    value = _typed(line)
    if line is None or not isinstance(value, date):
        return None, ""
    if not isinstance(value, datetime):
        return value, ""
    if value.tzinfo is not None:
        return value, "UTC"
    given = line.parameters.get("TZID", "")
    zone = _zone(given)
    if zone is None:
        return value, _text(given, UID_MAX_BYTES)
    return value.replace(tzinfo=zone), zone.key


def _typed(line: _Line | None) -> object:
    if line is None:
        return None
    from icalendar.prop import vDDDTypes

    try:
        return vDDDTypes.from_ical(line.value.strip())  # type: ignore[no-untyped-call]
    except ValueError:
        return None


def _after(start: date, line: _Line | None) -> date | None:
    duration = _typed(line)
    try:
        return start + duration if isinstance(duration, timedelta) else None
    except OverflowError:
        return None


def _zone(given: str) -> ZoneInfo | None:
    """The zone by its name: IANA's, Windows', or IANA's behind a vendor's path (3.2.19)."""
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

    name = WINDOWS_TO_OLSON.get(given, given)
    if name.startswith("/"):
        name = "/".join(name.rsplit("/", 2)[1:])
    if not ZONE.fullmatch(name):
        return None
    try:
        return ZoneInfo(name)
    # No such zone; or a folder of them.
    except (KeyError, ValueError, OSError):
        return None

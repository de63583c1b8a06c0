"""The events of one calendar (RFC 5545): its bytes in, its events and a problem out.

icalendar reads single lines and values. A whole calendar is not given to it: it keeps the time
zones that one calendar defines for all later ones, and a zone's rule may take unlimited time.
"""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from icalendar.parser import Contentline

from postrail.message_parts import Address, CalendarEvent
from services.parser.content.calendar_times import Line, end_after, in_zone, time_of
from services.parser.content.calendars import EVENTS_MAX, TEXT_MAX_BYTES, UID_MAX_BYTES
from services.parser.text.decode import cut, decode, one_line, storable
from services.parser.text.markup import html_to_text

ATTENDEES_MAX = 50
LINES_MAX = 400
# icalendar needs more than linear time for the parameters of a line.
LINE_MAX = 2000
DESCRIPTION_MAX_BYTES = 1000
# A larger number would not be one that was counted.
SEQUENCE_DIGITS = 9
# Google's texts are HTML.
HTML = re.compile(r"<(?:br|/(?:a|b|div|h\d|html|i|li|p|span|strong|table|u))\s{0,9}/?>", re.I)
FOLD = re.compile(rb"\r?\n[ \t]")
FREE_BUSY = "VFREEBUSY"
COMPONENTS = ("VEVENT", "VTODO", FREE_BUSY)
NAME = re.compile(r"[A-Za-z-]{1,40}(?=[;:])")
# Where to join a meeting on the web comes before the event's page.
LINKS = ("CONFERENCE", "X-GOOGLE-CONFERENCE", "X-MICROSOFT-SKYPETEAMSMEETINGURL", "URL")
LINK = re.compile(r"https?://\S{1,1000}", re.IGNORECASE)
SINGLE_LINES = (
    "UID", "SUMMARY", "LOCATION", "STATUS", "DTSTART", "DTEND", "DUE", "DURATION",
    "SEQUENCE", "RRULE", "RECURRENCE-ID", "COMMENT", "DESCRIPTION", *LINKS,
)  # fmt: skip
WANTED_LINES = {*SINGLE_LINES, "FREEBUSY", "ORGANIZER", "ATTENDEE", "METHOD", "EXDATE", "RDATE"}
DATES_MAX = 20
DATE_MAX_BYTES = 40
# Stands for the dates of a series after the first ones.
MORE = "..."
# Outlook writes these zones without the quotes that their colons need (RFC 5545, 3.1).
UNQUOTED_ZONE = re.compile(
    r"(?<=TZID=)(?:tzone://[^\";:,]{1,80}|\((?:UTC|GMT)[+-]\d\d:\d\d\)[^\";:]{0,80})", re.IGNORECASE
)
# The beginning of Japanese characters in ISO-2022-JP, whose bytes are those of ASCII.
JAPANESE = b"\x1b$"


@dataclass(slots=True)
class _Component:
    # For one that gives none.
    title: str = ""
    single: dict[str, Line] = field(default_factory=dict)
    attendees: list[Address] = field(default_factory=list)
    organiser: Address | None = None
    # The answer of the first attendee, and what Google's users write to it.
    answer: str = ""
    comment: str = ""
    # The dates that a series leaves out (EXDATE) and its further ones (RDATE).
    dates: dict[str, list[Line]] = field(default_factory=dict)
    is_task: bool = False
    # Of a person (VFREEBUSY), in place of an event.
    busy_times: list[Line] = field(default_factory=list)


def read_events(data: bytes, method: str) -> tuple[list[CalendarEvent], str]:
    """Returns the events of a calendar and its problem, "" for a sound one."""
    reader = _Reader(method)
    for line in _lines(data):
        reader.read(line)
    events = [_event(component, reader.method) for component in reader.components]
    pairs = zip(reader.components, events, strict=True)
    if any("DTSTART" in component.single and not event.start for component, event in pairs):
        return events, "its DTSTART cannot be read"
    cut_off = next(filter(None, map(_cut_off, reader.components)), "")
    return events, reader.problem or cut_off or ("" if events else "a calendar without events")


def _cut_off(component: _Component) -> str:
    """Returns what is not read of an event, or ""."""
    if len(component.attendees) > ATTENDEES_MAX:
        return f"the attendees after the first {ATTENDEES_MAX} are not read"
    if any(len(lines) > DATES_MAX for lines in component.dates.values()):
        return f"the dates of a series after the first {DATES_MAX} are not read"
    return ""


def _lines(data: bytes) -> Iterator[str]:
    # Unfolded as bytes: a fold may stand within a character (RFC 5545, section 3.1).
    charset = "iso-2022-jp" if JAPANESE in data else None
    text = storable(decode(FOLD.sub(b"", data), charset))
    for line in text.replace("\r", "\n").split("\n"):
        yield line[:LINE_MAX]


class _Reader:
    """Collects the wanted lines of a limited number of events."""

    def __init__(self, method: str) -> None:
        self.method = method
        self.components: list[_Component] = []
        self.problem = ""
        self._open: list[str] = []
        # Whether the lines belong to an event after the last one that is read.
        self._skips = False
        self._lines = 0

    def read(self, line: str) -> None:
        """Reads the next line; one that cannot be read becomes the calendar's problem."""
        name, _, rest = line.partition(":")
        if name.upper() == "BEGIN":
            self._begin(rest.strip().upper())
        elif name.upper() == "END":
            del self._open[-1:]
        elif (found := NAME.match(line)) and found.group().upper() in WANTED_LINES:
            self._read_wanted(found.group().upper(), line)

    def _begin(self, name: str) -> None:
        self._open.append(name)
        if name not in COMPONENTS:
            return
        self._skips = len(self.components) >= EVENTS_MAX
        if self._skips:
            self.problem = f"the events after the first {EVENTS_MAX} are not read"
        else:
            title = "free and busy times" if name == FREE_BUSY else ""
            self.components.append(_Component(title=title, is_task=name == "VTODO"))

    def _read_wanted(self, name: str, line: str) -> None:
        """Reads a line of the calendar (METHOD) or of an event; those of its alarms are skipped."""
        inside = self._open[-1] if self._open else ""
        if name == "METHOD" or inside not in COMPONENTS or self._skips:
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


def _read_line(line: str) -> Line | None:
    try:
        quoted = UNQUOTED_ZONE.sub(r'"\g<0>"', line)
        _, parameters, value = Contentline(quoted).parts()  # type: ignore[no-untyped-call]
    except ValueError:
        return None
    plain = {
        name.upper(): given if isinstance(given, str) else ",".join(given)
        for name, given in parameters.items()
    }
    if plain.get("ENCODING", "").upper() == "QUOTED-PRINTABLE":
        # vCalendar 1.0, which old programs write.
        data = quopri.decodestring(value.encode())
        value = storable(decode(data, plain.get("CHARSET")))
    return Line(plain, value)


def _add(component: _Component, name: str, line: Line) -> None:
    if name == "ORGANIZER":
        component.organiser = component.organiser or _address(line)
    elif name == "ATTENDEE":
        if not component.attendees:
            component.answer = line.parameters.get("PARTSTAT", "")
            component.comment = line.parameters.get("X-RESPONSE-COMMENT", "")
        component.attendees.append(_address(line))
    elif name == "FREEBUSY":
        component.busy_times += [Line(line.parameters, one) for one in line.value.split(",")]
    elif name in ("EXDATE", "RDATE"):
        # A further date may be a period, of which the start tells enough.
        days = [day.partition("/")[0] for day in line.value.split(",")]
        component.dates.setdefault(name, []).extend(Line(line.parameters, day) for day in days)
    # A conference by telephone may stand before the one on the web.
    elif name != "CONFERENCE" or LINK.fullmatch(line.value.strip()):
        component.single.setdefault(name, line)


def _address(line: Line) -> Address:
    value = line.value[7:] if line.value[:7].lower() == "mailto:" else line.value
    if "@" not in value:
        # A place in a directory, or "invalid:nomail".
        value = line.parameters.get("EMAIL", "")
    name = line.parameters.get("CN", "")
    return Address(name=_text(name, TEXT_MAX_BYTES), address=_text(value, TEXT_MAX_BYTES))


def _event(component: _Component, method: str) -> CalendarEvent:
    single = component.single
    start, zone = time_of(single.get("DTSTART"))
    end, _ = time_of(single.get("DTEND") or single.get("DUE"))
    occurrence, occurs_in = time_of(single.get("RECURRENCE-ID"))
    if start is None:
        zone = occurs_in
    if end is None and start is not None:
        end = end_after(start, single.get("DURATION"))
    return CalendarEvent(
        method=method,
        uid=_text(_value(single, "UID"), UID_MAX_BYTES),
        summary=_text(_value(single, "SUMMARY") or component.title, TEXT_MAX_BYTES),
        location=_text(_value(single, "LOCATION"), TEXT_MAX_BYTES),
        status=_text(_value(single, "STATUS"), 40).upper(),
        start=start.isoformat() if start else "",
        end=end.isoformat() if end else "",
        zone=zone,
        organiser=component.organiser,
        attendees=component.attendees[:ATTENDEES_MAX],
        sequence=_number(_value(single, "SEQUENCE")),
        answer=_text(component.answer, 40).upper() if method == "REPLY" else "",
        recurrence=_recurrence(component, start),
        occurrence=in_zone(occurrence, start).isoformat() if occurrence else "",
        description=_description(_value(single, "DESCRIPTION") or _busy_times(component)),
        comment=_description(_value(single, "COMMENT") or component.comment),
        link=_link(single),
        task=component.is_task,
    )


def _recurrence(component: _Component, start: date | None) -> str:
    """Returns the rule, and the dates left out and added in the form of further parts of it."""
    rule = _text(_value(component.single, "RRULE"), TEXT_MAX_BYTES).upper()
    if not rule and "RDATE" not in component.dates:
        return ""
    parts = [f"{name}={_dates(lines, start)}" for name, lines in component.dates.items()]
    return ";".join(filter(None, [rule, *parts]))


def _dates(lines: list[Line], start: date | None) -> str:
    more = [MORE] if len(lines) > DATES_MAX else []
    return ",".join([*(_local(line, start) for line in lines[:DATES_MAX]), *more])


def _local(line: Line, start: date | None) -> str:
    """Returns a date of a series as given, or in the zone of its events."""
    time, _ = time_of(line)
    moved = in_zone(time, start) if time else None
    if moved is time:
        return _text(line.value, DATE_MAX_BYTES).upper()
    return f"{moved:%Y%m%dT%H%M%S}"


def _number(value: str) -> int:
    value = value.strip()
    return int(value) if value.isdecimal() and len(value) <= SEQUENCE_DIGITS else 0


def _busy_times(component: _Component) -> str:
    """Returns the times of a person in words, one a line (RFC 5545, 3.8.2.6)."""
    lines = []
    for line in component.busy_times[:DATES_MAX]:
        first, _, last = line.value.partition("/")
        start, _ = time_of(Line({}, first))
        end, _ = time_of(Line({}, last))
        end = end or (end_after(start, Line({}, last)) if start else None)
        if isinstance(start, datetime) and isinstance(end, datetime):
            kind = line.parameters.get("FBTYPE", "BUSY").capitalize()
            lines.append(f"{kind}: {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}, UTC")
    more = [MORE] if len(component.busy_times) > DATES_MAX else []
    return "\n".join([*lines, *more])


def _description(value: str) -> str:
    if HTML.search(value):
        value = html_to_text(value.replace("\n", "<br>"))
    lines = map(one_line, value.splitlines())
    return cut("\n".join(lines).strip(), DESCRIPTION_MAX_BYTES)


def _link(single: dict[str, Line]) -> str:
    values = (_value(single, name).strip() for name in LINKS)
    return next((value for value in values if LINK.fullmatch(value)), "")


def _value(single: dict[str, Line], name: str) -> str:
    return single[name].value if name in single else ""


def _text(value: str, max_bytes: int) -> str:
    return cut(one_line(value), max_bytes)

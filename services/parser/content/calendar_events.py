"""The events of one calendar (RFC 5545): its bytes in, its events and a problem out.

icalendar reads single lines and values. A whole calendar is not given to it: it keeps the time
zones that one calendar defines for all later ones, and a zone's rule may take unlimited time.
"""

from __future__ import annotations

import contextlib
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from icalendar.parser import Contentline
from icalendar.prop import vDDDTypes
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from postrail.message_parts import Address, CalendarEvent
from services.parser.text.decode import cut, decode, one_line, storable

EVENTS_MAX = 20
ATTENDEES_MAX = 50
LINES_MAX = 400
# icalendar needs more than linear time for the parameters of a line.
LINE_MAX = 2000
TEXT_MAX_BYTES = 500
DESCRIPTION_MAX_BYTES = 1000
# A larger number would not be one that was counted.
SEQUENCE_DIGITS = 9
UID_MAX_BYTES = 255
FOLD = re.compile(rb"\r?\n[ \t]")
COMPONENTS = ("VEVENT", "VTODO")
NAME = re.compile(r"[A-Za-z-]{1,20}(?=[;:])")
SINGLE_LINES = (
    "UID", "SUMMARY", "LOCATION", "STATUS", "DTSTART", "DTEND", "DUE", "DURATION",
    "SEQUENCE", "RRULE", "RECURRENCE-ID", "COMMENT", "DESCRIPTION",
)  # fmt: skip
WANTED_LINES = {*SINGLE_LINES, "ORGANIZER", "ATTENDEE", "METHOD", "EXDATE", "RDATE"}
DATES_MAX = 20
# Outlook writes these zones without the quotes that their colons need (RFC 5545, 3.1).
UNQUOTED_ZONE = re.compile(
    r"(?<=TZID=)(?:tzone://[^\";:,]{1,80}|\((?:UTC|GMT)[+-]\d\d:\d\d\)[^\";:]{0,80})", re.IGNORECASE
)
UTC_OF_OUTLOOK = "tzone://microsoft/utc"
# A zone as Windows displays it: "(UTC+01:00) Amsterdam, Berlin, Rome".
DISPLAYED_ZONE = re.compile(r"\((?:UTC|GMT)(?:([+-])([01]?\d):([0-5]\d))?\)")
CITIES = {
    name.rpartition("/")[2].replace("_", " "): name for name in set(WINDOWS_TO_OLSON.values())
}
# Times as some programs write them: without seconds, or with an offset.
LOOSE_TIME = re.compile(r"(\d{8}T\d{4})(\d\d)?(Z|[+-]\d{4})?")
# The beginning of Japanese characters in ISO-2022-JP, whose bytes are those of ASCII.
JAPANESE = b"\x1b$"
# ZoneInfo opens a file of this name, so it must not be a path to anywhere else.
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
    # The answer of the first attendee.
    answer: str = ""
    # The dates that a series leaves out (EXDATE) and its further ones (RDATE), as given.
    dates: dict[str, list[str]] = field(default_factory=dict)
    is_task: bool = False


def read_events(data: bytes, method: str) -> tuple[list[CalendarEvent], str]:
    """Returns the events of a calendar and its problem, "" for a sound one."""
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
        if len(self.components) >= EVENTS_MAX:
            self.problem = f"the events after the first {EVENTS_MAX} are not read"
        else:
            self.components.append(_Component(is_task=name == "VTODO"))

    def _read_wanted(self, name: str, line: str) -> None:
        """Reads a line of the calendar (METHOD) or of an event; those of its alarms are skipped."""
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
    return _Line(plain, value)


def _add(component: _Component, name: str, line: _Line) -> None:
    if name == "ORGANIZER":
        component.organiser = component.organiser or _address(line)
    elif name == "ATTENDEE":
        if not component.attendees:
            component.answer = line.parameters.get("PARTSTAT", "")
        if len(component.attendees) < ATTENDEES_MAX:
            component.attendees.append(_address(line))
    elif name in ("EXDATE", "RDATE"):
        # A further date may be a period, of which the start tells enough.
        days = [day.partition("/")[0] for day in line.value.split(",")[:DATES_MAX]]
        component.dates.setdefault(name, []).extend(days)
    else:
        component.single.setdefault(name, line)


def _address(line: _Line) -> Address:
    value = line.value[7:] if line.value[:7].lower() == "mailto:" else line.value
    if "@" not in value:
        # A place in a directory, or "invalid:nomail".
        value = line.parameters.get("EMAIL", "")
    name = line.parameters.get("CN", "")
    return Address(name=_text(name, TEXT_MAX_BYTES), address=_text(value, TEXT_MAX_BYTES))


def _event(component: _Component, method: str) -> CalendarEvent:
    single = component.single
    start, zone = _time(single.get("DTSTART"))
    end, _ = _time(single.get("DTEND") or single.get("DUE"))
    occurrence, _ = _time(single.get("RECURRENCE-ID"))
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
        sequence=_number(_value(single, "SEQUENCE")),
        answer=_text(component.answer, 40).upper() if method == "REPLY" else "",
        recurrence=_recurrence(component),
        occurrence=occurrence.isoformat() if occurrence else "",
        description=_description(_value(single, "COMMENT") or _value(single, "DESCRIPTION")),
        task=component.is_task,
    )


def _recurrence(component: _Component) -> str:
    """Returns the rule, and the dates left out and added in the form of further parts of it."""
    rule = _value(component.single, "RRULE")
    if not rule and "RDATE" not in component.dates:
        return ""
    parts = [f"{name}={','.join(days[:DATES_MAX])}" for name, days in component.dates.items()]
    return _text(";".join(filter(None, [rule, *parts])), TEXT_MAX_BYTES).upper()


def _number(value: str) -> int:
    value = value.strip()
    return int(value) if value.isdecimal() and len(value) <= SEQUENCE_DIGITS else 0


def _description(value: str) -> str:
    lines = map(one_line, value.splitlines())
    return cut("\n".join(lines).strip(), DESCRIPTION_MAX_BYTES)


def _value(single: dict[str, _Line], name: str) -> str:
    return single[name].value if name in single else ""


def _text(value: str, max_bytes: int) -> str:
    return cut(one_line(value), max_bytes)


def _time(line: _Line | None) -> tuple[date | None, str]:
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
    return value.replace(tzinfo=zone), _text(given, UID_MAX_BYTES)


def _value_of(line: _Line | None) -> object:
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


def _after(start: date, line: _Line | None) -> date | None:
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

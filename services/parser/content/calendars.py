"""The events in the calendars of a message: its attachments in, its events and defects out."""

from __future__ import annotations

from collections.abc import Iterable

from postrail.message_parts import CalendarEvent
from services.parser.content.attachments import AttachedFile

CALENDAR_MAX_BYTES = 1024 * 1024
EVENTS_MAX = 20
# Of each event.
TEXT_MAX_BYTES = 500
UID_MAX_BYTES = 255
TYPES = ("text/calendar", "application/ics")


def read_calendars(files: Iterable[AttachedFile]) -> tuple[list[CalendarEvent], list[str]]:
    """Returns the distinct events in these attachments, and the problems of the calendars."""
    events: list[CalendarEvent] = []
    defects: list[str] = []
    for file in files:
        if file.content_type in TYPES or file.sniffed_type in TYPES:
            found, problem = read_calendar(file.source.first(CALENDAR_MAX_BYTES + 1), file.method)
            # Google sends the same calendar twice: as an alternative, and attached.
            events += [event for event in found if event not in events]
            if problem:
                defects.append(f"{file.name}: {problem}")
    return events[:EVENTS_MAX], defects


def read_calendar(data: bytes, method: str) -> tuple[list[CalendarEvent], str]:
    """Returns the events of one calendar and its problem, "" for a sound one."""
    if len(data) > CALENDAR_MAX_BYTES:
        return [], f"a calendar of more than {CALENDAR_MAX_BYTES} bytes is not read"
    # Imported here because it loads icalendar, which costs memory and takes longer than parsing
    # fifty messages; few messages contain a calendar.
    from services.parser.content.calendar_events import read_events

    return read_events(data, method)

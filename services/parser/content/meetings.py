"""A meeting in Outlook's own format: a winmail.dat in, a calendar event out."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.message_parts import Address, CalendarEvent
from services.parser.content import tnef
from services.parser.content.calendars import TEXT_MAX_BYTES, UID_MAX_BYTES
from services.parser.content.tnef import Tnef
from services.parser.text.decode import cut, one_line

Endings = Sequence[tuple[str | tuple[str, ...], str]]

# The ends of message classes: those of MS-OXOCAL, section 2.2, and the older ones of TNEF.
METHODS = (
    (".meeting.request", "REQUEST"),
    (".mtgreq", "REQUEST"),
    (".meeting.canceled", "CANCEL"),
    (".mtgcncl", "CANCEL"),
    (".meeting.resp.pos", "REPLY"),
    (".meeting.resp.neg", "REPLY"),
    (".meeting.resp.tent", "REPLY"),
    (".mtgrespp", "REPLY"),
    (".mtgrespn", "REPLY"),
    (".mtgrespa", "REPLY"),
    ("ipm.appointment", ""),
)
ANSWERS = (
    (("pos", "mtgrespp"), "ACCEPTED"),
    (("neg", "mtgrespn"), "DECLINED"),
    (("tent", "mtgrespa"), "TENTATIVE"),
)
# MS-OXCICAL, 2.1.3.1.1.20.26: the id that another calendar assigned follows this.
FOREIGN_UID = b"vCal-Uid\x01\0\0\0"


def meeting_in(found: Tnef) -> CalendarEvent | None:
    """Returns the meeting in a winmail.dat, or None if its message class is another one."""
    message_class = (found.message_class or found.texts.get(tnef.CLASS, "")).strip().lower()
    method = _first(METHODS, message_class)
    if method is None:
        return None
    texts, times = found.texts, found.times
    start = times.get(tnef.START) or times.get(tnef.START_DATE)
    end = times.get(tnef.END) or times.get(tnef.END_DATE)
    return CalendarEvent(
        method=method,
        uid=_uid(found),
        summary=_bounded(texts.get(tnef.TITLE) or found.subject),
        location=_bounded(texts.get(tnef.WHERE) or texts.get(tnef.MEETING_WHERE, "")),
        status="CANCELLED" if method == "CANCEL" else "",
        start=start.isoformat() if start else "",
        end=end.isoformat() if end else "",
        zone="UTC" if start else "",
        organiser=_organiser(found, method),
        attendees=[],
        sequence=found.sequence,
        answer=_first(ANSWERS, message_class) or "" if method == "REPLY" else "",
        # In words, in the language of the organiser's program.
        recurrence=_bounded(texts.get(tnef.RECURRENCE, "")),
    )


def _first(meanings: Endings, message_class: str) -> str | None:
    return next((meaning for ending, meaning in meanings if message_class.endswith(ending)), None)


def _uid(found: Tnef) -> str:
    """Returns the UID as Exchange writes it into a calendar (MS-OXCICAL, 2.1.3.1.1.20.26)."""
    blob = found.ids.get(tnef.CLEAN_GLOBAL_ID) or found.ids.get(tnef.GLOBAL_ID, b"")
    _, marker, foreign = blob.partition(FOREIGN_UID)
    if marker:
        return cut(one_line(foreign.rstrip(b"\0").decode("ascii", "replace")), UID_MAX_BYTES)
    return cut(blob.hex().upper(), UID_MAX_BYTES)


def _organiser(found: Tnef, method: str) -> Address | None:
    """Returns the person who sent the request, or who receives the reply to it."""
    numbers = tnef.RECEIVED_FOR if method == "REPLY" else tnef.SENT_FOR
    name, *addresses = (found.texts.get(number, "") for number in numbers)
    name, addresses = name or found.owner[0], [*addresses, found.owner[1]]
    # Other addresses are paths in the sender's own directory.
    address = next((one for one in map(_smtp, addresses) if "@" in one), "")
    return Address(name=_bounded(name), address=_bounded(address)) if name or address else None


def _smtp(address: str) -> str:
    kind, colon, rest = address.partition(":")
    return rest if colon and kind.lower() == "smtp" else address


def _bounded(text: str) -> str:
    return cut(one_line(text), TEXT_MAX_BYTES)

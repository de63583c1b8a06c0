"""Calendars: names of zones, limits, and broken calendars."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postrail.message_parts import Address, CalendarEvent
from postrail.notifications.reply_marker import INTERNAL_MARKER
from postrail.stream import avro
from services.parser.content.calendar_events import ATTENDEES_MAX
from services.parser.content.calendars import CALENDAR_MAX_BYTES, EVENTS_MAX, read_calendar
from tests.makers.parsing import made


def calendar(*lines: str) -> bytes:
    return "\r\n".join(["BEGIN:VCALENDAR", *lines, "END:VCALENDAR", ""]).encode()


def event(*lines: str) -> list[str]:
    return ["BEGIN:VEVENT", *lines, "END:VEVENT"]


def only(data: bytes) -> CalendarEvent:
    events, _ = read_calendar(data, "")
    assert len(events) == 1
    return events[0]


@pytest.mark.parametrize(
    ("line", "start", "zone"),
    [
        ("DTSTART;TZID=Europe/Berlin:20260701T100000", "2026-07-01T10:00:00+02:00",
         "Europe/Berlin"),
        ("DTSTART;TZID=Pacific Standard Time:20260701T100000", "2026-07-01T10:00:00-07:00",
         "America/Los_Angeles"),
        # A vendor's path before the name (RFC 5545, 3.2.19).
        ("DTSTART;TZID=/mozilla.org/20070129_1/Europe/Berlin:20260701T100000",
         "2026-07-01T10:00:00+02:00", "Europe/Berlin"),
        ("DTSTART:20260701T100000Z", "2026-07-01T10:00:00+00:00", "UTC"),
        ("DTSTART:20260701T100000", "2026-07-01T10:00:00", ""),
        ("DTSTART;VALUE=DATE:20260701", "2026-07-01", ""),
        ("dtstart:20260701", "2026-07-01", ""),
        # Unknown names of zones, among them a path and a name that is too long.
        ("DTSTART;TZID=Customized Time Zone:20260701T100000", "2026-07-01T10:00:00",
         "Customized Time Zone"),
        ("DTSTART;TZID=../../etc/passwd:20260701T100000", "2026-07-01T10:00:00",
         "../../etc/passwd"),
        ("DTSTART;TZID=Europe:20260701T100000", "2026-07-01T10:00:00", "Europe"),
        ("DTSTART;TZID=" + "x" * 1000 + ":20260701T100000", "2026-07-01T10:00:00", "x" * 255),
        # Outlook's UTC, without the quotes that it needs, and with them.
        ("DTSTART;TZID=tzone://Microsoft/Utc:20260701T100000", "2026-07-01T10:00:00+00:00", "UTC"),
        ('DTSTART;TZID="tzone://Microsoft/Utc":20260701T100000', "2026-07-01T10:00:00+00:00",
         "UTC"),
        ("DTSTART;TZID=tzone://Microsoft/Custom:20260701T100000", "2026-07-01T10:00:00",
         "tzone://Microsoft/Custom"),
        ("DTSTART;TZID=europe/oslo:20260701T100000", "2026-07-01T10:00:00+02:00", "Europe/Oslo"),
        # As Windows displays zones: its places know the summer time, which the offset does not.
        ('DTSTART;TZID="(UTC+01:00) Amsterdam, Berlin, Rome":20260701T100000',
         "2026-07-01T10:00:00+02:00", "Europe/Berlin"),
        ("DTSTART;TZID=(UTC+01:00) Amsterdam, Berlin:20260701T100000",
         "2026-07-01T10:00:00+02:00", "Europe/Berlin"),
        ('DTSTART;TZID="(UTC-05:00) Eastern Time (US & Canada)":20260101T100000',
         "2026-01-01T10:00:00-05:00", "America/New_York"),
        ('DTSTART;TZID="(GMT+05:45) Nowhere":20260701T100000', "2026-07-01T10:00:00+05:45",
         "(GMT+05:45) Nowhere"),
        ('DTSTART;TZID="(UTC-03:30)":20260701T100000', "2026-07-01T10:00:00-03:30",
         "(UTC-03:30)"),
        ('DTSTART;TZID="(UTC) Nowhere":20260701T100000', "2026-07-01T10:00:00+00:00",
         "(UTC) Nowhere"),
        ('DTSTART;TZID="(UTC+99:00) Nowhere":20260701T100000', "2026-07-01T10:00:00",
         "(UTC+99:00) Nowhere"),
        # Without seconds, and with an offset.
        ("DTSTART:20260701T1000Z", "2026-07-01T10:00:00+00:00", "UTC"),
        ("DTSTART;TZID=Europe/Berlin:20260701T1000", "2026-07-01T10:00:00+02:00", "Europe/Berlin"),
        ("DTSTART:20260701T100000+0200", "2026-07-01T08:00:00+00:00", "UTC"),
        ("DTSTART:20261301T1000Z", "", ""),
        ("DTSTART:00010101T000000+0200", "", ""),
        ("DTSTART:rubbish", "", ""),
        ("DTSTART:P1D", "", ""),
        ("DTSTART;TZID=\x00:20260701T100000", "2026-07-01T10:00:00", ""),
    ],
)  # fmt: skip
def test_times(line: str, start: str, zone: str) -> None:
    found = only(calendar(*event(line)))
    assert (found.start, found.zone) == (start, zone)


@pytest.mark.parametrize(("component", "task"), [("VTODO", True), ("VEVENT", False)])
def test_a_task_is_no_event(component: str, task: bool) -> None:
    data = calendar(f"BEGIN:{component}", "SUMMARY:Look", f"END:{component}")
    assert only(data).task is task


def test_zones_of_one_calendar_do_not_affect_the_next_one() -> None:
    """icalendar's own reader of calendars keeps their zones."""
    zone = ["BEGIN:VTIMEZONE", "TZID:Ours", "BEGIN:STANDARD", "DTSTART:19700101T000000",
            "TZOFFSETFROM:+0500", "TZOFFSETTO:+0500", "END:STANDARD", "END:VTIMEZONE"]  # fmt: skip
    read_calendar(calendar(*zone, *event("DTSTART;TZID=Ours:20260701T100000")), "")
    found = only(calendar(*event("DTSTART;TZID=Ours:20260701T100000")))
    assert found.start == "2026-07-01T10:00:00"


def test_the_method_of_the_part_outranks_that_of_the_calendar() -> None:
    data = calendar("METHOD:REQUEST", *event("UID:a"))
    assert read_calendar(data, "")[0][0].method == "REQUEST"
    assert read_calendar(data, "CANCEL")[0][0].method == "CANCEL"


@pytest.mark.parametrize(
    ("lines", "method", "name", "value"),
    [
        (["SEQUENCE:3"], "REQUEST", "sequence", 3),
        (["SEQUENCE: 3 "], "REQUEST", "sequence", 3),
        (["SEQUENCE:-1"], "REQUEST", "sequence", 0),
        (["SEQUENCE:many"], "REQUEST", "sequence", 0),
        (["SEQUENCE:" + "9" * 30], "REQUEST", "sequence", 0),
        (["RRULE:freq=weekly;byday=mo"], "REQUEST", "recurrence", "FREQ=WEEKLY;BYDAY=MO"),
        (["RECURRENCE-ID;VALUE=DATE:20261208"], "CANCEL", "occurrence", "2026-12-08"),
        (
            ["RECURRENCE-ID;TZID=Europe/Berlin:20261208T100000"],
            "CANCEL",
            "occurrence",
            "2026-12-08T10:00:00+01:00",
        ),
        (["RECURRENCE-ID:rubbish"], "CANCEL", "occurrence", ""),
        (
            ["RRULE:FREQ=DAILY", "EXDATE:20261222,20261223", "EXDATE;TZID=Europe/Oslo:20261224"],
            "REQUEST",
            "recurrence",
            "FREQ=DAILY;EXDATE=20261222,20261223,20261224",
        ),
        (["EXDATE:20261222"], "REQUEST", "recurrence", ""),
        (
            ["RDATE;VALUE=PERIOD:20261222T100000Z/PT1H", "EXDATE:20261223"],
            "REQUEST",
            "recurrence",
            "RDATE=20261222T100000Z;EXDATE=20261223",
        ),
        (
            ["ORGANIZER;CN=Bo;EMAIL=bo@b.example:/principals/7/"],
            "REQUEST",
            "organiser",
            Address(name="Bo", address="bo@b.example"),
        ),
        (
            ["ORGANIZER;CN=Bo:invalid:nomail"],
            "REQUEST",
            "organiser",
            Address(name="Bo", address=""),
        ),
        (["SUMMARY:\x1b$B%W%j%s%?\x1b(B"], "REQUEST", "summary", "プリンタ"),
        (
            ["SUMMARY;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:Bespr=C3=A4ch"],
            "REQUEST",
            "summary",
            "Bespräch",
        ),
        (["DESCRIPTION:One\\, two\\n\\nThree "], "CANCEL", "description", "One, two\n\nThree"),
        (["DESCRIPTION:Please come", "COMMENT:I am ill"], "REPLY", "comment", "I am ill"),
        (["DESCRIPTION:Please come", "COMMENT:I am ill"], "REPLY", "description", "Please come"),
        (
            ['ATTENDEE;X-RESPONSE-COMMENT="I am late";CN=A:mailto:a@b.c'],
            "REPLY",
            "comment",
            "I am late",
        ),
        (["URL:https://b.example/42"], "REQUEST", "link", "https://b.example/42"),
        (
            ["URL:https://b.example/42", "X-MICROSOFT-SKYPETEAMSMEETINGURL:https://b.example/l/1"],
            "REQUEST",
            "link",
            "https://b.example/l/1",
        ),
        (
            ["CONFERENCE;VALUE=URI:tel:+4930", "X-GOOGLE-CONFERENCE:https://b.example/x"],
            "REQUEST",
            "link",
            "https://b.example/x",
        ),
        (["URL:javascript:x", "URL:https://b.example"], "REQUEST", "link", ""),
        (["DESCRIPTION:<b>One</b><br>two\\, three"], "REQUEST", "description", "One\ntwo, three"),
        (["DESCRIPTION:If a <b> c\\, ask <Bo>"], "REQUEST", "description", "If a <b> c, ask <Bo>"),
        (
            ["DESCRIPTION:<p>Agenda</p><ul><li>one</li></ul>"],
            "REQUEST",
            "description",
            "Agenda\n\n* one",
        ),
        (["DESCRIPTION:a <b>b</b>\\n1 < 2"], "REQUEST", "description", "a b\n1 < 2"),
        (
            ["DESCRIPTION:1 < 2, x <y@z.example>"],
            "REQUEST",
            "description",
            "1 < 2, x <y@z.example>",
        ),
        (
            ["CONFERENCE:tel:+491", "CONFERENCE:https://meet.example/x"],
            "REQUEST",
            "link",
            "https://meet.example/x",
        ),
        (["DESCRIPTION:" + "\u00e4" * 1500], "REQUEST", "description", "\u00e4" * 500),
        # The answer is that of the first attendee, and only an answer has one.
        (
            ["ATTENDEE;PARTSTAT=Declined:mailto:a@b.c", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:d@e.f"],
            "REPLY",
            "answer",
            "DECLINED",
        ),
        (
            ["ATTENDEE:mailto:a@b.c", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:d@e.f"],
            "REPLY",
            "answer",
            "",
        ),
        (["ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:a@b.c"], "REQUEST", "answer", ""),
    ],
)
def test_what_an_event_says_about_itself(
    lines: list[str], method: str, name: str, value: object
) -> None:
    ((found,), _) = read_calendar(calendar(f"METHOD:{method}", *event(*lines)), "")
    assert getattr(found, name) == value


@pytest.mark.parametrize("name", ["DESCRIPTION", "COMMENT"])
def test_a_text_in_an_event_may_quote_an_internal_comment(name: str) -> None:
    lines = event(f"{name}:{INTERNAL_MARKER}")
    raw = b"Content-Type: text/calendar\n\n" + calendar("METHOD:REQUEST", *lines)
    assert made(raw).record.quotes_internal


def test_free_and_busy_times_are_an_event_with_their_periods() -> None:
    periods = "20261203T150000Z/PT1H,20261203T220000Z/20261204T080000Z,rubbish"
    lines = ["BEGIN:VFREEBUSY", "DTSTART:20261203T000000Z", f"FREEBUSY;FBTYPE=BUSY:{periods}"]
    found = only(calendar("METHOD:REPLY", *lines, "END:VFREEBUSY"))
    assert found.summary == "free and busy times"
    assert found.description.splitlines() == [
        "Busy: 2026-12-03 15:00 to 2026-12-03 16:00, UTC",
        "Busy: 2026-12-03 22:00 to 2026-12-04 08:00, UTC",
    ]


def test_too_many_events_are_cut_and_noted() -> None:
    events, problem = read_calendar(calendar(*event("UID:a") * (EVENTS_MAX + 1)), "")
    assert len(events) == EVENTS_MAX
    assert problem == f"the events after the first {EVENTS_MAX} are not read"


def test_the_last_event_that_is_read_has_no_lines_of_the_next_ones() -> None:
    numbered = [event(f"UID:{n}", f"LOCATION:{n}" * (n > 20)) for n in range(1, 24)]
    events, _ = read_calendar(calendar(*(line for one in numbered for line in one)), "")
    assert [one.uid for one in events] == [str(n) for n in range(1, EVENTS_MAX + 1)]
    assert {one.location for one in events} == {""}


@pytest.mark.parametrize(
    ("count", "problem"),
    [(51, "the attendees after the first 50"), (10_000, "the lines after the first 400")],
)
def test_too_many_attendees_are_cut(count: int, problem: str) -> None:
    data = calendar(*event(*["ATTENDEE:mailto:a@b.example"] * count))
    ((found,), said) = read_calendar(data, "")
    assert len(found.attendees) == ATTENDEES_MAX
    assert said == f"{problem} are not read"


def test_of_many_dates_that_a_series_leaves_out_the_first_are_kept_whole() -> None:
    dates = [f"EXDATE:202512{day:02}T090000Z" for day in range(1, 26)]
    rule = "RRULE:FREQ=DAILY;BYMONTH=" + ",".join(["1"] * 100)
    ((found,), problem) = read_calendar(calendar(*event(rule, *dates)), "")
    shown = found.recurrence.partition("EXDATE=")[2].split(",")
    assert shown == [f"202512{day:02}T090000Z" for day in range(1, 21)] + ["..."]
    assert problem == "the dates of a series after the first 20 are not read"


@pytest.mark.parametrize(
    ("lines", "occurrence", "zone", "recurrence"),
    [
        # The zone is that of the start, also where the lines are in another one.
        (
            ["DTSTART;TZID=Europe/Berlin:20251103T100000", "RECURRENCE-ID:20251103T090000Z"],
            "2025-11-03T10:00:00+01:00", "Europe/Berlin", "",
        ),
        (
            ["DTSTART:20251103T090000Z", "RECURRENCE-ID;TZID=Asia/Tokyo:20251104T080000"],
            "2025-11-03T23:00:00+00:00", "UTC", "",
        ),
        (["RECURRENCE-ID;TZID=Asia/Tokyo:20251104T080000"],
         "2025-11-04T08:00:00+09:00", "Asia/Tokyo", ""),
        (["DTSTART;VALUE=DATE:20251103", "RECURRENCE-ID:20251104T080000Z"],
         "2025-11-04T08:00:00+00:00", "", ""),
        (
            ["DTSTART;TZID=Asia/Tokyo:20251103T080000", "RRULE:FREQ=DAILY",
             "EXDATE:20251203T230000Z,20251204T230000Z"],
            "", "Asia/Tokyo", "FREQ=DAILY;EXDATE=20251204T080000,20251205T080000",
        ),
        (["DTSTART:00010101T000000Z", "RRULE:FREQ=DAILY", "EXDATE:00010101T000000", "EXDATE:x"],
         "", "UTC", "FREQ=DAILY;EXDATE=00010101T000000,X"),
        (["DTSTART;TZID=Asia/Tokyo:99990101T080000", "RECURRENCE-ID:99991231T235959Z"],
         "9999-12-31T23:59:59+00:00", "Asia/Tokyo", ""),
    ],
)  # fmt: skip
def test_all_times_of_an_event_are_in_its_zone(
    lines: list[str], occurrence: str, zone: str, recurrence: str
) -> None:
    found = only(calendar(*event(*lines)))
    assert (found.occurrence, found.zone, found.recurrence) == (occurrence, zone, recurrence)


def test_a_large_calendar_is_kept_and_not_read() -> None:
    data = calendar(*event("SUMMARY:" + "x" * CALENDAR_MAX_BYTES))
    assert read_calendar(data, "")[0] == []
    record = made(b"Content-Type: text/calendar\n\n" + data).record
    assert record.attachments[0].size == len(data)
    assert record.defects[0].startswith("attachment-1.ics: a calendar of more than")


@pytest.mark.parametrize(
    "line",
    [
        "ORGANIZER;" + "A=b;" * 500 + "CN=x:mailto:a@b.example",
        "ORGANIZER;" + '"A"' * 600 + "CN=x:mailto:a@b.example",
        "SUMMARY;X=" + '"' * 1900 + ":x",
        "DTSTART;TZID=" + "Europe/" * 200 + "Berlin:20260701T100000",
    ],
)
def test_hostile_lines_are_read_in_time(line: str) -> None:
    started = time.process_time()
    read_calendar(calendar(*event(*[line] * 10_000)), "")
    assert time.process_time() - started < 3


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(["BEGIN:VEVENT\n", "END:VEVENT\n", "DTSTART", "ATTENDEE", ";TZID=", ":",
                         ";", '"', "=", "\n ", "20260701T100000", "DURATION:P1D\n", "SUMMARY:",
                         "\\n", "\n", "METHOD:", "BEGIN:VALARM\n", "99999999999999999999", "^n"])
        | st.text(max_size=4),
        max_size=40,
    ).map("".join)
)  # fmt: skip
def test_any_calendar(text: str) -> None:
    data = b"BEGIN:VCALENDAR\n" + text.encode("utf-8", "surrogatepass")
    record = made(b"Content-Type: text/calendar\n\n" + data).record
    assert record.error is None
    assert avro.decode(avro.encode(record)) == record

"""Calendar events in words: what they are, when, where, by whom, and how often."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postrail.incoming.calendar_text import EVENTS_MAX, EVENTS_READ_MAX, calendar_text
from postrail.message_parts import Address, CalendarEvent
from postrail.records import BlobReference
from services.parser.content import calendars
from tests.makers.records import calendar_event, mail_parsed

ANN = Address(name="Berg, Ann", address="ann@customer.example")
BERLIN = {"zone": "Europe/Berlin"}


def lines(text: str = "Hello", **changes: Any) -> list[str]:
    """Returns the lines of the block for one event in a message with this text."""
    return calendar_text(mail_parsed(text=text, events=[calendar_event(**changes)])).splitlines()


def named(name: str, **changes: Any) -> str:
    """Returns the value of a line, "" without the line."""
    values = dict(line.split(": ", 1) for line in lines(**changes))
    return values.get(name, "")


def test_an_invitation_whole() -> None:
    changes: dict[str, Any] = {
        "start": "2026-12-01T10:00:00+01:00",
        "end": "2026-12-01T11:30:00+01:00",
        "location": "Room 2",
        "organiser": ANN,
        "recurrence": "FREQ=WEEKLY;COUNT=3;BYDAY=TU",
        **BERLIN,
    }
    assert lines(**changes) == [
        "New invitation: Look at the lamp",
        "When: Tuesday 2026-12-01 10:00 to 11:30, Europe/Berlin (UTC+01:00)",
        "Repeats: every week on Tuesday, 3 times",
        "Where: Room 2",
        "Organiser: Berg, Ann <ann@customer.example>",
    ]


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"method": "REQUEST"}, "New invitation"),
        ({"method": "REQUEST", "sequence": 2}, "Changed invitation (moved or updated)"),
        (
            {"method": "REQUEST", "occurrence": "2026-12-08"},
            "Changed invitation, one date of a series",
        ),
        ({"method": "CANCEL", "sequence": 1}, "Cancelled invitation"),
        ({"method": "PUBLISH", "status": "CANCELLED"}, "Cancelled invitation"),
        (
            {"method": "CANCEL", "occurrence": "2026-12-08"},
            "Cancelled invitation, one date of a series",
        ),
        ({"method": "REPLY", "answer": "ACCEPTED"}, "Answer to an invitation, accepted"),
        ({"method": "REPLY", "answer": "DECLINED"}, "Answer to an invitation, declined"),
        (
            {"method": "REPLY", "answer": "TENTATIVE", "status": "CANCELLED"},
            "Answer to an invitation, tentatively accepted",
        ),
        ({"method": "REPLY", "answer": "X-LATER"}, "Answer to an invitation, x-later"),
        ({"method": "REPLY"}, "Answer to an invitation"),
        ({"method": "COUNTER"}, "Answer to an invitation, with another proposal"),
        ({"method": "DECLINECOUNTER"}, "Other proposal declined"),
        ({"method": "REFRESH"}, "Question for the current state of an invitation"),
        ({"method": "PUBLISH"}, "Calendar entry"),
        ({"method": "X-OTHER"}, "Calendar entry"),
    ],
)
def test_what_it_is(changes: dict[str, Any], title: str) -> None:
    assert lines(**changes)[0] == f"{title}: Look at the lamp"


@pytest.mark.parametrize(
    ("start", "end", "zone", "when"),
    [
        ("2026-12-01T10:00:00+00:00", "", "UTC", "Tuesday 2026-12-01 10:00, UTC"),
        (
            "2026-07-01T23:00:00+02:00",
            "2026-07-02T01:00:00+02:00",
            "Europe/Berlin",
            "Wednesday 2026-07-01 23:00 to Thursday 2026-07-02 01:00, Europe/Berlin (UTC+02:00)",
        ),
        # The end is in another zone, or over the change to winter time.
        (
            "2026-12-01T10:00:00-05:00",
            "2026-12-01T23:00:00+00:00",
            "America/New_York",
            "Tuesday 2026-12-01 10:00, America/New_York (UTC-05:00) to Tuesday 2026-12-01 23:00,"
            " UTC",
        ),
        # A zone that nobody knows, and a time wherever the reader is.
        (
            "2026-12-01T10:00:00",
            "2026-12-01T11:00:00",
            "Customized Time Zone",
            "Tuesday 2026-12-01 10:00 to 11:00, Customized Time Zone",
        ),
        ("2026-12-01T10:00:00", "", "", "Tuesday 2026-12-01 10:00, local time"),
        # Days: the end is the day after the last one.
        ("2026-12-24", "2026-12-25", "", "Thursday 2026-12-24, all day"),
        ("2026-12-24", "2026-12-26", "", "Thursday 2026-12-24 to Friday 2026-12-25, all day"),
        ("2026-12-24", "", "", "Thursday 2026-12-24, all day"),
        ("2026-12-24", "2026-12-24", "", "Thursday 2026-12-24, all day"),
        # A day with a time as its end; a task that has no start; nothing at all.
        (
            "2026-12-24",
            "2026-12-25T10:00:00+00:00",
            "",
            "Thursday 2026-12-24, all day to Friday 2026-12-25 10:00, UTC",
        ),
        ("", "2026-12-25", "", "until Friday 2026-12-25"),
        ("", "", "", ""),
    ],
)
def test_when(start: str, end: str, zone: str, when: str) -> None:
    assert named("When", start=start, end=end, zone=zone) == when


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=DAILY", "every day"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR", "every 2 weeks on Monday and Friday"),
        ("FREQ=MONTHLY;UNTIL=20270131T220000Z;WKST=MO", "every month until 2027-01-31"),
        ("FREQ=YEARLY;COUNT=5", "every year, 5 times"),
        ("FREQ=DAILY;BYDAY=MO,TU,WE", "every day on Monday, Tuesday and Wednesday"),
        ("FREQ=MONTHLY;BYDAY=1TU", "every month on the first Tuesday"),
        ("FREQ=MONTHLY;BYDAY=-1FR", "every month on the last Friday"),
        ("FREQ=MONTHLY;BYDAY=TU;BYSETPOS=2", "every month on the second Tuesday"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "every month on the last weekday"),
        ("FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=1", "every month on the first weekend day"),
        ("FREQ=MONTHLY;BYDAY=SU,MO,TU,WE,TH,FR,SA;BYSETPOS=-1", "every month on the last day"),
        ("FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1", "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1"),
        ("FREQ=MONTHLY;BYDAY=TU;BYSETPOS=1,3", "FREQ=MONTHLY;BYDAY=TU;BYSETPOS=1,3"),
        ("FREQ=MONTHLY;BYDAY=1TU;BYSETPOS=1", "FREQ=MONTHLY;BYDAY=1TU;BYSETPOS=1"),
        ("FREQ=WEEKLY;BYDAY=MO,WE", "every week on Monday and Wednesday"),
        ("FREQ=MONTHLY;BYMONTHDAY=15", "every month on day 15"),
        (
            "FREQ=WEEKLY;EXDATE=20261222T100000,20261229",
            "every week, except 2026-12-22 and 2026-12-29",
        ),
        (
            "FREQ=WEEKLY;COUNT=3;EXDATE=20261222;RDATE=20261224T100000Z,20261231",
            "every week, 3 times, also on 2026-12-24 and 2026-12-31, except 2026-12-22",
        ),
        ("RDATE=20261224", "also on 2026-12-24"),
        (
            "FREQ=WEEKLY;EXDATE=20261222T100000,20261229,...",
            "every week, except 2026-12-22, 2026-12-29 and others",
        ),
        # Others are shown as given.
        ("RDATE=SOON", "RDATE=SOON"),
        ("FREQ=MONTHLY;BYDAY=9TU", "FREQ=MONTHLY;BYDAY=9TU"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=MONTHLY;BYMONTHDAY=-1"),
        ("FREQ=WEEKLY;UNTIL=NEVER", "FREQ=WEEKLY;UNTIL=NEVER"),
        ("FREQ=DAILY;COUNT=X", "FREQ=DAILY;COUNT=X"),
        ("jeden Dienstag von 10:00 bis 11:00", "jeden Dienstag von 10:00 bis 11:00"),
        ("", ""),
    ],
)
def test_how_often(rule: str, words: str) -> None:
    assert named("Repeats", recurrence=rule) == words


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"method": "REQUEST"}, "New task"),
        ({"method": "REQUEST", "sequence": 2}, "Changed task (moved or updated)"),
        ({"method": "CANCEL"}, "Cancelled task"),
        ({"method": "REPLY", "answer": "COMPLETED"}, "Answer to a task, completed"),
        ({"method": "PUBLISH"}, "Task"),
    ],
)
def test_a_task(changes: dict[str, Any], title: str) -> None:
    assert lines(task=True, **changes)[0] == f"{title}: Look at the lamp"


def test_a_task_is_due() -> None:
    assert named("Due", task=True, start="", end="2026-12-10") == "Thursday 2026-12-10, all day"
    assert named("Due", task=True, end="2026-12-10T10:00:00+00:00") == ""


def test_one_date_of_a_series_names_the_date_that_it_replaces() -> None:
    moved = named("Instead of", occurrence="2026-12-08T10:00:00+01:00", **BERLIN)
    assert moved == "Tuesday 2026-12-08 10:00, Europe/Berlin (UTC+01:00)"
    same = "2026-12-01T10:00:00+00:00"
    assert named("Instead of", start=same, occurrence=same) == ""
    other_form = "2026-12-01T11:00:00+01:00"
    assert named("Instead of", start=other_form, occurrence=same, **BERLIN) == ""


@pytest.mark.parametrize("start", ["2026-12-01T10:00:00", "2026-12-01"])
def test_a_date_in_another_kind_of_zone_is_not_named_in_that_of_the_start(start: str) -> None:
    moved = named("Instead of", start=start, occurrence="2026-12-08T10:00:00+00:00", zone="Ours")
    assert moved == "Tuesday 2026-12-08 10:00, UTC"


@pytest.mark.parametrize(
    ("start", "zone", "until"),
    [
        # The last event is on this day in Tokyo, and the day before it in UTC.
        ("2026-12-01T08:00:00+09:00", "Asia/Tokyo", "2027-02-01"),
        ("2026-12-01T00:00:00+01:00", "Europe/Berlin", "2027-02-01"),
        ("2026-12-01T23:00:00+00:00", "UTC", "2027-01-31"),
        ("2026-12-01T08:00:00", "Asia/Nowhere", "2027-01-31"),
        ("2026-12-01T08:00:00+09:00", "(UTC+09:00) Nowhere", "2027-02-01"),
        ("2026-12-01T08:00:00+09:00", "Asia/Nowhere", "2027-02-01"),
        ("2026-12-01", "", "2027-01-31"),
    ],
)
def test_the_last_day_of_a_series_is_that_of_its_zone(start: str, zone: str, until: str) -> None:
    rule = "FREQ=DAILY;UNTIL=20270131T230000Z"
    assert named("Repeats", recurrence=rule, start=start, zone=zone) == f"every day until {until}"


def test_a_name_that_is_the_address_is_shown_once() -> None:
    same = Address(name="ann@customer.example", address="ann@customer.example")
    assert named("Organiser", organiser=same) == "ann@customer.example"
    assert named("Organiser", organiser=Address(name="Ann", address="")) == "Ann"


def test_an_answer_names_who_answers() -> None:
    bob = Address(name="", address="bob@customer.example")
    assert named("Answered by", method="REPLY", attendees=[bob, ANN]) == "bob@customer.example"
    assert named("Answered by", method="COUNTER", attendees=[bob]) == "bob@customer.example"
    assert named("Answered by", method="REQUEST", attendees=[bob, ANN]) == ""


def test_an_event_without_a_title() -> None:
    assert lines(summary="", start="") == ["New invitation: (without a title)"]


def test_the_events_own_text_is_shown_where_the_message_has_none() -> None:
    assert lines("", method="CANCEL", start="", description="I am ill.\nAnn")[1:] == [
        "",
        "I am ill.",
        "Ann",
    ]
    assert "I am ill." not in lines("Hello", description="I am ill.")


def test_a_calendar_that_asks_for_nothing_is_an_attachment_unless_it_is_all() -> None:
    assert lines("My holidays are attached.", method="") == []
    assert lines(" \n", method="")[0] == "Calendar entry: Look at the lamp"
    large = BlobReference(sha256="0" * 64, size=300_000)
    events = [calendar_event(method="")]
    assert calendar_text(mail_parsed(text="", text_blob=large, events=events)) == ""


def test_of_many_events_the_first_are_shown() -> None:
    found = calendar_text(mail_parsed(events=[calendar_event()] * (EVENTS_MAX + 2)))
    assert found.count("New invitation") == EVENTS_MAX
    assert found.endswith("\n\n(The calendar has 2 more entries.)")
    found = calendar_text(mail_parsed(events=[calendar_event()] * EVENTS_READ_MAX))
    assert found.endswith("\n\n(The calendar has at least 15 more entries.)")
    assert EVENTS_READ_MAX == calendars.EVENTS_MAX


@pytest.mark.parametrize("method", ["CANCEL", "COUNTER", "REPLY"])
def test_a_comment_is_shown_unless_the_text_has_it(method: str) -> None:
    changes: dict[str, Any] = {"method": method, "comment": "The room\nhas flooded."}
    assert lines("This event has been canceled.", **changes)[-3:] == [
        "",
        "The room",
        "has flooded.",
    ]
    assert "has flooded." not in lines("Hello,\nthe event: The room has\nflooded.", **changes)
    both = lines("", **changes, description="We meet.")
    assert both[-1] == "has flooded."
    assert "We meet." not in both


def test_a_link_is_shown_unless_the_text_has_it() -> None:
    link = "https://meet.example/1"
    assert named("Link", link=link) == link
    assert not any("Link" in line for line in lines(f"Join at {link}", link=link))


@given(
    st.builds(
        CalendarEvent,
        method=st.sampled_from(["REQUEST", "CANCEL", "REPLY", ""]),
        start=st.text() | st.datetimes().map(str) | st.dates().map(str),
        end=st.text() | st.datetimes(timezones=st.timezones()).map(lambda time: time.isoformat()),
        recurrence=st.text() | st.text(alphabet="FREQ=DAILY;BYCOUNT0123456789,MO"),
        occurrence=st.text(),
    )
)
def test_any_event_is_described(event: CalendarEvent) -> None:
    calendar_text(mail_parsed(events=[event]))

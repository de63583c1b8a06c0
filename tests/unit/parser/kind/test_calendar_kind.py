"""Which messages with a calendar are invitations and answers, and which only have it attached."""

from __future__ import annotations

import pytest

from services.parser.parse import parse

CALENDAR = b"BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT\nEND:VCALENDAR\n"


def kind_of(content_type: bytes, text: bytes, calendar: bytes = CALENDAR) -> tuple[str, str]:
    found = parse(
        b"From: ann@b.example\nContent-Type: multipart/mixed; boundary=x\n\n"
        b"--x\n\n%b\n--x\nContent-Type: %b\n\n%b\n--x--\n" % (text, content_type, calendar)
    ).kind
    return found.name, found.reason


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        (b"text/calendar; method=REQUEST", "calendar"),
        (b"text/calendar", "calendar"),
        (b"text/calendar; charset=utf-8\nContent-Disposition: inline", "calendar"),
        # A person attaches the file of an invitation.
        (b"text/calendar; name=a.ics", "human"),
        (b"text/calendar\nContent-Disposition: attachment", "human"),
        (b"application/octet-stream; name=a.ics", "human"),
        (b"application/ics; name=a.ics", "human"),
    ],
)
def test_beside_a_text_the_part_says_what_it_is(content_type: bytes, kind: str) -> None:
    assert kind_of(content_type, b"Please see the calendar.")[0] == kind


@pytest.mark.parametrize("method", [b"", b"METHOD:PUBLISH", b"X-METHOD:REQUEST"])
def test_a_calendar_that_asks_for_nothing_is_no_invitation(method: bytes) -> None:
    calendar = CALENDAR.replace(b"METHOD:REQUEST", method)
    assert kind_of(b"text/calendar", b"The plan.", calendar)[0] == "human"


@pytest.mark.parametrize(
    "content_type", [b"text/calendar; name=a.ics", b"application/octet-stream"]
)
def test_without_a_text_the_calendar_says_it(content_type: bytes) -> None:
    reason = "a calendar without a text says METHOD:REQUEST"
    assert kind_of(content_type, b"") == ("calendar", reason)

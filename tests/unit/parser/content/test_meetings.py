"""Meetings in winmail.dat: their message classes and properties."""

from __future__ import annotations

import base64
import struct
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postrail.stream import avro
from services.parser.content import tnef as numbers
from services.parser.content.meetings import meeting_in
from services.parser.content.tnef import read_tnef
from tests.makers import tnef
from tests.makers.parsing import made

START = datetime(2026, 12, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("message_class", "method", "answer"),
    [
        # The classes of MS-OXOCAL, and the older ones of TNEF.
        ("IPM.Schedule.Meeting.Request", "REQUEST", ""),
        ("IPM.Microsoft Schedule.MtgReq", "REQUEST", ""),
        ("IPM.Schedule.Meeting.Canceled", "CANCEL", ""),
        ("IPM.Microsoft Schedule.MtgCncl", "CANCEL", ""),
        ("IPM.Schedule.Meeting.Resp.Pos", "REPLY", "ACCEPTED"),
        ("IPM.Schedule.Meeting.Resp.Neg", "REPLY", "DECLINED"),
        ("IPM.Schedule.Meeting.Resp.Tent", "REPLY", "TENTATIVE"),
        ("IPM.Microsoft Schedule.MtgRespP", "REPLY", "ACCEPTED"),
        ("IPM.Microsoft Schedule.MtgRespN", "REPLY", "DECLINED"),
        ("IPM.Microsoft Schedule.MtgRespA", "REPLY", "TENTATIVE"),
        # A forwarded appointment, which asks for nothing.
        ("IPM.Appointment", "", ""),
    ],
)
def test_the_message_class_gives_the_method_and_the_answer(
    message_class: str, method: str, answer: str
) -> None:
    data = tnef.tnef(tnef.message(tnef.text(numbers.CLASS, message_class)))
    found = read_tnef(data)
    assert found is not None
    event = meeting_in(found)
    assert event is not None
    assert (event.method, event.answer) == (method, answer)


def test_changes_are_counted_and_a_series_is_described() -> None:
    message = tnef.message(
        (numbers.SEQUENCE, tnef.LONG, struct.pack("<I", 2)),
        tnef.text(numbers.RECURRENCE, "jeden Dienstag"),
    )
    found = read_tnef(tnef.tnef(tnef.message_class("IPM.Schedule.Meeting.Request"), message))
    assert found is not None
    event = meeting_in(found)
    assert event is not None
    assert (event.sequence, event.recurrence) == (2, "jeden Dienstag")


@pytest.mark.parametrize(
    "message_class", ["IPM.Note", "", "REPORT.IPM.Schedule.Meeting.Request.NDR"]
)
def test_other_classes_are_not_meetings(message_class: str) -> None:
    given = tnef.message(tnef.time(numbers.START, START))
    found = read_tnef(tnef.tnef(tnef.message_class(message_class), given))
    assert found is not None
    assert meeting_in(found) is None


def test_a_meeting_without_anything() -> None:
    never = (numbers.START, tnef.TIME, struct.pack("<Q", 2**63 - 1))
    found = read_tnef(
        tnef.tnef(tnef.message_class("IPM.Microsoft Schedule.MtgReq"), tnef.message(never))
    )
    assert found is not None
    event = meeting_in(found)
    assert event is not None
    assert (event.start, event.zone, event.uid, event.organiser) == ("", "", "", None)


def test_a_path_in_a_directory_is_not_an_address() -> None:
    name, _, address = numbers.SENT_FOR
    given = tnef.message(tnef.text(name, "Ann"), tnef.text(address, "/o=Customer/cn=ann"))
    found = read_tnef(tnef.tnef(tnef.message_class("IPM.Microsoft Schedule.MtgReq"), given))
    assert found is not None
    event = meeting_in(found)
    assert event is not None
    assert event.organiser is not None
    assert (event.organiser.name, event.organiser.address) == ("Ann", "")


def test_a_calendar_outranks_the_winmail_dat() -> None:
    winmail = tnef.tnef(tnef.message_class("IPM.Microsoft Schedule.MtgReq"))
    calendar = b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Printer\nEND:VEVENT\nEND:VCALENDAR\n"
    record = made(
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/calendar\n\n"
        + calendar
        + b"--b\nContent-Type: application/ms-tnef\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(winmail)
        + b"--b--\n"
    ).record
    assert [event.summary for event in record.events] == ["Printer"]
    # A calendar without a method is just an attachment (RFC 6047).
    assert record.kind == "human"


def test_a_meeting_that_is_attached_to_a_message_is_an_attachment() -> None:
    meeting = tnef.tnef(tnef.message_class("IPM.Microsoft Schedule.MtgReq"))
    record = made(
        b"Content-Type: application/ms-tnef\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(tnef.tnef(tnef.embedded("Inner", meeting)))
    ).record
    assert (record.events, record.kind) == ([], "human")


INVITATION = tnef.tnef(
    tnef.message_class("IPM.Microsoft Schedule.MtgReq"),
    tnef.owner("Ann", "SMTP:ann@customer.example"),
    tnef.message(
        tnef.text(numbers.TITLE, "Printer"),
        tnef.time(numbers.START, START),
        (numbers.GLOBAL_ID, tnef.BINARY, b"vCal-Uid\x01\0\0\0meeting-12\0"),
    ),
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.data())
def test_any_bytes(data: st.DataObject) -> None:
    spoiled = bytearray(INVITATION)
    for _ in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.integers(0, len(spoiled) - 1))
        spoiled[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=6))
    winmail = base64.encodebytes(bytes(spoiled))
    head = b"Content-Type: application/ms-tnef\nContent-Transfer-Encoding: base64\n\n"
    record = made(head + winmail).record
    assert record.error is None
    assert avro.decode(avro.encode(record)) == record

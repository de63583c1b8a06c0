"""Delivery reports: the fields of each recipient, in a part or in the text."""

from __future__ import annotations

import pytest

from postrail.message_parts import Bounce, BouncedRecipient
from services.parser.parse import parse
from tests.makers.parsing import bounced

HEAD = (
    "From: MAILER-DAEMON@b.example\nTo: me@desk.example\nSubject: x\nMIME-Version: 1.0\n"
    "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
)
BOB = "Final-Recipient: rfc822; bob@cust.example\n"
EVE = "Final-Recipient: rfc822; eve@cust.example\n"


def report(fields: str, text: str = "It came back.") -> Bounce:
    """Returns the content of a report with these fields and this text."""
    mail = parse(
        f"{HEAD}--b\nContent-Type: text/plain\n\n{text}\n--b\n"
        f"Content-Type: message/delivery-status\n\n{fields}\n--b--\n".encode()
    )
    assert mail.bounce is not None
    return mail.bounce


def reported(fields: str, text: str = "It came back.") -> list[BouncedRecipient]:
    """Returns the recipients of a report with these fields and this text."""
    return report(fields, text).recipients


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        # The status is kept whatever the action says.
        ("Action: failed\nStatus: 4.4.1\n", ("failed", "4.4.1", "4", False)),
        ("Action: delayed\nStatus: 5.4.1\n", ("delayed", "5.4.1", "5", False)),
        ("Action: Failed (bad mailbox)\nStatus: 5.1.1 (x)\n", ("failed", "5.1.1", "5", True)),
        # Actions that RFC 3464 does not define are kept, and are final.
        ("Action: failure\nStatus: 5.1.1\n", ("failure", "5.1.1", "5", True)),
        # Without an action, the class tells.
        ("Status: 5.1.1\n", ("failed", "5.1.1", "5", True)),
        ("Status: 4.2.1\n", ("delayed", "4.2.1", "4", False)),
        # A reply code in the place of the status.
        ("Action: failed\nStatus: 553 too large\n", ("failed", "5.0.0", "5", True)),
        # The server that refused the message is more exact than the one that reports it.
        (
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 552 5.3.4 too large\n",
            ("failed", "5.3.4", "5", True),
        ),
        (
            "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.7.1 no\n",
            ("failed", "5.7.1", "5", True),
        ),
        (
            "Action: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; 550 5.0.0 no\n",
            ("failed", "5.7.1", "5", True),
        ),
        (
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 421 slow down\n",
            ("failed", "4.0.0", "4", False),
        ),
        ("Action: failed\nStatus: 5.2.2\n", ("failed", "5.2.2", "5", False)),
        ("Action: failed\n", ("failed", "", "", False)),
        ("Action: delayed\n", ("delayed", "", "4", False)),
    ],
)
def test_the_four_fields_of_a_recipient(fields: str, expected: tuple[str, str, str, bool]) -> None:
    (one,) = reported(f"Reporting-MTA: dns; b.example\n\n{BOB}{fields}")
    assert (one.action, one.status, one.status_class, one.hard) == expected


@pytest.mark.parametrize(
    "fields",
    [
        f"{BOB}Action: failed\nStatus: 5.2.2\n{EVE}Action: failed\nStatus: 5.1.1\n",
        f"Reporting-MTA: dns; b.example\n{BOB}Action: failed\nStatus: 5.2.2\n"
        f"Original-Recipient: rfc822; eve@cust.example\n{EVE}Action: failed\nStatus: 5.1.1\n",
        f"Action: failed\n{BOB}Status: 5.2.2\nAction: failed\n{EVE}Status: 5.1.1\n",
    ],
)
def test_recipients_without_an_empty_line_between_them(fields: str) -> None:
    assert [(one.address, one.status) for one in reported(fields)] == [
        ("bob@cust.example", "5.2.2"),
        ("eve@cust.example", "5.1.1"),
    ]


def test_those_who_received_the_message_are_not_listed() -> None:
    found = reported(f"{BOB}Action: delivered\nStatus: 2.0.0\n\n{EVE}Action: failed\n")
    assert [one.address for one in found] == ["eve@cust.example"]


@pytest.mark.parametrize(
    ("groups", "text", "status"),
    [
        # X.400 addresses, and names in their place.
        ("Final-Recipient: x400; /S=Bob/O=B/\nAction: failed\nStatus: 5.1.0\n", "", "5.1.0"),
        (
            "Final-Recipient: x400; /S=Eve/\nAction: relayed\nStatus: 2.1.0\n\n"
            "Final-Recipient: x400; /S=Bob/\nAction: failed\nDiagnostic-Code: smtp; 550 5.7.1 no\n",
            "",
            "5.7.1",
        ),
        ("Reporting-MTA: dns; b.example\n", "Bob Berg on Monday\n    <b.example #5.1.1>", "5.1.1"),
        ("Reporting-MTA: dns; b.example\n", "Sorry.", ""),
        # What was said about the recipients stands with them.
        (f"{BOB}Action: failed\nStatus: 5.1.1\n", "", ""),
    ],
)
def test_a_report_without_an_address_has_a_status(groups: str, text: str, status: str) -> None:
    bounce = report(groups, text)
    assert bounce.status == status
    assert bool(bounce.recipients) == (BOB in groups)


def test_the_text_completes_a_generic_status_of_the_same_recipient() -> None:
    text = "bob@cust.example: 550 5.7.26 not authenticated\n\neve@cust.example: 550 5.1.1 unknown"
    found = reported(f"{BOB}Action: failed\nStatus: 5.0.0\n\n{EVE}Action: failed\n", text)
    assert [one.status for one in found] == ["5.7.26", "5.1.1"]
    assert found[0].reason == "550 5.7.26 not authenticated"


def test_the_text_does_not_replace_an_exact_status() -> None:
    (one,) = reported(f"{BOB}Action: failed\nStatus: 5.1.1\n", "bob@cust.example: 550 5.7.1 no")
    assert one.status == "5.1.1"


@pytest.mark.parametrize("mark", ["", "> "])
def test_the_fields_may_stand_in_the_text(mark: str) -> None:
    lines = f"Your message is late.\n\n{mark}{BOB}{mark}Action: delayed\n{mark}Status: 4.4.1\n"
    (one,) = bounced(lines)
    assert (one.address, one.action, one.status) == ("bob@cust.example", "delayed", "4.4.1")


def test_the_fields_may_stand_in_an_attached_text() -> None:
    mail = parse(
        b"From: MAILER-DAEMON@b.example\nTo: me@desk.example\nSubject: x\n"
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nNot delivered: bob@cust.example\n"
        b"--b\nContent-Disposition: attachment; filename=details.txt\n\n"
        + f"{BOB}Action: failed\nStatus: 5.1.6\n--b--\n".encode()
    )
    assert mail.bounce is not None
    assert [one.status for one in mail.bounce.recipients] == ["5.1.6"]


def test_a_report_within_a_bounce() -> None:
    inner = f"{HEAD}--b\nContent-Type: message/delivery-status\n\n{BOB}Action: failed\n--b--\n"
    mail = parse(
        b"From: postmaster@gate.example\nTo: me@desk.example\nSubject: Undeliverable\n"
        b"Return-Path: <>\nContent-Type: multipart/mixed; boundary=o\n\n"
        b"--o\n\nThe message attached could not be delivered.\n"
        b"--o\nContent-Type: message/rfc822\n\n" + inner.encode() + b"\n--o--\n"
    )
    assert mail.bounce is not None
    assert [one.address for one in mail.bounce.recipients] == ["bob@cust.example"]


@pytest.mark.parametrize("sender", ["postmaster@desk.example", "me@desk.example"])
@pytest.mark.parametrize("to", ["postmaster@desk.example", "me@desk.example"])
def test_a_returned_letter_of_a_postmaster_is_no_report(sender: str, to: str) -> None:
    mail = parse(
        f"From: MAILER-DAEMON@b.example\nTo: {to}\nSubject: failure notice\n"
        "Content-Type: multipart/mixed; boundary=o\n\n--o\n\nNot delivered.\n"
        f"--o\nContent-Type: message/rfc822\n\nFrom: {sender}\nTo: bob@cust.example\n"
        "Subject: Your request\n\nIf it fails, write to lea@cust.example.\n\n"
        "550 dan@cust.example\n--o--\n".encode()
    )
    assert mail.bounce is not None
    assert [one.address for one in mail.bounce.recipients] == ["bob@cust.example"]

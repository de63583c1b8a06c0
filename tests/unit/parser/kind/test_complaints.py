"""What is a complaint that a provider passes on, and what a person's complaint."""

from __future__ import annotations

import pytest

from services.parser.parse import parse
from tests.makers.parsing import kind_of_message

PERSON = "Ann <ann@cust.example>"
PROVIDER = "abuse@provider.example"
SAID = "This is an email abuse report for an email message received from IP 192.0.2.15 today."
FIELDS = "Feedback-Type: abuse\nUser-Agent: Reporter/1\nVersion: 1\n"
HEADER = "Received: from a (192.0.2.7) by b\nFrom: me@desk.example\nSubject: Sale\n"


def complaint(sender: str, subject: str, fields: str = "") -> str:
    """Returns the kind of a message with an attached message that has these fields."""
    return parse(
        f"From: {sender}\nSubject: {subject}\nMIME-Version: 1.0\n"
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n"
        f"{fields}From: me@desk.example\nSubject: Sale\n\nHello\n--b--\n".encode()
    ).kind.name


@pytest.mark.parametrize(
    ("subject", "fields", "kind"),
    [
        ("complaint about message from 192.0.2.15", "", "feedback"),
        ("Client TOS Notification", "", "feedback"),
        ("Email Feedback Report for IP 192.0.2.15", "", "feedback"),
        ("[SpamCop (192.0.2.15) id:7] Sale", "", "feedback"),
        ("Abuse report: 192.0.2.15", "", "feedback"),
        ("A message", "X-HmXmrOriginalRecipient: bob@cust.example\n", "feedback"),
        # A person's complaint.
        ("Complaint about message from your sales team", "", "human"),
        ("Abuse report", "", "human"),
        ("Fwd: complaint about message from 192.0.2.15", "", "human"),
    ],
)
def test_a_complaint_without_a_report(subject: str, fields: str, kind: str) -> None:
    assert complaint("staff@provider.example", subject, fields) == kind


@pytest.mark.parametrize(
    ("sender", "subject", "text"),
    [
        ("fbl@provider.example", "Report", FIELDS),
        ("7@reports.spamcop.example", "[SpamCop (192.0.2.15) id:7] Sale", "[ Offending message ]"),
        (PROVIDER, "Report", SAID),
        (
            PROVIDER,
            "Report",
            "Hello,\n\nplease find an abuse report on a message\nreceived from IP 192.0.2.1.",
        ),
        # Providers write about themselves, and link to their pages.
        (PROVIDER, "Report", f"{SAID}\nOur pages: https://b.example/?p=1\nRegards, the team"),
        (PROVIDER, "Spam complaint about 192.0.2.7", f"See below.\n\n{HEADER}"),
    ],
)
def test_a_complaint_in_the_text(sender: str, subject: str, text: str) -> None:
    assert kind_of_message(text, From=sender, Subject=subject) == "feedback"


@pytest.mark.parametrize(
    ("sender", "subject", "text"),
    [
        (PERSON, "Report", f"Look at this: {SAID}"),
        (PERSON, "Report", f"Is this about us?\n{FIELDS}"),
        (PERSON, "Report", f"Hello,\nthe report says:\n\n{FIELDS}\nPlease explain.\nAnn"),
        (PERSON, "Report", "Can you send us reports with Feedback-Type: abuse?"),
        (
            PERSON,
            "Abuse report",
            "Hello team,\nplease look at this abuse report for a message received from IP 192.0.2.4"
            " last week. Can you block it?\nRegards, Ann",
        ),
        (
            PERSON,
            "Spam complaint about 192.0.2.7",
            f"Hi, please stop this sender. The header is:\n\n{HEADER}\nThanks, Ann",
        ),
        (PROVIDER, "Report", f"Do you know this?\n\n{FIELDS}"),
        (PROVIDER, "Fwd: Report", f"Please look at it.\n\n{FIELDS}"),
    ],
)
def test_a_person_who_complains_or_asks_about_a_complaint(
    sender: str, subject: str, text: str
) -> None:
    assert kind_of_message(text, From=sender, Subject=subject) == "human"


def test_a_person_attaches_a_complaint() -> None:
    assert complaint(PERSON, "This came in", "X-Reporter-IP: 192.0.2.15\n") == "human"

"""Receipts, complaints and bounces name the message of ours that they are about."""

from __future__ import annotations

import json

import pytest

from postrail.message_parts import MessageReport
from tests.makers.parsing import made

OURS = "<postrail.8d1f6a53-52bd-5b5f-8d0c-2f0f6c7f7a11.0123456789abcdef.12i-0f3a5b7c@desk.example>"
OTHER = "<postrail.11111111-52bd-5b5f-8d0c-2f0f6c7f7a11.fedcba9876543210@desk.example>"
# As Amazon SES replaces ours.
THEIRS = "<0102018c@eu-west-1.amazonses.com>"


def multipart(kind: str, *parts: tuple[str, str], head: str = "") -> bytes:
    """Returns a report with a text and these parts, each a type and a content."""
    told = "".join(f"--r\nContent-Type: {type_}\n\n{text}\n" for type_, text in parts)
    return (
        f"From: postmaster@far.example\nTo: help@desk.example\nSubject: Report\n{head}"
        f"Content-Type: multipart/report; report-type={kind}; boundary=r\n\n"
        f"--r\n\nA report.\n{told}--r--\n"
    ).encode()


def disposition(told: str, original: str = OURS) -> bytes:
    fields = f"Final-Recipient: rfc822; pat@far.example\nDisposition: {told}"
    named = f"\nOriginal-Message-ID: {original}" if original else ""
    part = ("message/disposition-notification", fields + named)
    return multipart("disposition-notification", part)


def delivery_status(action: str) -> bytes:
    fields = f"Final-Recipient: rfc822; pat@far.example\nAction: {action}\nStatus: 2.0.0"
    returned = ("text/rfc822-headers", f"Message-ID: {OURS}\nSubject: x")
    part = ("message/delivery-status", f"Reporting-MTA: dns; mx.far.example\n\n{fields}")
    return multipart("delivery-status", part, returned)


def feedback(kind: str, returned: str) -> bytes:
    fields = f"Feedback-Type: {kind}\nUser-Agent: x/1\nVersion: 1"
    return multipart(
        "feedback-report", ("message/feedback-report", fields), ("message/rfc822", returned)
    )


def ses_complaint() -> bytes:
    notice = {
        "notificationType": "Complaint",
        "complaint": {"complainedRecipients": [{"emailAddress": "pat@far.example"}]},
        "mail": {
            "messageId": "0102018c",
            "headers": [
                {"name": "References", "value": OTHER},
                {"name": "Message-ID", "value": OURS},
            ],
        },
    }
    head = "From: no-reply@sns.amazonaws.com\nTo: help@desk.example\nSubject: AWS Notification\n"
    return (head + "\n" + json.dumps(notice, indent=1)).encode()


@pytest.mark.parametrize(
    ("raw", "event", "named"),
    [
        # a mail program, or its owner
        (disposition("manual-action/MDN-sent-manually; displayed"), "displayed", OURS),
        (disposition("automatic-action/MDN-sent-automatically; deleted"), "deleted", OURS),
        (disposition("automatic-action/MDN-sent-automatically; processed/x"), "processed", OURS),
        (disposition("manual-action/MDN-sent-manually; displayed", ""), "displayed", None),
        # a mail server
        (delivery_status("delivered"), "delivered", OURS),
        (delivery_status("relayed (to a server without receipts)"), "relayed", OURS),
        # a provider
        (feedback("abuse", f"Message-ID: {OURS}\n\ntext"), "abuse", OURS),
        (feedback("not-spam", f"Message-ID: {OURS}\n\ntext"), "not-spam", OURS),
        # a sending service has given our message an id of its own
        (
            feedback("abuse", f"Message-ID: {THEIRS}\nX-Postrail-Message: {OURS}\n\ntext"),
            "abuse",
            OURS,
        ),
        (ses_complaint(), "", OURS),
        # our own notification is only answered: the message is another's
        (feedback("abuse", f"Message-ID: {THEIRS}\nReferences: {OTHER}\n\ntext"), "abuse", THEIRS),
    ],
)
def test_a_report_names_its_message(raw: bytes, event: str, named: str | None) -> None:
    assert made(raw).record.report == MessageReport(event=event, original_message_id=named)


@pytest.mark.parametrize(
    ("returned", "named"),
    [
        (f"Message-ID: {OURS}", OURS),
        (f"Message-ID: {THEIRS}", THEIRS),
        (f"Message-ID: {THEIRS}\nX-Postrail-Message: {OURS}", OURS),
        (f"X-Postrail-Message: {OURS}\nMessage-ID: {THEIRS}", OURS),
        (f"Message-ID: {THEIRS}\nIn-Reply-To: {OTHER}\nReferences: {OTHER}", THEIRS),
        ("Subject: x", None),
    ],
)
def test_a_bounce_names_our_own_id_first(returned: str, named: str | None) -> None:
    fields = "Final-Recipient: rfc822; pat@far.example\nAction: failed\nStatus: 5.1.1"
    part = ("message/delivery-status", f"Reporting-MTA: dns; mx.far.example\n\n{fields}")
    raw = multipart("delivery-status", part, ("message/rfc822", f"{returned}\n\ntext"))
    record = made(raw).record
    assert (record.kind, record.report) == ("bounce", None)
    assert record.bounce is not None
    assert record.bounce.original_message_id == named


def test_a_bounce_that_only_answers_our_message_names_it() -> None:
    raw = multipart(
        "delivery-status",
        ("message/delivery-status", "Final-Recipient: rfc822; a@b.example\nAction: failed"),
        head=f"In-Reply-To: {OURS}\nReferences: {OTHER} {OURS}\n",
    )
    bounce = made(raw).record.bounce
    assert bounce is not None
    assert bounce.original_message_id == OURS


def test_other_messages_are_no_reports() -> None:
    raw = f"From: a@b.example\nSubject: x\nIn-Reply-To: {OURS}\n\nhello\n".encode()
    assert made(raw).record.report is None

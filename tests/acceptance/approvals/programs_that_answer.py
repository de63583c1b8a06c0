"""Writes what programs send about a request: absences, bounces, receipts."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import make_msgid

from tests.acceptance.approvals.mail_programs import answer, unquoted


def out_of_office(request: EmailMessage, sender: str, text: str) -> EmailMessage:
    """Returns the answer of a mailbox whose owner is absent (RFC 3834)."""
    return answer(
        request,
        sender,
        text,
        unquoted,
        Subject=f"Automatic reply: {request['Subject']}",
        Auto_Submitted="auto-replied",
        X_Auto_Response_Suppress="All",
    )


def bounce(request: EmailMessage, recipient: str, text: str) -> bytes:
    """Returns a report that the request could not be delivered (RFC 3464)."""
    return _report(
        request,
        "delivery-status",
        [
            "From: Mail Delivery System <mailer-daemon@lab.test>",
            "Subject: Undelivered Mail Returned to Sender",
            "Auto-Submitted: auto-replied",
        ],
        f"{text}\r\n\r\n<{recipient}>: user unknown",
        [
            "Reporting-MTA: dns; mx.lab.test",
            "",
            f"Final-Recipient: rfc822; {recipient}",
            "Action: failed",
            "Status: 5.1.1",
        ],
    )


def receipt(request: EmailMessage, sender: str, text: str) -> bytes:
    """Returns the notice that a person's program has shown the request (RFC 8098)."""
    return _report(
        request,
        "disposition-notification",
        [f"From: {sender}", f"Subject: Read: {request['Subject']}"],
        text,
        [
            f"Final-Recipient: rfc822; {sender}",
            f"Original-Message-ID: {request['Message-ID']}",
            "Disposition: manual-action/MDN-sent-automatically; displayed",
        ],
    )


def _report(
    request: EmailMessage, kind: str, fields: list[str], text: str, found: list[str]
) -> bytes:
    lines = [
        *fields,
        f"To: {request['Reply-To']}",
        f"Message-ID: {make_msgid(domain='lab.test')}",
        f"In-Reply-To: {request['Message-ID']}",
        "Date: Mon, 30 Nov 2026 09:14:00 +0000",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type={kind}; boundary="cut"',
        "",
        "--cut",
        "Content-Type: text/plain",
        "",
        text,
        "--cut",
        f"Content-Type: message/{kind}",
        "",
        *found,
        "--cut",
        "Content-Type: text/rfc822-headers",
        "",
        f"Message-ID: {request['Message-ID']}",
        f"Subject: {request['Subject']}",
        "--cut--",
        "",
    ]
    return "\r\n".join(lines).encode()

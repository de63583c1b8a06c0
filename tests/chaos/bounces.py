"""Bounces of confirmations that the chaos test has sent, and what they must have made."""

from __future__ import annotations

from collections.abc import Iterator

from tests.chaos.plan import Plan
from tests.chaos.rules import handler_of
from tests.processes.pipeline import SENDING_ADDRESS, Pipeline

# Nothing else is ever sent to these people, who would be spared it.
SILENT = ("persons", "replies")


class Bounces:
    """The bounces of a run, each of another delivery."""

    def __init__(self, pipeline: Pipeline, plan: Plan) -> None:
        self._pipeline = pipeline
        self._plan = plan
        # The addresses that bounced, by the Message-ID of what was sent to them.
        self.returned: dict[str, str] = {}

    def letters(self, count: int) -> list[bytes]:
        """Returns bounces of so many confirmations that are sent by now."""
        told_once = {
            mails[0].author
            for mails in self._plan.conversations
            if len(mails) == 1 and handler_of(mails[0]) not in SILENT
        }
        sent = self._pipeline.rows(
            "SELECT message_id, recipient FROM delivery WHERE state = 'sent' ORDER BY message_id"
        )
        new = {one: to for one, to in sent if to in told_once and one not in self.returned}
        chosen = dict(list(new.items())[:count])
        self.returned |= chosen
        return [bounce_of(message_id, address) for message_id, address in chosen.items()]

    def faults(self) -> Iterator[str]:
        """Each delivery that came back is marked once, its address is spared, and no other is."""
        pipeline = self._pipeline
        outcomes = pipeline.rows(
            "SELECT state, outcome FROM incoming_mail WHERE message_id LIKE '<bounce-%%'"
        )
        if sorted(outcomes) != [("done", "bounced")] * len(self.returned):
            yield f"bounces have the outcomes {outcomes}"
        reports = pipeline.rows(
            "SELECT message_id, event FROM delivery_report"
            " JOIN delivery USING (outgoing_id, recipient)"
        )
        if sorted(reports) != sorted((message_id, "hard") for message_id in self.returned):
            yield f"{len(reports)} reports of {len(self.returned)} bounces"
        spared = {address for (address,) in pipeline.rows("SELECT address FROM suppression")}
        if spared != set(self.returned.values()):
            yield f"{len(spared)} addresses are spared, of {len(self.returned)} that bounced"


def bounce_of(message_id: str, address: str) -> bytes:
    """Returns a report about a message that could not be delivered (RFC 3464)."""
    name = message_id.strip("<>")
    lines = [
        "Return-Path: <>",
        "From: Mail Delivery System <MAILER-DAEMON@mx.customer.test>",
        f"To: {SENDING_ADDRESS}",
        "Subject: Undelivered Mail Returned to Sender",
        f"Message-ID: <bounce-{name}>",
        "Date: Mon, 05 Jan 2026 08:00:00 +0000",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="cut"',
        "",
        "--cut",
        "Content-Type: text/plain",
        "",
        f"<{address}>: user unknown",
        "--cut",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.customer.test",
        "",
        f"Final-Recipient: rfc822; {address}",
        "Action: failed",
        "Status: 5.1.1",
        "Diagnostic-Code: smtp; 550 5.1.1 user unknown",
        "",
        "--cut",
        "Content-Type: text/rfc822-headers",
        "",
        f"Message-ID: {message_id}",
        f"To: {address}",
        "",
        "--cut--",
        "",
    ]
    return "\r\n".join(lines).encode()

"""Bounces of what the handler's notifications were sent as."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from postrail.message_parts import Address, Bounce, BouncedRecipient
from postrail.records import MailParsed, OutgoingQueued
from tests.integration.handler.bench import Bench
from tests.makers.records import NOON, mail_parsed

ADA = "ada@example.org"
NO_USER: dict[str, Any] = {"status": "5.1.1", "hard": True, "reason": "550 5.1.1 no such user"}
LATER: dict[str, Any] = {"status": "4.4.7", "hard": False, "reason": "no answer"}


def bounce_of(message_id: str, address: str = ADA, **changes: Any) -> MailParsed:
    """Returns a bounce of a message of ours; without changes the address is dead."""
    told = {"action": "failed", **NO_USER, **changes}
    failed = BouncedRecipient(address=address, status_class=told["status"][:1], **told)
    return mail_parsed(
        kind="bounce",
        subject="Undelivered Mail Returned to Sender",
        sender=Address(name="", address="mailer-daemon@mx.example.org"),
        bounce=Bounce(recipients=[failed], original_message_id=message_id),
        text="I could not deliver your mail.",
    )


async def new_issues(bench: Bench, count: int = 1) -> list[str]:
    """Makes issues of Ada; returns the Message-IDs of the confirmations."""
    before = len(bench.sent(OutgoingQueued))
    for _ in range(count):
        await bench.handle(mail_parsed())
    sent = bench.sent(OutgoingQueued)[before:]
    return [one.deliveries[0].message_id for one in sent]


async def deliveries(bench: Bench) -> list[tuple[str, str]]:
    """Returns address and state of each delivery, oldest first."""
    return await bench.rows("SELECT recipient, state FROM delivery ORDER BY sequence, recipient")


async def reports(bench: Bench) -> list[tuple[str, str, str]]:
    """Returns recipient, event and status of each report."""
    return await bench.rows("SELECT recipient, event, status FROM delivery_report ORDER BY 1, 2")


async def suppressed(bench: Bench) -> list[tuple[str, bool]]:
    """Returns the addresses that were suppressed, each with whether it still is."""
    return await bench.rows("SELECT address, released_at IS NULL FROM suppression ORDER BY 1")


def received(days: float) -> dict[str, Any]:
    """Returns when a message was received: so many days after noon."""
    return {"received_at": NOON + timedelta(days=days)}

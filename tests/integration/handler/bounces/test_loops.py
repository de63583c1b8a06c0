"""Messages that come back, and bounces that come back, end: with the number of mails."""

from __future__ import annotations

import email.utils

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from postrail.notifications.mime.message import MessageParts, build_message
from postrail.records import OutgoingDelivery, OutgoingQueued
from tests.integration.handler.bench import Bench
from tests.integration.handler.bounces.scene import suppressed
from tests.makers.configuration import mail_account
from tests.makers.records import AUTHSERV_ID

ROUNDS = 20


def customer() -> bytes:
    """Returns a message of a customer whose mailbox is gone by the time of the answer."""
    return (
        b"From: Ada <ada@example.org>\r\nTo: support@example.com\r\nSubject: Printer\r\n"
        b"Message-ID: <1@example.org>\r\n\r\nIt burns.\r\n"
    )


def bytes_of(mail: OutgoingQueued, delivery: OutgoingDelivery) -> bytes:
    """Returns the message as the sender sends it."""
    return build_message(
        MessageParts(
            message_id=delivery.message_id,
            date=mail.queued_at,
            from_name=mail.from_name,
            from_address=mail.envelope_from,
            reply_to=mail.reply_to,
            to=delivery.recipient,
            subject=mail.subject,
            text=mail.text or "",
            in_reply_to=mail.in_reply_to,
            references=mail.references,
        )
    )


def bounce_of(
    message: bytes, address: str, *, returns: bool, to: str = "desk@example.com"
) -> bytes:
    """Returns the bounce of a message as Postfix writes it, with or without the message."""
    returned = message if returns else b"Subject: removed\r\n\r\n"
    head = (
        f"Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.org\r\nTo: {to}\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\n"
        f"Message-ID: {email.utils.make_msgid()}\r\n"
        "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=r\r\n\r\n"
        "--r\r\n\r\nI could not deliver your mail.\r\n"
        "--r\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n"
        f"\r\nFinal-Recipient: rfc822; {address}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "--r\r\nContent-Type: message/rfc822\r\n\r\n"
    )
    return head.encode() + returned + b"\r\n--r--\r\n"


async def exchanged(bench: Bench, *, returns: bool) -> int:
    """Bounces all that is sent, round after round; returns the number of mails that we sent."""
    await bench.arrive(customer())
    seen = 0
    for _ in range(ROUNDS):
        mails = bench.sent(OutgoingQueued)
        held = await bench.rows("SELECT message_id FROM delivery WHERE state = 'held'")
        new = [(mail, one) for mail in mails[seen:] for one in mail.deliveries]
        new = [(mail, one) for mail, one in new if (one.message_id,) not in held]
        seen = len(mails)
        for mail, one in new:
            await bench.arrive(bounce_of(bytes_of(mail, one), one.recipient, returns=returns))
        if not new:
            return seen
    raise AssertionError(f"{seen} mails, and no end")


@pytest.mark.parametrize("bounces", ["note", "comment"])
@pytest.mark.parametrize("returns", [True, False])
async def test_a_notification_that_bounces_makes_no_other(
    bench: Bench, bounces: str, returns: bool
) -> None:
    account = mail_account("support", authserv_ids=[AUTHSERV_ID], bounces=bounces)
    # Somebody wants to be told of everything, also of bounces that fit nothing.
    handler = MailHandler(name="all", then=[{"watchers": ["boss@example.org"]}])
    await bench.save(account, handler)
    sent = await exchanged(bench, returns=returns)
    print(f"mails sent until it stopped (bounces: {bounces}, returned: {returns}): {sent}")
    assert sent == 1
    # Only what returns our Message-ID can be believed.
    assert await suppressed(bench) == ([("ada@example.org", True)] if returns else [])


async def test_a_bounce_that_is_sent_on_and_bounces_again_stops(bench: Bench) -> None:
    account = mail_account(
        "support", authserv_ids=[AUTHSERV_ID], forward_bounces="boss@far.example"
    )
    await bench.save(account)
    stray = bounce_of(b"Message-ID: <x@example.net>\r\n\r\n", "who@example.net", returns=True)
    for returns in (True, False):
        before = len(bench.sent(OutgoingQueued))
        await bench.arrive(stray.replace(b"Subject: Und", b"Subject: %d Und" % returns))
        (forward,) = bench.sent(OutgoingQueued)[before:]
        (delivery,) = forward.deliveries
        # The address is gone; and the bounce of that is bounced by our own server.
        bounced = bounce_of(bytes_of(forward, delivery), delivery.recipient, returns=returns)
        await bench.arrive(bounced)
        await bench.arrive(bounce_of(bounced, "MAILER-DAEMON@mx.example.org", returns=returns))
        sent = len(bench.sent(OutgoingQueued)) - before
        print(f"mails sent until it stopped (returned: {returns}): {sent}")
        # Without the message, the last one is a stray bounce like any other: it is sent on once.
        assert sent == (1 if returns else 2)

"""Carries mail between desks and the robots that answer them, as bytes, until all are silent."""

from __future__ import annotations

import email
import email.policy
import re
import uuid
from collections.abc import Callable, Mapping
from email.message import EmailMessage

from postrail.database import rows, transaction
from postrail.notifications.assemble import assemble
from postrail.outgoing.content import content_of
from tests.fakes.originals import no_original
from tests.integration.handler.bench import Bench

# Takes a message that arrives at an address, and returns what comes back from there.
Robot = Callable[[EmailMessage], bytes | None]
# Whoever sends more than these has not stopped.
MOST_ROUNDS = 400
MACHINE_FIELDS = (
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "Precedence",
    "List-Id",
    "List-Unsubscribe",
)


async def outgoing(bench: Bench) -> list[tuple[str, bytes]]:
    """Returns the messages that the desk sends now, with their recipients, as they are sent."""
    async with transaction(bench.pool) as connection:
        due = await rows(
            connection,
            "UPDATE delivery SET state = 'sent' WHERE state = 'queued'"
            " RETURNING outgoing_id::text, recipient",
        )
        sent = []
        for outgoing_id, recipient in due:
            content = await content_of(connection, outgoing_id, recipient)
            assert content is not None
            sent.append((recipient, await assemble(content, None, bench.blobs, no_original)))
    return sent


async def exchange(bench: Bench, robots: Mapping[str, Robot], *, minutes: float = 0) -> list[str]:
    """Lets robots answer what the desk sends until nothing more comes; returns the recipients.

    `minutes` pass before each answer.
    """
    recipients = []
    for _ in range(MOST_ROUNDS):
        sent = await outgoing(bench)
        recipients += [recipient for recipient, _ in sent]
        answers = [robots[to](read(raw)) for to, raw in sent if to in robots]
        if not any(answers):
            return recipients
        for answer in filter(None, answers):
            bench.clock.move(minutes * 60)
            await bench.arrive(answer)
    raise AssertionError(f"they have not stopped after {len(recipients)} messages")


def read(raw: bytes) -> EmailMessage:
    """Returns a message as a robot reads it."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def written(
    sender: str,
    to: str = "support@example.com",
    *,
    subject: str = "Printer on fire",
    text: str = "It burns.",
    fields: Mapping[str, str] | None = None,
) -> bytes:
    """Returns a message as a person sends it."""
    given = {
        "Message-ID": f"<{uuid.uuid4()}@{sender.rpartition('@')[2]}>",
        "Date": "Mon, 30 Nov 2026 09:00:00 +0000",
        "From": sender,
        "To": to,
        "Subject": subject,
        **(fields or {}),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"{head}\r\n{text}\r\n".encode()


def answering(address: str, text: str = "Thank you, we care for you.") -> Robot:
    """Returns a robot that answers everything, with none of the fields that mark robots."""

    def answer(got: EmailMessage) -> bytes:
        threading = {"In-Reply-To": got["Message-ID"], "References": got["Message-ID"]}
        return written(
            address,
            str(got["Reply-To"] or got["From"]),
            subject=f"Re: {one_line(got)}",
            text=f"{text} {uuid.uuid4()}",
            fields=threading,
        )

    return answer


def opening_tickets(address: str) -> Robot:
    """Returns a ticket system that opens a new ticket for each message, and names it only."""
    opened = 0

    def answer(got: EmailMessage) -> bytes:
        nonlocal opened
        opened += 1
        return written(
            address,
            str(got["Reply-To"] or got["From"]),
            subject=f"[Ticket #{opened}] received",
            text=f"Your ticket is number {opened}.",
        )

    return answer


def one_line(got: EmailMessage) -> str:
    """Returns the subject without the key that we put before it."""
    return re.sub(r"^(Re: )*\[\S+\] ", "", " ".join(str(got["Subject"]).split()))


def without(raw: bytes, *names: str) -> bytes:
    """Returns the message without these header fields."""
    message = email.message_from_bytes(raw, policy=email.policy.SMTP)
    for name in names:
        del message[name]
    return message.as_bytes()


def replaced(raw: bytes, **fields: str) -> bytes:
    """Returns the message with other values of header fields; a _ stands for a - in a name."""
    message = email.message_from_bytes(raw, policy=email.policy.SMTP)
    for name, value in fields.items():
        del message[name.replace("_", "-")]
        message[name.replace("_", "-")] = value
    return message.as_bytes()

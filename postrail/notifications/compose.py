"""Notifications: what we tell people about issues, as complete outgoing mails, one for each person.

Ids are made from what caused the mail and whom it goes to: the same cause makes the same
notification, with the same Message-ID, however often it is made.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from postrail.configuration.outgoing_connection import OutgoingConnection
from postrail.database import Connection
from postrail.incoming import conversations
from postrail.incoming.reply_parts import REPLY_MARKER
from postrail.notifications.mime import build_message, message_id_for
from postrail.records import OutgoingQueued
from postrail.stream import avro
from postrail.stream.producer import Entry
from postrail.stream.topics import OUTGOING_QUEUED
from postrail.tracker.issues import Audience, Watcher

NAMESPACE = uuid.UUID("8d1f6a53-52bd-4b5f-9d0c-2f0f6c7f7a11")
# A longer comment is cut in its notification; the issue has all of it.
MAX_BODY_CHARACTERS = 100_000
# Whatever a mail program writes before what it quotes, the answer stands above this line.
MARKER_LINE = f"--- Please {REPLY_MARKER} ---"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """What a notification is about, and the mail that it answers."""

    # Unique for the effect, for example "mail 3f… revision 1" or "comment 12".
    name: str
    conversation: str
    issue_key: str
    in_reply_to: str | None
    references: tuple[str, ...]
    # Where answers should go: the watched address.
    reply_to: str
    received_at: datetime | None
    mailbox: str | None


def issue_created(audience: Audience, person: Watcher, body: str) -> str:
    """The text that tells a reporter that we have the mail, and under which key."""
    greeting = f"Hello {person.name}," if person.name else "Hello,"
    return (
        f"{MARKER_LINE}\n\n{greeting}\n\n"
        f"we have your mail as {audience.issue_key}: {audience.summary}\n\n"
        "To add something, answer this mail.\n\n"
        f"You wrote:\n\n{_quoted(_cut(body, 2000))}\n"
    )


def commented(audience: Audience, author: str, body: str) -> str:
    """The text that tells a watcher what is new in a comment."""
    return (
        f"{MARKER_LINE}\n\n{author} commented on {audience.issue_key}: {audience.summary}\n\n"
        f"{_cut(body, MAX_BODY_CHARACTERS)}\n\n-- \nTo add something, answer this mail.\n"
    )


def compose(
    cause: Cause,
    person: Watcher,
    text: str,
    audience: Audience,
    connection: OutgoingConnection,
    key: bytes,
    now: datetime,
) -> OutgoingQueued:
    """The complete mail to one person."""
    outgoing_id = str(uuid.uuid5(NAMESPACE, f"{cause.name} to {person.address}"))
    subject = f"[{audience.issue_key}] {audience.summary}"
    domain = connection.from_address.rpartition("@")[2]
    message_id = message_id_for(key, outgoing_id, domain)
    message = build_message(
        message_id=message_id,
        date=now,
        from_name=connection.from_name,
        from_address=connection.from_address,
        reply_to=cause.reply_to,
        to=person.address,
        subject=subject,
        text=text,
        in_reply_to=cause.in_reply_to,
        references=cause.references,
    )
    return OutgoingQueued(
        outgoing_id=outgoing_id,
        conversation=cause.conversation,
        issue_key=cause.issue_key,
        cause=cause.name,
        connection=connection.name,
        envelope_from=connection.from_address,
        recipients=[person.address],
        message_id=message_id,
        subject=subject,
        queued_at=now,
        received_at=cause.received_at,
        mailbox=cause.mailbox,
        message=message,
        message_blob=None,
    )


def told_of_comment(
    audience: Audience, author_address: str, own_addresses: frozenset[str]
) -> list[Watcher]:
    """Everybody who watches, but neither the author nor an address of ours."""
    return [
        person
        for person in audience.watchers
        if person.address != author_address and person.address not in own_addresses
    ]


async def index_outgoing(connection: Connection, mails: Sequence[OutgoingQueued]) -> None:
    """Puts the Message-IDs of what we send into the index, so that answers find their issue."""
    ids = {conversations.message_hash(mail.message_id): mail.conversation for mail in mails}
    await conversations.index(connection, ids)


def entries(mails: Iterable[OutgoingQueued]) -> list[Entry]:
    """The outbox entries of outgoing mails."""
    return [Entry(OUTGOING_QUEUED, mail.conversation, avro.encode(mail)) for mail in mails]


def _cut(text: str, limit: int) -> str:
    text = text.strip()
    return text if len(text) <= limit else f"{text[:limit]}\n[…]"


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())

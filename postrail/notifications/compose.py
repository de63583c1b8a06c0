"""Composes notifications: texts about issues, as complete outgoing messages, one for each person.

Ids are made from the cause and the recipient: the same cause makes the same notification, with the
same Message-ID, however often it is composed. Pure.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.notifications.audience import reporter, watchers_except_author
from postrail.notifications.mime import build_message, message_id_for
from postrail.notifications.reply_marker import REPLY_MARKER
from postrail.records import OutgoingQueued
from postrail.tracker.issues import Audience, Watcher

NAMESPACE = uuid.UUID("8d1f6a53-52bd-4b5f-9d0c-2f0f6c7f7a11")
# A longer comment is cut in its notification; the issue holds all of it.
MAX_BODY_CHARACTERS = 100_000
# The reply stands above this line, whatever a mail program writes before what it quotes.
MARKER_LINE = f"--- Please {REPLY_MARKER} ---"
HOW_TO_ADD = "To add anything, just reply to this email."


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """The effect that a notification reports, and the message that it answers."""

    # Unique for the effect, for example "mail 3f… revision 1" or "comment 12".
    name: str
    in_reply_to: str | None
    references: tuple[str, ...]
    # The watched address, which answers should go to.
    reply_to: str
    received_at: datetime | None
    mailbox: str | None


def issue_created(audience: Audience, author: Watcher, person: Watcher, body: str) -> str:
    """Returns the text that confirms a message to its reporter and names the issue's key."""
    greeting = f"Hello {person.name}," if person.name else "Hello,"
    return (
        f"{MARKER_LINE}\n\n{greeting}\n\n"
        f"We received your message; its number is {audience.issue_key}: {audience.summary}\n\n"
        f"{HOW_TO_ADD}\n\nYou wrote:\n\n{_quoted(_cut(body, 2000))}\n"
    )


def commented(audience: Audience, author: Watcher, person: Watcher, body: str) -> str:
    """Returns the text that reports a comment to a watcher."""
    who = author.name or author.address or "An unknown sender"
    return (
        f"{MARKER_LINE}\n\n{who} commented on {audience.issue_key}: {audience.summary}\n\n"
        f"{_cut(body, MAX_BODY_CHARACTERS)}\n\n-- \n{HOW_TO_ADD}\n"
    )


@dataclass(frozen=True, slots=True)
class Event:
    """A kind of effect that is notified: to whom, and by which text."""

    # Takes the audience, the author and our own addresses.
    recipients: Callable[[Audience, Watcher, frozenset[str]], list[Watcher]]
    # Takes the audience, the author, the recipient, and the text that the author wrote.
    text: Callable[[Audience, Watcher, Watcher, str], str]


ISSUE_CREATED = Event(reporter, issue_created)
COMMENTED = Event(watchers_except_author, commented)


def compose(
    cause: Cause,
    person: Watcher,
    text: str,
    audience: Audience,
    connection: OutgoingConnection,
    key: bytes,
    now: datetime,
) -> OutgoingQueued:
    """Returns the complete message to one person; `key` signs its Message-ID."""
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
        conversation=audience.conversation,
        issue_id=audience.issue_id,
        issue_key=audience.issue_key,
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


def _cut(text: str, limit: int) -> str:
    text = text.strip()
    return text if len(text) <= limit else f"{text[:limit]}\n[…]"


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())

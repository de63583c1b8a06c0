"""Composes notifications: an outgoing message for each effect, which its recipients share.

Ids are made from the cause, and Message-IDs from the cause and the recipient: the same cause makes
the same notification, however often it is composed. Pure.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.notifications.audience import nameless_reporter, reporter, watchers_except_author
from postrail.notifications.issue_token import IssueToken, plus_address, token_for
from postrail.notifications.mime.message_ids import message_id_for, written_id
from postrail.notifications.reply_marker import INTERNAL_MARKER, REPLY_MARKER
from postrail.records import OutgoingDelivery, OutgoingQueued
from postrail.tracker.issues import Audience, Watcher

NAMESPACE = uuid.UUID("8d1f6a53-52bd-4b5f-9d0c-2f0f6c7f7a11")
# The texts below are in this language.
LANGUAGE = "en"
# The sender of a message knows it: its confirmation only reminds of it.
CONFIRMATION_MAX_CHARACTERS = 2000
# A longer name of a recipient is cut: it comes from a message, and may have any length.
NAME_MAX_CHARACTERS = 200
# The reply stands above this line, whatever a mail program writes before what it quotes.
MARKER_LINE = f"--- Please {REPLY_MARKER} ---"
INTERNAL_MARKER_LINE = f"--- {INTERNAL_MARKER} ---"
HOW_TO_ADD = "To add anything, just reply to this email."
OUTSIDE = (
    "{sender} takes no part in {key}, so only people of the project are told. To accept this"
    " comment, and let its author take part, run: {command}"
)
HOW_TO_ANSWER_INTERNALLY = (
    "This comment and all replies to this email are internal: outsiders do not see them."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """The effect that a notification reports, and the message that it answers."""

    # Unique for the effect, for example "mail 3f… revision 1" or "act 5e…".
    name: str
    in_reply_to: str | None
    references: tuple[str, ...]
    # The watched address, which answers should go to.
    reply_to: str
    received_at: datetime | None
    mailbox: str | None
    # The address takes plus-addresses, so that answers name their issue.
    plus_address: bool = False
    # Of the issue that the message is about.
    token: IssueToken | None = None


def issue_created(audience: Audience, author: Watcher, body: str, max_characters: int) -> str:
    """Returns the text that confirms a message to its reporter and names the issue's key."""
    greeting = f"Hello {author.name}," if author.name else "Hello,"
    key, most = audience.issue_key, min(max_characters, CONFIRMATION_MAX_CHARACTERS)
    return (
        f"{MARKER_LINE}\n\n{greeting}\n\n"
        f"We received your message; its number is {key}: {audience.summary}\n\n"
        f"{HOW_TO_ADD}\n\nYou wrote:\n\n{_quoted(excerpt(body, most, key))}\n"
    )


def issue_received(audience: Audience, author: Watcher, body: str, max_characters: int) -> str:
    """Returns the text that confirms a message to an address that may not have sent it.

    It has no word of the message, not even the sender's name: the desk would write to anybody
    what anybody likes.
    """
    return (
        f"{MARKER_LINE}\n\nHello,\n\n"
        f"We received your message; its number is {audience.issue_key}.\n\n{HOW_TO_ADD}\n"
    )


def commented(audience: Audience, author: Watcher, body: str, max_characters: int) -> str:
    """Returns the text that reports a comment to the watchers."""
    did = f"{_sender(author)} commented on {audience.issue_key}"
    return framed(audience, did, body, max_characters)


def commented_internally(
    audience: Audience, author: Watcher, body: str, max_characters: int
) -> str:
    """Returns the text that reports an internal comment to those who may see it."""
    did = f"{_sender(author)} commented internally on {audience.issue_key}"
    marker, hint = INTERNAL_MARKER_LINE, HOW_TO_ANSWER_INTERNALLY
    return framed(audience, did, body, max_characters, marker=marker, hint=hint)


def commented_from_outside(
    comment_id: int,
    internal: bool,
    audience: Audience,
    author: Watcher,
    body: str,
    max_characters: int,
) -> str:
    """Returns the text that reports a comment of somebody who takes no part in the issue."""
    key = audience.issue_key
    sender = _sender_in_full(author)
    note = OUTSIDE.format(sender=sender, key=key, command=accepting(key, comment_id))
    did = f"{sender} commented on {key}"
    text = f"{note}\n\n{excerpt(body, max_characters, key)}"
    marker = INTERNAL_MARKER_LINE if internal else MARKER_LINE
    hint = HOW_TO_ANSWER_INTERNALLY if internal else HOW_TO_ADD
    # The excerpt is not cut again.
    return framed(audience, did, text, len(text), marker=marker, hint=hint)


def accepting(issue_key: str, comment_id: int) -> str:
    """Returns the command that accepts a comment of somebody who takes no part in its issue."""
    return f"postrail issues accept {issue_key} {comment_id}"


def _sender(author: Watcher) -> str:
    """Returns the author's name; a name that could be taken for an address counts as none."""
    name = "" if "@" in author.name else author.name
    return name or author.address or "An unknown sender"


def _sender_in_full(author: Watcher) -> str:
    """Returns the address of an author whose name proves nothing, with the name behind it."""
    name = _sender(author)
    return f"{author.address} ({name})" if author.address not in ("", name) else name


def framed(
    audience: Audience,
    did: str,
    body: str,
    max_characters: int,
    *,
    marker: str = MARKER_LINE,
    hint: str = HOW_TO_ADD,
) -> str:
    """Returns a text between the marker and the hint: the act, the issue's summary, the body."""
    shown = excerpt(body, max_characters, audience.issue_key)
    parts = [marker, f"{did}: {audience.summary}", shown, f"-- \n{hint}\n"]
    return "\n\n".join(part for part in parts if part)


def excerpt(body: str, max_characters: int, issue_key: str) -> str:
    """Returns the text, or its beginning and a note that names the issue, which holds all of it."""
    text = beginning(body, max_characters)
    if len(text) <= max_characters:
        return text
    cut = text[:max_characters].rstrip()
    return f"{cut}\n\n[… This is only the beginning; {issue_key} has the whole text.]"


def beginning(body: str, max_characters: int) -> str:
    """Returns the text; of a longer one the beginning and a character by which `excerpt` sees it.

    To repeat it changes nothing: the character is no space, which would be stripped.
    """
    text = body.strip()
    return text if len(text) <= max_characters else f"{text[:max_characters]}…"


@dataclass(frozen=True, slots=True)
class Event:
    """A kind of effect that is notified: to whom, and by which text."""

    # Takes the audience, the author and our own addresses.
    recipients: Callable[[Audience, Watcher, frozenset[str]], list[Watcher]]
    # Takes the audience, the author, the text that the author wrote, and its most characters. All
    # recipients get the same text.
    text: Callable[[Audience, Watcher, str, int], str]
    # Stands in the subject for the summary of the issue; "": the summary.
    summary: str = ""
    # The message answers the author by itself.
    answers: bool = False


ISSUE_CREATED = Event(reporter, issue_created, answers=True)
ISSUE_RECEIVED = Event(nameless_reporter, issue_received, "We received your message", answers=True)
COMMENTED = Event(watchers_except_author, commented)
INTERNALLY_COMMENTED = Event(watchers_except_author, commented_internally)


def from_outside(comment_id: int, *, internal: bool) -> Event:
    """Returns the event of a comment by somebody who takes no part in the issue."""
    return Event(watchers_except_author, partial(commented_from_outside, comment_id, internal))


def compose(
    cause: Cause,
    recipients: Sequence[Watcher],
    text: str,
    audience: Audience,
    connection: OutgoingConnection,
    key: bytes,
    now: datetime,
    *,
    internal: bool = False,
) -> OutgoingQueued:
    """Returns the message about an issue to these people; `key` signs its ids and its token."""
    subject = f"[{audience.issue_key}] {audience.summary}"
    token = token_for(key, audience.issue_id, audience.conversation, internal=internal)
    reply_to = plus_address(cause.reply_to, token) if cause.plus_address else cause.reply_to
    cause = replace(cause, token=token, reply_to=reply_to)
    about = (audience.conversation, subject)
    mail = message_to(recipients, about, text, cause, connection, key, now)
    return replace(
        mail, issue_id=audience.issue_id, issue_key=audience.issue_key, internal=internal
    )


def message_to(
    recipients: Sequence[Watcher],
    about: tuple[str, str],
    text: str,
    cause: Cause,
    connection: OutgoingConnection,
    key: bytes,
    now: datetime,
) -> OutgoingQueued:
    """Returns the message to these people; `about` is its conversation and its subject."""
    conversation, subject = about
    return OutgoingQueued(
        outgoing_id=_id(f"{cause.name} in {LANGUAGE} over {connection.name}"),
        conversation=conversation,
        issue_key=None,
        cause=cause.name,
        language=LANGUAGE,
        connection=connection.name,
        envelope_from=connection.from_address,
        from_name=connection.from_name,
        reply_to=cause.reply_to,
        subject=subject,
        text=text,
        in_reply_to=written_id(cause.in_reply_to or "") or None,
        references=list(filter(None, map(written_id, cause.references))),
        queued_at=now,
        received_at=cause.received_at,
        mailbox=cause.mailbox,
        deliveries=[_delivery(cause, person, connection, key) for person in recipients],
    )


def _delivery(
    cause: Cause, person: Watcher, connection: OutgoingConnection, key: bytes
) -> OutgoingDelivery:
    domain = connection.from_address.rpartition("@")[2]
    own_id = _id(f"{cause.name} to {person.address}")
    return OutgoingDelivery(
        recipient=person.address,
        name=person.name[:NAME_MAX_CHARACTERS],
        message_id=message_id_for(key, own_id, domain, cause.token),
    )


def _id(name: str) -> str:
    return str(uuid.uuid5(NAMESPACE, name))


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())

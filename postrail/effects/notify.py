"""Notifies people of effects: finds the audiences, composes the messages, indexes their ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.incoming import conversations
from postrail.incoming.message_ids import message_hash
from postrail.notifications.compose import Cause, Event, compose
from postrail.records import MailParsed, OutgoingQueued
from postrail.stream import avro
from postrail.stream.producer import Entry
from postrail.stream.topics import OUTGOING_QUEUED
from postrail.tracker import issues
from postrail.tracker.issues import Audience, Watcher


@dataclass(frozen=True, kw_only=True, slots=True)
class Announcement:
    """An effect on an issue that people are notified of."""

    issue_id: int
    event: Event
    # Unique for the effect, for example "mail 3f… revision 1" or "comment 12 on HELP-1".
    cause: str
    author: Watcher
    body: str
    # The message that had the effect; a comment by a person has no message.
    mail: MailParsed | None = None


async def notify(
    connection: Connection,
    announcements: Sequence[Announcement],
    snapshot: ConfigurationSnapshot,
    key: bytes,
    now: datetime,
) -> list[OutgoingQueued]:
    """Returns the notifications to send, after indexing their ids so that answers find the issue.

    `key` signs the Message-IDs (see `postrail.notifications.mime`).
    """
    if not announcements:
        return []
    audiences = await issues.audiences(connection, [one.issue_id for one in announcements])
    mails = [
        mail
        for one in announcements
        if (audience := audiences.get(one.issue_id))
        for mail in notifications_of(one, audience, snapshot, key, now)
    ]
    if mails:
        ids = {message_hash(mail.message_id): mail.conversation for mail in mails}
        await conversations.index(connection, ids)
    return mails


def queued_entries(mails: Iterable[OutgoingQueued]) -> list[Entry]:
    """Returns the outbox entries of outgoing messages."""
    return [Entry(OUTGOING_QUEUED, mail.conversation, avro.encode(mail)) for mail in mails]


def notifications_of(
    one: Announcement,
    audience: Audience,
    snapshot: ConfigurationSnapshot,
    key: bytes,
    now: datetime,
) -> Iterator[OutgoingQueued]:
    """Yields the notifications of one effect; nothing without an outgoing connection."""
    connection = snapshot.connection_for(audience.project)
    if connection is None:
        return
    cause = _cause(one, audience, snapshot)
    for person in one.event.recipients(audience, one.author, snapshot.own_addresses):
        text = one.event.text(audience, one.author, person, one.body)
        yield compose(cause, person, text, audience, connection, key, now)


def _cause(one: Announcement, audience: Audience, snapshot: ConfigurationSnapshot) -> Cause:
    mail, first = one.mail, audience.first_message_id
    answered = mail.message_id if mail else first
    return Cause(
        name=one.cause,
        in_reply_to=answered,
        references=tuple(dict.fromkeys(filter(None, [first, answered]))),
        reply_to=snapshot.reply_address(audience.project, mail.mailbox if mail else None),
        received_at=mail.received_at if mail else None,
        mailbox=mail.mailbox if mail else None,
    )

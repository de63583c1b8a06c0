"""Notifies people of effects: finds the audiences, composes and stores the messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from postrail import people
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.decision.senders import is_proven
from postrail.effects.deliveries.held import within_limit
from postrail.effects.mentions import insiders_of
from postrail.incoming import conversations
from postrail.incoming.message_ids import message_hash
from postrail.notifications.audience import by_mail
from postrail.notifications.compose import Cause, Event, compose
from postrail.outgoing import intake as outgoing
from postrail.records import MailParsed, OutgoingQueued
from postrail.tracker import issues
from postrail.tracker.issues import Audience, Watcher


@dataclass(frozen=True, kw_only=True, slots=True)
class NotificationOptions:
    """What notifications are made by, beside their effect and its audience."""

    snapshot: ConfigurationSnapshot
    # Signs the Message-IDs (see `postrail.notifications.mime`).
    message_id_key: bytes
    # The most characters of a comment that its notification holds.
    excerpt_max_characters: int


class Hearers(Enum):
    """Which people of an issue are notified of an effect."""

    ALL = "all"
    # People who see internal comments.
    INSIDERS = "insiders"
    # The others, where insiders were notified before.
    OUTSIDERS = "outsiders"


@dataclass(frozen=True, kw_only=True, slots=True)
class Announcement:
    """An effect on an issue that people are notified of."""

    issue_id: int
    event: Event
    # Unique for the effect, for example "mail 3f… revision 1" or "act 5e…".
    cause: str
    author: Watcher
    # The text that the author wrote; of a long one the beginning, a little longer than an excerpt.
    body: str
    # The message that had the effect; a comment by a person has no message.
    mail: MailParsed | None = None
    # Further people to notify, as if they watched the issue.
    mentioned: tuple[Watcher, ...] = ()
    # The message about it is internal, and so are its answers: only insiders are notified.
    internal: bool = False
    hearers: Hearers = Hearers.ALL


async def notify(
    connection: Connection,
    announcements: Sequence[Announcement],
    options: NotificationOptions,
    now: datetime,
) -> list[OutgoingQueued]:
    """Stores the notifications to send, and indexes their ids so that answers find the issue.

    Locks the issues until the caller's transaction ends, so that their notifications are numbered
    in the order of the commits.
    """
    if not announcements:
        return []
    audiences = await issues.lock_audiences(connection, [one.issue_id for one in announcements])
    heard = [
        (one, await _audience(connection, one, audience, options.snapshot))
        for one in announcements
        if (audience := audiences.get(one.issue_id))
    ]
    reach = await people.reach(connection, _addresses(heard))
    mails = [
        mail
        for one, audience in heard
        if (mail := notification_of(one, audience, options, reach, now))
    ]
    mails = await within_limit(connection, mails, options.snapshot, now)
    await outgoing.store(connection, mails)
    if mails:
        ids = {
            message_hash(delivery.message_id): mail.conversation
            for mail in mails
            for delivery in mail.deliveries
        }
        await conversations.index(connection, ids)
    return mails


def _addresses(heard: Sequence[tuple[Announcement, Audience]]) -> set[str]:
    watching = {person.address for _, audience in heard for person in audience.watchers}
    return watching | {one.author.address for one, _ in heard}


async def _audience(
    connection: Connection, one: Announcement, audience: Audience, snapshot: ConfigurationSnapshot
) -> Audience:
    """Returns the audience with the mentioned people, or the part of it that is to be notified."""
    watching = {person.address for person in audience.watchers}
    added = [person for person in one.mentioned if person.address not in watching]
    audience = replace(audience, watchers=(*audience.watchers, *added))
    hearers = Hearers.INSIDERS if one.internal else one.hearers
    if hearers is Hearers.ALL:
        return audience
    project = snapshot.projects.get(audience.project)
    insiders = await insiders_of(connection, audience, project)
    if hearers is Hearers.INSIDERS:
        return replace(audience, watchers=insiders)
    others = (person for person in audience.watchers if person not in insiders)
    return replace(audience, watchers=tuple(others))


def notification_of(
    one: Announcement,
    audience: Audience,
    options: NotificationOptions,
    reach: Mapping[str, str],
    now: datetime,
) -> OutgoingQueued | None:
    """Returns the notification of one effect; None without recipients or outgoing connection.

    The event chooses among addresses for mail (`people.reach`), the author's included, so that
    nobody is notified twice, or of their own act, by another of their addresses.
    """
    snapshot = options.snapshot
    connection = snapshot.connection_for(audience.project)
    audience = replace(audience, watchers=by_mail(audience.watchers, reach))
    author = next(iter(by_mail([one.author], reach)), replace(one.author, address=""))
    written_to = {author.address, *(person.address for person in audience.watchers)}
    own = snapshot.own_addresses.union(filter(snapshot.is_own, written_to))
    recipients = one.event.recipients(audience, author, own)
    if connection is None or not recipients:
        return None
    text = one.event.text(audience, one.author, one.body, options.excerpt_max_characters)
    cause = _cause(one, audience, snapshot)
    audience = replace(audience, summary=one.event.summary or audience.summary)
    key, internal = options.message_id_key, one.internal
    mail = compose(cause, recipients, text, audience, connection, key, now, internal=internal)
    if not one.event.answers:
        return mail
    proven = one.mail is not None and is_proven(one.mail, snapshot.accounts.get(one.mail.mailbox))
    return replace(mail, automatic=True, answers_proven=proven)


def _cause(one: Announcement, audience: Audience, snapshot: ConfigurationSnapshot) -> Cause:
    mail, first = one.mail, audience.first_message_id
    answered = mail.message_id if mail else first
    mailbox = mail.mailbox if mail else None
    reply_to = snapshot.reply_address(audience.project, mailbox)
    return Cause(
        name=one.cause,
        in_reply_to=answered,
        references=tuple(dict.fromkeys(filter(None, [first, answered]))),
        reply_to=reply_to,
        plus_address=snapshot.takes_plus_addresses(reply_to, mailbox),
        received_at=mail.received_at if mail else None,
        mailbox=mailbox,
    )

"""Notifies people of effects: finds the audiences, composes and stores the messages."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from functools import partial

from postrail import people
from postrail.configuration.contexts.context import MessageContext
from postrail.configuration.contexts.recipients import PARTICIPANTS, REPORTER
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.decision.senders import is_proven
from postrail.effects.audiences.rules import audience_by
from postrail.effects.bundles.wait import told_at_once
from postrail.effects.deliveries.store import store_notifications
from postrail.effects.mentions import insiders_of
from postrail.effects.texts.history import earlier_comments
from postrail.issue_queries.contexts import contexts_of
from postrail.notifications.audience import by_mail, grouped
from postrail.notifications.bundles.pending_message import PendingMessage
from postrail.notifications.compose import Cause, compose
from postrail.notifications.events import Event, mentioning, told
from postrail.notifications.issue_words import Occasion, issue_words
from postrail.notifications.mime.message_ids import root_id
from postrail.notifications.templates.configured import message_of, written_language
from postrail.people import Reader
from postrail.records import MailParsed, OutgoingQueued
from postrail.rendering.events import MessageEvent
from postrail.tracker import issues
from postrail.tracker.builtin.comments import EarlierComment
from postrail.tracker.issues import Audience, Watcher

# Parts of the recipients, whose messages say something else.
MENTIONED, TOLD = "mentioned", "told"


@dataclass(frozen=True, kw_only=True, slots=True)
class NotificationOptions:
    """What notifications are made by, beside their effect and its audience."""

    snapshot: ConfigurationSnapshot
    # Signs the Message-IDs (see `postrail.notifications.mime.message_ids`).
    message_id_key: bytes
    # The most characters of a comment that its notification holds.
    excerpt_max_characters: int
    # Within which the events of an issue are bundled, unless its project says another time; 0:
    # each is a message of its own.
    bundle_seconds: int = 0


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
    # An automatic message had the effect: of outsiders, only those are told whom the rule itself
    # names.
    muted: bool = False
    # The new comment, whose notifications may quote those before; None: of other effects.
    comment_id: int | None = None
    # A person wrote it in the product: its messages are not marked as automatic.
    by_person: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """An announcement with those who are told of it, the mentioned included."""

    announcement: Announcement
    audience: Audience
    # Of the issue; None: its project decides.
    context: MessageContext | None = None
    # The addresses of those who do not watch the issue: the configuration names them.
    told_only: frozenset[str] = frozenset()
    # The comments before that all who are told may see, the latest first.
    earlier: tuple[EarlierComment, ...] = ()


async def notify(
    connection: Connection,
    announcements: Sequence[Announcement],
    options: NotificationOptions,
    now: datetime,
) -> list[OutgoingQueued]:
    """Stores the notifications, and returns those to send now; the others wait for a bundle.

    Locks the issues until the caller's transaction ends, so that their notifications are numbered
    in the order of the commits.
    """
    ruled = options.snapshot.ruled_events
    announcements = [o for o in announcements if not o.event.to_others or o.event.kind in ruled]
    if not announcements:
        return []
    audiences = await issues.lock_audiences(connection, [one.issue_id for one in announcements])
    keys = {audience.issue_key for audience in audiences.values()}
    contexts = await contexts_of(connection, keys, options.snapshot, now)
    heard = [
        heard
        for one in announcements
        if (audience := audiences.get(one.issue_id))
        and (
            heard := await _heard(
                connection, one, audience, contexts.get(audience.issue_key), options.snapshot
            )
        )
    ]
    heard = await _with_earlier(connection, heard, options.snapshot)
    readers = await people.readers(connection, _addresses(heard))
    messages: list[PendingMessage] = []
    # By issue and effect, those whom it has told in their role.
    reached: dict[tuple[int, str], set[str]] = {}
    for one in heard:
        mail = one.announcement.mail
        before = reached.setdefault((one.audience.issue_id, mail.mail_id if mail else ""), set())
        made = messages_of(one, options, readers, now, before)
        if one.announcement.event.role:
            before.update(to.recipient for message in made for to in message.mail.deliveries)
        messages += made
    window = timedelta(seconds=options.bundle_seconds)
    mails = await told_at_once(connection, messages, readers, options.snapshot, window, now)
    return await store_notifications(connection, mails, options.snapshot, now)


async def _with_earlier(
    connection: Connection, heard: Sequence[Heard], snapshot: ConfigurationSnapshot
) -> list[Heard]:
    """Returns the announcements with the comments that their messages may quote."""
    asked = [
        (one.announcement.comment_id, one.audience.issue_key, one.announcement.internal)
        for one in heard
        if one.announcement.comment_id and snapshot.may_quote_history(one.audience.project)
    ]
    found = await earlier_comments(connection, asked)
    return [replace(o, earlier=found.get(o.announcement.comment_id or 0, ())) for o in heard]


def _addresses(heard: Sequence[Heard]) -> set[str]:
    watching = {person.address for one in heard for person in one.audience.watchers}
    return watching | {one.announcement.author.address for one in heard}


async def _heard(
    connection: Connection,
    one: Announcement,
    audience: Audience,
    context: MessageContext | None,
    snapshot: ConfigurationSnapshot,
) -> Heard | None:
    """Returns the announcement with those who are told; None: nobody, as the configuration says."""
    event, told_only = one.event, frozenset[str]()
    rule = None
    if snapshot.ruled_events:
        name = MessageEvent.CREATED if event.neutral else event.kind
        rule = snapshot.recipients_of(name, audience.project, context)
    if (rule is None and event.to_others) or (rule is not None and event.role not in ("", *rule)):
        return None
    if rule is not None and not event.role:
        if one.muted:
            rule = [name for name in rule if name not in (REPORTER, PARTICIPANTS)]
        audience, told_only = await audience_by(connection, audience, rule)
    return Heard(
        announcement=one,
        audience=await _audience(connection, one, audience, snapshot),
        context=context,
        told_only=told_only,
    )


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


def messages_of(
    heard: Heard,
    options: NotificationOptions,
    readers: Mapping[str, Reader],
    now: datetime,
    reached: Collection[str] = (),
) -> list[PendingMessage]:
    """Returns the notifications of one effect: a message for each language, and for the mentioned.

    None without recipients or outgoing connection. The event chooses among addresses for mail
    (`people.readers`), the author's included, so that nobody is notified twice, or of their own
    act, by another of their addresses. `reached` has those whom the same effect has told already
    in their role.
    """
    one, audience, context = heard.announcement, heard.audience, heard.context
    snapshot = options.snapshot
    connection = snapshot.connection_for(audience.project, context)
    if connection is None:
        return []
    reach = {address: reader.address for address, reader in readers.items()}
    audience = replace(audience, watchers=by_mail(audience.watchers, reach))
    author = next(iter(by_mail([one.author], reach)), replace(one.author, address=""))
    written_to = {author.address, *(person.address for person in audience.watchers)}
    own = snapshot.own_addresses.union(filter(snapshot.is_own, written_to))
    if one.event.to_others:
        own = own.union(reached)
    mentioned = frozenset(person.address for person in by_mail(one.mentioned, reach))
    told_only = frozenset(reach.get(address, address) for address in heard.told_only)
    known = {reader.address: reader for reader in readers.values()}
    cause = cause_of(one.cause, audience, snapshot, one.mail)
    messages = []
    events = {
        "": one.event,
        MENTIONED: mentioning(one.event, mentioned),
        TOLD: told(one.event),
    }
    languages = {
        part: partial(
            written_language, snapshot, event=event.kind, project=audience.project, context=context
        )
        for part, event in events.items()
    }
    for (part, language), people_told in grouped(
        one.event.recipients(audience, author, own),
        {MENTIONED: mentioned, TOLD: told_only},
        known,
        languages,
    ).items():
        event = events[part]
        # Those who do not watch the issue have nothing to leave.
        leaves = bool(cause.reply_to) and event.stop != "stop_asking"
        quotes = snapshot.quotes_history(event.kind, audience.project, language, context)
        occasion = replace(
            _occasion(one, audience, options),
            unsubscribes=leaves and cause.takes_tokens,
            earlier=heard.earlier if quotes else (),
        )
        message = message_of(
            partial(issue_words, event, occasion), snapshot, audience.project, language, context
        )
        mail = compose(
            replace(cause, part=part, unsubscribes=leaves),
            people_told,
            message,
            audience,
            connection,
            options.message_id_key,
            now,
            internal=one.internal,
            time_zones={address: reader.time_zone for address, reader in known.items()},
        )
        mail = replace(
            mail,
            automatic=event.answers,
            answers_proven=event.answers and _is_proven(one, snapshot),
            by_person=one.by_person,
            author_name=one.author.name if one.by_person else "",
            context=context.name if context else "",
        )
        insiders_only = one.internal or one.hearers is Hearers.INSIDERS
        messages.append(PendingMessage(mail=mail, words=message.words, insiders_only=insiders_only))
    return messages


def _occasion(one: Announcement, audience: Audience, options: NotificationOptions) -> Occasion:
    project = options.snapshot.projects.get(audience.project)
    return Occasion(
        audience=audience,
        project_name=project.name if project else audience.project,
        author=one.author,
        body=one.body,
        max_characters=options.excerpt_max_characters,
        mail=one.mail,
    )


def _is_proven(one: Announcement, snapshot: ConfigurationSnapshot) -> bool:
    mail = one.mail
    return mail is not None and is_proven(mail, snapshot.accounts.get(mail.mailbox))


def cause_of(
    name: str, audience: Audience, snapshot: ConfigurationSnapshot, mail: MailParsed | None = None
) -> Cause:
    """Returns what a message about an issue reports, by its name, and which message it answers."""
    mailbox = mail.mailbox if mail else None
    reply_to = snapshot.reply_address(audience.project, mailbox)
    first = audience.first_message_id or root_id(audience.conversation, reply_to)
    answered = mail.message_id if mail else first
    return Cause(
        name=name,
        in_reply_to=answered,
        references=tuple(dict.fromkeys(filter(None, [first, answered]))),
        reply_to=reply_to,
        plus_address=snapshot.takes_plus_addresses(reply_to, mailbox),
        received_at=mail.received_at if mail else None,
        mailbox=mailbox,
    )

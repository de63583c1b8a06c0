"""Composes notifications: an outgoing message for each effect, which its recipients share.

Ids are made from the cause, and Message-IDs from the cause and the recipient: the same cause makes
the same notification, however often it is composed. Pure.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from postrail.approvals.token import ApprovalToken
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.notifications.issue_token import IssueToken, plus_address, token_for
from postrail.notifications.mime.message_ids import message_id_for, written_id
from postrail.notifications.phrases import phrases_in
from postrail.notifications.readers import tokens_of
from postrail.notifications.templates.render import Rendered
from postrail.notifications.templates.words import GREETING, TIME, Words
from postrail.notifications.unsubscribe.token import (
    address_with,
    mailto,
    takes_token,
    unsubscribe_token,
)
from postrail.records import OutgoingDelivery, OutgoingQueued
from postrail.tracker.issues import Audience, Watcher

NAMESPACE = uuid.UUID("8d1f6a53-52bd-4b5f-9d0c-2f0f6c7f7a11")
# A longer name of a recipient is cut: it comes from a message, and may have any length.
NAME_MAX_CHARACTERS = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """The words of a message, and what its template made of them."""

    words: Words
    rendered: Rendered

    def places(self) -> str:
        """Returns the places of the recipients' own texts, out of the texts that all share.

        Of a long message to many people, these are much quicker to look through.
        """
        shared = f"{self.rendered.text}{self.rendered.html}"
        return "".join(one for one in (GREETING, TIME) if one in shared)


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
    # Recipients may leave the issue by mail.
    unsubscribes: bool = False
    # Of the issue, or of the approver's part in a request, that the message is about.
    token: IssueToken | ApprovalToken | None = None
    # Tells apart the messages of one effect that say different things; in their ids.
    part: str = ""

    @property
    def takes_tokens(self) -> bool:
        """Tells whether the address takes tokens of the recipients, and has room for them."""
        return self.plus_address and takes_token(self.reply_to)


def compose(
    cause: Cause,
    recipients: Sequence[Watcher],
    message: Message,
    audience: Audience,
    connection: OutgoingConnection,
    key: bytes,
    now: datetime,
    *,
    internal: bool = False,
    time_zones: Mapping[str, str] | None = None,
) -> OutgoingQueued:
    """Returns the message about an issue to these people; `key` signs its ids and its token.

    `time_zones` are those of the recipients, by address.
    """
    given = cause
    token = token_for(key, audience.issue_id, audience.conversation, internal=internal)
    reply_to = plus_address(cause.reply_to, token) if cause.plus_address else cause.reply_to
    cause = replace(cause, token=token, reply_to=reply_to)
    mail = message_to(
        recipients, audience.conversation, message, cause, connection, key, now, time_zones or {}
    )
    deliveries = mail.deliveries
    if given.unsubscribes:
        deliveries = [_leaving(one, given, audience, key) for one in deliveries]
    return replace(
        mail,
        issue_id=audience.issue_id,
        issue_key=audience.issue_key,
        internal=internal,
        deliveries=deliveries,
    )


def _leaving(
    one: OutgoingDelivery, cause: Cause, audience: Audience, key: bytes
) -> OutgoingDelivery:
    """Returns the delivery with the link by which its recipient leaves the issue."""
    token = unsubscribe_token(key, audience.issue_id, audience.conversation, one.recipient)
    plus_address = cause.takes_tokens
    tokens = {"unsubscribe": mailto(cause.reply_to, token, plus_address=plus_address)}
    # Also for the words of a bundle, which are made later.
    if plus_address:
        tokens["unsubscribe_address"] = address_with(cause.reply_to, token)
    return replace(one, tokens={**one.tokens, **tokens})


def message_to(
    recipients: Sequence[Watcher],
    conversation: str,
    message: Message,
    cause: Cause,
    connection: OutgoingConnection,
    key: bytes,
    now: datetime,
    time_zones: Mapping[str, str],
) -> OutgoingQueued:
    """Returns the message to these people, in a conversation; without a time zone, in UTC."""
    language, rendered = message.words.language, message.rendered
    places, part = message.places(), f" {cause.part}" if cause.part else ""
    return OutgoingQueued(
        outgoing_id=_id(f"{cause.name}{part} in {language} over {connection.name}"),
        conversation=conversation,
        issue_key=None,
        cause=cause.name,
        language=language,
        connection=connection.name,
        envelope_from=connection.from_address,
        from_name=connection.from_name,
        reply_to=cause.reply_to,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html or None,
        event=message.words.event.value,
        template=rendered.template,
        in_reply_to=written_id(cause.in_reply_to or "") or None,
        references=list(filter(None, map(written_id, cause.references))),
        queued_at=now,
        received_at=cause.received_at,
        mailbox=cause.mailbox,
        deliveries=[
            _delivery(cause, person, places, language, connection, key, now, time_zones)
            for person in recipients
        ],
    )


def _delivery(
    cause: Cause,
    person: Watcher,
    places: str,
    language: str,
    connection: OutgoingConnection,
    key: bytes,
    now: datetime,
    time_zones: Mapping[str, str],
) -> OutgoingDelivery:
    domain = connection.from_address.rpartition("@")[2]
    own_id = _id(f"{cause.name} to {person.address}")
    phrases, time_zone = phrases_in(language), time_zones.get(person.address, "")
    return OutgoingDelivery(
        recipient=person.address,
        name=person.name[:NAME_MAX_CHARACTERS],
        message_id=message_id_for(key, own_id, domain, cause.token),
        tokens=tokens_of(places, person.name, time_zone, now, phrases),
    )


def _id(name: str) -> str:
    return str(uuid.uuid5(NAMESPACE, name))

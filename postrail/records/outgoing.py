"""Defines the records of messages that go out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from postrail.message_parts import (
    Address,
    DeliveryResult,
    OutgoingAttachment,
)
from postrail.records.mail import BlobReference


@dataclass(frozen=True, kw_only=True, slots=True)
class OutgoingDelivery:
    """A recipient of an outgoing message, with the Message-ID of this recipient's own message."""

    recipient: str
    # For the field To; "" if it is not known.
    name: str
    message_id: str
    # Texts for this recipient only, by name.
    tokens: Mapping[str, str] = field(default_factory=dict)
    # Why it waits until a person releases it; "": it is sent.
    held: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class OutgoingQueued:
    """A message to send: the parts that its recipients share, and a delivery for each recipient.

    A message with very many recipients is several records of one outgoing_id, each complete but for
    the other deliveries.
    """

    outgoing_id: str
    conversation: str
    issue_key: str | None
    cause: str
    connection: str
    envelope_from: str
    subject: str
    # Also the Date of the message.
    queued_at: datetime
    # When the message that caused this one was received, to measure the age at delivery.
    received_at: datetime | None
    mailbox: str | None
    # Our own id of the issue; None in records of builds before migration 0011.
    issue_id: int | None = None
    language: str = ""
    from_name: str = ""
    reply_to: str = ""
    # None in records of builds before migration 0016: they have the next four fields instead of
    # parts and deliveries.
    text: str | None = None
    recipients: list[str] = field(default_factory=list)
    message_id: str = ""
    message: bytes | None = None
    message_blob: BlobReference | None = None
    in_reply_to: str | None = None
    references: list[str] = field(default_factory=list)
    deliveries: list[OutgoingDelivery] = field(default_factory=list)
    # It is about an internal comment, and so is a comment that answers it.
    internal: bool = False
    # It answers a message by itself, as a confirmation does.
    automatic: bool = False
    # The sender of the message that it answers is proven.
    answers_proven: bool = False
    # What a message about no issue is: forward, reply, notice or account.
    purpose: str = ""
    # The mail_id of the incoming message that is attached as it was read.
    forwards: str | None = None
    # The same words as `text`; None: the message is its text only.
    html: str | None = None
    # A person wrote it: it is not marked as automatic.
    by_person: bool = False
    # The person who wrote it, for its From field; "": the help desk.
    author_name: str = ""
    attachments: list[OutgoingAttachment] = field(default_factory=list)
    # The event that it reports (`postrail.rendering.events`), and the name of
    # the template that it was made by; "": a default one.
    event: str = ""
    template: str = ""
    # Those whom the message names in To and Cc; without any, each recipient sees only their own
    # address.
    to: list[Address] = field(default_factory=list)
    cc: list[Address] = field(default_factory=list)
    # The name of its context, which says over which connection it goes; "": none.
    context: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class OutgoingDelivered:
    """The result of an attempt to send a message, for each recipient of the attempt."""

    outgoing_id: str
    conversation: str
    issue_key: str | None
    message_id: str
    results: list[DeliveryResult]
    tried_at: datetime

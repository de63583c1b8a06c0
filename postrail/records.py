"""Defines the records that travel over Kafka: a frozen dataclass a topic, with its `.avsc` file.

Times are UTC with microseconds, sizes are bytes, ids are UUIDs in text form. A field that later
releases add must have a default, so that old and new processes can run side by side in a rollout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from postrail.message_parts import (
    Address,
    AppliedEffect,
    AttachedMessage,
    Attachment,
    AuthenticationResult,
    Bounce,
    CalendarEvent,
    CommentWritten,
    DeliveryResult,
    FieldChange,
    HeaderField,
    MailboxProgress,
    MailingList,
    MessageReport,
    OutgoingAttachment,
    ReleaseOrder,
    ReplyParts,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class BlobReference:
    """Content in the blob store, identified by its SHA-256 in hexadecimal."""

    sha256: str
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MailboxCheckRequested:
    """A request to check a mailbox now."""

    mailbox: str
    requested_at: datetime
    requested_by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MailFetched:
    """A message as it was read: its bytes (inline, or as a blob), where and when they were read."""

    mail_id: str
    mailbox: str
    # Its place in the mailbox, for people: "INBOX;uidvalidity=7;uid=12".
    source: str
    # When the mail server received it (IMAP INTERNALDATE), if it says so.
    received_at: datetime | None
    fetched_at: datetime
    size: int
    body: bytes | None
    blob: BlobReference | None
    # Larger than its account allows: the bytes are the header only, `size` is the whole message's.
    too_large: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class MailParsed:
    """The structured message, or the reason why it could not be parsed, with its bytes kept."""

    mail_id: str
    mailbox: str
    source: str
    # By the mailbox, else by the topmost Received field.
    received_at: datetime | None
    fetched_at: datetime
    parsed_at: datetime
    size: int
    # The place of the raw message: its record of mail.fetched, or its blob when it is large.
    raw_partition: int
    raw_offset: int
    raw_blob: BlobReference | None
    # Set when it could not be parsed; `raw` then holds its bytes unless `raw_blob` does.
    error: str | None
    raw: bytes | None
    subject: str
    message_id: str | None
    in_reply_to: list[str]
    references: list[str]
    date: datetime | None
    sender: Address | None
    reply_to: list[Address]
    to: list[Address]
    cc: list[Address]
    # At most one of text and text_blob is filled; the same for html.
    text: str
    text_blob: BlobReference | None
    html: str
    html_blob: BlobReference | None
    attachments: list[Attachment]
    # The kind (services.parser.kind), with the header field or the words that decided it.
    kind: str
    kind_reason: str
    # SHA-256 over the decoded content: a message that is read twice keeps its fingerprint.
    fingerprint: str
    headers: list[HeaderField]
    # Faults of the message, and parts that were left out.
    defects: list[str]
    # Replaces a missing message_id. Made from the fingerprint, so equal messages have equal ones.
    made_message_id: str = ""
    # The first Message-ID of the conversation, as far as this message names it.
    conversation_id: str = ""
    # The field Sender: the person who sent it for the author.
    sent_by: Address | None = None
    bcc: list[Address] = field(default_factory=list)
    # Delivered-To and related fields: the real recipients, as opposed to To.
    delivered_to: list[str] = field(default_factory=list)
    authentication: list[AuthenticationResult] = field(default_factory=list)
    # Set when the body has several parts; as JSON in reply_blob when it is too large.
    reply: ReplyParts | None = None
    reply_blob: BlobReference | None = None
    bounce: Bounce | None = None
    # Detached signatures (PGP, S/MIME), which are kept but not attachments.
    signatures: list[Attachment] = field(default_factory=list)
    # How the texts were decoded: "utf-8", or "gb2312 as gb18030".
    charsets: list[str] = field(default_factory=list)
    mailing_list: MailingList | None = None
    events: list[CalendarEvent] = field(default_factory=list)
    # The text quotes a notification of an internal comment.
    quotes_internal: bool = False
    # The first messages among the attachments.
    attached_messages: list[AttachedMessage] = field(default_factory=list)
    # Of a receipt or a complaint.
    report: MessageReport | None = None
    # The first lines of a text that is in text_blob, for conditions and field commands.
    text_beginning: str = ""
    # The first lines of the new text of a reply that is in reply_blob.
    new_text_beginning: str = ""

    @property
    def recipients(self) -> list[Address]:
        """Returns the addresses of To, Cc and Bcc, in this order."""
        return [*self.to, *self.cc, *self.bcc]


@dataclass(frozen=True, kw_only=True, slots=True)
class MailHandled:
    """The outcome of a message (see `postrail.decision.decision`), its reason and its effects.

    All that a restored database lacks of it; of a record of release 0.1 the later fields are empty.
    """

    mail_id: str
    mailbox: str
    # Counts the decisions about the same message: a release or a retry makes the next one.
    revision: int
    outcome: str
    reason: str
    project: str | None
    issue_key: str | None
    comment_id: int | None
    handled_at: datetime
    issue_id: int | None = None
    conversation: str | None = None
    queue: str | None = None
    # The arrival number by which it was handled.
    arrival: int | None = None
    # Of a message that has had another outcome before.
    first_handled_at: datetime | None = None
    # The configuration's version that decided; None: it failed before.
    change_id: int | None = None
    # What held it, and is passed over when it is released.
    held_by: str = ""
    release: ReleaseOrder | None = None
    # In the order in which they were decided.
    effects: list[AppliedEffect] = field(default_factory=list)
    # The messages that it caused.
    outgoing_ids: list[str] = field(default_factory=list)


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


# The name of a custom field in history and records begins so.
CUSTOM_PREFIX = "field:"


@dataclass(frozen=True, kw_only=True, slots=True)
class IssueChanged:
    """An act on an issue by a person: by a command or page, or in the name of the help desk.

    It holds all that the act changed, so that a restored installation can repeat it: a new issue is
    the changes of its fields from a missing value. Values before the act are left out where the
    record would be too large for Kafka.
    """

    # One for all parts of the act, its notifications included.
    act_id: str
    # See `postrail.workflow.rights`.
    act: str
    issue_id: int
    # The key and project after the act.
    issue_key: str
    project: str
    conversation: str
    # "" for the operator of the installation.
    actor_address: str
    actor_name: str
    # command or page.
    channel: str
    changed_at: datetime
    changes: list[FieldChange]
    # The comment that the act has added or edited.
    comment: CommentWritten | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelineProgress:
    """What one process did in about a second. Best effort: no promise depends on it."""

    process: str
    service: str
    version: str
    started_at: datetime
    reported_at: datetime
    address: str
    ready: bool
    mailboxes: list[MailboxProgress]


@dataclass(frozen=True, kw_only=True, slots=True)
class MailDead:
    """A record that does not decode: its bytes, its place and the error."""

    service: str
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    error: str
    died_at: datetime


Record = (
    MailboxCheckRequested
    | MailFetched
    | MailParsed
    | MailHandled
    | OutgoingQueued
    | OutgoingDelivered
    | IssueChanged
    | PipelineProgress
    | MailDead
)

R = TypeVar("R", bound=Record)
R_co = TypeVar("R_co", bound=Record, covariant=True)

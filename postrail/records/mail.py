"""Defines the records of messages that come in, from the mailbox to their outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from postrail.message_parts import (
    Address,
    AppliedEffect,
    AttachedMessage,
    Attachment,
    AuthenticationResult,
    Bounce,
    CalendarEvent,
    HeaderField,
    MailingList,
    MessageReport,
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

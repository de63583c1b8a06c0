"""Defines the records that travel over Kafka: a frozen dataclass a topic, with its `.avsc` file.

Times are UTC with microseconds, sizes are bytes, ids are UUIDs in text form. A field that later
releases add must have a default, so that old and new processes can run side by side in a rollout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar


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
class Address:
    """One address of a header field, with its display name (may be empty)."""

    name: str
    address: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HeaderField:
    """One header field, decoded, in the order of the message."""

    name: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """A part that is not the body; its content is in the blob store under its SHA-256."""

    name: str
    content_type: str
    size: int
    sha256: str
    content_id: str | None
    inline: bool
    # Detected from the content's first bytes, or ""; the sender may declare any content_type.
    sniffed_type: str = ""
    # Of a calendar part: REQUEST, REPLY, CANCEL, … (RFC 5546)
    method: str = ""
    # The SHA-256 of the attachment (smime.p7m, winmail.dat) that it was found in, or "".
    unpacked_from: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MailingList:
    """The mailing list of a message, by the list's own header fields (RFC 2369, 2919, 8058)."""

    # In lower case, without brackets; "" when the list does not give it.
    list_id: str
    name: str
    help: list[str]
    unsubscribe: list[str]
    subscribe: list[str]
    post: list[str]
    owner: list[str]
    archive: list[str]
    # The list accepts no posts (List-Post: NO).
    posting_closed: bool
    # A POST to the https URI in `unsubscribe` ends the subscription.
    one_click: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class CalendarEvent:
    """An event or task in a calendar part (RFC 5545)."""

    # Of its calendar: REQUEST, REPLY, CANCEL, …, or "".
    method: str
    uid: str
    summary: str
    location: str
    # CONFIRMED, TENTATIVE, CANCELLED, …, or "".
    status: str
    # ISO 8601, or "": a day, or a time; without offset for an unknown zone or a floating time.
    start: str
    end: str
    # The IANA name of the start's zone, or the calendar's own name; "" for days.
    zone: str
    organiser: Address | None
    attendees: list[Address]


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthenticationResult:
    """The result of one method, as a mail server states it about the sender (RFC 8601)."""

    # The server that states it; only one of one's own can be trusted.
    server: str
    # "dkim", "spf", "dmarc", … and "pass", "fail", …
    method: str
    result: str
    # "header.d=example.com", as given.
    properties: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class BouncedRecipient:
    """One address of a bounce, and the result of the delivery to it."""

    address: str
    # failed or delayed (RFC 3464, section 2.3.3)
    action: str
    # The enhanced status code (RFC 3463) as the bounce gives it: "5.1.1", or "".
    status: str
    # Whether the delivery failed for good, by the action; a status may contradict it.
    hard: bool
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounce:
    """A message of ours that could not be delivered, or is late."""

    recipients: list[BouncedRecipient]
    # Of the returned message. The author of the bounce wrote it too, so it proves nothing.
    original_message_id: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplyParts:
    """A body in its parts; answers between quoted lines are in the new and the quoted part."""

    new_text: str
    quoted_text: str
    signature: str
    new_html: str
    quoted_html: str
    signature_html: str


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


@dataclass(frozen=True, kw_only=True, slots=True)
class MailHandled:
    """The decision about a message, its reason and its effects."""

    mail_id: str
    mailbox: str
    # Counts the decisions about the same message: a release or a retry makes the next one.
    revision: int
    # issue, comment, duplicate, noted or failed
    outcome: str
    reason: str
    project: str | None
    issue_key: str | None
    comment_id: int | None
    handled_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class OutgoingQueued:
    """A complete message to send: envelope, ids, and its bytes (inline, or as a blob)."""

    outgoing_id: str
    conversation: str
    issue_key: str | None
    cause: str
    connection: str
    envelope_from: str
    recipients: list[str]
    message_id: str
    subject: str
    queued_at: datetime
    # When the message that caused this one was received, to measure the age at delivery.
    received_at: datetime | None
    mailbox: str | None
    message: bytes | None
    message_blob: BlobReference | None
    # Our own id of the issue; None in records of release 0.1.0 and before.
    issue_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryResult:
    """The result of the delivery to one recipient, with the server's reply."""

    recipient: str
    # sent, deferred or failed
    state: str
    reply: str
    attempts: int
    maybe_twice: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class OutgoingDelivered:
    """The result of an attempt to send a message, for each recipient of the attempt."""

    outgoing_id: str
    conversation: str
    issue_key: str | None
    message_id: str
    results: list[DeliveryResult]
    tried_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class MailboxProgress:
    """The counts of a process for one mailbox since its last report."""

    mailbox: str
    outcomes: Mapping[str, int]
    # Count of messages by age since reception; the key is the bucket's upper bound in seconds.
    age_buckets: Mapping[str, int]
    age_sum_seconds: float
    last_contact_at: datetime | None


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
    | PipelineProgress
    | MailDead
)

R = TypeVar("R", bound=Record)
R_co = TypeVar("R_co", bound=Record, covariant=True)

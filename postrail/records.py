"""The records that travel over Kafka: a frozen dataclass a topic, mirrored by `schemas/*.avsc`.

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
    """Content in the blob store, named by its SHA-256 in hexadecimal."""

    sha256: str
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MailboxCheckRequested:
    """Somebody wants a mailbox looked at now."""

    mailbox: str
    requested_at: datetime
    requested_by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MailFetched:
    """A mail as it was read: its bytes (inline, or as a blob), where and when they were read."""

    mail_id: str
    mailbox: str
    # What names the mail in its mailbox, readable: "INBOX;uidvalidity=7;uid=12".
    source: str
    # When the mail server took it in (IMAP INTERNALDATE), where it says so.
    received_at: datetime | None
    fetched_at: datetime
    size: int
    body: bytes | None
    blob: BlobReference | None
    # The mail is larger than its account allows: the bytes are its header, `size` is the mail's.
    too_large: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """One address of a header field, with its display name (may be empty)."""

    name: str
    address: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HeaderField:
    """One header field, decoded, in the order of the mail."""

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
    # What the content's first bytes show, or "": the type above is the sender's word.
    sniffed_type: str = ""
    # Of a calendar part: REQUEST, REPLY, CANCEL, … (RFC 5546)
    method: str = ""
    # The SHA-256 of the attachment (smime.p7m, winmail.dat) that it was found in, or "".
    unpacked_from: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MailingList:
    """The list that a mail went through, in its own words (RFC 2369, 2919 and 8058)."""

    # In lower case, without brackets; "" where the list does not say it.
    list_id: str
    name: str
    help: list[str]
    unsubscribe: list[str]
    subscribe: list[str]
    post: list[str]
    owner: list[str]
    archive: list[str]
    # Nobody may write to it (List-Post: NO).
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
    # ISO 8601: a day, or a time with its offset; without one where the zone is not known, or where
    # it is the same time everywhere. "" where there is none.
    start: str
    end: str
    # IANA's name of the start's zone, or the calendar's own one; "" for days.
    zone: str
    organiser: Address | None
    attendees: list[Address]


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthenticationResult:
    """One method's result, as a mail server says that it found it about the sender (RFC 8601)."""

    # Who says so: worth something only where it is a server of one's own.
    server: str
    # "dkim", "spf", "dmarc", … and "pass", "fail", …
    method: str
    result: str
    # "header.d=example.com", as given.
    properties: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class BouncedRecipient:
    """One address that a bounce is about, and what became of the mail to it."""

    address: str
    # failed or delayed (RFC 3464, section 2.3.3)
    action: str
    # The enhanced status code (RFC 3463) as the bounce gives it: "5.1.1", or "".
    status: str
    # Did the mail fail for good? By the action: a status may contradict it.
    hard: bool
    # What the other server said, or "".
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounce:
    """A mail of ours that came back, or is late."""

    recipients: list[BouncedRecipient]
    # Of the mail that came back. Whoever wrote the bounce wrote it too: no proof of anything.
    original_message_id: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplyParts:
    """A body in its parts: what is new, what is quoted, and the signature; as text and as HTML.

    Answers between quoted lines are new, and stand among the quoted ones too.
    """

    new_text: str
    quoted_text: str
    signature: str
    new_html: str
    quoted_html: str
    signature_html: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MailParsed:
    """The structured mail, or the reason why it could not be parsed, with its bytes kept."""

    mail_id: str
    mailbox: str
    source: str
    # As the mailbox says it, else as the topmost Received field does.
    received_at: datetime | None
    fetched_at: datetime
    parsed_at: datetime
    size: int
    # Where the raw mail is: its record of mail.fetched, and its blob when it was too large for one.
    raw_partition: int
    raw_offset: int
    raw_blob: BlobReference | None
    # Set when the mail could not be parsed; `raw` then holds its bytes unless `raw_blob` does.
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
    # human, auto_reply, auto_generated, bulk, bounce, receipt, feedback or calendar; and the header
    # or the words that decided.
    kind: str
    kind_reason: str
    # SHA-256 over the decoded content; the same mail read twice has the same fingerprint.
    fingerprint: str
    headers: list[HeaderField]
    # What is wrong with the mail, and what of it was left out.
    defects: list[str]
    # Stands for message_id where there is none: made from the fingerprint, and no proof that two
    # mails are the same one, since a machine may send equal mails.
    made_message_id: str = ""
    # The Message-ID that the conversation began with, as far as this mail knows.
    conversation_id: str = ""
    # Who sent it for whoever wrote it (the field Sender).
    sent_by: Address | None = None
    bcc: list[Address] = field(default_factory=list)
    # Delivered-To and its relatives: where it went, whatever To says.
    delivered_to: list[str] = field(default_factory=list)
    authentication: list[AuthenticationResult] = field(default_factory=list)
    # Set where the body has more parts than one; as JSON in reply_blob when it is too large.
    reply: ReplyParts | None = None
    reply_blob: BlobReference | None = None
    bounce: Bounce | None = None
    # Detached signatures (PGP, S/MIME): kept, and no attachments.
    signatures: list[Attachment] = field(default_factory=list)
    # How the texts were read: "utf-8", or "gb2312 as gb18030".
    charsets: list[str] = field(default_factory=list)
    # None where the mail names no list.
    mailing_list: MailingList | None = None
    events: list[CalendarEvent] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class MailHandled:
    """What was decided about a mail, why, and with which effects."""

    mail_id: str
    mailbox: str
    # Counts the decisions about the same mail: a release or a retry makes the next one.
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
    """A mail to send, complete: envelope, ids, and its bytes (inline, or as a blob)."""

    outgoing_id: str
    conversation: str
    issue_key: str | None
    # Why it is sent, readable: "issue created by mail …", "comment 7 on KEY-1".
    cause: str
    connection: str
    envelope_from: str
    recipients: list[str]
    message_id: str
    subject: str
    queued_at: datetime
    # When the mail that caused this one was received; for the age at delivery.
    received_at: datetime | None
    mailbox: str | None
    message: bytes | None
    message_blob: BlobReference | None
    # Our own id of the issue; None in records of release 0.1.0 and before.
    issue_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryResult:
    """How the delivery to one recipient went, with the server's own words."""

    recipient: str
    # sent, deferred or failed
    state: str
    reply: str
    attempts: int
    maybe_twice: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class OutgoingDelivered:
    """The result of an attempt to send a mail, for each recipient that it was tried for."""

    outgoing_id: str
    conversation: str
    issue_key: str | None
    message_id: str
    results: list[DeliveryResult]
    tried_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class MailboxProgress:
    """What a process did for one mailbox since its last report."""

    mailbox: str
    # Count by outcome, for example {"issue": 3, "duplicate": 1}.
    outcomes: Mapping[str, int]
    # Count of mails by age since reception: the key is the bucket's upper bound in seconds.
    age_buckets: Mapping[str, int]
    age_sum_seconds: float
    last_contact_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelineProgress:
    """What one process did in about a second; best effort, never part of a promise."""

    process: str
    service: str
    version: str
    started_at: datetime
    reported_at: datetime
    # Where the process serves /metrics, for people: "host:port".
    address: str
    ready: bool
    mailboxes: list[MailboxProgress]


@dataclass(frozen=True, kw_only=True, slots=True)
class MailDead:
    """A record that does not decode: its bytes, where they stood, and what went wrong."""

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

# The record of one topic: what is generic in it cannot mix up topics.
R = TypeVar("R", bound=Record)
R_co = TypeVar("R_co", bound=Record, covariant=True)

"""Defines the parts of records (see `postrail.records`), of parsed messages most of all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

# A usual address of email, as the configuration and people give it.
ADDRESS = r"[^\s@<>]+@[^\s@<>]+"
ADDRESS_CHARACTERS = 320
EXTENSION = re.compile("[+][^@]*@")
PATH_SEPARATORS = re.compile(r"[/\\]")
# In names of files: refused by file systems or read by shells (as Jira replaces them), or reversing
# the reading direction, so that an .exe looks like a .pdf.
UNSAFE_IN_NAMES = re.compile('[\x00-\x1f\x7f<>:"%$|?*\u200e\u200f\u202a-\u202e\u2066-\u2069]')


def is_address(text: str) -> bool:
    """Returns whether the text is a usual address, which a header may hold without quotation."""
    return len(text) <= ADDRESS_CHARACTERS and re.fullmatch(ADDRESS, text) is not None


def without_extension(address: str) -> str:
    """Returns the address without its plus-extension: help+12@desk is for help@desk."""
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def counted_sender(address: str) -> str:
    """Returns the address by which messages of a sender are counted.

    Without its plus-extension, which a machine may change with each message; only ASCII letters
    become small, as in the index.
    """
    plain = EXTENSION.sub("@", address, count=1)
    return (
        plain.encode("utf-8", "surrogatepass")
        .lower()
        .decode("utf-8", "surrogatepass")[:ADDRESS_CHARACTERS]
    )


def plain_file_name(given: str) -> str:
    """Returns the last part of a path, with `_` for each character that is unsafe in a name."""
    return UNSAFE_IN_NAMES.sub("_", PATH_SEPARATORS.split(given)[-1])


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
class DeliveryResult:
    """One recipient's delivery: sent, deferred, failed or unconfirmed, with the server's reply."""

    recipient: str
    state: str
    reply: str
    attempts: int
    maybe_twice: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class OutgoingAttachment:
    """A file that an outgoing message carries; its content is in the blob store."""

    name: str
    content_type: str
    sha256: str
    size: int
    # By which the HTML names it; "": it does not.
    content_id: str = ""
    inline: bool = False


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
    # The name as the sender gave it, where it is not that of a file; "": the same.
    original_name: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AttachedMessage:
    """What the header of an attached message (message/rfc822) says; anyone may have written it."""

    sender: Address | None
    subject: str
    message_id: str | None


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
    # Counts the changes: above 0 for an event that was moved or changed (RFC 5545, 3.8.7.4).
    sequence: int = 0
    # Of a REPLY: ACCEPTED, DECLINED, TENTATIVE, …, or "".
    answer: str = ""
    # The rule by which it is repeated, as given: "FREQ=WEEKLY;BYDAY=MO", or ""; with the dates that
    # are left out (EXDATE) and the further ones (RDATE).
    recurrence: str = ""
    # The date or time of the one repetition that this is about (RECURRENCE-ID), or "".
    occurrence: str = ""
    # The event's own text, "" if it has none.
    description: str = ""
    # Whether it is a task (VTODO).
    task: bool = False
    # What the sender wrote about an answer, a proposal or a cancellation, or "".
    comment: str = ""
    # The address at which one joins a meeting on the web, or the event's page, or "".
    link: str = ""


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
    # The place of its field among all header fields, from 0; -1 in records of release 0.1.
    position: int = -1


@dataclass(frozen=True, kw_only=True, slots=True)
class BouncedRecipient:
    """One address of a bounce, and the result of the delivery to it."""

    address: str
    # As the bounce gives it, in lower case (RFC 3464, 2.3.3); by its words: failed or delayed.
    action: str
    # The most exact status code (RFC 3463) in the bounce, whatever the action is; a bare reply
    # code gives 4.0.0 or 5.0.0, and words alone what they mean; or "".
    status: str
    # The delivery failed for good with a code of class 5, except "mailbox full" (x.2.2).
    hard: bool
    reason: str
    # 4: temporary, 5: permanent, 2: success, or "".
    status_class: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounce:
    """A message of ours that could not be delivered, or is delayed."""

    recipients: list[BouncedRecipient]
    # Of the returned message. The author of the bounce wrote it too, so it proves nothing.
    original_message_id: str | None
    # The most exact status code of a bounce that names no address, or "".
    status: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageReport:
    """A receipt for a message of ours, or a complaint about one."""

    # In lower case: displayed, deleted, … (RFC 8098, 3.2.6.2); delivered, … (RFC 3464, 2.3.3);
    # abuse, … (RFC 5965, 3.1); or "".
    event: str
    # Of the message that it is about. The author of the report wrote it too, so it proves nothing.
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
class AppliedEffect:
    """An effect of a message, with the ids of what it made or changed."""

    # As in `postrail.decision.decision`: create_issue, add_comment, note_address, …
    kind: str
    issue_id: int | None = None
    issue_key: str | None = None
    comment_id: int | None = None
    # Of an effect on an address: of a person, a watched mailbox, a recipient.
    address: str = ""
    # Another issue, to which this one was linked.
    linked_key: str | None = None
    # The message's conversation belongs to the issue from then on.
    joins_conversation: bool = False
    # The delivery that a report was about, and what the report said.
    outgoing_id: str | None = None
    event: str = ""
    # The approval request that it has answered; `event` is then the choice, or why it decides
    # nothing.
    request_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleaseOrder:
    """A person's order to handle a message again, as it stood when the message was handled."""

    ordered_by: str
    ordered_at: datetime
    # "": as the message's account says.
    as_handler: str
    # What was not asked again.
    skips: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldChange:
    """The change of one field of an issue; the values are JSON, and None for a missing value."""

    # See CUSTOM_PREFIX.
    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CommentWritten:
    """A comment as an act has written it, whole."""

    comment_id: int
    # "" in the record of an edit, which leaves the author as it is.
    author_address: str
    author_name: str
    text: str
    internal: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class MailboxProgress:
    """The counts of a process for one mailbox since its last report."""

    mailbox: str
    outcomes: Mapping[str, int]
    # Count of messages by age since reception; the key is the bucket's upper bound in seconds.
    age_buckets: Mapping[str, int]
    age_sum_seconds: float
    last_contact_at: datetime | None

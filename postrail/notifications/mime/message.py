"""Builds the bytes of a message: the fields of its header, and its body."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from postrail.notifications.mime.conversation_fields import threading_fields
from postrail.notifications.mime.fields import clean, mailbox, mailboxes, unstructured
from postrail.notifications.mime.message_ids import OWN_HEADER, written_id
from postrail.notifications.mime.parts import File, whole_body


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageParts:
    """The values that the message to one recipient is built from."""

    message_id: str
    date: datetime
    from_name: str
    from_address: str
    to: str
    to_name: str = ""
    # Names and addresses in To, in the place of the recipient's own, and in Cc.
    shown_to: Sequence[tuple[str, str]] = ()
    cc: Sequence[tuple[str, str]] = ()
    reply_to: str = ""
    subject: str
    text: str
    # "": the message is its text only.
    html: str = ""
    files: Sequence[File] = ()
    # The bytes of another message, which is attached as it is.
    original: bytes | None = None
    in_reply_to: str | None = None
    references: Sequence[str] = ()
    # The conversation that it belongs to, for Outlook.
    conversation: str = ""
    # Names the source of automatic messages, for filters: help.desk.example; and in words.
    list_id: str = ""
    list_name: str = ""
    # The link by which the recipient gets no more of them.
    unsubscribe: str = ""
    # A person wrote it, and automatic responders may answer.
    by_person: bool = False
    # Says `Precedence: bulk`, unless a person wrote it.
    precedence_bulk: bool = True


def build_message(parts: MessageParts) -> bytes:
    """Returns the message, ready to be sent; a missing line end after the text is added."""
    body = whole_body(parts.text, parts.html, parts.files, parts.original)
    fields = [
        f"Message-ID: {written_id(parts.message_id)}",
        f"Date: {format_datetime(parts.date)}",
        f"From: {mailbox(parts.from_name, parts.from_address)}",
        f"To: {mailboxes(parts.shown_to or [(parts.to_name, parts.to)])}",
        *([f"Cc: {mailboxes(parts.cc)}"] if parts.cc else []),
        *([f"Reply-To: {mailbox('', parts.reply_to)}"] if parts.reply_to else []),
        f"Subject: {unstructured(parts.subject)}",
        *threading_fields(
            subject=parts.subject,
            conversation=parts.conversation,
            date=parts.date,
            message_id=parts.message_id,
            in_reply_to=parts.in_reply_to,
            references=parts.references,
        ),
        f"{OWN_HEADER}: {written_id(parts.message_id)}",
        *(() if parts.by_person else _automatic(parts)),
        "MIME-Version: 1.0",
        *body.fields,
    ]
    head = "\r\n".join(fields).encode("utf-8", "replace")
    return head + b"\r\n\r\n" + body.body


def _automatic(parts: MessageParts) -> Iterator[str]:
    """Yields the fields by which automatic responders know that they must not answer."""
    # RFC 3834, 5. Exchange heeds the second field only, and some older systems the third.
    yield "Auto-Submitted: auto-generated"
    yield "X-Auto-Response-Suppress: All"
    if parts.precedence_bulk:
        yield "Precedence: bulk"
    # RFC 2919, 2: words, and an id in angle brackets, as in an address.
    if parts.list_id:
        named = mailbox(parts.list_name, parts.list_id)
        yield f"List-Id: {named if named.endswith('>') else f'<{named}>'}"
    # RFC 2369, 3.2. Without a page with https there is no List-Unsubscribe-Post (RFC 8058).
    if parts.unsubscribe:
        yield f"List-Unsubscribe: <{clean(parts.unsubscribe)}>"

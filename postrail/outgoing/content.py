"""Reads what the message of one delivery is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from postrail.database import Connection, rows_as
from postrail.message_parts import OutgoingAttachment
from postrail.outgoing.attachments import ATTACHMENTS


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """The parts of the message to one recipient; most of them are shared with the others."""

    message_id: str
    # The Date of the message.
    queued_at: datetime
    from_name: str
    envelope_from: str
    reply_to: str
    recipient: str
    # The recipient's, or "".
    name: str
    subject: str
    # None for a message that builds before migration 0016 queued as a whole: the last two fields.
    text: str | None
    in_reply_to: str | None
    reference_ids: Sequence[str]
    whole_message: bytes | None
    # SHA-256 of the blob that holds the whole message.
    message_blob: str | None
    # The mail_id of the incoming message that is attached.
    forwards: str | None
    conversation: str
    # The outgoing connection that it is to take.
    connection: str
    issue_key: str | None
    # The same words as `text`; None: the message is its text only.
    html: str | None
    # A person wrote it; the name is theirs.
    by_person: bool
    author_name: str
    # Texts for this recipient only, by name (`postrail.notifications.tokens`).
    tokens: Mapping[str, str]
    # The fields of each OutgoingAttachment; None without any.
    attachments: Sequence[Mapping[str, Any]] | None
    # Pairs of name and address in To and Cc; None: the recipient alone.
    shown_to: Sequence[Sequence[str]] | None = None
    shown_cc: Sequence[Sequence[str]] | None = None
    # The connection that it was too large for, so that it goes over another one; or "".
    moved_from: str = ""
    # The name of its context, or "".
    context: str = ""
    # Of its words.
    language: str = ""

    @property
    def project(self) -> str:
        """Returns the project in the key that the message has, or "": the issue may have moved."""
        return (self.issue_key or "").rpartition("-")[0]

    @property
    def route(self) -> str:
        """Returns the connection that it is to take whatever its size."""
        return self.moved_from or self.connection

    @property
    def files(self) -> list[OutgoingAttachment]:
        """Returns the files that the message carries."""
        return [OutgoingAttachment(**file) for file in self.attachments or ()]


# The fields of Content, of a delivery and of its outgoing message `mail`.
CONTENT_COLUMNS: LiteralString = (
    """delivery.message_id, mail.queued_at, mail.from_name,
    mail.envelope_from, mail.reply_to, delivery.recipient, delivery.name, mail.subject, mail.text,
    mail.in_reply_to, mail.reference_ids, mail.whole_message, mail.message_blob,
    mail.forwards::text AS forwards, mail.conversation, delivery.connection,
    mail.issue_key, mail.html, mail.by_person, mail.author_name, delivery.tokens,
    mail.shown_to, mail.shown_cc, mail.context, mail.language,
    delivery.moved_from, """
    + ATTACHMENTS
)

_OF_DELIVERY: LiteralString = """
FROM outgoing_mail AS mail JOIN delivery USING (outgoing_id)
WHERE outgoing_id = %s AND recipient = %s
"""


async def content_of(connection: Connection, outgoing_id: str, recipient: str) -> Content | None:
    """Returns what the message to this recipient is made of, or None if there is none."""
    statement = "SELECT " + CONTENT_COLUMNS + _OF_DELIVERY
    found = await rows_as(connection, Content, statement, [outgoing_id, recipient], binary=True)
    return found[0] if found else None

"""Reads the contents of messages and issues, wherever they are: rows, blobs or Kafka records."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from postrail.blobs import BlobMissing, BlobStore
from postrail.configuration.load import load_snapshot
from postrail.database import Connection, Transactions, one
from postrail.errors import PermanentError, TransientError
from postrail.incoming.calendar_text import calendar_text
from postrail.incoming.originals import Originals
from postrail.incoming.reply_parts import parts_from
from postrail.message_parts import BouncedRecipient
from postrail.notifications.assemble import assemble
from postrail.outgoing.content import content_of
from postrail.records import MailParsed
from postrail.settings import KafkaSettings
from postrail.stream import avro
from postrail.views.incoming import IncomingDetail
from postrail.views.issue_detail import CommentEditRow, CommentRow, IssueDetail

# The number of blobs that are read at once for one issue.
BLOBS_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class MailText:
    """What a message says: its text in its parts, the recipients of a bounce, and its faults."""

    new_text: str = ""
    quoted_text: str = ""
    signature: str = ""
    # Its calendar's events in words.
    calendar: str = ""
    # The reason why the texts cannot be read.
    text_problem: str = ""
    bounced: list[BouncedRecipient] = field(default_factory=list)
    # The status of a bounce that names no address; None for other messages.
    bounce_status: str | None = None
    # Its faults, and what was left out of it.
    defects: list[str] = field(default_factory=list)


async def mail_text(connection: Connection, mail: IncomingDetail, blobs: BlobStore) -> MailText:
    """Returns what a message says, or why it cannot be read; blank before it is parsed."""
    parsed = await parsed_mail(connection, mail)
    if parsed is None:
        return MailText()
    found = MailText(
        calendar=calendar_text(parsed),
        bounced=parsed.bounce.recipients if parsed.bounce is not None else [],
        bounce_status=parsed.bounce.status if parsed.bounce is not None else None,
        defects=parsed.defects,
    )
    try:
        return await _with_parts(found, parsed, blobs)
    except (BlobMissing, TransientError) as error:
        return replace(found, text_problem=str(error))


async def _with_parts(found: MailText, mail: MailParsed, blobs: BlobStore) -> MailText:
    parts = mail.reply
    if mail.reply_blob is not None:
        parts = parts_from(await blobs.get(mail.reply_blob.sha256))
    if parts is None:
        blob = mail.text_blob.sha256 if mail.text_blob is not None else None
        return replace(found, new_text=await _whole(mail.text, blob, blobs))
    return replace(
        found, new_text=parts.new_text, quoted_text=parts.quoted_text, signature=parts.signature
    )


async def parsed_mail(connection: Connection, mail: IncomingDetail) -> MailParsed | None:
    """Returns a message's parsed form; None before it is parsed."""
    row = await one(
        connection, "SELECT parsed FROM incoming_mail WHERE mail_id = %s", [mail.mail_id]
    )
    record = avro.decode(row[0]) if row and row[0] is not None else None
    return record if isinstance(record, MailParsed) else None


async def outgoing_bytes(
    transactions: Transactions,
    outgoing_id: str,
    recipient: str,
    kafka: KafkaSettings,
    blobs: BlobStore,
) -> bytes:
    """Returns the message to this recipient; raises PermanentError when it was not kept."""
    async with transactions() as connection:
        content = await content_of(connection, outgoing_id, recipient)
        snapshot = await load_snapshot(connection)
    if content is None:
        raise PermanentError(f"outgoing message {outgoing_id} is not for {recipient}")
    sending = snapshot.connections.get(content.connection)
    if sending:
        sending = snapshot.sender_of(sending, content.route, content.context)
    return await assemble(content, sending, blobs, Originals(transactions, kafka, blobs).read)


async def with_texts(found: IssueDetail, blobs: BlobStore) -> IssueDetail:
    """Returns the issue with the texts that are too large for its rows, read from their blobs."""
    slots = asyncio.Semaphore(BLOBS_AT_ONCE)
    description, comments, edits = await asyncio.gather(
        _whole(found.description, found.description_blob, blobs),
        asyncio.gather(*(_comment_with_texts(row, blobs, slots) for row in found.comments)),
        asyncio.gather(*(_edit_with_text(row, blobs, slots) for row in found.edits)),
    )
    return replace(found, description=description, comments=comments, edits=edits)


async def _comment_with_texts(
    row: CommentRow, blobs: BlobStore, slots: asyncio.Semaphore
) -> CommentRow:
    async with slots:
        if row.reply_blob is None:
            return replace(row, body=await _whole(row.body, row.body_blob, blobs))
        parts = parts_from(await blobs.get(row.reply_blob))
    return replace(
        row,
        body=row.body or parts.new_text,
        quoted_text=parts.quoted_text,
        signature=parts.signature,
    )


async def _edit_with_text(
    row: CommentEditRow, blobs: BlobStore, slots: asyncio.Semaphore
) -> CommentEditRow:
    async with slots:
        if row.reply_blob is None or row.body_blob is not None:
            return replace(row, body=await _whole(row.body, row.body_blob, blobs))
        return replace(row, body=parts_from(await blobs.get(row.reply_blob)).new_text)


async def _whole(short: str, blob: str | None, blobs: BlobStore) -> str:
    return short if blob is None else (await blobs.get(blob)).decode(errors="replace")

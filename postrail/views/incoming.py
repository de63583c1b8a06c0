"""Incoming mails as people look at them: the queue and log, one mail in detail, its raw bytes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg.rows import class_row

from postrail.blobs import BlobMissing, BlobStore
from postrail.database import Connection, one
from postrail.errors import PermanentError, TransientError
from postrail.incoming.reply_parts import parts_from
from postrail.records import MailFetched, MailParsed
from postrail.settings import KafkaSettings
from postrail.stream import avro
from postrail.stream.reader import read_record
from postrail.stream.topics import MAIL_FETCHED
from postrail.views.where import OF_ISSUE

STATES = ("fetched", "new", "working", "waiting", "done", "failed", "quarantined")
UNFINISHED = ("fetched", "new", "working", "waiting")


@dataclass(frozen=True, kw_only=True, slots=True)
class IncomingRow:
    """A mail as the queue and log list it."""

    mail_id: str
    mailbox: str
    state: str
    subject: str
    sender: str
    size: int
    received_at: datetime | None
    fetched_at: datetime
    handled_at: datetime | None
    # When a waiting mail is tried again.
    due_at: datetime | None
    attempts: int
    revision: int
    outcome: str | None
    reason: str | None
    issue_key: str | None
    comment_id: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class IncomingDetail:
    """All that is known of a mail, save its contents."""

    mail_id: str
    mailbox: str
    source: str
    state: str
    subject: str
    sender: str
    message_id: str | None
    size: int
    received_at: datetime | None
    fetched_at: datetime
    handled_at: datetime | None
    due_at: datetime | None
    attempts: int
    revision: int
    outcome: str | None
    reason: str | None
    issue_key: str | None
    comment_id: int | None
    conversation: str | None
    arrival: int | None
    fingerprint: str | None
    raw_partition: int | None
    raw_offset: int | None
    blobs: list[str]
    # What the decision was made from.
    trace: dict[str, Any] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class MailText:
    """What a mail says: what is new in it and, apart from that, what it quotes, and a signature."""

    new_text: str = ""
    quoted_text: str = ""
    signature: str = ""
    # Why the texts cannot be told, though there are some.
    text_problem: str = ""


_ROW: LiteralString = """
SELECT mail_id::text, mailbox, state, subject, sender, size, received_at, fetched_at, handled_at,
    due_at, attempts, revision, outcome, reason, issue_key, comment_id
FROM incoming_mail
"""

_DETAIL: LiteralString = """
SELECT mail_id::text, mailbox, source, state, subject, sender, message_id, size, received_at,
    fetched_at, handled_at, due_at, attempts, revision, outcome, reason, issue_key, comment_id,
    conversation::text, arrival, fingerprint, raw_partition, raw_offset, blobs, trace
FROM incoming_mail WHERE mail_id BETWEEN %s AND %s ORDER BY mail_id LIMIT 2
"""


async def incoming_mails(
    connection: Connection,
    *,
    limit: int = 50,
    states: Sequence[str] = (),
    mailbox: str | None = None,
    issue_key: str | None = None,
) -> list[IncomingRow]:
    """The mails that were fetched last, newest first; of some states, a mailbox, an issue."""
    conditions: list[LiteralString] = []
    if states:
        conditions.append("state = ANY(%(states)s)")
    if mailbox is not None:
        conditions.append("mailbox = %(mailbox)s")
    if issue_key is not None:
        conditions.append(OF_ISSUE)
    where: LiteralString = "WHERE " + " AND ".join(conditions) if conditions else ""
    return await _listed(
        connection,
        _ROW + where + " ORDER BY fetched_at DESC, mail_id LIMIT %(limit)s",
        {"states": list(states), "mailbox": mailbox, "issue_key": issue_key, "limit": limit},
    )


async def changed_mails(
    connection: Connection, *, fetched_since: datetime, unfinished: Sequence[str]
) -> list[IncomingRow]:
    """The mails fetched since then, and those named, in the order of their fetching."""
    return await _listed(
        connection,
        _ROW + "WHERE fetched_at >= %(since)s OR mail_id = ANY(%(unfinished)s::uuid[])"
        " ORDER BY fetched_at, mail_id",
        {"since": fetched_since, "unfinished": list(unfinished)},
    )


async def incoming_mail(connection: Connection, mail_id: str) -> IncomingDetail:
    """One mail; its id may be shortened to its first characters, as long as only one has them.

    Raises PermanentError when none or several have.
    """
    async with connection.cursor(row_factory=class_row(IncomingDetail)) as cursor:
        await cursor.execute(_DETAIL, _range_of(mail_id))
        found = await cursor.fetchall()
    if len(found) == 1:
        return found[0]
    count = "several mails" if found else "no mail"
    raise PermanentError(
        f"{count} with an id that begins with {mail_id!r}", remedy="See: postrail mails list --json"
    )


async def oldest_unfinished(connection: Connection) -> datetime | None:
    """When the mail was fetched that has been without an outcome for longest."""
    row = await one(
        connection,
        "SELECT min(fetched_at) FROM incoming_mail"
        " WHERE state IN ('fetched', 'new', 'working', 'waiting')",
    )
    return row[0] if row else None


async def waiting_in_outbox(connection: Connection) -> int:
    """How many records of finished transactions wait for Kafka's acknowledgement."""
    row = await one(connection, "SELECT count(*) FROM outbox")
    return int(row[0]) if row else 0


async def mail_text(connection: Connection, mail: IncomingDetail, blobs: BlobStore) -> MailText:
    """The mail's texts in their parts, or why they cannot be told; blank before it is parsed."""
    parsed = await _parsed(connection, mail)
    if parsed is None:
        return MailText()
    try:
        return await _texts(parsed, blobs)
    except (BlobMissing, TransientError) as error:
        return MailText(text_problem=str(error))


async def _texts(mail: MailParsed, blobs: BlobStore) -> MailText:
    parts = mail.reply
    if mail.reply_blob is not None:
        parts = parts_from(await blobs.get(mail.reply_blob.sha256))
    if parts is not None:
        return MailText(
            new_text=parts.new_text, quoted_text=parts.quoted_text, signature=parts.signature
        )
    if mail.text_blob is not None:
        content = await blobs.get(mail.text_blob.sha256)
        return MailText(new_text=content.decode(errors="replace"))
    return MailText(new_text=mail.text)


async def raw_bytes(
    connection: Connection, mail: IncomingDetail, kafka: KafkaSettings, blobs: BlobStore
) -> bytes:
    """The mail as it was read from its mailbox: from its row, its blob, or its Kafka record.

    Raises PermanentError when none of them has it any more.
    """
    parsed = await _parsed(connection, mail)
    if parsed is not None and parsed.raw is not None:
        return parsed.raw
    if parsed is not None and parsed.raw_blob is not None:
        return await blobs.get(parsed.raw_blob.sha256)
    if mail.raw_partition is None or mail.raw_offset is None:
        raise PermanentError(
            f"mail {mail.mail_id} could not be read from its mailbox",
            remedy=f"Look there: {mail.mailbox}, {mail.source}",
        )
    fetched = await read_record(kafka, MAIL_FETCHED, mail.raw_partition, mail.raw_offset)
    if not isinstance(fetched, MailFetched) or fetched.mail_id != mail.mail_id:
        raise PermanentError(
            f"the record of mail {mail.mail_id} is not where it was written: another broker,"
            " or one whose data were lost"
        )
    if fetched.body is not None:
        return fetched.body
    assert fetched.blob is not None, "a fetched mail is inline or a blob"
    return await blobs.get(fetched.blob.sha256)


async def _parsed(connection: Connection, mail: IncomingDetail) -> MailParsed | None:
    row = await one(
        connection, "SELECT parsed FROM incoming_mail WHERE mail_id = %s", [mail.mail_id]
    )
    record = avro.decode(row[0]) if row and row[0] is not None else None
    return record if isinstance(record, MailParsed) else None


async def _listed(
    connection: Connection, statement: LiteralString, parameters: dict[str, Any]
) -> list[IncomingRow]:
    async with connection.cursor(row_factory=class_row(IncomingRow)) as cursor:
        await cursor.execute(statement, parameters)
        return await cursor.fetchall()


def _range_of(prefix: str) -> tuple[uuid.UUID, uuid.UUID]:
    """The first and the last id that begin so; the primary key's index finds what is between."""
    digits = prefix.strip().lower().replace("-", "")
    try:
        return uuid.UUID(digits.ljust(32, "0")), uuid.UUID(digits.ljust(32, "f"))
    except ValueError as error:
        raise PermanentError(
            f"{prefix!r} is not the beginning of a mail's id", remedy="See: postrail mails list"
        ) from error

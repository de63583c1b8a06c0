"""Records the messages that the fetcher has read, and those that it cannot read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from postrail.database import Connection, one, rows, storable
from postrail.incoming import refetch


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchedRow:
    """A message whose bytes Kafka has acknowledged; `blob` is the SHA-256 of a large one."""

    mail_id: str
    mailbox: str
    source: str
    size: int
    received_at: datetime | None
    fetched_at: datetime
    raw_partition: int
    raw_offset: int
    blob: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class UnreadableRow:
    """A message that its server lists but refuses to deliver."""

    mail_id: str
    mailbox: str
    source: str
    size: int
    reason: str
    tried_at: datetime
    again_at: datetime
    # What the server tells of it all the same.
    subject: str = ""
    sender: str = ""
    message_id: str | None = None
    received_at: datetime | None = None


async def fetched_since(connection: Connection, mailbox: str, since: datetime) -> int:
    """Counts the messages of the mailbox that were fetched after that time."""
    found = await one(
        connection,
        "SELECT count(*) FROM incoming_mail WHERE fetched_at > %s AND mailbox = %s",
        (since, mailbox),
    )
    return int(found[0]) if found else 0


async def has_unhandled(connection: Connection, mailbox: str, before: datetime) -> bool:
    """Tells whether a message that the mailbox received before that time has no outcome yet."""
    found = await one(
        connection,
        "SELECT 1 FROM incoming_mail WHERE state IN ('fetched', 'new', 'working', 'waiting')"
        " AND mailbox = %s AND coalesce(received_at, fetched_at) < %s LIMIT 1",
        (mailbox, before),
    )
    return found is not None


async def record_fetched(connection: Connection, mails: Sequence[FetchedRow]) -> int:
    """Adds a row in state fetched for each message; a row that exists stays as it is.

    Returns how many rows are new.
    """
    cursor = await connection.execute(
        "INSERT INTO incoming_mail (mail_id, mailbox, source, state, size, received_at, fetched_at,"
        "  raw_partition, raw_offset, blobs)"
        " SELECT mail_id, mailbox, source, 'fetched', size, received_at, fetched_at, raw_partition,"
        "  raw_offset, CASE WHEN blob IS NULL THEN '{}' ELSE ARRAY[blob] END"
        " FROM unnest(%s::uuid[], %b::text[], %b::text[], %s::bigint[], %s::timestamptz[],"
        "  %s::timestamptz[], %s::int[], %s::bigint[], %b::text[])"
        "  AS fetched(mail_id, mailbox, source, size, received_at, fetched_at, raw_partition,"
        "   raw_offset, blob)"
        " ON CONFLICT (mail_id) DO NOTHING",
        [
            [mail.mail_id for mail in mails],
            [mail.mailbox for mail in mails],
            [mail.source for mail in mails],
            [mail.size for mail in mails],
            [mail.received_at for mail in mails],
            [mail.fetched_at for mail in mails],
            [mail.raw_partition for mail in mails],
            [mail.raw_offset for mail in mails],
            [mail.blob for mail in mails],
        ],
    )
    return cursor.rowcount


async def record_unreadable(connection: Connection, messages: Sequence[UnreadableRow]) -> None:
    """Adds a row in state failed for each message, which is asked for again at its time.

    A message that has a row keeps it.
    """
    await connection.cursor().executemany(
        "INSERT INTO incoming_mail (mail_id, mailbox, source, state, size, fetched_at, outcome,"
        "  reason, handled_at, subject, sender, message_id, received_at)"
        " VALUES (%s, %s, %s, 'failed', %s, %s, 'failed', %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (mail_id) DO NOTHING",
        [
            (
                message.mail_id,
                message.mailbox,
                message.source,
                message.size,
                message.tried_at,
                storable(message.reason),
                message.tried_at,
                storable(message.subject),
                storable(message.sender),
                storable(message.message_id) if message.message_id else None,
                message.received_at,
            )
            for message in messages
        ],
    )
    for message in messages:
        await refetch.park(
            connection, message.mail_id, until=message.again_at, now=message.tried_at
        )


async def acknowledged(connection: Connection, mail_ids: Sequence[str]) -> set[str]:
    """Returns those of the messages that Kafka has acknowledged and that have their rows."""
    found = await rows(
        connection,
        "SELECT mail_id::text FROM incoming_mail"
        " WHERE mail_id = ANY(%s::uuid[]) AND raw_offset IS NOT NULL",
        (list(mail_ids),),
    )
    return {mail_id for (mail_id,) in found}


async def known(connection: Connection, mail_ids: Sequence[str]) -> set[str]:
    """Returns those of the messages that have a row, in whatever state."""
    found = await rows(
        connection,
        "SELECT mail_id::text FROM incoming_mail WHERE mail_id = ANY(%s::uuid[])",
        (list(mail_ids),),
    )
    return {mail_id for (mail_id,) in found}

"""Rows of incoming messages as the fetcher knows them: those it cannot read, those it has read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from postrail.database import Connection, rows, storable


@dataclass(frozen=True, kw_only=True, slots=True)
class UnreadableRow:
    """A message that its server lists but refuses to deliver."""

    mail_id: str
    mailbox: str
    source: str
    size: int
    reason: str
    tried_at: datetime


async def record_unreadable(connection: Connection, messages: Sequence[UnreadableRow]) -> None:
    """Adds a row in state failed for each message; a message that has a row keeps it."""
    await connection.cursor().executemany(
        "INSERT INTO incoming_mail (mail_id, mailbox, source, state, size, fetched_at, outcome,"
        "  reason, handled_at)"
        " VALUES (%s, %s, %s, 'failed', %s, %s, 'failed', %s, %s) ON CONFLICT (mail_id) DO NOTHING",
        [
            (
                message.mail_id,
                message.mailbox,
                message.source,
                message.size,
                message.tried_at,
                storable(message.reason),
                message.tried_at,
            )
            for message in messages
        ],
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

"""Reads the latest outcomes of messages, and the notifications that they caused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from postrail.database import Connection, rows, rows_as

SHOWN_AT_ONCE = 50
OUTGOING_READ = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class HandledMail:
    """An incoming message with its outcome."""

    mail_id: str
    revision: int
    message_id: str
    sender: str
    subject: str
    outcome: str
    reason: str
    issue_key: str
    fetched_at: datetime
    handled_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Notified:
    """An outgoing message and its delivery to one recipient."""

    outgoing_id: str
    # As in OutgoingQueued: "mail <mail_id> revision 1".
    cause: str
    issue_key: str
    recipient: str
    state: str
    reply: str
    changed_at: datetime


# Messages that were fetched earlier are not recent activity; `postrail mail list` shows them.
_HANDLED: LiteralString = (
    "SELECT mail_id::text, revision, coalesce(message_id, '') AS message_id, sender, subject,"
    " outcome, coalesce(reason, '') AS reason, coalesce(issue_key, '') AS issue_key, fetched_at,"
    " handled_at FROM incoming_mail WHERE fetched_at > now() - interval '15 minutes'"
    " AND outcome IS NOT NULL"
)
_NOTIFIED: LiteralString = (
    "SELECT mail.outgoing_id::text, mail.cause, coalesce(mail.issue_key, '') AS issue_key,"
    " delivery.recipient, delivery.state, delivery.reply, delivery.changed_at"
)


async def handled_since(connection: Connection, since: datetime) -> list[HandledMail]:
    """Returns the messages that got their outcome since then, the first one first."""
    return await _handled(
        connection,
        " AND handled_at > %s ORDER BY handled_at, arrival LIMIT %s",
        [since, SHOWN_AT_ONCE],
    )


async def handled_with(connection: Connection, message_ids: Sequence[str]) -> list[HandledMail]:
    """Returns the recently fetched messages with these Message-IDs that have an outcome."""
    return await _handled(connection, " AND message_id = ANY(%s)", [list(message_ids)])


async def notified_since(connection: Connection, since: datetime) -> list[Notified]:
    """Returns the deliveries of the latest outgoing messages that ended or were deferred since."""
    return await _notified(
        connection,
        " FROM (SELECT * FROM outgoing_mail ORDER BY sequence DESC LIMIT %s) AS mail"
        " JOIN delivery USING (outgoing_id)"
        " WHERE delivery.changed_at > %s AND delivery.state IN ('sent', 'failed', 'deferred',"
        " 'unconfirmed')"
        " ORDER BY delivery.changed_at LIMIT %s",
        [OUTGOING_READ, since, SHOWN_AT_ONCE],
    )


async def notified_of(connection: Connection, issue_keys: Sequence[str]) -> list[Notified]:
    """Returns all deliveries of the notifications about these issues."""
    return await _notified(
        connection,
        " FROM outgoing_mail AS mail JOIN delivery USING (outgoing_id)"
        " JOIN issue_index AS issue ON issue.issue_id = mail.issue_id"
        " WHERE issue.issue_key = ANY(%s) ORDER BY mail.sequence",
        [list(issue_keys)],
    )


async def watched_since(connection: Connection, mailbox: str, since: datetime) -> bool:
    """Tells whether the mailbox was opened since then."""
    found = await rows(
        connection,
        "SELECT 1 FROM sync_state WHERE mailbox = %s AND changed_at >= %s",
        [mailbox, since],
    )
    return bool(found)


async def _handled(
    connection: Connection, rest: LiteralString, parameters: Sequence[object]
) -> list[HandledMail]:
    return await rows_as(connection, HandledMail, _HANDLED + rest, parameters)


async def _notified(
    connection: Connection, rest: LiteralString, parameters: Sequence[object]
) -> list[Notified]:
    return await rows_as(connection, Notified, _NOTIFIED + rest, parameters)

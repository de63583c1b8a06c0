"""What became of mails lately: an outcome for each mail, and the notifications that it caused.

For whoever watches an installation; nothing here is part of the pipeline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from postrail.database import Connection, rows

# A backlog that is older is not news: it is found by `postrail mails list`.
FETCHED_WITHIN = "15 minutes"
SHOWN_AT_ONCE = 50
OUTGOING_LOOKED_AT = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class HandledMail:
    """An incoming mail with its outcome."""

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
    """An outgoing mail and what became of it for one recipient."""

    outgoing_id: str
    # As in OutgoingQueued: "mail <mail_id> revision 1".
    cause: str
    issue_key: str
    recipient: str
    state: str
    reply: str
    changed_at: datetime


_HANDLED = (
    "SELECT mail_id::text, revision, coalesce(message_id, ''), sender, subject, outcome,"
    " coalesce(reason, ''), coalesce(issue_key, ''), fetched_at, handled_at FROM incoming_mail"
)
_NOTIFIED = (
    "SELECT mail.outgoing_id::text, mail.cause, coalesce(mail.issue_key, ''), delivery.recipient,"
    " delivery.state, delivery.reply, delivery.changed_at"
)


async def handled_since(connection: Connection, since: datetime) -> list[HandledMail]:
    """The mails that got their outcome since then, the first one first."""
    found = await rows(
        connection,
        f"{_HANDLED} WHERE fetched_at > now() - interval '{FETCHED_WITHIN}'"
        " AND outcome IS NOT NULL AND handled_at > %s ORDER BY handled_at, arrival LIMIT %s",
        [since, SHOWN_AT_ONCE],
    )
    return [_handled(row) for row in found]


async def handled_with(connection: Connection, message_ids: Sequence[str]) -> list[HandledMail]:
    """The mails with these Message-IDs that were fetched lately and have an outcome."""
    found = await rows(
        connection,
        f"{_HANDLED} WHERE fetched_at > now() - interval '{FETCHED_WITHIN}'"
        " AND outcome IS NOT NULL AND message_id = ANY(%s)",
        [list(message_ids)],
    )
    return [_handled(row) for row in found]


async def notified_since(connection: Connection, since: datetime) -> list[Notified]:
    """What became of the latest outgoing mails since then, the first one first."""
    found = await rows(
        connection,
        f"{_NOTIFIED} FROM"  # noqa: S608  Texts of ours.
        " (SELECT * FROM outgoing_mail ORDER BY sequence DESC LIMIT %s) AS mail"
        " JOIN delivery USING (outgoing_id)"
        " WHERE delivery.changed_at > %s AND delivery.state IN ('sent', 'failed', 'deferred')"
        " ORDER BY delivery.changed_at LIMIT %s",
        [OUTGOING_LOOKED_AT, since, SHOWN_AT_ONCE],
    )
    return [_notified(row) for row in found]


async def notified_of(connection: Connection, issue_keys: Sequence[str]) -> list[Notified]:
    """The notifications about these issues, sent or not."""
    found = await rows(
        connection,
        f"{_NOTIFIED} FROM outgoing_mail AS mail JOIN delivery USING (outgoing_id)"
        " JOIN issue_index AS issue ON issue.issue_id = mail.issue_id"
        " WHERE issue.issue_key = ANY(%s)"
        " ORDER BY mail.sequence",
        [list(issue_keys)],
    )
    return [_notified(row) for row in found]


async def watched_since(connection: Connection, mailbox: str, since: datetime) -> bool:
    """Whether the mailbox was opened since then, and not only found in the configuration."""
    found = await rows(
        connection,
        "SELECT 1 FROM sync_state WHERE mailbox = %s AND changed_at >= %s",
        [mailbox, since],
    )
    return bool(found)


def _handled(row: tuple[object, ...]) -> HandledMail:
    return HandledMail(**dict(zip(HandledMail.__slots__, row, strict=True)))  # type: ignore[arg-type]


def _notified(row: tuple[object, ...]) -> Notified:
    return Notified(**dict(zip(Notified.__slots__, row, strict=True)))  # type: ignore[arg-type]

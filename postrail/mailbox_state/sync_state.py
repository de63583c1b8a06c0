"""How far each mailbox was read and seen to, and the rows of mails that could not be read.

`last_uid` and `finished_uid` only grow within a UIDVALIDITY, so that a process that was paused
while another took over its mailbox cannot turn them back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from postrail.database import Connection, one, rows
from postrail.errors import TransientError
from postrail.mailbox_state.last_contact import storable


class Renumbered(TransientError):
    """The folder got another UIDVALIDITY meanwhile: open it again and begin."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncState:
    """Mails up to `last_uid` are recorded; with those up to `finished_uid` all is done that the
    account wants after the download."""

    mailbox: str
    folder: str
    uid_validity: int
    last_uid: int = 0
    finished_uid: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class UnreadableRow:
    """A mail that its server lists and does not give out."""

    mail_id: str
    mailbox: str
    source: str
    size: int
    reason: str
    tried_at: datetime


async def begin(
    connection: Connection, mailbox: str, folder: str, uid_validity: int, now: datetime
) -> SyncState:
    """The state of a folder, from the start when it is new or its UIDs have lost their meaning."""
    await connection.execute(
        "INSERT INTO sync_state AS old (mailbox, folder, uid_validity, last_uid, finished_uid,"
        "  changed_at) VALUES (%(mailbox)s, %(folder)s, %(uid_validity)s, 0, 0, %(now)s)"
        " ON CONFLICT (mailbox, folder) DO UPDATE SET uid_validity = excluded.uid_validity,"
        "  last_uid = 0, finished_uid = 0, changed_at = excluded.changed_at"
        "  WHERE old.uid_validity <> excluded.uid_validity",
        {"mailbox": mailbox, "folder": folder, "uid_validity": uid_validity, "now": now},
    )
    found = await one(
        connection,
        "SELECT last_uid, finished_uid FROM sync_state WHERE mailbox = %s AND folder = %s",
        (mailbox, folder),
    )
    last_uid, finished_uid = found or (0, 0)
    return SyncState(
        mailbox=mailbox,
        folder=folder,
        uid_validity=uid_validity,
        last_uid=last_uid,
        finished_uid=finished_uid,
    )


async def advance(connection: Connection, state: SyncState, now: datetime) -> None:
    """Moves the stored state forward to `state`, never back.

    Raises Renumbered when it stands for another UIDVALIDITY by now.
    """
    cursor = await connection.execute(
        "UPDATE sync_state SET last_uid = greatest(last_uid, %s),"
        " finished_uid = greatest(finished_uid, %s), changed_at = %s"
        " WHERE mailbox = %s AND folder = %s AND uid_validity = %s",
        (
            state.last_uid,
            state.finished_uid,
            now,
            state.mailbox,
            state.folder,
            state.uid_validity,
        ),
    )
    if cursor.rowcount == 0:
        raise Renumbered(
            f"the folder {state.folder!r} of {state.mailbox} was numbered anew meanwhile"
        )


async def record_unreadable(connection: Connection, mails: Sequence[UnreadableRow]) -> None:
    """Adds a failed row for each mail; a mail that has a row keeps it."""
    await connection.cursor().executemany(
        "INSERT INTO incoming_mail (mail_id, mailbox, source, state, size, fetched_at, outcome,"
        "  reason, handled_at)"
        " VALUES (%s, %s, %s, 'failed', %s, %s, 'failed', %s, %s) ON CONFLICT (mail_id) DO NOTHING",
        [
            (
                mail.mail_id,
                mail.mailbox,
                mail.source,
                mail.size,
                mail.tried_at,
                storable(mail.reason),
                mail.tried_at,
            )
            for mail in mails
        ],
    )


async def acknowledged(connection: Connection, mail_ids: Sequence[str]) -> set[str]:
    """Which of these mails were read and recorded."""
    found = await rows(
        connection,
        "SELECT mail_id::text FROM incoming_mail"
        " WHERE mail_id = ANY(%s::uuid[]) AND raw_offset IS NOT NULL",
        (list(mail_ids),),
    )
    return {mail_id for (mail_id,) in found}

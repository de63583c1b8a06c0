"""How far each mailbox was read, and how far its messages were finished.

`last_uid` and `finished_uid` only grow within a UIDVALIDITY, so that a process that was paused
while another took over its mailbox cannot turn them back.

A server that gives UIDs again within a UIDVALIDITY (it lost its folder's state, or makes UIDNEXT of
what it holds) begins another generation: the folder is listed anew, and its messages get other ids.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from postrail.database import Connection, one
from postrail.errors import TransientError


class Renumbered(TransientError):
    """The folder got other numbers in the meantime: open it again and start over."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncState:
    """Messages up to `last_uid` are recorded; those up to `finished_uid` are also finished: marked,
    moved or removed, as the account wants it."""

    mailbox: str
    folder: str
    uid_validity: int
    last_uid: int = 0
    finished_uid: int = 0
    # How often the server has begun to count again; part of the messages' ids.
    generation: int = 0


async def begin(
    connection: Connection, mailbox: str, folder: str, uid_validity: int, now: datetime
) -> SyncState:
    """Returns the state of a folder; it starts at 0 for a new folder or a new UIDVALIDITY."""
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
        "SELECT last_uid, finished_uid, generation FROM sync_state"
        " WHERE mailbox = %s AND folder = %s",
        (mailbox, folder),
    )
    last_uid, finished_uid, generation = found or (0, 0, 0)
    return SyncState(
        mailbox=mailbox,
        folder=folder,
        uid_validity=uid_validity,
        last_uid=last_uid,
        finished_uid=finished_uid,
        generation=generation,
    )


async def count_again(connection: Connection, state: SyncState, now: datetime) -> SyncState:
    """Begins the next generation, from 0; raises Renumbered when another process has done so."""
    cursor = await connection.execute(
        "UPDATE sync_state SET generation = generation + 1, last_uid = 0, finished_uid = 0,"
        " changed_at = %s WHERE mailbox = %s AND folder = %s AND uid_validity = %s"
        " AND generation = %s",
        (now, state.mailbox, state.folder, state.uid_validity, state.generation),
    )
    if cursor.rowcount == 0:
        raise _renumbered(state)
    return replace(state, generation=state.generation + 1, last_uid=0, finished_uid=0)


async def advance(connection: Connection, state: SyncState, now: datetime) -> None:
    """Moves the stored state forward to `state`, never back.

    Raises Renumbered when the stored state has another UIDVALIDITY or generation by now.
    """
    cursor = await connection.execute(
        "UPDATE sync_state SET last_uid = greatest(last_uid, %s),"
        " finished_uid = greatest(finished_uid, %s), changed_at = %s"
        " WHERE mailbox = %s AND folder = %s AND uid_validity = %s AND generation = %s",
        (
            state.last_uid,
            state.finished_uid,
            now,
            state.mailbox,
            state.folder,
            state.uid_validity,
            state.generation,
        ),
    )
    if cursor.rowcount == 0:
        raise _renumbered(state)


def _renumbered(state: SyncState) -> Renumbered:
    return Renumbered(
        f"the UIDVALIDITY of the folder {state.folder!r} of {state.mailbox} has changed"
    )

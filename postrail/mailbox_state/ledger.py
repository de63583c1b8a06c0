"""Numbers for mailboxes that identify messages by keys only; see `postrail.mailbox.ledger`.

A number up to `sync_state.last_uid` that is not `recorded` belongs to a message that had gone when
its turn came.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from postrail.database import Connection, rows

# A key may come back: a person moves a message to another folder and back, or a server hides
# messages that another session holds.
FORGET_AFTER = timedelta(days=30)


async def number(
    connection: Connection,
    mailbox: str,
    folder: str,
    keys: Sequence[str],
    *,
    whole: bool,
    now: datetime,
) -> dict[str, int]:
    """Returns the number of each key; see `postrail.mailbox.ledger`."""
    place = {
        "mailbox": mailbox,
        "folder": folder,
        "keys": list(keys),
        "now": now,
        "forget_before": now - FORGET_AFTER,
    }
    await connection.execute(
        "DELETE FROM mailbox_ledger WHERE mailbox = %(mailbox)s AND folder = %(folder)s"
        " AND NOT recorded AND number <= (SELECT last_uid FROM sync_state"
        "  WHERE mailbox = %(mailbox)s AND folder = %(folder)s AND uid_validity = 0)",
        place,
    )
    await connection.execute(
        "INSERT INTO mailbox_ledger (mailbox, folder, key)"
        " SELECT %(mailbox)s, %(folder)s, key"
        " FROM unnest(%(keys)s::text[]) WITH ORDINALITY AS given (key, place) ORDER BY place"
        " ON CONFLICT DO NOTHING",
        place,
    )
    if whole:
        await _mark_gone(connection, place)
    found = await rows(
        connection,
        "SELECT key, number FROM mailbox_ledger WHERE mailbox = %(mailbox)s"
        " AND folder = %(folder)s AND key = ANY(%(keys)s::text[])",
        place,
    )
    return {str(key): int(number) for key, number in found}


async def _mark_gone(connection: Connection, place: dict[str, object]) -> None:
    await connection.execute(
        "UPDATE mailbox_ledger SET gone_since ="
        "  CASE WHEN key = ANY(%(keys)s::text[]) THEN NULL ELSE %(now)s::timestamptz END"
        " WHERE mailbox = %(mailbox)s AND folder = %(folder)s"
        " AND (gone_since IS NULL) <> (key = ANY(%(keys)s::text[]))",
        place,
    )
    await connection.execute(
        "DELETE FROM mailbox_ledger WHERE mailbox = %(mailbox)s AND folder = %(folder)s"
        " AND gone_since < %(forget_before)s",
        place,
    )


async def mark_recorded(
    connection: Connection, mailbox: str, folder: str, keys: Sequence[str]
) -> None:
    """Marks the keys of messages that have their rows."""
    await connection.execute(
        "UPDATE mailbox_ledger SET recorded = true"
        " WHERE mailbox = %s AND folder = %s AND key = ANY(%s::text[])",
        (mailbox, folder, list(keys)),
    )

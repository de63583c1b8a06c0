"""Pauses outgoing connections: their messages are stored, and wait until they are resumed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from postrail.database import Connection, rows_as

# In the place of a name: all connections.
ALL = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pause:
    """A connection that a person has paused, or all of them."""

    connection: str
    paused_at: datetime
    paused_by: str
    reason: str


async def pause(connection: Connection, wanted: Pause) -> None:
    """Pauses a connection; one that is paused already keeps the time of its first pause."""
    await connection.execute(
        "INSERT INTO outgoing_pause (connection, paused_at, paused_by, reason)"
        " VALUES (%s, %s, %s, %s) ON CONFLICT (connection)"
        " DO UPDATE SET paused_by = excluded.paused_by, reason = excluded.reason",
        [wanted.connection, wanted.paused_at, wanted.paused_by, wanted.reason],
    )


async def resume(connection: Connection, name: str) -> bool:
    """Ends a pause; returns whether there was one.

    The time of the pause does not count toward giving up what waits.
    """
    cursor = await connection.execute("DELETE FROM outgoing_pause WHERE connection = %s", [name])
    if not cursor.rowcount:
        return False
    await connection.execute(
        "UPDATE delivery SET tried_since = NULL WHERE state = 'deferred'"
        " AND tried_since IS NOT NULL AND (%(name)s = '' OR connection = %(name)s)",
        {"name": name},
    )
    return True


async def pauses(connection: Connection) -> Sequence[Pause]:
    """Returns all pauses, by name."""
    return await rows_as(
        connection,
        Pause,
        "SELECT connection, paused_at, paused_by, reason FROM outgoing_pause ORDER BY connection",
        [],
    )

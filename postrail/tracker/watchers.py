"""The people who are notified of an issue's comments and changes."""

from __future__ import annotations

from collections.abc import Collection

from postrail.database import Connection, rows_as
from postrail.tracker.issues import Watcher


async def watchers_of(connection: Connection, issue_id: int) -> list[Watcher]:
    """Returns the watchers of an issue, by address."""
    return await rows_as(
        connection,
        Watcher,
        "SELECT address, name FROM watcher WHERE issue_id = %s ORDER BY address",
        [issue_id],
    )


async def add_watcher(connection: Connection, issue_id: int, watcher: Watcher) -> None:
    """Adds a watcher; one who watches already stays as it is."""
    await connection.execute(
        "INSERT INTO watcher (issue_id, address, name) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        [issue_id, watcher.address, watcher.name],
    )


async def remove_watchers(
    connection: Connection, issue_id: int, addresses: Collection[str]
) -> None:
    """Removes the watchers with these addresses."""
    await connection.execute(
        "DELETE FROM watcher WHERE issue_id = %s AND address = ANY(%s)",
        [issue_id, list(addresses)],
    )

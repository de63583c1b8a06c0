"""The saved delta link of each Microsoft Graph folder; see `postrail.mailbox.graph.delta`."""

from __future__ import annotations

from postrail.database import Connection, one
from postrail.mailbox.graph.delta import Delta


async def load(connection: Connection, mailbox: str, folder: str) -> Delta | None:
    """Returns the link that was saved last."""
    found = await one(
        connection,
        "SELECT selection, link, listed_at FROM graph_delta WHERE mailbox = %s AND folder = %s",
        (mailbox, folder),
    )
    return Delta(*found) if found else None


async def save(connection: Connection, mailbox: str, folder: str, delta: Delta) -> None:
    """Saves the link. An older one that a paused process saves late only lists messages again."""
    await connection.execute(
        "INSERT INTO graph_delta (mailbox, folder, selection, link, listed_at)"
        " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (mailbox, folder) DO UPDATE SET"
        "  selection = excluded.selection, link = excluded.link, listed_at = excluded.listed_at",
        (mailbox, folder, delta.selection, delta.link, delta.listed_at),
    )

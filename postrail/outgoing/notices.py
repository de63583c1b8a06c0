"""Remembers when a notice was sent, so that each cause has at most one in an hour."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from postrail.database import Connection, rows, storable

PAUSE = timedelta(hours=1)


async def due(connection: Connection, causes: Iterable[str], now: datetime) -> set[str]:
    """Returns those of the causes that had no notice for an hour, and records one for each.

    Of several processes at once, one sends the notice: the others wait for its transaction, and
    only if there was no notice before. Nothing remains of a transaction that is rolled back.
    """
    wanted = sorted({storable(cause) for cause in causes})
    found = await rows(
        connection,
        "SELECT cause FROM notice WHERE cause = ANY(%b::text[]) AND sent_at > %s",
        [wanted, now - PAUSE],
    )
    # Without this, all processes would wait for each other in a flood of one cause.
    silent = {row[0] for row in found}
    recorded = await rows(
        connection,
        "INSERT INTO notice (cause, sent_at) SELECT cause, %s FROM unnest(%b::text[]) AS cause"
        " ORDER BY cause ON CONFLICT (cause) DO UPDATE SET sent_at = excluded.sent_at"
        " WHERE notice.sent_at <= excluded.sent_at - %s RETURNING cause",
        [now, [cause for cause in wanted if cause not in silent], PAUSE],
    )
    return {row[0] for row in recorded}


async def forget(connection: Connection, now: datetime) -> int:
    """Removes what no longer holds up a notice; returns the number of causes."""
    cursor = await connection.execute("DELETE FROM notice WHERE sent_at <= %s", [now - PAUSE])
    return cursor.rowcount

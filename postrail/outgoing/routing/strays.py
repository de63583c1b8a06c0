"""Messages whose outgoing connection is not configured: found, named, and released.

They are deferred; once the connection is configured they are due at once.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from postrail.database import Connection, rows

NOT_CONFIGURED = "There is no outgoing connection named"


def reason(name: str) -> str:
    """Returns why a message of this connection waits, and what helps."""
    return f"{NOT_CONFIGURED} {name!r}. Add it with postrail apply."


async def connections_of_due(
    connection: Connection, now: datetime, *, but_for: Collection[str]
) -> set[str]:
    """Returns the names of the connections that due messages name, except the given ones."""
    found = await rows(
        connection,
        "SELECT DISTINCT connection FROM delivery WHERE connection <> ALL (%b::text[])"
        " AND (state IN ('queued', 'deferred') AND due_at <= %s"
        "  OR state = 'sending' AND claim_until < now() AND NOT begun)",
        [list(but_for), now],
    )
    return {row[0] for row in found}


async def release(connection: Connection, names: Collection[str], now: datetime) -> int:
    """Makes the messages due that wait for these connections; returns the number of deliveries."""
    cursor = await connection.execute(
        "UPDATE delivery SET due_at = %s, tried_since = NULL"
        " WHERE state = 'deferred' AND due_at > %s"
        " AND connection = ANY (%b::text[]) AND starts_with(reply, %s)",
        [now, now, list(names), NOT_CONFIGURED],
    )
    return cursor.rowcount

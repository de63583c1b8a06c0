"""Takes a person's decisions about deliveries whose outcome is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from postrail.database import Connection, one, rows

Outcome = Literal["sent", "failed"]


async def settle(
    connection: Connection,
    outgoing_id: str,
    recipients: Sequence[str],
    outcome: Outcome,
    now: datetime,
) -> list[str]:
    """Gives the unconfirmed deliveries of a message their outcome; returns the recipients."""
    found = await rows(
        connection,
        "UPDATE delivery SET state = %s, changed_at = %s, due_at = %s,"
        " reply = 'Settled by a person: ' || reply"
        " WHERE outgoing_id = %s AND recipient = ANY(%s) AND state = 'unconfirmed'"
        " RETURNING recipient",
        [outcome, now, now, outgoing_id, list(recipients)],
    )
    return sorted(row[0] for row in found)


async def count(connection: Connection) -> int:
    """Returns the number of unconfirmed deliveries."""
    found = await one(connection, "SELECT count(*) FROM delivery WHERE state = 'unconfirmed'")
    return int(found[0]) if found else 0

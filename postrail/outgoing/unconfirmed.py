"""Takes a person's decisions about deliveries whose outcome is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from postrail.database import Connection, one, rows, storable
from postrail.outgoing.by_hand import Key

Outcome = Literal["sent", "failed"]


async def settle(
    connection: Connection,
    deliveries: Sequence[Key],
    outcome: Outcome,
    by: str,
    now: datetime,
) -> list[Key]:
    """Gives those of the deliveries that are unconfirmed their outcome; returns them."""
    found = await rows(
        connection,
        "UPDATE delivery SET state = %s, changed_at = %s, due_at = %s, reply = %s || reply"
        " FROM unnest(%s::uuid[], %b::text[]) AS given(outgoing_id, recipient)"
        " WHERE delivery.outgoing_id = given.outgoing_id"
        "  AND delivery.recipient = given.recipient AND state = 'unconfirmed'"
        " RETURNING delivery.outgoing_id::text, delivery.recipient",
        [
            outcome,
            now,
            now,
            storable(f"Settled by {by}: "),
            [outgoing_id for outgoing_id, _ in deliveries],
            [recipient for _, recipient in deliveries],
        ],
    )
    return sorted((row[0], row[1]) for row in found)


async def count(connection: Connection) -> int:
    """Returns the number of unconfirmed deliveries."""
    found = await one(connection, "SELECT count(*) FROM delivery WHERE state = 'unconfirmed'")
    return int(found[0]) if found else 0

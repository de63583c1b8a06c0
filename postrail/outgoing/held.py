"""Releases deliveries that are held, so that they are sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from postrail.database import Connection, rows


async def release(
    connection: Connection, deliveries: Sequence[tuple[str, str]], now: datetime
) -> list[tuple[str, str]]:
    """Queues those of the deliveries that are held; returns them.

    What is for a suppressed address stays held until the address is released.
    A delivery is the id of its message and its recipient. Their order is by the numbers that they
    got when they were stored; later messages did not wait for them.
    """
    found = await rows(
        connection,
        "UPDATE delivery SET state = 'queued', due_at = %s, changed_at = %s, reply = ''"
        " FROM unnest(%s::uuid[], %b::text[]) AS given(outgoing_id, recipient)"
        " WHERE delivery.outgoing_id = given.outgoing_id"
        "  AND delivery.recipient = given.recipient AND delivery.state = 'held'"
        "  AND NOT EXISTS (SELECT FROM suppression WHERE released_at IS NULL"
        "   AND suppression.address = lower(delivery.recipient))"
        " RETURNING delivery.outgoing_id::text, delivery.recipient",
        [now, now, [one[0] for one in deliveries], [one[1] for one in deliveries]],
    )
    return sorted((row[0], row[1]) for row in found)

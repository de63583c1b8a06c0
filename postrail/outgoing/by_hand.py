"""Carries out what people decide about single deliveries: to send them, or never to.

A delivery is the id of its message and its recipient.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from postrail.database import Connection, rows, storable

Key = tuple[str, str]


async def send(
    connection: Connection,
    deliveries: Sequence[Key],
    states: Collection[str],
    by: str,
    now: datetime,
) -> list[Key]:
    """Queues those of the deliveries that are in these states, and notes who did it; returns them.

    The days before they are given up begin anew. What is for a suppressed address stays as it is
    until the address is released. The number of attempts of unknown outcome stays: after one more,
    a delivery is unconfirmed again. The order is by the numbers that messages got when they were
    stored; later ones did not wait for them.
    """
    found = await rows(
        connection,
        "UPDATE delivery SET state = 'queued', due_at = %s, changed_at = %s, reply = '',"
        "  tried_since = NULL, released_by = %s"
        " FROM unnest(%s::uuid[], %b::text[]) AS given(outgoing_id, recipient)"
        " WHERE delivery.outgoing_id = given.outgoing_id"
        "  AND delivery.recipient = given.recipient AND delivery.state = ANY (%b::text[])"
        "  AND NOT EXISTS (SELECT FROM suppression WHERE released_at IS NULL"
        "   AND suppression.address = lower(delivery.recipient))"
        " RETURNING delivery.outgoing_id::text, delivery.recipient",
        [now, now, storable(by), *_columns(deliveries), sorted(states)],
    )
    return sorted((row[0], row[1]) for row in found)


async def cancel(
    connection: Connection,
    deliveries: Sequence[Key],
    states: Collection[str],
    by: str,
    now: datetime,
) -> list[Key]:
    """Ends those of the deliveries that are in these states without sending them; returns them.

    A delivery that is being attempted is in none of them: it may be with the server already.
    """
    found = await rows(
        connection,
        "UPDATE delivery SET state = 'cancelled', due_at = %s, changed_at = %s, reply = %s"
        " FROM unnest(%s::uuid[], %b::text[]) AS given(outgoing_id, recipient)"
        " WHERE delivery.outgoing_id = given.outgoing_id"
        "  AND delivery.recipient = given.recipient AND delivery.state = ANY (%b::text[])"
        " RETURNING delivery.outgoing_id::text, delivery.recipient",
        [now, now, storable(f"Cancelled by {by}"), *_columns(deliveries), sorted(states)],
    )
    return sorted((row[0], row[1]) for row in found)


def _columns(deliveries: Sequence[Key]) -> tuple[list[str], list[str]]:
    return [one[0] for one in deliveries], [one[1] for one in deliveries]

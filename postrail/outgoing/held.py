"""Reads which deliveries are held, and releases them, so that they are sent."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from postrail.database import Connection, rows, rows_as


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldDelivery:
    """A recipient whom a message does not go to until it is released, and why."""

    recipient: str
    reason: str


async def held_of(connection: Connection, outgoing_ids: Collection[str]) -> list[HeldDelivery]:
    """Returns which deliveries of these messages are held."""
    if not outgoing_ids:
        return []
    return await rows_as(
        connection,
        HeldDelivery,
        "SELECT recipient, reply AS reason FROM delivery"
        " WHERE outgoing_id = ANY(%s::uuid[]) AND state = 'held' ORDER BY sequence, recipient",
        [list(outgoing_ids)],
    )


async def release(
    connection: Connection, deliveries: Sequence[tuple[str, str]], by: str, now: datetime
) -> list[tuple[str, str]]:
    """Queues those of the deliveries that are held, and notes who did it; returns them.

    What is for a suppressed address stays held until the address is released.
    A delivery is the id of its message and its recipient. Their order is by the numbers that they
    got when they were stored; later messages did not wait for them.
    """
    found = await rows(
        connection,
        "UPDATE delivery SET state = 'queued', due_at = %s, changed_at = %s, reply = '',"
        "  released_by = %s"
        " FROM unnest(%s::uuid[], %b::text[]) AS given(outgoing_id, recipient)"
        " WHERE delivery.outgoing_id = given.outgoing_id"
        "  AND delivery.recipient = given.recipient AND delivery.state = 'held'"
        "  AND NOT EXISTS (SELECT FROM suppression WHERE released_at IS NULL"
        "   AND suppression.address = lower(delivery.recipient))"
        " RETURNING delivery.outgoing_id::text, delivery.recipient",
        [now, now, by, [one[0] for one in deliveries], [one[1] for one in deliveries]],
    )
    return sorted((row[0], row[1]) for row in found)

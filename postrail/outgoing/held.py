"""Reads which deliveries of messages are held."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from postrail.database import Connection, rows_as


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

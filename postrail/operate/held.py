"""Releases outgoing messages that a limit or a suppressed address holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from postrail.database import Connection
from postrail.errors import PermanentError
from postrail.operate.suppressed import require_in_use
from postrail.outgoing import held
from postrail.views.outgoing import (
    OutgoingRow,
    deliveries_of,
    held_deliveries,
    of_recipient,
)

SEE = "See: postrail outgoing list --state held"


async def release_message(
    connection: Connection, outgoing_id: str, recipient: str | None, now: datetime
) -> list[OutgoingRow]:
    """Queues the held deliveries of a message; returns them as they were.

    The id may be shortened as in `deliveries_of`; a recipient limits it to that one. Raises
    PermanentError when none of them is held.
    """
    found = await deliveries_of(connection, outgoing_id)
    wanted = of_recipient(found, recipient)
    released = await _release(connection, [row for row in wanted if row.state == "held"], now)
    if not released:
        await require_in_use(connection, [row.recipient for row in wanted])
        states = ", ".join(f"{row.recipient} {row.state}" for row in found)
        raise PermanentError(
            f"no such delivery of message {found[0].outgoing_id} is held: {states}", remedy=SEE
        )
    return released


async def release_all(
    connection: Connection,
    now: datetime,
    *,
    issue_key: str | None = None,
    recipient: str | None = None,
    reason: str | None = None,
) -> list[OutgoingRow]:
    """Queues all held deliveries, oldest first, or those that match; returns them as they were.

    `reason` is a part of why they are held, such as the name of a limit.
    """
    found = await held_deliveries(
        connection, issue_key=issue_key, recipient=recipient, reason=reason
    )
    return await _release(connection, found, now)


async def _release(
    connection: Connection, found: Sequence[OutgoingRow], now: datetime
) -> list[OutgoingRow]:
    keys = [(row.outgoing_id, row.recipient) for row in found]
    released = set(await held.release(connection, keys, now))
    return [row for row in found if (row.outgoing_id, row.recipient) in released]

"""Releases outgoing messages that a limit or a suppressed address holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from postrail.database import Connection
from postrail.errors import PermanentError
from postrail.operate.suppressed import require_in_use
from postrail.outgoing import held, suppressions
from postrail.views.outgoing import (
    OutgoingRow,
    deliveries_of,
    held_deliveries,
    of_recipient,
)

SEE = "See: postrail outgoing list --state held"


@dataclass(frozen=True, kw_only=True)
class HeldSelection:
    """The held deliveries that a release would send, and those to suppressed addresses."""

    to_send: list[OutgoingRow]
    # They stay held until their addresses are released.
    suppressed: list[OutgoingRow]


async def held_of_message(
    connection: Connection, outgoing_id: str, recipient: str | None
) -> HeldSelection:
    """Returns the held deliveries of a message, or the one to this recipient.

    The id may be shortened as in `deliveries_of`. Raises PermanentError when none of them can be
    released.
    """
    found = await deliveries_of(connection, outgoing_id)
    wanted = of_recipient(found, recipient)
    selected = await _selected(connection, [row for row in wanted if row.state == "held"])
    if not selected.to_send:
        await require_in_use(connection, [row.recipient for row in wanted])
        states = ", ".join(f"{row.recipient} {row.state}" for row in found)
        raise PermanentError(
            f"no such delivery of message {found[0].outgoing_id} is held: {states}", remedy=SEE
        )
    return selected


async def all_held(
    connection: Connection,
    *,
    issue_key: str | None = None,
    recipient: str | None = None,
    reason: str | None = None,
) -> HeldSelection:
    """Returns all held deliveries, oldest first, or those that match.

    `reason` is a part of why they are held, such as the name of a limit.
    """
    found = await held_deliveries(
        connection, issue_key=issue_key, recipient=recipient, reason=reason
    )
    return await _selected(connection, found)


async def release_held(
    connection: Connection, chosen: HeldSelection, by: str, now: datetime
) -> list[OutgoingRow]:
    """Queues the deliveries that are still held, and notes who did it; returns them as they were.

    What was suppressed in the meantime stays held, too.
    """
    keys = [(row.outgoing_id, row.recipient) for row in chosen.to_send]
    released = set(await held.release(connection, keys, by, now))
    return [row for row in chosen.to_send if (row.outgoing_id, row.recipient) in released]


async def _selected(connection: Connection, found: Sequence[OutgoingRow]) -> HeldSelection:
    addresses = {row.recipient for row in found}
    out_of_use = set(await suppressions.suppressed(connection, addresses))
    return HeldSelection(
        to_send=[row for row in found if row.recipient not in out_of_use],
        suppressed=[row for row in found if row.recipient in out_of_use],
    )

"""Settles outgoing messages of which nobody knows whether the server took them."""

from __future__ import annotations

from datetime import datetime

from postrail.database import Connection
from postrail.errors import PermanentError
from postrail.notifications.entries import delivered_entry
from postrail.outgoing import unconfirmed
from postrail.outgoing.unconfirmed import Outcome
from postrail.stream import outbox
from postrail.views.outgoing import OutgoingRow, deliveries_of, of_recipient


async def settle_unconfirmed(
    connection: Connection,
    outgoing_id: str,
    recipient: str | None,
    outcome: Outcome,
    now: datetime,
) -> list[OutgoingRow]:
    """Gives the message's unconfirmed deliveries this outcome, and announces it as the sender does.

    The id may be shortened as in `deliveries_of`; a recipient limits it to that one. Raises
    PermanentError when none of the deliveries is unconfirmed.
    """
    found = await deliveries_of(connection, outgoing_id)
    wanted = of_recipient(found, recipient)
    recipients = [row.recipient for row in wanted if row.state == "unconfirmed"]
    if not recipients:
        states = ", ".join(f"{row.recipient} {row.state}" for row in found)
        raise PermanentError(
            f"no such delivery of message {found[0].outgoing_id} is unconfirmed: {states}",
            remedy="See: postrail outgoing list --state unconfirmed",
        )
    mail = found[0].outgoing_id
    changed = await unconfirmed.settle(connection, mail, recipients, outcome, now)
    settled = [row for row in await deliveries_of(connection, mail) if row.recipient in changed]
    entries = [
        delivered_entry(row, state=row.state, reply=row.reply, maybe_twice=row.maybe_twice, now=now)
        for row in settled
    ]
    await outbox.add(connection, entries, now)
    return settled

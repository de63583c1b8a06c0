"""Retries or settles outgoing messages of which nobody knows whether the server took them."""

from __future__ import annotations

from datetime import datetime

from postrail.database import Connection
from postrail.errors import PermanentError
from postrail.notifications.entries import delivered_entry
from postrail.operate.suppressed import require_in_use
from postrail.outgoing import unconfirmed
from postrail.outgoing.unconfirmed import Outcome
from postrail.stream import outbox
from postrail.views.outgoing import OutgoingRow, deliveries_of, of_recipient


async def retry_unconfirmed(
    connection: Connection, outgoing_id: str, recipient: str | None, now: datetime
) -> list[OutgoingRow]:
    """Queues the message's unconfirmed deliveries for one more attempt; returns them as they are.

    The id may be shortened as in `deliveries_of`; a recipient limits it to that one. Raises
    PermanentError when none of the deliveries is unconfirmed, or an address is suppressed.
    """
    mail, recipients = await _unconfirmed(connection, outgoing_id, recipient)
    await require_in_use(connection, recipients)
    changed = await unconfirmed.retry(connection, mail, recipients, now)
    return await _only(connection, mail, changed)


async def settle_unconfirmed(
    connection: Connection,
    outgoing_id: str,
    recipient: str | None,
    outcome: Outcome,
    now: datetime,
) -> list[OutgoingRow]:
    """Gives the message's unconfirmed deliveries this outcome, and announces it as the sender does.

    Id, recipient and errors are those of `retry_unconfirmed`.
    """
    mail, recipients = await _unconfirmed(connection, outgoing_id, recipient)
    changed = await unconfirmed.settle(connection, mail, recipients, outcome, now)
    settled = await _only(connection, mail, changed)
    entries = [
        delivered_entry(row, state=row.state, reply=row.reply, maybe_twice=row.maybe_twice, now=now)
        for row in settled
    ]
    await outbox.add(connection, entries, now)
    return settled


async def _unconfirmed(
    connection: Connection, outgoing_id: str, recipient: str | None
) -> tuple[str, list[str]]:
    found = await deliveries_of(connection, outgoing_id)
    wanted = of_recipient(found, recipient)
    recipients = [row.recipient for row in wanted if row.state == "unconfirmed"]
    if not recipients:
        states = ", ".join(f"{row.recipient} {row.state}" for row in found)
        raise PermanentError(
            f"no such delivery of message {found[0].outgoing_id} is unconfirmed: {states}",
            remedy="See: postrail outgoing list --state unconfirmed",
        )
    return found[0].outgoing_id, recipients


async def _only(
    connection: Connection, outgoing_id: str, recipients: list[str]
) -> list[OutgoingRow]:
    found = await deliveries_of(connection, outgoing_id)
    return [row for row in found if row.recipient in recipients]

"""Finds why notifications of an issue are held."""

from __future__ import annotations

from dataclasses import dataclass

from postrail.database import Connection, rows_as


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """The newest notification of an issue that a limit holds."""

    mailbox: str | None
    reason: str


async def held(connection: Connection, issue_id: int, limit: str) -> Held | None:
    """Returns the newest notification of the issue that the limit of this name holds."""
    found = await rows_as(
        connection,
        Held,
        "SELECT mail.mailbox, delivery.reply AS reason"
        " FROM outgoing_mail AS mail JOIN delivery USING (outgoing_id)"
        " WHERE mail.issue_id = %s AND delivery.state = 'held'"
        "  AND starts_with(delivery.reply, %s)"
        " ORDER BY mail.queued_at DESC LIMIT 1",
        [issue_id, limit],
    )
    return found[0] if found else None

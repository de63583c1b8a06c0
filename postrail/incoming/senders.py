"""Reads what senders have written."""

from __future__ import annotations

from datetime import datetime

from postrail.database import Connection, one


async def wrote_since(connection: Connection, address: str, since: datetime) -> bool:
    """Tells whether a message from the address was handled after that time."""
    # The expression is the one of the index `incoming_mail_of_sender`.
    found = await one(
        connection,
        "SELECT 1 FROM incoming_mail WHERE outcome IN ('issue', 'comment') AND handled_at > %s"
        " AND left(lower(regexp_replace(sender, '[+][^@]*@', '@') COLLATE \"C\"), 320)"
        "  = left(lower(regexp_replace(%b, '[+][^@]*@', '@') COLLATE \"C\"), 320) LIMIT 1",
        [since, address],
    )
    return found is not None

"""Reads what senders have written."""

from __future__ import annotations

from datetime import datetime

from postrail.database import Connection, one


async def wrote_since(connection: Connection, address: str, since: datetime, *, but: str) -> bool:
    """Tells whether the address has written, whatever became of it, beside the message `but`.

    What is not handled yet counts, too: a message and a bounce that denies it may come together.
    """
    # The expression is the one of the index `incoming_mail_written`.
    found = await one(
        connection,
        "SELECT 1 FROM incoming_mail WHERE (handled_at > %s OR handled_at IS NULL)"
        " AND left(lower(regexp_replace(sender, '[+][^@]*@', '@') COLLATE \"C\"), 320)"
        "  = left(lower(regexp_replace(%b, '[+][^@]*@', '@') COLLATE \"C\"), 320)"
        " AND mail_id <> %s LIMIT 1",
        [since, address, but],
    )
    return found is not None

"""Reads what senders have written, whatever plus-extension their addresses have."""

from __future__ import annotations

from datetime import datetime
from typing import LiteralString

from postrail.database import Connection, one
from postrail.message_parts import counted_sender

# What `counted_sender` returns, as the indexes `incoming_mail_sender_came` and `_written` have it.
COUNTED_SENDER: LiteralString = (
    "left(lower(regexp_replace(sender, '[+][^@]*@', '@') COLLATE \"C\"), 320)"
)


async def wrote_since(connection: Connection, address: str, since: datetime, *, but: str) -> bool:
    """Tells whether the address has written, whatever became of it, beside the message `but`.

    What is not handled yet counts, too: a message and a bounce that denies it may come together.
    """
    found = await one(
        connection,
        "SELECT 1 FROM incoming_mail"  # noqa: S608  Our own expression.
        " WHERE (handled_at > %s OR handled_at IS NULL)"
        f" AND {COUNTED_SENDER} = %b AND mail_id <> %s LIMIT 1",
        [since, counted_sender(address), but],
    )
    return found is not None

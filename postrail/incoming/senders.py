"""Reads whether an address has written, and of which kind handled messages are."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import LiteralString

from postrail.database import Connection, one, rows
from postrail.message_parts import counted_sender

# Messages that a person wrote, or that are not kept any more.
OF_PEOPLE = ("human", "")
# What `counted_sender` returns, as the indexes `incoming_mail_sender_came` and `_written` have it.
COUNTED_SENDER: LiteralString = (
    "left(lower(regexp_replace(sender, '[+][^@]*@', '@') COLLATE \"C\"), 320)"
)


async def wrote_since(connection: Connection, address: str, since: datetime, *, but: str) -> bool:
    """Tells whether the address has written, whatever became of it, beside the message `but`.

    What is not handled yet counts, too: a message and a bounce that denies it may come together.
    A plus-extension of the address makes no difference.
    """
    found = await one(
        connection,
        "SELECT 1 FROM incoming_mail"  # noqa: S608  Our own expression.
        " WHERE (handled_at > %s OR handled_at IS NULL)"
        f" AND {COUNTED_SENDER} = %b AND mail_id <> %s LIMIT 1",
        [since, counted_sender(address), but],
    )
    return found is not None


async def kind_of(connection: Connection, mail_id: str | None) -> str:
    """Returns the kind of a handled message, such as human; "" for one that is not kept."""
    return (await kinds_of(connection, [mail_id])).get(mail_id, "") if mail_id else ""


async def kinds_of(connection: Connection, mail_ids: Collection[str]) -> dict[str, str]:
    """Returns the kinds of these handled messages by their ids, without those that are not kept."""
    if not mail_ids:
        return {}
    found = await rows(
        connection,
        "SELECT mail_id::text, coalesce(trace ->> 'kind', '') FROM incoming_mail"
        " WHERE mail_id = ANY(%s::uuid[])",
        [list(mail_ids)],
    )
    return dict(found)

"""Reads which outgoing messages are about no issue: forwards, answers to authors, notices."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from postrail.database import Connection, rows
from postrail.outgoing.message_ids import WITH_SENT


async def sent_on_since(
    connection: Connection, addresses: Collection[str], since: datetime, most: int
) -> dict[str, int]:
    """Counts, up to `most`, what was sent on or told to each of these addresses since then.

    Held messages do not count. The addresses are in lower case in the result.
    """
    found = await rows(
        connection,
        "SELECT given.address, (SELECT count(*) FROM (SELECT FROM delivery"
        '  WHERE lower(recipient COLLATE "C") = given.address AND sent_on_at > %s'
        "  AND state <> 'held' LIMIT %s) AS latest)"
        " FROM unnest(%b::text[]) AS given(address)",
        [since, most, sorted({address.lower() for address in addresses})],
    )
    return {row[0]: int(row[1]) for row in found}


async def purposes_of(connection: Connection, message_ids: Collection[str]) -> dict[str, str]:
    """Returns what those of our messages are that are about no issue, by Message-ID."""
    if not message_ids:
        return {}
    found = await rows(
        connection,
        WITH_SENT  # noqa: S608
        + "SELECT sent.message_id, purpose FROM sent JOIN outgoing_mail USING (outgoing_id)"
        " WHERE sent.message_id = ANY(%s) AND purpose <> ''",
        [list(message_ids)],
    )
    return {row[0]: row[1] for row in found}

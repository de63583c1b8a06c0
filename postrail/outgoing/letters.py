"""Reads which outgoing messages are about no issue: forwards, answers to authors, notices."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from postrail.database import Connection, rows


async def sent_on_since(
    connection: Connection, addresses: Collection[str], since: datetime
) -> dict[str, int]:
    """Counts what was sent on or told to each of these addresses from this time on.

    Held messages do not count. The addresses are in lower case in the result.
    """
    found = await rows(
        connection,
        "SELECT lower(recipient), count(*) FROM outgoing_mail JOIN delivery USING (outgoing_id)"
        " WHERE purpose IN ('forward', 'notice') AND queued_at > %s"
        "  AND lower(recipient) = ANY(%s)"
        "  AND state <> 'held' GROUP BY lower(recipient)",
        [since, [address.lower() for address in addresses]],
    )
    return {row[0]: int(row[1]) for row in found}


async def purposes_of(connection: Connection, message_ids: Collection[str]) -> dict[str, str]:
    """Returns what those of our messages are that are about no issue, by Message-ID."""
    if not message_ids:
        return {}
    found = await rows(
        connection,
        "SELECT delivery.message_id, purpose FROM delivery JOIN outgoing_mail USING (outgoing_id)"
        " WHERE delivery.message_id = ANY(%s) AND purpose <> ''",
        [list(message_ids)],
    )
    return {row[0]: row[1] for row in found}

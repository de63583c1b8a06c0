"""Finds sent messages by their Message-IDs, and by those that mail systems gave them instead.

Exchange and Amazon SES replace the Message-ID of a message; its answers and bounces name theirs.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import LiteralString

from postrail.database import Connection, rows, storable

# Begins a statement: `sent` is each delivery by its own Message-ID, and by the given one, if any.
# PostgreSQL uses the indexes of both columns.
WITH_SENT: LiteralString = """WITH sent AS (
    SELECT message_id, outgoing_id, recipient, issue_id, sequence FROM delivery
    UNION ALL SELECT given_id, outgoing_id, recipient, issue_id, sequence FROM delivery
    WHERE given_id IS NOT NULL
)
"""


async def given_among(connection: Connection, message_ids: Collection[str]) -> set[str]:
    """Returns those of the Message-IDs that mail systems gave to messages of ours."""
    if not message_ids:
        return set()
    found = await rows(
        connection,
        "SELECT given_id FROM delivery WHERE given_id = ANY(%b::text[])",
        [sorted(storable(one) for one in message_ids)],
    )
    return {row[0] for row in found}

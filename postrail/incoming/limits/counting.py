"""Counts the messages that took effect, of a sender or on an issue, by index.

There are no rows of counters: each message of a flood would wait for the same one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, LiteralString

from postrail.database import Connection, rows
from postrail.incoming.senders import COUNTED_SENDER

# A message that a person has released does not count, as it did not when it was held.
_OF_SENDERS: LiteralString = f"""
SELECT given.sender, given.proven, counted.*
FROM unnest(%(senders)b::text[], %(proven)s::boolean[]) AS given(sender, proven)
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE human AND handled_at > %(sender_messages)s),
        count(*) FILTER (WHERE human AND handled_at > %(proven_messages)s),
        count(*) FILTER (WHERE handled_at > %(machine_messages)s),
        count(*) FILTER (WHERE outcome = 'issue' AND handled_at > %(sender_issues)s),
        count(*) FILTER (WHERE outcome = 'comment' AND handled_at > %(sender_comments)s)
    FROM (
        SELECT handled_at, outcome, trace ->> 'kind' = 'human' AS human FROM incoming_mail
        WHERE outcome IN ('issue', 'comment') AND handled_at > %(since)s AND release IS NULL
            AND {COUNTED_SENDER} = given.sender
            AND (coalesce(trace ->> 'verdict', '') = 'pass') = given.proven
        ORDER BY handled_at DESC LIMIT %(most)s
    ) AS latest
) AS counted"""  # noqa: S608  Our own expression.
# In the order of the columns above.
OF_SENDERS = (
    "sender_messages",
    "proven_messages",
    "machine_messages",
    "sender_issues",
    "sender_comments",
)


async def of_senders(
    connection: Connection,
    senders: Collection[tuple[str, bool]],
    since: Mapping[str, datetime],
    most: int,
) -> dict[tuple[str, bool], dict[str, int]]:
    """Counts the messages of senders (`counted_sender`) that made an issue or a comment.

    Those whose sender is proven (True) and others count apart: anybody may forge the others.
    Returns the numbers by the names in OF_SENDERS, each since its own time. No more than the
    newest `most` messages of a sender are read.
    """
    if not senders:
        return {}
    given = sorted(senders)
    parameters: dict[str, Any] = {
        **since,
        "senders": [sender for sender, _ in given],
        "proven": [proven for _, proven in given],
        "since": min(since.values()),
        "most": most,
    }
    found = await rows(connection, _OF_SENDERS, parameters)
    return {(row[0], row[1]): dict(zip(OF_SENDERS, row[2:], strict=True)) for row in found}


async def of_issues(
    connection: Connection, issue_ids: Collection[int], since: datetime
) -> dict[tuple[int, str], int]:
    """Counts the messages that made these issues, or comments on them.

    Automatic messages count only where their senders are outsiders: anybody may send these.
    Returns the numbers by issue and `Standing` of the sender, as the trace has it.
    """
    if not issue_ids:
        return {}
    found = await rows(
        connection,
        "SELECT issue_id, coalesce(trace ->> 'standing', 'unproven'), count(*) FROM incoming_mail"
        " WHERE outcome IN ('issue', 'comment') AND issue_id = ANY(%s) AND handled_at > %s"
        "  AND release IS NULL"
        "  AND (trace ->> 'kind' = 'human' OR trace ->> 'standing' = 'outsider') GROUP BY 1, 2",
        [sorted(issue_ids), since],
    )
    return {(row[0], row[1]): int(row[2]) for row in found}

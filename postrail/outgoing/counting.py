"""Counts what was sent: automatic answers to an address, notifications of an issue; by index."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from postrail.database import Connection, rows


async def answers(
    connection: Connection, addresses: Collection[str], short: datetime, long: datetime
) -> dict[tuple[str, bool], tuple[int, int]]:
    """Counts the automatic answers to these addresses since two times.

    Returns the numbers by address in lower case, and by whether the senders that they answer are
    proven.
    """
    if not addresses:
        return {}
    found = await rows(
        connection,
        'SELECT lower(recipient COLLATE "C"), answers_proven,'
        " count(*) FILTER (WHERE answered_at > %s),"
        " count(*) FILTER (WHERE answered_at > %s) FROM delivery"
        ' WHERE answered_at > %s AND lower(recipient COLLATE "C") = ANY(%b) GROUP BY 1, 2',
        [short, long, min(short, long), sorted(addresses)],
    )
    return {(row[0], row[1]): (int(row[2]), int(row[3])) for row in found}


async def notifications(
    connection: Connection, issue_ids: Collection[int], since: datetime, most: int
) -> dict[int, int]:
    """Counts, up to `most`, the messages about issues that were queued since then and not held."""
    if not issue_ids:
        return {}
    found = await rows(
        connection,
        "SELECT given.issue_id, (SELECT count(*) FROM (SELECT FROM outgoing_mail AS mail"
        "  JOIN delivery USING (outgoing_id) WHERE mail.issue_id = given.issue_id"
        "  AND mail.queued_at > %s AND delivery.state <> 'held' LIMIT %s) AS latest)"
        " FROM unnest(%s::bigint[]) AS given(issue_id)",
        [since, most, sorted(issue_ids)],
    )
    return {row[0]: int(row[1]) for row in found}

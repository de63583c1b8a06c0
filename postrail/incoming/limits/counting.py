"""Counts the messages that took effect, of a sender or on an issue, by index.

There are no rows of counters: each message of a flood would wait for the same one. A message counts
at the time when it came, before and after that of the message that is decided: so the order in
which they are handled does not matter, and a backlog is no flood.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, LiteralString

from postrail.database import Connection, rows
from postrail.incoming.senders import COUNTED_SENDER

# When a message came, as the mailbox server and the fetcher say, never its sender. The clock of the
# server may be ahead of ours; POP3 does not report a time.
CAME_AT: LiteralString = "least(received_at, fetched_at)"
# What counts beside a message of the time `given.at`: it took effect, and no person has released
# it, as it did not count when it was held.
_COUNTS: LiteralString = f"""
    outcome IN ('issue', 'comment') AND release IS NULL
    AND {CAME_AT} > given.at - %(longest)s AND {CAME_AT} < given.at + %(longest)s"""
_AWAY: LiteralString = f"greatest({CAME_AT} - given.at, given.at - {CAME_AT})"
_OF_SENDERS: LiteralString = f"""
SELECT given.sender, given.proven, given.at, counted.*
FROM unnest(%(senders)b::text[], %(proven)s::boolean[], %(times)s::timestamptz[])
    AS given (sender, proven, at)
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE human AND away < %(sender_messages)s),
        count(*) FILTER (WHERE human AND away < %(proven_messages)s),
        count(*) FILTER (WHERE away < %(machine_messages)s),
        count(*) FILTER (WHERE outcome = 'issue' AND away < %(sender_issues)s),
        count(*) FILTER (WHERE outcome = 'comment' AND away < %(sender_comments)s)
    FROM (
        SELECT outcome, trace ->> 'kind' = 'human' AS human, {_AWAY} AS away FROM incoming_mail
        WHERE {_COUNTS} AND {COUNTED_SENDER} = given.sender
            AND (coalesce(trace ->> 'verdict', '') = 'pass') = given.proven
        ORDER BY {CAME_AT} DESC LIMIT %(most)s
    ) AS latest
) AS counted"""  # noqa: S608  Our own expressions.
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
    senders: Collection[tuple[str, bool, datetime]],
    within: Mapping[str, timedelta],
    most: int,
) -> dict[tuple[str, bool, datetime], dict[str, int]]:
    """Counts the messages of senders (`counted_sender`) that made an issue or a comment.

    Those whose sender is proven (True) and others count apart: anybody may forge the others. Each
    is counted before and after a time.
    Returns the numbers by the names in OF_SENDERS, each within its own time. No more than the
    newest `most` messages of a sender are read.
    """
    given = list(senders)
    if not given:
        return {}
    parameters: dict[str, Any] = {
        **within,
        "senders": [sender for sender, _, _ in given],
        "proven": [proven for _, proven, _ in given],
        "times": [at for _, _, at in given],
        "longest": max(within.values()),
        "most": most,
    }
    found = await rows(connection, _OF_SENDERS, parameters)
    return {(row[0], row[1], row[2]): dict(zip(OF_SENDERS, row[3:], strict=True)) for row in found}


async def of_issues(
    connection: Connection,
    issues: Collection[tuple[int, datetime]],
    within: Mapping[str, timedelta],
) -> dict[tuple[int, str, datetime], int]:
    """Counts the messages that made these issues, or comments on them, around these times.

    Returns the numbers by issue, `Standing` of the sender as the trace has it, and time. Each
    standing in `within` is counted in its own time.
    """
    given = list(issues)
    if not given:
        return {}
    found = await rows(
        connection,
        "SELECT issue_id, standing, given.at, count(*)"  # noqa: S608  Our own expressions.
        " FROM unnest(%(issues)s::bigint[], %(times)s::timestamptz[]) AS given (issue_id, at)"
        " JOIN incoming_mail USING (issue_id)"
        " JOIN unnest(%(standings)b::text[], %(within)s::interval[]) AS own (standing, within)"
        "  ON standing = trace ->> 'standing'"
        f" WHERE {_COUNTS} AND {_AWAY} < own.within GROUP BY 1, 2, 3",
        {
            "issues": [issue_id for issue_id, _ in given],
            "times": [at for _, at in given],
            "standings": list(within),
            "within": list(within.values()),
            "longest": max(within.values()),
        },
    )
    return {(row[0], row[1], row[2]): int(row[3]) for row in found}

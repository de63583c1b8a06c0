"""Counts the messages that took effect, of a sender or on an issue, by index.

There are no rows of counters: each message of a flood would wait for the same one. A message counts
at the time when it came: those before and those after the one that is decided are counted apart, as
a limit is met on one side. So a backlog is no flood in whatever order it is handled, and a flood is
one.
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
_MINUTE: LiteralString = f"date_trunc('minute', {CAME_AT}, 'UTC')"
# What counts: it took effect, and no person has released it, as it did not count when it was held.
_COUNTS: LiteralString = "outcome IN ('issue', 'comment') AND release IS NULL"


def _sides(condition: LiteralString, within: LiteralString) -> LiteralString:
    """Returns how many rows are within a time before, and after, by their column `after`.

    What came in the same minute is on both sides.
    """
    return (
        f"ARRAY[count(*) FILTER (WHERE {condition} AND after > -{within} AND after <= '0'),"
        f" count(*) FILTER (WHERE {condition} AND after >= '0' AND after < {within})]"
    )


_OF_SENDERS: LiteralString = f"""
SELECT given.sender, given.proven, given.at, counted.*
FROM unnest(%(senders)b::text[], %(proven)s::boolean[], %(times)s::timestamptz[])
    AS given (sender, proven, at)
CROSS JOIN LATERAL (
    SELECT {_sides("human", "%(sender_messages)s")},
        {_sides("human", "%(proven_messages)s")},
        {_sides("true", "%(machine_messages)s")},
        {_sides("outcome = 'issue'", "%(sender_issues)s")},
        {_sides("outcome = 'comment'", "%(sender_comments)s")}
    FROM (
        SELECT outcome, trace ->> 'kind' = 'human' AS human, {_MINUTE} - given.at AS after
        FROM incoming_mail
        WHERE {_COUNTS} AND {COUNTED_SENDER} = given.sender
            AND {CAME_AT} > given.at - %(longest)s AND {CAME_AT} < given.at + %(longest)s
            AND (coalesce(trace ->> 'verdict', '') = 'pass') = given.proven
        ORDER BY {CAME_AT} DESC LIMIT %(most)s
    ) AS latest
) AS counted"""  # noqa: S608  Our own expressions.
# How many came before, and how many after.
Sides = tuple[int, int]
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
) -> dict[tuple[str, bool, datetime], dict[str, Sides]]:
    """Counts the messages of senders (`counted_sender`) that made an issue or a comment.

    Those whose sender is proven (True) and others count apart: anybody may forge the others. Each
    is counted at a time, a whole minute.
    Returns the numbers by the names in OF_SENDERS, each within its own minutes. No more than the
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
    return {
        (row[0], row[1], row[2]): dict(zip(OF_SENDERS, map(tuple, row[3:]), strict=True))
        for row in found
    }


async def of_issues(
    connection: Connection, spans: Mapping[int, tuple[datetime, datetime]], longest: timedelta
) -> dict[tuple[int, str], dict[datetime, int]]:
    """Counts the messages that made these issues, or comments on them, by the minute.

    Returns the numbers by issue and `Standing` of the sender as the trace has it: of the time from
    `longest` before the span of the issue to `longest` after it.
    """
    if not spans:
        return {}
    found = await rows(
        connection,
        f"SELECT issue_id, trace ->> 'standing', {_MINUTE}, count(*)"  # noqa: S608  Our own.
        " FROM unnest(%(issues)s::bigint[], %(earliest)s::timestamptz[], %(latest)s::timestamptz[])"
        "  AS given (issue_id, earliest, latest) JOIN incoming_mail USING (issue_id)"
        f" WHERE {_COUNTS} AND {CAME_AT} > given.earliest - %(longest)s"
        f"  AND {CAME_AT} < given.latest + %(longest)s GROUP BY 1, 2, 3",
        {
            "issues": list(spans),
            "earliest": [earliest for earliest, _ in spans.values()],
            "latest": [latest for _, latest in spans.values()],
            "longest": longest,
        },
    )
    numbers: dict[tuple[int, str], dict[datetime, int]] = {}
    for issue_id, standing, minute, number in found:
        numbers.setdefault((issue_id, standing or ""), {})[minute] = number
    return numbers

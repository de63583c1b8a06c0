"""Counts the messages that took effect, of a sender or in a conversation, by index.

There are no rows of counters: each message of a flood would wait for the same one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, LiteralString

from postrail.database import Connection, rows

SENDER_CHARACTERS = 320
_EXTENSION = re.compile("[+][^@]*@")

# The sender is written as in the index `incoming_mail_of_sender`. A message that a person has
# released does not count, as it did not when it was held.
_OF_SENDERS: LiteralString = """
SELECT given.sender, counted.* FROM unnest(%(senders)b::text[]) AS given(sender)
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE human AND handled_at > %(sender_messages)s),
        count(*) FILTER (WHERE human AND handled_at > %(proven_messages)s),
        count(*) FILTER (WHERE handled_at > %(machine_messages)s),
        count(*) FILTER (WHERE outcome = 'issue' AND handled_at > %(sender_issues)s),
        count(*) FILTER (WHERE outcome = 'comment' AND handled_at > %(sender_comments)s)
    FROM (
        SELECT handled_at, outcome, trace ->> 'kind' = 'human' AS human FROM incoming_mail
        WHERE outcome IN ('issue', 'comment') AND handled_at > %(since)s AND release IS NULL
            AND left(lower(regexp_replace(sender, '[+][^@]*@', '@') COLLATE "C"), 320)
                = given.sender
        ORDER BY handled_at DESC LIMIT %(most)s
    ) AS latest
) AS counted"""
# In the order of the columns above.
OF_SENDERS = (
    "sender_messages",
    "proven_messages",
    "machine_messages",
    "sender_issues",
    "sender_comments",
)


def counted_sender(address: str) -> str:
    """Returns the address by which messages of a sender are counted.

    Without its plus-extension, which a machine may change with each message; only ASCII letters
    become small, as in the index.
    """
    plain = _EXTENSION.sub("@", address, count=1)
    return (
        plain.encode("utf-8", "surrogatepass")
        .lower()
        .decode("utf-8", "surrogatepass")[:SENDER_CHARACTERS]
    )


async def of_senders(
    connection: Connection,
    senders: Collection[str],
    since: Mapping[str, datetime],
    most: int,
) -> dict[str, dict[str, int]]:
    """Counts the messages of senders (`counted_sender`) that made an issue or a comment.

    Returns the numbers by the names in OF_SENDERS, each since its own time. No more than the
    newest `most` messages of a sender are read.
    """
    if not senders:
        return {}
    parameters: dict[str, Any] = {
        **since,
        "senders": sorted(senders),
        "since": min(since.values()),
        "most": most,
    }
    found = await rows(connection, _OF_SENDERS, parameters)
    return {row[0]: dict(zip(OF_SENDERS, row[1:], strict=True)) for row in found}


async def of_queues(
    connection: Connection, queues: Collection[str], since: datetime, most: int
) -> dict[str, int]:
    """Counts, up to `most`, the messages of people that made an issue or a comment, by queue.

    A queue is a conversation; what only names the key of an issue is in that of the issue.
    """
    if not queues:
        return {}
    found = await rows(
        connection,
        "SELECT given.queue::text, (SELECT count(*) FROM (SELECT FROM incoming_mail AS mail"
        "  WHERE outcome IN ('issue', 'comment') AND mail.queue = given.queue AND handled_at > %s"
        "  AND release IS NULL AND trace ->> 'kind' = 'human' LIMIT %s) AS latest)"
        " FROM unnest(%s::uuid[]) AS given(queue)",
        [since, most, sorted(queues)],
    )
    return {row[0]: int(row[1]) for row in found}

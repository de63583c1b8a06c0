"""Counts requests and uploads of mailboxes by the minute, and gives out places for senders."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from postrail.database import Connection, rows

# What was counted may be used up to a minute later, and the first minute counts as a whole: so the
# counts are of two minutes more than Graph's.
REQUESTS, REQUEST_MINUTES = 10_000, 12
UPLOAD_BYTES, UPLOAD_MINUTES = 150 * 1024 * 1024, 7
# One of Graph's four is the fetcher's.
PLACES = 3
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Used:
    """What a mailbox has used in the time that its limits are for."""

    requests: int
    upload_bytes: int

    @property
    def is_within_limits(self) -> bool:
        """Returns whether Graph serves that much."""
        return self.requests <= REQUESTS and self.upload_bytes <= UPLOAD_BYTES


_ADD = """
INSERT INTO graph_use (mailbox, minute, requests, upload_bytes)
VALUES (%(mailbox)s, date_trunc('minute', %(now)s::timestamptz), %(requests)s, %(upload_bytes)s)
ON CONFLICT (mailbox, minute) DO UPDATE SET
    requests = graph_use.requests + EXCLUDED.requests,
    upload_bytes = graph_use.upload_bytes + EXCLUDED.upload_bytes
"""

_USED = """
SELECT coalesce(sum(requests), 0)::bigint,
    coalesce(sum(upload_bytes) FILTER (WHERE minute > %(uploads_since)s), 0)::bigint
FROM graph_use WHERE mailbox = %(mailbox)s AND minute > %(requests_since)s
"""


async def add(
    connection: Connection, mailbox: str, *, requests: int, upload_bytes: int, now: datetime
) -> Used:
    """Counts requests that are about to be sent; returns what is used with them.

    The caller rolls back if that is too much. Until its transaction ends, others wait here.
    """
    mailbox = mailbox.lower()
    counted = {"requests": requests, "upload_bytes": upload_bytes}
    await connection.execute(_ADD, {"mailbox": mailbox, "now": now, **counted})
    since = {
        "requests_since": now - REQUEST_MINUTES * MINUTE,
        "uploads_since": now - UPLOAD_MINUTES * MINUTE,
    }
    (found,) = await rows(connection, _USED, {"mailbox": mailbox, **since})
    return Used(found[0], found[1])


async def forget_old(connection: Connection, mailbox: str, now: datetime) -> None:
    """Deletes what counts no more."""
    await connection.execute(
        "DELETE FROM graph_use WHERE mailbox = %s AND minute <= %s",
        [mailbox.lower(), now - REQUEST_MINUTES * MINUTE],
    )


async def enter(
    connection: Connection, mailbox: str, *, now: datetime, until: datetime
) -> str | None:
    """Takes one of the mailbox's places until then; returns its holder's id, None if all are taken.

    A place whose time is over is free: its process was killed.
    """
    mailbox, holder = mailbox.lower(), str(uuid.uuid4())
    await connection.execute(
        "INSERT INTO graph_place (mailbox, place, taken_until)"
        " SELECT %s, number, '-infinity' FROM generate_series(1, %s) AS number"
        " ON CONFLICT DO NOTHING",
        [mailbox, PLACES],
    )
    found = await rows(
        connection,
        "UPDATE graph_place SET holder = %s, taken_until = %s WHERE mailbox = %s AND place ="
        " (SELECT place FROM graph_place WHERE mailbox = %s AND taken_until <= %s"
        "  ORDER BY place LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING place",
        [holder, until, mailbox, mailbox, now],
    )
    return holder if found else None


async def leave(connection: Connection, mailbox: str, holder: str) -> None:
    """Gives a place back, unless another holds it by now."""
    await connection.execute(
        "UPDATE graph_place SET holder = NULL, taken_until = '-infinity'"
        " WHERE mailbox = %s AND holder = %s",
        [mailbox.lower(), holder],
    )

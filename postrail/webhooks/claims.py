"""Claims posts that are due, and records what came of them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from postrail.database import Connection, rows, rows_as
from postrail.retry import backoff_seconds
from postrail.webhooks.post import SECONDS, Answer

# A sender that was killed leaves its posts to the others after this time.
CLAIM = timedelta(seconds=3 * SECONDS)
RETRY_BASE_SECONDS = 10.0
RETRY_MAX_SECONDS = 3600.0
# How long the queue shows what has been posted or cancelled.
KEPT = timedelta(days=30)
NAMED_AT_ONCE = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimed:
    """A post that this sender, and no other, posts now."""

    post_id: str
    purpose: str
    setup: str
    about: str
    url: str
    body: str
    give_up_at: datetime
    # This one included.
    attempts: int
    claim: str


_DUE = """(state = 'waiting' AND next_at <= %(now)s
    OR state = 'posting' AND claim_expires_at <= %(now)s)"""
# One at a time to a host: one that is slow or down holds one post, and its others wait. The second
# look is at the row as it is then: another sender may have posted it since.
_CLAIM = f"""
WITH due AS (
    SELECT DISTINCT ON (host) post_id FROM webhook_post
    WHERE {_DUE} AND host <> ''
        AND host NOT IN (SELECT host FROM webhook_post
            WHERE state = 'posting' AND claim_expires_at > %(now)s)
    ORDER BY host, next_at, post_id
), claimed AS MATERIALIZED (
    SELECT webhook_post.post_id FROM webhook_post JOIN due USING (post_id)
    WHERE {_DUE}
    ORDER BY next_at LIMIT %(limit)s FOR UPDATE OF webhook_post SKIP LOCKED
)
UPDATE webhook_post SET state = 'posting', attempts = attempts + 1, claim = %(claim)s,
    claim_expires_at = %(until)s
FROM claimed WHERE webhook_post.post_id = claimed.post_id
RETURNING webhook_post.post_id::text, purpose, setup, about, url, body, give_up_at, attempts,
    claim::text
"""  # noqa: S608  The only parts are the constants above.


async def claim_due(connection: Connection, limit: int, now: datetime) -> list[Claimed]:
    """Claims up to `limit` posts that are due, of each host at most one.

    None of a host to which another one is being posted, by whatever sender.
    """
    parameters = {"now": now, "limit": limit, "claim": uuid.uuid4(), "until": now + CLAIM}
    return await rows_as(connection, Claimed, _CLAIM, parameters)


async def name_hosts(connection: Connection, host_of: Callable[[str], str]) -> None:
    """Writes the hosts of new posts, which their sealed addresses hide.

    `host_of` is given the address as it is stored.
    """
    found = await rows(
        connection,
        "SELECT post_id, url FROM webhook_post WHERE state = 'waiting' AND host = ''"
        " ORDER BY next_at LIMIT %s FOR UPDATE SKIP LOCKED",
        [NAMED_AT_ONCE],
    )
    if found:
        await connection.execute(
            "UPDATE webhook_post SET host = given.host"
            " FROM unnest(%s::uuid[], %b::text[]) AS given(post_id, host)"
            " WHERE webhook_post.post_id = given.post_id",
            [[row[0] for row in found], [host_of(row[1]) for row in found]],
        )


async def record(connection: Connection, post: Claimed, answer: Answer, now: datetime) -> str:
    """Records the answer and returns the new state; "" if the claim was lost in the meantime."""
    pause = timedelta(seconds=backoff_seconds(post.attempts, RETRY_BASE_SECONDS, RETRY_MAX_SECONDS))
    state = "waiting"
    if not answer.error:
        state = "posted"
    elif answer.gone or now + pause > post.give_up_at:
        state = "failed"
    recorded = await rows(
        connection,
        "UPDATE webhook_post SET state = %(state)s, claim = NULL, claim_expires_at = NULL,"
        " next_at = %(next_at)s, last_status = %(status)s, last_error = %(error)s,"
        " ended_at = CASE WHEN %(state)s <> 'waiting' THEN %(now)s::timestamptz END"
        " WHERE post_id = %(post_id)s AND claim = %(claim)s RETURNING state",
        {
            "state": state,
            "next_at": now + pause,
            "status": answer.status,
            "error": answer.error,
            "now": now,
            "post_id": post.post_id,
            "claim": post.claim,
        },
    )
    return state if recorded else ""


async def forget_old(connection: Connection, now: datetime) -> None:
    """Removes what was posted or cancelled a month ago; what failed stays until somebody acts."""
    await connection.execute(
        "DELETE FROM webhook_post WHERE state IN ('posted', 'cancelled') AND ended_at < %s",
        [now - KEPT],
    )

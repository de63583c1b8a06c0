"""Changes posts as a person has decided; what a sender is posting stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from postrail.database import Connection, rows, storable
from postrail.webhooks.queue import GIVE_UP_AFTER

_FREE = "(state <> 'posting' OR claim_expires_at <= %(now)s)"


async def retry(
    connection: Connection, post_ids: Sequence[str], by: str, now: datetime
) -> list[str]:
    """Makes posts due at once, as if they were new; returns the ids of those that it changed."""
    return await _change(
        connection,
        "state = 'waiting', attempts = 0, next_at = %(now)s, give_up_at = %(give_up_at)s,"
        " ended_at = NULL",
        post_ids,
        by,
        now,
    )


async def cancel(
    connection: Connection, post_ids: Sequence[str], by: str, now: datetime
) -> list[str]:
    """Ends posts that have not arrived; returns the ids of those that it changed."""
    return await _change(
        connection, "state = 'cancelled', ended_at = %(now)s", post_ids, by, now, but_for="posted"
    )


async def _change(
    connection: Connection,
    change: str,
    post_ids: Sequence[str],
    by: str,
    now: datetime,
    *,
    but_for: str = "",
) -> list[str]:
    found = await rows(
        connection,
        f"UPDATE webhook_post SET {change}, claim = NULL, claim_expires_at = NULL,"  # noqa: S608
        f" changed_by = %(by)s WHERE post_id = ANY(%(post_ids)s::uuid[]) AND {_FREE}"
        " AND state <> %(but_for)s RETURNING post_id::text",
        {
            "now": now,
            "give_up_at": now + GIVE_UP_AFTER,
            "by": storable(by),
            "post_ids": list(post_ids),
            "but_for": but_for,
        },
    )
    return [row[0] for row in found]

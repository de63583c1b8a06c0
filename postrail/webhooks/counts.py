"""Counts the posts that wait and those that have failed, for status, doctor and metrics."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postrail.database import Connection, rows_as


@dataclass(frozen=True, kw_only=True, slots=True)
class PostCounts:
    """The posts that have not arrived."""

    # Those that are being posted are among them.
    waiting: int = 0
    # Those of them whose last attempt failed.
    failing: int = 0
    oldest_waiting_at: datetime | None = None
    # Given up.
    failed: int = 0
    # Of the latest one that is failing or has failed.
    last_error: str = ""


async def counts(connection: Connection) -> PostCounts:
    """Returns the numbers of posts that have not arrived, and the last error."""
    (found,) = await rows_as(
        connection,
        PostCounts,
        "SELECT count(*) FILTER (WHERE state <> 'failed') AS waiting,"
        " count(*) FILTER (WHERE state <> 'failed' AND last_error <> '') AS failing,"
        " min(made_at) FILTER (WHERE state <> 'failed') AS oldest_waiting_at,"
        " count(*) FILTER (WHERE state = 'failed') AS failed,"
        " coalesce((array_agg(last_error ORDER BY made_at DESC)"
        "  FILTER (WHERE last_error <> ''))[1], '') AS last_error"
        " FROM webhook_post WHERE state IN ('waiting', 'posting', 'failed')",
    )
    return found

"""Reads posts to other systems: whom they go to, what came of them, and when the next try is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from postrail.database import Connection, rows, rows_as
from postrail.errors import PermanentError


@dataclass(frozen=True, kw_only=True, slots=True)
class PostFilters:
    """Which posts are meant; None: all."""

    state: str | None = None
    purpose: str | None = None
    #
    about: str | None = None
    host: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PostRow:
    """A post without its content."""

    post_id: str
    purpose: str
    about: str
    setup: str
    # "": no sender has read its sealed address yet.
    host: str
    # `posting` only while the claim of a sender lasts.
    state: str
    attempts: int
    made_at: datetime
    # Of what waits.
    next_at: datetime | None
    give_up_at: datetime
    ended_at: datetime | None
    last_status: int | None
    last_error: str
    changed_by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WholePost(PostRow):
    """A post with its content."""

    body: str


_STATE = "CASE WHEN state = 'posting' AND claim_expires_at <= now() THEN 'waiting' ELSE state END"
_FROM = f"""
FROM (SELECT post_id::text, purpose, about, setup, host, {_STATE} AS state, attempts, made_at,
        CASE WHEN {_STATE} = 'waiting' THEN next_at END AS next_at, give_up_at, ended_at,
        last_status, last_error, changed_by, body
    FROM webhook_post) AS post
"""  # noqa: S608  Parts of this module.
_COLUMNS = """
SELECT post_id, purpose, about, setup, host, state, attempts, made_at, next_at, give_up_at,
    ended_at, last_status, last_error, changed_by
"""


async def posts(connection: Connection, filters: PostFilters, limit: int | None) -> list[PostRow]:
    """Returns the posts that match, the latest first; all without a limit."""
    return await rows_as(
        connection,
        PostRow,
        f"{_COLUMNS} {_FROM}"
        " WHERE (%(state)s::text IS NULL OR state = %(state)s)"
        " AND (%(purpose)s::text IS NULL OR purpose = %(purpose)s)"
        " AND (%(about)s::text IS NULL OR about = %(about)s)"
        " AND (%(host)s::text IS NULL OR host = %(host)s)"
        " ORDER BY made_at DESC, post_id LIMIT %(limit)s",
        {**asdict(filters), "limit": limit},
    )


async def post(connection: Connection, post_id: str) -> WholePost:
    """Returns a post; the first characters of its id suffice.

    Raises PermanentError when no id or several begin like that.
    """
    ids = await rows(
        connection,
        "SELECT post_id FROM webhook_post WHERE starts_with(post_id::text, %s) LIMIT 2",
        [post_id.lower()],
    )
    if len(ids) != 1:
        count = "several posts have" if ids else "no post has"
        raise PermanentError(
            f"{count} an id that begins with {post_id!r}",
            remedy="See: postrail webhooks list --json",
        )
    (found,) = await rows_as(
        connection, WholePost, f"{_COLUMNS}, body {_FROM} WHERE post_id = %s", [str(ids[0][0])]
    )
    return found

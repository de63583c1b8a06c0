"""Rows of comments of the built-in tracker."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from postrail.database import Connection, one, rows
from postrail.tracker import CommentDraft


async def insert_comments(
    connection: Connection, drafts: Sequence[CommentDraft], now: datetime
) -> list[int]:
    """Inserts the comments and returns their ids, which grow in the order of the drafts."""
    found = await rows(
        connection,
        "INSERT INTO comment (issue_key, author_address, author_name, body, body_blob, quoted_text,"
        "  signature, reply_blob, mail_id, revision, created_at)"
        " SELECT issue_key, author_address, author_name, body, body_blob, quoted_text, signature,"
        "  reply_blob, mail_id, revision, %s"
        " FROM unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[],"
        "  %b::text[], %b::text[], %s::uuid[], %s::int[]) WITH ORDINALITY"
        "  AS draft(issue_key, author_address, author_name, body, body_blob, quoted_text,"
        "   signature, reply_blob, mail_id, revision, place) ORDER BY place RETURNING comment_id",
        [
            now,
            [draft.issue_key for draft in drafts],
            [draft.author_address for draft in drafts],
            [draft.author_name for draft in drafts],
            [draft.body for draft in drafts],
            [draft.body_blob for draft in drafts],
            [draft.quoted_text for draft in drafts],
            [draft.signature for draft in drafts],
            [draft.reply_blob for draft in drafts],
            [draft.mail_id for draft in drafts],
            [draft.revision for draft in drafts],
        ],
    )
    return [row[0] for row in found]


async def comment_made_by(
    connection: Connection, issue_key: str, mail_id: str, revision: int
) -> int | None:
    """Returns the id of the issue's comment that this revision of a message made."""
    found = await one(
        connection,
        "SELECT comment_id FROM comment WHERE issue_key = %s AND mail_id = %s AND revision = %s",
        [issue_key, mail_id, revision],
    )
    return found[0] if found else None

"""Rows of files of issues and comments; their contents are blobs."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.database import Connection, rows, storable
from postrail.message_parts import Attachment
from postrail.tracker.builtin.search_text import write_issue_words


async def insert_attachments(
    connection: Connection, parts: Sequence[tuple[str, int | None, Attachment]]
) -> list[int]:
    """Inserts (issue key, comment id or None, attachment); returns the ids in this order."""
    if not parts:
        return []
    found = await rows(
        connection,
        "INSERT INTO attachment (issue_key, comment_id, name, content_type, size, sha256,"
        "  content_id, original_name)"
        " SELECT * FROM unnest(%b::text[], %s::bigint[], %b::text[], %b::text[], %s::bigint[],"
        "  %b::text[], %b::text[], %b::text[]) RETURNING attachment_id",
        [
            [key for key, _, _ in parts],
            [comment_id for _, comment_id, _ in parts],
            [part.name for _, _, part in parts],
            [part.content_type for _, _, part in parts],
            [part.size for _, _, part in parts],
            [part.sha256 for _, _, part in parts],
            [part.content_id and storable(part.content_id) for _, _, part in parts],
            [storable(part.original_name) or None for _, _, part in parts],
        ],
    )
    return [row[0] for row in found]


async def attach_to_issue(
    connection: Connection, issue_key: str, parts: Sequence[Attachment]
) -> list[int]:
    """Adds files to an issue that exists, and their names to its search; returns their ids."""
    ids = await insert_attachments(connection, [(issue_key, None, part) for part in parts])
    await write_issue_words(connection, [issue_key])
    return ids

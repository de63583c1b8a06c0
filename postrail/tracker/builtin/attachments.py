"""Rows of files of issues and comments; their contents are blobs."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.database import Connection
from postrail.message_parts import Attachment


async def insert_attachments(
    connection: Connection, parts: Sequence[tuple[str, int | None, Attachment]]
) -> None:
    """Inserts (issue key, comment id or None, attachment)."""
    if not parts:
        return
    await connection.execute(
        "INSERT INTO attachment (issue_key, comment_id, name, content_type, size, sha256)"
        " SELECT * FROM unnest(%b::text[], %s::bigint[], %b::text[], %b::text[], %s::bigint[],"
        "  %b::text[])",
        [
            [key for key, _, _ in parts],
            [comment_id for _, comment_id, _ in parts],
            [part.name for _, _, part in parts],
            [part.content_type for _, _, part in parts],
            [part.size for _, _, part in parts],
            [part.sha256 for _, _, part in parts],
        ],
    )

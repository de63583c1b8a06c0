"""Tells which blobs the built-in tracker needs."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.database import Connection, rows


async def named_blobs(connection: Connection, hashes: Sequence[str]) -> set[str]:
    """Returns those of the hashes that an issue names, in a text, a file or its history."""
    found = await rows(
        connection,
        "SELECT description_blob FROM issue WHERE description_blob = ANY(%(hashes)s)"
        " UNION ALL SELECT body_blob FROM comment WHERE body_blob = ANY(%(hashes)s)"
        " UNION ALL SELECT reply_blob FROM comment WHERE reply_blob = ANY(%(hashes)s)"
        " UNION ALL SELECT body_blob FROM comment_edit WHERE body_blob = ANY(%(hashes)s)"
        " UNION ALL SELECT before ->> 'blob' FROM issue_change"
        "  WHERE before ->> 'blob' = ANY(%(hashes)s)"
        " UNION ALL SELECT sha256 FROM attachment WHERE sha256 = ANY(%(hashes)s)",
        {"hashes": list(hashes)},
    )
    return {row[0] for row in found}

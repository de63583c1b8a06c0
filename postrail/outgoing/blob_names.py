"""Tells the blob collector which blobs the outgoing messages name."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.database import Connection, rows


async def named_blobs(connection: Connection, hashes: Sequence[str]) -> set[str]:
    """Returns those of the hashes (SHA-256) that a row names as the blob of its message."""
    found = await rows(
        connection,
        "SELECT message_blob FROM outgoing_mail WHERE message_blob = ANY(%s)",
        [list(hashes)],
    )
    return {row[0] for row in found}

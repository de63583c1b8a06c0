"""Tells which blobs approval requests need."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.database import Connection, rows


async def named_blobs(connection: Connection, hashes: Sequence[str]) -> set[str]:
    """Returns those of the hashes that a request names as a file: later approvers get it, too."""
    found = await rows(
        connection,
        "SELECT DISTINCT file ->> 'sha256'"
        " FROM approval_request, jsonb_array_elements(attachments) AS file"
        " WHERE attachments <> '[]' AND file ->> 'sha256' = ANY(%s)",
        [list(hashes)],
    )
    return {row[0] for row in found}

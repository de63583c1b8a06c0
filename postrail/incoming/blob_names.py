"""Lists the blobs that rows of incoming messages name, for the blob collector."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.database import Connection, rows


async def named_blobs(connection: Connection, hashes: Sequence[str]) -> set[str]:
    """Returns those of the hashes that a row of `incoming_mail` names."""
    found = await rows(
        connection,
        "SELECT unnest(blobs) FROM incoming_mail WHERE blobs && %(names)s AND blobs <> '{}'",
        {"names": list(hashes)},
    )
    return {row[0] for row in found} & set(hashes)

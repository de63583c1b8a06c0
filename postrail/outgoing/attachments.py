"""Keeps the files of outgoing messages, and names the blobs that hold messages and files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString

from postrail.database import Connection, rows, storable
from postrail.records import OutgoingQueued

# The files of the message `mail`, as JSON, in their order; NULL without any.
ATTACHMENTS: LiteralString = """(
        SELECT jsonb_agg(to_jsonb(own) - 'outgoing_id' - 'place' ORDER BY place)
        FROM outgoing_attachment AS own WHERE own.outgoing_id = mail.outgoing_id
    ) AS attachments"""

_STORE: LiteralString = """
INSERT INTO outgoing_attachment
    (outgoing_id, place, name, content_type, sha256, size, content_id, inline)
SELECT * FROM unnest(
    %(outgoing_id)s::uuid[], %(place)s::int[], %(name)b::text[], %(content_type)b::text[],
    %(sha256)b::text[], %(size)s::bigint[], %(content_id)b::text[], %(inline)s::bool[]
)
ON CONFLICT DO NOTHING
"""


async def store_attachments(connection: Connection, records: Sequence[OutgoingQueued]) -> None:
    """Writes the files of messages whose rows exist; those that are stored stay as they are."""
    own = [
        (record.outgoing_id, place, file)
        for record in records
        for place, file in enumerate(record.attachments)
    ]
    if not own:
        return
    columns = {
        "outgoing_id": [outgoing_id for outgoing_id, _, _ in own],
        "place": [place for _, place, _ in own],
        "name": [storable(file.name) for _, _, file in own],
        "content_type": [storable(file.content_type) for _, _, file in own],
        "sha256": [file.sha256 for _, _, file in own],
        "size": [file.size for _, _, file in own],
        "content_id": [storable(file.content_id) for _, _, file in own],
        "inline": [file.inline for _, _, file in own],
    }
    await connection.execute(_STORE, columns)


async def named_blobs(connection: Connection, hashes: Sequence[str]) -> set[str]:
    """Returns those of the hashes (SHA-256) that hold a whole message, or a file of one."""
    found = await rows(
        connection,
        "SELECT message_blob FROM outgoing_mail WHERE message_blob = ANY(%(hashes)s)"
        " UNION SELECT sha256 FROM outgoing_attachment WHERE sha256 = ANY(%(hashes)s)",
        {"hashes": list(hashes)},
    )
    return {row[0] for row in found}

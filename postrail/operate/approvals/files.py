"""Stores the files that an approval request shows its approvers."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.blobs import BlobStore
from postrail.effects.approvals.refused import RequestRefused
from postrail.message_parts import OutgoingAttachment
from postrail.notifications.said import shown_size
from postrail.operate.issues.attach import NewFile, stored


async def stored_files(
    files: Sequence[NewFile], blobs: BlobStore, max_bytes: int
) -> tuple[OutgoingAttachment, ...]:
    """Stores the contents as blobs, and returns the files as messages carry them.

    Raises RequestRefused for files that are too large for a message, and TransientError for a blob
    store that is unavailable.
    """
    size = sum(len(one.content) for one in files)
    if size > max_bytes:
        raise RequestRefused(
            f"the files have {shown_size(size)}, and {shown_size(max_bytes)} are the most"
            " (POSTRAIL_NOTIFICATIONS__LETTER_FILES_MAX_BYTES)",
            remedy="Attach fewer files, or name their place in the text",
        )
    # Blobs come before the rows that name them; without a row they are collected some day.
    parts = [await stored(one, blobs) for one in files]
    return tuple(
        OutgoingAttachment(
            name=one.name, content_type=one.content_type, sha256=one.sha256, size=one.size
        )
        for one in parts
    )

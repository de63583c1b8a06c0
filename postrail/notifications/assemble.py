"""Assembles the message of one delivery, which is the same at each attempt."""

from __future__ import annotations

from datetime import UTC

from postrail.blobs import BlobStore
from postrail.errors import PermanentError
from postrail.notifications.mime import build_message
from postrail.outgoing.content import Content


async def assemble(content: Content, blobs: BlobStore) -> bytes:
    """Returns the message, ready to be sent.

    Builds before migration 0016 queued whole messages, some of them as blobs. Raises PermanentError
    for a message that has no content at all, and as `BlobStore.get` does.
    """
    if content.text is not None:
        return _built(content, content.text)
    if content.whole_message is not None:
        return content.whole_message
    if content.message_blob is None:
        raise PermanentError("the queued record has neither a text nor a message nor a blob")
    return await blobs.get(content.message_blob)


def _built(content: Content, text: str) -> bytes:
    return build_message(
        message_id=content.message_id,
        # PostgreSQL returns times in the zone that its session has.
        date=content.queued_at.astimezone(UTC),
        from_name=content.from_name,
        from_address=content.envelope_from,
        reply_to=content.reply_to,
        to=content.recipient,
        to_name=content.name,
        subject=content.subject,
        text=text,
        in_reply_to=content.in_reply_to,
        references=content.reference_ids,
    )

"""Assembles the message of one delivery, which is the same at each attempt."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC

from postrail.blobs import BlobStore
from postrail.errors import PermanentError
from postrail.notifications.mime import build_message
from postrail.outgoing.content import Content

# Returns the bytes of an incoming message, by its mail_id (see `postrail.incoming.originals`).
ReadOriginal = Callable[[str], Awaitable[bytes]]


async def assemble(content: Content, blobs: BlobStore, original: ReadOriginal) -> bytes:
    """Returns the message, ready to be sent, with the incoming message that it forwards.

    Builds before migration 0016 queued whole messages, some of them as blobs. Raises PermanentError
    for a message that has no content at all, and as `BlobStore.get` and `original` do.
    """
    if content.text is not None:
        attached = await original(content.forwards) if content.forwards else None
        return _built(content, content.text, attached)
    if content.whole_message is not None:
        return content.whole_message
    if content.message_blob is None:
        raise PermanentError("the queued record has neither a text nor a message nor a blob")
    return await blobs.get(content.message_blob)


def _built(content: Content, text: str, original: bytes | None) -> bytes:
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
        original=original,
    )

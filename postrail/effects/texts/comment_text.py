"""Separates the new text of a message, which becomes its comment, from the rest of it."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace

from postrail.blobs import BlobMissing, BlobStore
from postrail.decision.decision import TextRules
from postrail.effects.texts.text_frame import TextFrame, frame_of
from postrail.incoming.reply_parts import blob_of, parts_from
from postrail.message_parts import ReplyParts
from postrail.observe.log import log
from postrail.people.mentions import names_in
from postrail.records import BlobReference, MailParsed
from postrail.tracker import BEGINNING_CHARACTERS

logger = log(__name__)

# A longer text stays in its blob.
BODY_MAX_CHARACTERS = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class CommentText:
    """A comment's text as its row holds it, and as the notifications quote it."""

    # "" where body_blob or reply_blob holds it.
    body: str
    body_blob: str | None = None
    quoted_text: str = ""
    signature: str = ""
    # The blob of all parts, when the quoted text and signature are too large for the row.
    reply_blob: str | None = None
    # Of a text that is not in `body`, for the search.
    beginning: str = ""
    announced: str
    # The names that the text mentions.
    mentioned: tuple[str, ...] = ()


async def comment_text(
    mail: MailParsed, rules: TextRules, blobs: BlobStore, notes: Sequence[str] = ()
) -> CommentText:
    """Returns the new text of a reply, or the whole text, with what stands around it.

    The whole text is for a message without new text, and where the rules want no stripping. The
    notes stand below it.
    """
    frame = frame_of(mail, rules, notes)
    if rules.new_text_only and not rules.ends_before:
        parts = await reply_parts(mail, blobs)
        if parts and parts.new_text.strip():
            return await _stripped(parts, mail.reply_blob, frame, blobs)
    return await _whole(mail, frame, blobs)


async def _stripped(
    parts: ReplyParts, blob: BlobReference | None, frame: TextFrame, blobs: BlobStore
) -> CommentText:
    if frame.changes:
        parts = replace(parts, new_text=frame.around(parts.new_text))
        blob = await blobs.put(blob_of(parts)) if blob else None
    new_text = parts.new_text
    if blob is None:
        return CommentText(
            body=new_text,
            quoted_text=parts.quoted_text,
            signature=parts.signature,
            announced=new_text,
            mentioned=names_in(new_text),
        )
    body = new_text if len(new_text) <= BODY_MAX_CHARACTERS else ""
    apart = parts.quoted_text or parts.signature or not body
    return CommentText(
        body=body,
        reply_blob=blob.sha256 if apart else None,
        beginning="" if body else new_text[:BEGINNING_CHARACTERS],
        announced=new_text,
        mentioned=names_in(new_text),
    )


async def _whole(mail: MailParsed, frame: TextFrame, blobs: BlobStore) -> CommentText:
    if mail.text_blob is None:
        text = frame.around(mail.text)
        return CommentText(body=text, announced=text, mentioned=names_in(text))
    text, blob = await text_in_blob(mail, blobs), mail.text_blob
    if frame.changes:
        text = frame.around(text)
        blob = await blobs.put(text.encode())
    return CommentText(
        body="",
        body_blob=blob.sha256,
        beginning=text[:BEGINNING_CHARACTERS],
        announced=text,
        mentioned=names_in(text),
    )


async def text_in_blob(mail: MailParsed, blobs: BlobStore) -> str:
    """Returns a text that is in a blob, whole; "" for other texts, and when the blob is gone."""
    if mail.text_blob is None:
        return ""
    content = await _unless_gone(mail, blobs.get(mail.text_blob.sha256))
    return (content or b"").decode(errors="replace")


async def beginning_of_text(mail: MailParsed, blobs: BlobStore) -> str:
    """Returns the beginning of a text that is in a blob, for the search; "" for other texts."""
    if mail.text_blob is None:
        return ""
    # A character has at most four bytes.
    length = min(mail.text_blob.size, 4 * BEGINNING_CHARACTERS)
    content = await _unless_gone(mail, blobs.get_beginning(mail.text_blob.sha256, length))
    return (content or b"").decode(errors="replace")[:BEGINNING_CHARACTERS]


async def reply_parts(mail: MailParsed, blobs: BlobStore) -> ReplyParts | None:
    """Returns the parts of a reply; None for a text that has one part, or whose blob is gone."""
    if mail.reply_blob is None:
        return mail.reply
    content = await _unless_gone(mail, blobs.get(mail.reply_blob.sha256))
    return None if content is None else parts_from(content)


async def _unless_gone(mail: MailParsed, content: Awaitable[bytes]) -> bytes | None:
    """Returns the blob, or None when it was removed: the message has its effect all the same."""
    try:
        return await content
    except BlobMissing as error:
        logger.warning("a text is gone", mail_id=mail.mail_id, reason=str(error))
        return None

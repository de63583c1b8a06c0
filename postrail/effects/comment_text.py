"""What a mail says as a comment: what is new in it and, apart from that, what else it holds."""

from __future__ import annotations

from dataclasses import dataclass

from postrail.blobs import BlobMissing, BlobStore
from postrail.configuration.mail_account import MailAccount
from postrail.incoming.reply_parts import parts_from
from postrail.observe.log import log
from postrail.records import BlobReference, MailParsed, ReplyParts

logger = log(__name__)

# A longer text stays in the blob that has it.
BODY_MAX_CHARACTERS = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class CommentText:
    """A comment's text as its row has it, and as the notifications tell it."""

    # "" where body_blob or reply_blob has it.
    body: str
    body_blob: str | None = None
    quoted_text: str = ""
    signature: str = ""
    # The blob of all parts, when those that are kept apart are too large for the row.
    reply_blob: str | None = None
    told: str


async def comment_text(mail: MailParsed, account: MailAccount, blobs: BlobStore) -> CommentText:
    """What is new in a reply; the whole text when nothing is, or the account wants it whole."""
    if account.strip_quotations:
        parts = mail.reply or await _large_reply(mail, blobs)
        if parts and parts.new_text.strip():
            return _stripped(parts, mail.reply_blob)
    return await _whole(mail, blobs)


def _stripped(parts: ReplyParts, blob: BlobReference | None) -> CommentText:
    new_text = parts.new_text
    if blob is None:
        return CommentText(
            body=new_text,
            quoted_text=parts.quoted_text,
            signature=parts.signature,
            told=new_text,
        )
    body = new_text if len(new_text) <= BODY_MAX_CHARACTERS else ""
    apart = parts.quoted_text or parts.signature or not body
    return CommentText(body=body, reply_blob=blob.sha256 if apart else None, told=new_text)


async def _whole(mail: MailParsed, blobs: BlobStore) -> CommentText:
    if mail.text_blob is None:
        return CommentText(body=mail.text, told=mail.text)
    content = await _content(mail, mail.text_blob, blobs) or b""
    return CommentText(
        body="", body_blob=mail.text_blob.sha256, told=content.decode(errors="replace")
    )


async def _large_reply(mail: MailParsed, blobs: BlobStore) -> ReplyParts | None:
    if mail.reply_blob is None:
        return None
    content = await _content(mail, mail.reply_blob, blobs)
    return None if content is None else parts_from(content)


async def _content(mail: MailParsed, blob: BlobReference, blobs: BlobStore) -> bytes | None:
    """The blob, or None when it is gone: the mail has its effect all the same."""
    try:
        return await blobs.get(blob.sha256)
    except BlobMissing as error:
        logger.warning("a text is gone", mail_id=mail.mail_id, reason=str(error))
        return None

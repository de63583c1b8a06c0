"""Chooses the text of a message that becomes the description of its issue."""

from __future__ import annotations

from dataclasses import dataclass

from postrail.blobs import BlobStore
from postrail.effects.texts.comment_text import (
    BODY_MAX_CHARACTERS,
    beginning_of_text,
    reply_parts,
    text_in_blob,
)
from postrail.effects.texts.text_frame import TextFrame
from postrail.incoming.calendar_text import calendar_text
from postrail.notifications.reply_marker import quotes_internal
from postrail.records import MailParsed
from postrail.tracker import BEGINNING_CHARACTERS

# Says in a description that a part of the message is missing, and how an operator finds it.
LEFT_OUT = (
    "(The rest of this message is left out, because it quotes an internal comment. Operators find"
    " the message by its id: {})"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Description:
    """A description as the row of its issue holds it."""

    # "" where the blob holds it.
    text: str
    blob: str | None = None
    # Of a text that is in the blob, for the search.
    beginning: str = ""


async def whole_text(mail: MailParsed, frame: TextFrame, blobs: BlobStore) -> Description:
    """Returns the whole text, whose quotations may be new to us, with what stands around it."""
    if mail.text_blob is None:
        return Description(text=frame.around(mail.text))
    if frame.changes:
        whole = frame.around(await text_in_blob(mail, blobs))
        blob = await blobs.put(whole.encode())
        return Description(text="", blob=blob.sha256, beginning=whole[:BEGINNING_CHARACTERS])
    beginning = await beginning_of_text(mail, blobs)
    return Description(text="", blob=mail.text_blob.sha256, beginning=beginning)


async def without_internal(mail: MailParsed, blobs: BlobStore) -> Description:
    """Returns the new text of a message that quotes an internal comment, and says what is missing.

    A forwarded message is a part of the new text, which is left out as a whole then: the answers
    above the quoted notification may be internal, too.
    """
    parts = await reply_parts(mail, blobs)
    new_text = parts.new_text.strip() if parts else ""
    # What is written in the events may be the quotation.
    events = calendar_text(mail, with_description=False)
    kept = "" if quotes_internal(new_text) else new_text[:BODY_MAX_CHARACTERS]
    return Description(
        text="\n\n".join(filter(None, [events, kept, LEFT_OUT.format(mail.mail_id)]))
    )

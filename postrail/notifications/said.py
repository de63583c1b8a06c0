"""Says what a message holds that has no text of its own: pictures, files, an invitation. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from postrail.message_parts import Attachment
from postrail.notifications.phrases.english import ENGLISH
from postrail.notifications.phrases.phrases import Phrases
from postrail.records import MailParsed

# `services.parser.record.record_maker` says so of a message of which only the header was fetched.
TOO_LARGE = "too large: only its header was fetched"
# The text that it gives to such a message begins so.
_NOTE_OF_SIZE = re.compile(r"\s*\[This mail of [\d,]+ bytes is larger than the mailbox ")
NAMES_MAX = 5
NAME_CHARACTERS = 80


def said(mail: MailParsed | None, body: str, phrases: Phrases) -> str:
    """Returns the body, or words of our own in the place of one that is blank or a note of ours."""
    if mail is not None and TOO_LARGE in mail.defects:
        return phrases.too_large.format(size=shown_size(mail.size, phrases))
    if body.strip():
        return body
    if mail is None:
        return ""
    if mail.events:
        summary = mail.events[0].summary or mail.subject
        return phrases.invitation.format(summary=_short(summary))
    if mail.attachments:
        return _files(mail.attachments, phrases)
    return phrases.no_text


def is_note_of_size(body: str) -> bool:
    """Tells whether a comment is our own note in the place of a message that was too large."""
    return bool(_NOTE_OF_SIZE.match(body))


def _files(attachments: Sequence[Attachment], phrases: Phrases) -> str:
    names = [_short(one.name) for one in attachments[:NAMES_MAX]]
    if len(attachments) > NAMES_MAX:
        names.append(f"+{len(attachments) - NAMES_MAX}")
    pictures = all(one.content_type.lower().startswith("image/") for one in attachments)
    phrase = phrases.only_pictures if pictures else phrases.only_files
    return phrase.format(names=phrases.comma.join(names))


def _short(name: str) -> str:
    line = " ".join(name.split())
    return line if len(line) <= NAME_CHARACTERS else f"{line[:NAME_CHARACTERS]}…"


def shown_size(size: int, phrases: Phrases = ENGLISH) -> str:
    """Returns a number of bytes as people write it: 12 MB."""
    amount, unit = float(size), 0
    while amount >= 1000 and unit < len(phrases.units) - 1:
        amount, unit = amount / 1000, unit + 1
    digits = 1 if unit > 0 and amount < 10 else 0
    return f"{amount:.{digits}f} {phrases.units[unit]}".replace(".", phrases.decimal_point)

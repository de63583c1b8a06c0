"""The marker in each notification that separates a reply from what it quotes. Pure."""

from __future__ import annotations

import re

from postrail.notifications.phrases import LANGUAGES

# Part of a line above every notification: text above it is new, text below it is quoted
# (`services.parser.reply`), whatever a mail program writes in between.
REPLY_MARKER = "reply above this line"
# Parts of the line in its place above a notification of an internal comment. An answer that quotes
# it is internal, too, even if a server has changed the Message-ID by which we know answers.
INTERNAL_MARKERS = tuple(phrases.internal_marker for phrases in LANGUAGES.values())
INTERNAL_MARKER = INTERNAL_MARKERS[0]
# Line ends and marks of quotation.
_BREAKS = re.compile(r"[\s>|]+")
_SPACES = re.compile(r"\s+")
_BEGINNINGS = {re.split("[:\uff1a]", one)[0].strip() for one in INTERNAL_MARKERS}
_WITHOUT_SPACES = tuple(_SPACES.sub("", one) for one in INTERNAL_MARKERS)


def quotes_internal(text: str) -> bool:
    """Tells whether this text quotes a notification of an internal comment, wrapped or not."""
    if not any(beginning in text for beginning in _BEGINNINGS):
        return False
    # Without spaces: a line is wrapped at any place in a language that writes none.
    plain = _BREAKS.sub("", text)
    return any(marker in plain for marker in _WITHOUT_SPACES)

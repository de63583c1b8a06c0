"""The marker in each notification that separates a reply from what it quotes. Pure."""

from __future__ import annotations

import re

# Part of a line above every notification: text above it is new, text below it is quoted
# (`services.parser.reply`), whatever a mail program writes in between.
REPLY_MARKER = "reply above this line"
# Part of the line in its place above a notification of an internal comment. An answer that quotes
# it is internal, too, even if a server has changed the Message-ID by which we know answers.
INTERNAL_MARKER = f"Internal: please {REPLY_MARKER}"
# Line ends and marks of quotation.
_BREAKS = re.compile(r"[\s>|]+")


def quotes_internal(text: str) -> bool:
    """Tells whether this text quotes a notification of an internal comment, wrapped or not."""
    return "Internal:" in text and INTERNAL_MARKER in _BREAKS.sub(" ", text)

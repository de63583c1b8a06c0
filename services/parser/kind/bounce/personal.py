"""Tells a person's text from a server's notice: a text in, whether it asks or greets out."""

from __future__ import annotations

import re

from services.parser.kind.bounce.words import PERSONAL

# URLs, addresses and names of hosts: "help.example/?p=1", "our-team@b.example", "mx.us.example".
NAMES = re.compile(
    r"https?://\S*[\w/]|(?<![\w.+/-])[\w.+-]++(?:@[\w.-]+|/\S*[\w/])"
    r"|(?<![\w.-])[a-z][a-z0-9-]*+(?:\.[a-z0-9-]++)+"
)
# A server's reply with the lines into which it is wrapped: "550 5.7.1 Our system has detected".
REPLY = re.compile(r"\b[45]\d\d[ -][45]\.\d\.\d{1,3}\b[^\n?]*+(?:\n[ \t]++[^\n?]++)*+")


def is_personal(text: str) -> bool:
    """Tells whether a text asks or greets, as people do."""
    return bool(PERSONAL.search(REPLY.sub(" ", NAMES.sub(" ", text))))


def asks(text: str) -> bool:
    """Tells whether a text has a question."""
    return "?" in text and "?" in NAMES.sub(" ", text)

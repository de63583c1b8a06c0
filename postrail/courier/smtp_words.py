"""Puts a server's words on one line, fit to be stored and shown."""

from __future__ import annotations

import re

import aiosmtplib

REPLY_MAX_CHARACTERS = 500

_SPACES = re.compile(r"[\s\x00-\x1f\x7f]+")


def first_word(reply: aiosmtplib.SMTPResponse) -> str:
    """Returns the first word after the code, in lower case."""
    return reply.message.strip().partition(" ")[0].partition("\n")[0].lower()


def words_of_reply(reply: aiosmtplib.SMTPResponse) -> str:
    """Returns the server's reply on one line, fit to be stored and shown."""
    return clean_words(f"{reply.code} {reply.message}")


def clean_words(words: str) -> str:
    """Returns a server's words on one line, without characters that PostgreSQL rejects."""
    printable = words.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return _SPACES.sub(" ", printable).strip()[:REPLY_MAX_CHARACTERS]


def words_of(error: Exception) -> str:
    """Returns the error's words, or its name."""
    return clean_words(str(error)) or type(error).__name__

"""The fingerprint of a message: its header, Message-ID and content in, a SHA-256 out."""

from __future__ import annotations

import hashlib

from services.parser.content.parts import Content
from services.parser.mime.headers import Header


def fingerprint_of(header: Header, message_id: str | None, content: Content) -> str:
    """Returns the same digest for the same message, through whichever mailbox it was read.

    The fields of its transport (Received, Return-Path) and its transfer encoding do not count.
    """
    parts = [
        message_id or "",
        header.value("from"),
        header.value("date"),
        header.value("subject"),
        content.text,
        # Without the unpacked files: later versions may unpack more of them.
        *(one.sha256 for one in content.attachments if not one.unpacked_from),
    ]
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        # The length before each part tells "ab", "c" from "a", "bc".
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return digest.hexdigest()

"""How much an IMAP server may have us take into memory at once (RFC 3501, 4.3: a literal)."""

from __future__ import annotations

import imaplib
from typing import Any

# Mails that are known to be larger come in pieces of a MiB; but sizes that servers tell may be
# wrong, and a server that knows no pieces gives a whole mail.
LONGEST_LITERAL = 64 * 1024 * 1024


def bound_literals(imap: Any) -> None:
    """Has this connection of imaplib end when a literal is announced that is too long."""
    read = imap.read

    def read_bounded(size: int) -> bytes:
        if size > LONGEST_LITERAL:
            raise imaplib.IMAP4.abort(f"{size} bytes at once are more than we take into memory")
        content: bytes = read(size)
        return content

    imap.read = read_bounded

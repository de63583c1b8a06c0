"""How much an IMAP server may have us take into memory for one command."""

from __future__ import annotations

import imaplib
from typing import Any

# Mails that are known to be larger come in pieces of a MiB; but sizes that servers tell may be
# wrong, a server that knows no pieces gives a whole mail, and one that is broken never ends.
LONGEST_ANSWER = 64 * 1024 * 1024


class BoundedAnswers:
    """Counts what comes over one connection of imaplib since something was sent."""

    def __init__(self, imap: Any) -> None:
        """From now on the connection ends when an answer, or a literal in it, is too long."""
        self._taken = 0
        self._send, self._read, self._readline = imap.send, imap.read, imap.readline
        imap.send, imap.read, imap.readline = self.send, self.read, self.readline

    def send(self, data: bytes) -> None:
        """Another command, or a part of one."""
        self._taken = 0
        self._send(data)

    def read(self, size: int) -> bytes:
        """A literal; its size is the server's word."""
        self._take(size)
        content: bytes = self._read(size)
        return content

    def readline(self) -> bytes:
        """A line, which imaplib bounds."""
        line: bytes = self._readline()
        self._take(len(line))
        return line

    def _take(self, size: int) -> None:
        self._taken += size
        if self._taken > LONGEST_ANSWER:
            raise imaplib.IMAP4.abort(f"{self._taken} bytes at once are more than we take")

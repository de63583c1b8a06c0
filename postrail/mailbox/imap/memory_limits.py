"""Limits the memory that the answer to one IMAP command may take."""

from __future__ import annotations

import imaplib
from typing import Any

# Messages that are known to be larger are read in chunks of 1 MiB; but the reported sizes may be
# wrong, some servers send the whole message at once, and the answer of a broken one may not end.
LONGEST_ANSWER = 64 * 1024 * 1024


class BoundedAnswers:
    """Counts the bytes that came over one connection of imaplib since we sent something."""

    def __init__(self, imap: Any) -> None:
        """Ends the connection from now on when an answer, or a literal in it, is too long."""
        self._received = 0
        self._send, self._read, self._readline = imap.send, imap.read, imap.readline
        imap.send, imap.read, imap.readline = self.send, self.read, self.readline

    def send(self, data: bytes) -> None:
        """Sends a command, or a part of one, and starts to count again."""
        self._received = 0
        self._send(data)

    def read(self, size: int) -> bytes:
        """Reads a literal of the size that the server announced."""
        self._count(size)
        content: bytes = self._read(size)
        return content

    def readline(self) -> bytes:
        """Reads a line, whose length imaplib limits."""
        line: bytes = self._readline()
        self._count(len(line))
        return line

    def _count(self, size: int) -> None:
        self._received += size
        if self._received > LONGEST_ANSWER:
            raise imaplib.IMAP4.abort(f"{self._received} bytes at once are more than we accept")

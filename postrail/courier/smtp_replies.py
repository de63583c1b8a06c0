"""Counts a server's replies: one that nobody asked for would be taken for the next command's."""

from __future__ import annotations

import asyncio
from collections import deque

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol

# More is kept of no line, and of no more lines: they are for people to read.
LINE_MAX_BYTES = 500
LINES_MAX = 20


class OutOfStep(aiosmtplib.SMTPException):
    """The server's replies do not belong to our commands, so none of them can be believed."""


class Replies(asyncio.Protocol):
    """Stands before the library's protocol and notes the last line of each reply."""

    def __init__(self, protocol: SMTPProtocol) -> None:
        self._protocol = protocol
        self._partial = b""
        self._unread: deque[bytes] = deque(maxlen=LINES_MAX)

    def take(self) -> None:
        """Takes the reply that the library has just returned off the list."""
        if self._unread:
            self._unread.popleft()

    @property
    def unasked(self) -> list[str]:
        """Returns the replies that belong to no command, while no command awaits its reply."""
        lines = [*self._unread, self._partial]
        # RFC 5321, 3.8: a server may say at any time that it is about to close the connection.
        others = [line for line in lines if line and line[:3] != b"421"]
        return [line.decode("utf-8", "replace").strip() for line in others]

    def require_none(self) -> None:
        """Raises OutOfStep if the server has sent a reply that belongs to no command."""
        if unasked := self.unasked:
            raise OutOfStep(f"the server sent a reply that nobody asked for: {unasked[0]}")

    def data_received(self, data: bytes) -> None:
        """Notes the replies, and passes the data on."""
        *lines, rest = (self._partial + data).split(b"\n")
        self._partial = rest[:LINE_MAX_BYTES]
        self._unread += [line[:LINE_MAX_BYTES] for line in lines if line[3:4] != b"-"]
        self._protocol.data_received(data)

    def eof_received(self) -> bool:
        """Passes the event on."""
        return self._protocol.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Passes the event on."""
        self._protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        """Passes the event on."""
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """Passes the event on."""
        self._protocol.resume_writing()


def watch(client: aiosmtplib.SMTP) -> Replies | None:
    """Notes the replies on the client's connection from now on; None if it is lost already."""
    protocol = client.protocol
    if protocol is None or protocol.transport is None:
        return None
    replies = Replies(protocol)
    protocol.transport.set_protocol(replies)
    return replies

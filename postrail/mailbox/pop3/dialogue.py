"""Speaks POP3 (RFC 1939) over one connection: sends commands, reads answers. Blocking.

It does not use poplib, which refuses the lines of more than 2,048 bytes that messages have, holds
every listing in memory, and distinguishes a refusal from a broken connection only by the text of
its error.
"""

from __future__ import annotations

import base64
import contextlib
import io
import socket
import ssl
from collections.abc import Iterator
from typing import cast

from postrail.mailbox.pop3.dialogue_log import Pop3DialogueLog
from postrail.mailbox.spool import CHUNK_BYTES

READ_AHEAD_BYTES = 64 * 1024
# RFC 2449, 4, allows 512 bytes; some servers send more.
LONGEST_ANSWER = 64 * 1024
LONGEST_PART = 64 * 1024
# Enough for half a million messages with the longest unique ids.
LONGEST_LISTING = 64 * 1024 * 1024
# RFC 5034, 4: a longer initial response is sent on a line of its own.
LONGEST_COMMAND = 255


class Refused(Exception):
    """The server answered -ERR, with this text."""

    # The challenge of SASL that came before, if any.
    challenge = b""


class NotPop3(Exception):
    """The server's answer is neither +OK nor -ERR."""


class Dialogue:
    """Sends and reads on one socket.

    Raises Refused, NotPop3, EOFError when the server ends the connection, and OSError.
    """

    def __init__(self, connection: socket.socket, log: Pop3DialogueLog | None = None) -> None:
        self._socket = connection
        self._log = log
        self._file: io.BufferedReader | None = None
        self._line_end = b"\r\n"

    def greeting(self) -> str:
        """Reads the greeting, which also shows whether the server ends lines with CRLF or LF.

        From a server that ends lines with CRLF, a lone LF in a message begins no line, so that a
        dot after it does not cut the message short.
        """
        line = self._answer_line()
        self._line_end = b"\r\n" if line.endswith(b"\r\n") else b"\n"
        return _require_ok(line)

    def encrypt(self, context: ssl.SSLContext, host: str) -> None:
        """Starts TLS; discards what the server sent unasked before that (RFC 2595, 4)."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._socket = context.wrap_socket(self._socket, server_hostname=host)

    @property
    def encrypted(self) -> bool:
        """Tells whether TLS was started."""
        return isinstance(self._socket, ssl.SSLSocket)

    def ask(self, command: str) -> str:
        """Sends a command; returns the line that answers it."""
        if self._log is not None:
            self._log.sent(command)
        self._socket.sendall(command.encode() + b"\r\n")
        return _require_ok(self._answer_line())

    def lines(self, command: str) -> Iterator[bytes]:
        """Sends a command; yields the lines that follow its answer, with their ends as they came.

        A line of more than LONGEST_PART comes in parts, so that it cannot fill the memory.
        """
        self.ask(command)
        last = b"." + self._line_end
        # The last bytes that were read, as a part may end between CR and LF.
        tail = self._line_end
        while True:
            line = self._reader.readline(LONGEST_PART)
            if not line.endswith(b"\n") and len(line) < LONGEST_PART:
                raise EOFError("the connection ended within an answer")
            begins = tail.endswith(self._line_end)
            if begins and line == last:
                return
            tail = (tail + line)[-len(self._line_end) :]
            yield line[1:] if begins and line.startswith(b"..") else line

    def listing(self, command: str) -> Iterator[bytes]:
        """Yields as `lines` does, and raises NotPop3 when it is too long to be held in memory."""
        size = 0
        for line in self.lines(command):
            size += len(line)
            if size > LONGEST_LISTING:
                raise NotPop3(f"more than {LONGEST_LISTING} bytes to {command}")
            yield line

    def chunks(self, command: str) -> Iterator[bytes]:
        """Sends a command; yields the message that follows, by at least one chunk.

        Chunks of about 1 MiB, cut at line ends.
        """
        chunk = io.BytesIO()
        for line in self.lines(command):
            if chunk.tell() >= CHUNK_BYTES:
                yield chunk.getvalue()
                chunk = io.BytesIO()
            chunk.write(line)
        yield chunk.getvalue()

    def authenticate(self, mechanism: str, response: bytes, cancelled: bytes = b"") -> None:
        """Logs in by a SASL mechanism of one step (RFC 5034).

        A server may explain a refused token by a challenge, which is answered by `cancelled`.
        """
        initial = _base64(response)
        if len(f"AUTH {mechanism} {initial}\r\n") <= LONGEST_COMMAND:
            answer = self.ask(f"AUTH {mechanism} {initial}")
        else:
            self.ask(f"AUTH {mechanism}")
            answer = self.ask(initial)
        if answer.upper().startswith("+OK"):
            return
        try:
            answer = self.ask(_base64(cancelled))
        except Refused as error:
            error.challenge = answer[1:].strip().encode()
            raise
        if not answer.upper().startswith("+OK"):
            raise Refused(answer)

    def fileno(self) -> int:
        """Returns the socket's descriptor."""
        return self._socket.fileno()

    def interrupt(self) -> None:
        """Shuts the socket down while another thread may be reading from it."""
        with contextlib.suppress(OSError):
            # Not SSLSocket's own shutdown, which changes the object that the other thread uses.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Releases the socket."""
        if self._file is not None:
            self._file.close()
        self._socket.close()

    @property
    def _reader(self) -> io.BufferedReader:
        if self._file is None:
            file = self._socket.makefile("rb", READ_AHEAD_BYTES)
            self._file = cast("io.BufferedReader", file)
        return self._file

    def _answer_line(self) -> bytes:
        line = self._reader.readline(LONGEST_ANSWER)
        if not line.endswith(b"\n"):
            raise EOFError("the connection ended before an answer")
        if self._log is not None:
            self._log.received(line)
        return line


def _base64(words: bytes) -> str:
    return base64.b64encode(words).decode("ascii")


def _require_ok(line: bytes) -> str:
    words = line.decode("utf-8", "backslashreplace").strip()
    if words.startswith("+"):
        return words
    if words[:4].upper() == "-ERR":
        raise Refused(words[4:].strip() or words)
    raise NotPop3(words or "an empty line")

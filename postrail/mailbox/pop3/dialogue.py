"""One connection that speaks POP3 (RFC 1939): commands go out, answers come in. Blocking.

poplib is no base for it: it refuses lines of more than 2,048 bytes, which mails have, holds every
listing in memory, and tells a refusal from a broken connection by the words of its error only.
"""

from __future__ import annotations

import base64
import contextlib
import io
import socket
import ssl
from collections.abc import Iterator
from typing import cast

from postrail.mailbox.pop3.dialogue_log import Listener
from postrail.mailbox.spool import CHUNK_BYTES

READ_AHEAD_BYTES = 64 * 1024
# RFC 2449, 4, allows 512 bytes; servers are wordier.
LONGEST_ANSWER = 64 * 1024
LONGEST_PART = 64 * 1024
# More than half a million mails by the longest unique ids.
LONGEST_LISTING = 64 * 1024 * 1024
# RFC 5034, 4: a command with a longer initial response has to send it by itself.
LONGEST_COMMAND = 255


class Refused(Exception):
    """The server answered -ERR, with these words."""

    # What it said before, as a challenge of SASL.
    challenge = b""


class NotPop3(Exception):
    """The server answered what is neither +OK nor -ERR."""


class Dialogue:
    """Asks and reads on one socket.

    Raises Refused, NotPop3, EOFError when the server ends the connection, and OSError.
    """

    def __init__(self, connection: socket.socket, listener: Listener | None = None) -> None:
        self._socket = connection
        self._listener = listener
        self._file: io.BufferedReader | None = None
        self._line_end = b"\r\n"

    def greeting(self) -> str:
        """Reads what the server says first; whether it ends its lines as RFC 1939 wants shows here.

        A lone LF in a mail from a server that ends lines with CRLF begins no line, so that no dot
        behind it cuts the mail short.
        """
        line = self._answer_line()
        self._line_end = b"\r\n" if line.endswith(b"\r\n") else b"\n"
        return _judged(line)

    def encrypt(self, context: ssl.SSLContext, host: str) -> None:
        """Speaks TLS from now on; what came before that unasked is thrown away (RFC 2595, 4)."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._socket = context.wrap_socket(self._socket, server_hostname=host)

    @property
    def encrypted(self) -> bool:
        """Whether TLS is spoken."""
        return isinstance(self._socket, ssl.SSLSocket)

    def ask(self, command: str) -> str:
        """Sends a command; returns the line that answers it."""
        if self._listener is not None:
            self._listener.sent(command)
        self._socket.sendall(command.encode() + b"\r\n")
        return _judged(self._answer_line())

    def lines(self, command: str) -> Iterator[bytes]:
        """Sends a command; gives the lines that follow its answer, with their ends as they came.

        A very long line comes in parts, so that nobody fills our memory with one.
        """
        self.ask(command)
        last = b"." + self._line_end
        # The end of what came before: a part may end within the end of a line.
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
        """As `lines`, for what has to be held in memory; raises NotPop3 when it does not end."""
        size = 0
        for line in self.lines(command):
            size += len(line)
            if size > LONGEST_LISTING:
                raise NotPop3(f"more than {LONGEST_LISTING} bytes to {command}")
            yield line

    def pieces(self, command: str) -> Iterator[bytes]:
        """Sends a command; gives what follows its answer, byte by byte as it is in the mail.

        Up to a MiB is one piece; the others have a MiB, and are longer by what a line is.
        """
        piece = io.BytesIO()
        for line in self.lines(command):
            if piece.tell() >= CHUNK_BYTES:
                yield piece.getvalue()
                piece = io.BytesIO()
            piece.write(line)
        yield piece.getvalue()

    def authenticate(self, mechanism: str, response: bytes, cancelled: bytes = b"") -> None:
        """Logs in by a SASL mechanism of one step (RFC 5034).

        What a server says of a refused token is a challenge, to be answered by `cancelled`.
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
        """The socket's."""
        return self._socket.fileno()

    def interrupt(self) -> None:
        """Shuts the socket down under whatever another thread reads from it."""
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
            raise EOFError("the connection ended instead of an answer")
        if self._listener is not None:
            self._listener.received(line)
        return line


def _base64(words: bytes) -> str:
    return base64.b64encode(words).decode("ascii")


def _judged(line: bytes) -> str:
    words = line.decode("utf-8", "backslashreplace").strip()
    if words.startswith("+"):
        return words
    if words[:4].upper() == "-ERR":
        raise Refused(words[4:].strip() or words)
    raise NotPop3(words or "an empty line")

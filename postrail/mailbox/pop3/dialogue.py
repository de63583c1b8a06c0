"""Speaks POP3 (RFC 1939) over one connection: sends commands, reads answers. Blocking.

It does not use poplib, which refuses the lines of more than 2,048 bytes that messages have, holds
every listing in memory, and distinguishes a refusal from a broken connection only by the text of
its error.
"""

from __future__ import annotations

import base64
import contextlib
import io
import re
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
LONGEST_WORDS = 200
OK = re.compile(r"\+OK(?![A-Z0-9])", re.IGNORECASE)
CHALLENGE = re.compile(r"\+(?: |$)")
# RFC 5034, 4: a longer initial response is sent on a line of its own.
LONGEST_COMMAND = 255


class Refused(Exception):
    """The server answered -ERR, with this text."""

    # The challenge of SASL that came before, if any.
    challenge = b""


class NotPop3(Exception):
    """The server's answer is neither +OK nor -ERR."""


class OutOfStep(NotPop3):
    """The server sends more than was asked for: what is read next may be part of a message."""


class Dialogue:
    """Sends and reads on one socket.

    Raises Refused, NotPop3, EOFError when the server ends the connection, and OSError.
    """

    def __init__(self, connection: socket.socket, log: Pop3DialogueLog | None = None) -> None:
        self._socket = connection
        self._log = log
        self._file: io.BufferedReader | None = None
        self._line_end = b"\r\n"
        self._in_step = False
        # From the first message on, a line that is no answer may be part of a message.
        self._messages_asked = False

    def greeting(self) -> str:
        """Reads the greeting, which also shows whether the server ends lines with CRLF or LF.

        From a server that ends lines with CRLF, a lone LF in a message begins no line, so that a
        dot after it does not cut the message short.
        """
        line = self._answer_line()
        self._line_end = b"\r\n" if line.endswith(b"\r\n") else b"\n"
        return self._require_ok(line)

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

    @property
    def in_step(self) -> bool:
        """Tells whether the last command was answered, and its answer read to its end."""
        return self._in_step

    def require_in_step(self) -> None:
        """Raises OutOfStep when the server has sent what no command asked for.

        A line of one dot that a server did not double ends a message early, and its rest follows.
        """
        if self._surplus():
            self._in_step = False
            raise OutOfStep("more than was asked for")

    def require_whole(self, read: int, listed: int | None) -> None:
        """Raises OutOfStep unless the message that was just read, of `read` bytes, is whole.

        The sizes of LIST are estimates on some servers (Exchange), so another size is a reason to
        look closer: what is left of a message comes before the answers to NOOP. A message that is
        too short may hold the line "+OK" there, but hardly two of them and nothing else.
        """
        probes = 0 if read == listed else 1 if listed is not None and read > listed else 2
        for _ in range(probes):
            self.require_in_step()
            self._probe()
        self.require_in_step()

    def _probe(self) -> None:
        self._send("NOOP")
        line = self._answer_line(shows_words=False)
        try:
            self._require_ok(line)
        except Refused:
            # An answer all the same, of a server that lacks NOOP.
            return
        except NotPop3 as error:
            raise OutOfStep(str(error)) from None

    def _surplus(self) -> bool:
        """Tells whether anything has arrived that was not read yet."""
        timeout = self._socket.gettimeout()
        self._socket.settimeout(0)
        try:
            return bool(self._reader.peek(1))
        except (ssl.SSLWantReadError, BlockingIOError):
            return False
        finally:
            self._socket.settimeout(timeout)

    def ask(self, command: str, *, challenged: bool = False) -> str:
        """Sends a command; returns the line that answers it.

        `challenged` accepts the challenge of a login, which begins with a plus sign alone.
        """
        self._send(command)
        return self._require_ok(self._answer_line(), challenged=challenged)

    def _send(self, command: str) -> None:
        self._in_step = False
        if self._log is not None:
            self._log.sent(command)
        self._socket.sendall(command.encode() + b"\r\n")

    def lines(self, command: str) -> Iterator[bytes]:
        """Sends a command; yields the lines that follow its answer, with their ends as they came.

        A line of more than LONGEST_PART comes in parts, so that it cannot fill the memory.
        """
        self.ask(command)
        self._in_step = False
        last = b"." + self._line_end
        # The last bytes that were read, as a part may end between CR and LF.
        tail = self._line_end
        while True:
            line = self._reader.readline(LONGEST_PART)
            if not line.endswith(b"\n") and len(line) < LONGEST_PART:
                raise EOFError("the connection ended within an answer")
            begins = tail.endswith(self._line_end)
            if begins and line == last:
                self._in_step = True
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
        self._messages_asked = True
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
            answer = self.ask(f"AUTH {mechanism} {initial}", challenged=True)
        else:
            self.ask(f"AUTH {mechanism}", challenged=True)
            answer = self.ask(initial, challenged=True)
        if answer.upper().startswith("+OK"):
            return
        try:
            answer = self.ask(_base64(cancelled), challenged=True)
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

    def _answer_line(self, *, shows_words: bool = True) -> bytes:
        line = self._reader.readline(LONGEST_ANSWER)
        if not line.endswith(b"\n"):
            raise EOFError("the connection ended before an answer")
        if self._log is not None:
            self._log.received(line if shows_words else line[: len("+OK")])
        return line

    def _require_ok(self, line: bytes, *, challenged: bool = False) -> str:
        """Returns the words of an answer; raises Refused, or NotPop3 for what is no answer."""
        words = line.decode("utf-8", "backslashreplace").strip()
        if OK.match(words) or (challenged and CHALLENGE.match(words)):
            self._in_step = True
            return words
        if words[:4].upper() == "-ERR":
            self._in_step = True
            raise Refused(words[4:].strip()[:LONGEST_WORDS] or words)
        if self._messages_asked:
            raise NotPop3(f"a line of {len(line)} bytes that begins with neither +OK nor -ERR")
        raise NotPop3(words[:LONGEST_WORDS] or "an empty line")


def _base64(words: bytes) -> str:
    return base64.b64encode(words).decode("ascii")

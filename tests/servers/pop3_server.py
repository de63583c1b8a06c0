"""A POP3 server that lacks, breaks and refuses what Dovecot would not.

    with Pop3Server() as server:
        server.add(b"Subject: one\\r\\n\\r\\n")
        server.ids = None                        # without UIDL
        server.answers["RETR 1"] = b"-ERR gone\\r\\n"
        server.cuts["RETR 2"] = 100              # cuts the connection after 100 bytes

As in RFC 1939, messages that DELE marked are removed by QUIT only.
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from postrail.embedded.ports import LOOPBACK


class Cut(Exception):
    """Ends the connection here."""


class Pop3Server:
    """The mailbox and its misbehaviour; any user may log in with any password."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        # Each message's unique id; None: the server has no UIDL.
        self.ids: list[bytes] | None = []
        # None: the server has no CAPA.
        self.capabilities: list[str] | None = ["USER", "UIDL", "TOP"]
        self.greeting = b"+OK ready\r\n"
        self.line_end = b"\r\n"
        self.knows_top = True
        # Whether a line that begins with a dot gets another one, as RFC 1939, 3, asks.
        self.doubles_dots = True
        # The size that LIST gives instead of the true one.
        self.listed_size: int | None = None
        # Answers that are given instead of the true ones, by the beginning of the command.
        self.answers: dict[str, bytes] = {}
        self.cuts: dict[str, int] = {}
        # Messages whose retrieval ends the connection, at whatever number they are.
        self.deadly: set[bytes] = set()
        # Every line that clients sent, without passwords.
        self.log: list[str] = []
        self._server = _Listener(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def port(self) -> int:
        """Returns its port on loopback."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def add(self, *mails: bytes) -> None:
        """Adds messages with unique ids of their own."""
        for mail in mails:
            self.mails.append(mail)
            if self.ids is not None:
                self.ids.append(b"id-%d" % len(self.log) + b"-%d" % len(self.mails))

    def done(self, verb: str) -> list[str]:
        """Returns the commands of this kind that were given, in order."""
        return [line for line in self.log if line.split()[:1] == [verb]]


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, state: Pop3Server) -> None:
        self.state = state
        super().__init__((LOOPBACK, 0), _Session)


class _Session(socketserver.StreamRequestHandler):
    """One connection."""

    server: _Listener

    def setup(self) -> None:
        super().setup()
        self._state = self.server.state
        self._marked: set[int] = set()
        self._command = ""

    def handle(self) -> None:
        with contextlib.suppress(OSError, Cut):
            self._send(self._state.greeting)
            for line in self.rfile:
                self._command = line.decode("utf-8", "replace").strip()
                verb, _, argument = self._command.partition(" ")
                self._state.log.append("PASS" if verb == "PASS" else self._command)
                self._answer(verb.upper(), argument)
                if verb == "QUIT":
                    return

    def _answer(self, verb: str, argument: str) -> None:
        for beginning, answer in self._state.answers.items():
            if self._command.startswith(beginning):
                self._send(answer)
                return
        known: dict[str, Callable[[str], None]] = {
            "CAPA": self._capa,
            "UIDL": self._uidl,
            "LIST": self._list,
            "RETR": self._retr,
            "TOP": self._top,
            "DELE": self._dele,
            "NOOP": lambda _: self._ok(),
            "QUIT": self._quit,
        }
        if verb in ("USER", "PASS", "AUTH"):
            self._ok()
        elif verb in known:
            known[verb](argument)
        else:
            self._send(b"-ERR unknown command\r\n")

    def _capa(self, argument: str) -> None:
        if self._state.capabilities is None:
            self._send(b"-ERR unknown command\r\n")
        else:
            self._lines([name.encode() for name in self._state.capabilities])

    def _uidl(self, argument: str) -> None:
        if self._state.ids is None:
            self._send(b"-ERR unknown command\r\n")
        else:
            self._lines([b"%d %s" % place for place in enumerate(self._state.ids, 1)])

    def _list(self, argument: str) -> None:
        told = self._state.listed_size
        sizes = [len(mail) if told is None else told for mail in self._state.mails]
        self._lines([b"%d %d" % place for place in enumerate(sizes, 1)])

    def _retr(self, argument: str) -> None:
        mail = self._state.mails[int(argument) - 1]
        if mail in self._state.deadly:
            self.connection.shutdown(socket.SHUT_RDWR)
            raise Cut
        self._mail(mail)

    def _top(self, argument: str) -> None:
        if not self._state.knows_top:
            self._send(b"-ERR unknown command\r\n")
        else:
            mail = self._state.mails[int(argument.split()[0]) - 1]
            self._mail(mail.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")

    def _dele(self, argument: str) -> None:
        self._marked.add(int(argument) - 1)
        self._ok()

    def _quit(self, argument: str) -> None:
        for kept in (self._state.mails, self._state.ids):
            if kept is not None:
                kept[:] = [one for place, one in enumerate(kept) if place not in self._marked]
        self._ok()

    def _ok(self) -> None:
        self._send(b"+OK" + self._state.line_end)

    def _lines(self, lines: list[bytes]) -> None:
        self._mail(b"".join(line + b"\r\n" for line in lines))

    def _mail(self, content: bytes) -> None:
        dots = b".." if self._state.doubles_dots else b"."
        stuffed = (b"\r\n" + content).replace(b"\r\n.", b"\r\n" + dots)[2:] + b".\r\n"
        self._send(b"+OK" + self._state.line_end + stuffed.replace(b"\r\n", self._state.line_end))

    def _send(self, answer: bytes) -> None:
        for beginning, size in self._state.cuts.items():
            if self._command.startswith(beginning):
                self.wfile.write(answer[:size])
                self.connection.shutdown(socket.SHUT_RDWR)
                raise Cut
        self.wfile.write(answer)

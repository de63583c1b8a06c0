"""An IMAP server whose answers to FETCH a test makes, which no real server would give.

server = ImapServer({7: b"Subject: one\\r\\n\\r\\n"})
server.fetch = lambda server, ask: …      # what is sent before "OK done"
with server.serving() as port: …
"""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.servers.scripted_server import serving

UID_FETCH = re.compile(rb"(?i)UID FETCH (\S+) (.*)")


@dataclass(frozen=True, slots=True)
class Ask:
    """A UID FETCH: the messages that exist, and the items as they were sent."""

    uids: list[int]
    items: str

    @property
    def content(self) -> bool:
        """Tells whether it asks for whole messages in one piece."""
        return "BODY.PEEK[]" in self.items and "<" not in self.items

    @property
    def bracketed(self) -> bool:
        """Tells whether the items are a list."""
        return self.items.startswith("(")


@dataclass
class ImapServer:
    """The folder; it survives connections. Any user may log in with any password."""

    messages: dict[int, bytes]
    uid_validity: int = 7
    # None: one above all messages.
    uid_next: int | None = None
    # Gives the answers to a FETCH, and the line that ends it.
    fetch: Callable[[ImapServer, Ask], bytes] = field(default=lambda server, ask: server.full(ask))
    asks: list[Ask] = field(default_factory=list)
    logins: int = 0
    # Every line that clients sent.
    log: list[bytes] = field(default_factory=list)

    @contextlib.contextmanager
    def serving(self) -> Iterator[int]:
        """Yields its port while it serves."""
        with serving(self._session) as port:
            yield port

    def place(self, uid: int) -> int:
        """Returns the sequence number of a message."""
        return sorted(self.messages).index(uid) + 1

    def full(self, ask: Ask, *uids: int) -> bytes:
        """Returns the answer that is right, for all or some of the messages asked for."""
        answers = [self.answer(uid, ask.items) for uid in uids or ask.uids]
        return b"".join(answers) + b"@ OK done\r\n"

    def answer(self, uid: int, items: str, *, named: bool = True, place: int = 0) -> bytes:
        """Returns one message's answer; without UID when it is not `named`."""
        head = b"* %d FETCH (" % (place or self.place(uid)) + (b"UID %d " % uid) * named
        return head + b" ".join(self._items(uid, items)) + b")\r\n"

    def _items(self, uid: int, items: str) -> Iterator[bytes]:
        content = self.messages[uid]
        header, _, text = content.partition(b"\r\n\r\n")
        for item in items.strip("()").split():
            if found := re.fullmatch(r"BODY\.PEEK\[(\w*)\](?:<(\d+)\.(\d+)>)?", item):
                part = {"": content, "HEADER": header + b"\r\n\r\n", "TEXT": text}[found[1]]
                place = b""
                if found[2]:
                    part = part[int(found[2]) :][: int(found[3])]
                    place = b"<%s>" % found[2].encode()
                yield b"BODY[%s]%s {%d}\r\n" % (found[1].encode(), place, len(part)) + part
            elif item == "RFC822.SIZE":
                yield b"RFC822.SIZE %d" % len(content)
            elif item == "INTERNALDATE":
                yield b'INTERNALDATE "01-Jan-2026 00:00:00 +0000"'

    def _session(self, connection: socket.socket) -> None:
        connection.sendall(b"* OK ready\r\n")
        for line in connection.makefile("rb"):
            self.log.append(line)
            tag, _, command = line.strip().partition(b" ")
            if command.upper() == b"LOGOUT":
                connection.sendall(b"* BYE\r\n" + tag + b" OK done\r\n")
                return
            answer = self._answer(command)
            if not answer:
                return
            connection.sendall(answer.replace(b"@", tag))

    def _answer(self, command: bytes) -> bytes:
        verb = command.split()[0].upper()
        if found := UID_FETCH.match(command):
            ask = Ask(self._uids(found[1]), found[2].decode())
            self.asks.append(ask)
            return self.fetch(self, ask)
        if b"SEARCH" in command.upper():
            criteria = command.upper().split()
            ranges = criteria[criteria.index(b"UID", 1) + 1]
            numbers = b" ".join(b"%d" % uid for uid in self._uids(ranges))
            return b"* SEARCH " + numbers + b"\r\n@ OK done\r\n"
        if verb == b"CAPABILITY":
            return b"* CAPABILITY IMAP4rev1\r\n@ OK done\r\n"
        self.logins += verb == b"LOGIN"
        if verb in (b"SELECT", b"EXAMINE"):
            following = self.uid_next or max(self.messages, default=0) + 1
            return (
                b"* %d EXISTS\r\n* OK [UIDVALIDITY %d] fixed\r\n* OK [UIDNEXT %d] next\r\n"
                % (len(self.messages), self.uid_validity, following)
            ) + b"@ OK [READ-WRITE] done\r\n"
        return b"@ OK done\r\n"

    def _uids(self, ranges: bytes) -> list[int]:
        found = set()
        for each in ranges.decode().split(","):
            first, _, last = each.partition(":")
            top = max(self.messages, default=0)
            end = top if last == "*" else int(last or first)
            low, high = sorted((int(first), end))
            found |= {uid for uid in self.messages if low <= uid <= high}
        return sorted(found)

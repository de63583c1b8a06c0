"""A mailbox in memory, with the faults of real ones."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from postrail.mailbox import ListedMail, MailboxUnavailable, MailUnreadable, ReadMail
from postrail.mailbox.spool import Spool

RECEIVED_AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class MemoryServer:
    """The messages on a mail server and its faults; it survives connections."""

    uid_validity: int = 7
    # What the server reports as UIDNEXT, if it does.
    uid_next: int = 0
    mails: dict[int, bytes] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    # Messages that the server refuses to deliver, and those that make it break the connection.
    refused: set[int] = field(default_factory=set)
    deadly: set[int] = field(default_factory=set)
    deadly_to_list: set[int] = field(default_factory=set)
    # Raised by the next calls of `open`, one each.
    open_faults: list[Exception] = field(default_factory=list)
    may_mark: bool = True
    # As with POP3, whose deletions take effect at the end of the session.
    finishes_at_rest: bool = False
    can_idle: bool = False
    idling: MemoryMailbox | None = None
    # The spools that large messages were read to.
    spools: list[Spool] = field(default_factory=list)
    # The calls of the clients: ("read", (1, 2)), ("seen", (1, 2)), ("open", ()), ...
    log: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)

    def add(self, *contents: bytes) -> None:
        """Adds messages with the next numbers."""
        for content in contents:
            self.mails[max(self.mails, default=0) + 1] = content

    def done(self, what: str) -> list[tuple[int, ...]]:
        """Returns the numbers of each call of this kind, in order."""
        return [uids for kind, uids in self.log if kind == what]


class MemoryMailbox:
    """One connection to a MemoryServer; implements the role Mailbox."""

    single_connection_polls = False

    def __init__(self, server: MemoryServer) -> None:
        self._server = server
        self._sockets: tuple[socket.socket, ...] = ()
        self._open = False
        self._unsettled: set[int] = set()

    def open(self) -> int:
        self._server.log.append(("open", ()))
        if self._server.open_faults:
            raise self._server.open_faults.pop(0)
        self._open = True
        return self._server.uid_validity

    @property
    def uid_next(self) -> int:
        return self._server.uid_next

    def list_after(self, uid: int, *, with_sizes: bool = True) -> list[ListedMail]:
        self._check()
        if with_sizes and any(number > uid for number in self._server.deadly_to_list):
            self._open = False
            raise MailboxUnavailable("the server broke off the connection")
        return [
            ListedMail(number, len(content) if with_sizes else None)
            for number, content in sorted(self._server.mails.items())
            if number > uid
        ]

    def held(self, last: int) -> list[ListedMail]:
        self._check()
        return [ListedMail(uid, None) for uid in sorted(self._server.mails) if uid <= last]

    def read(self, uids: Sequence[int]) -> list[ReadMail]:
        self._check()
        self._server.log.append(("read", tuple(uids)))
        if self._server.deadly & set(uids):
            self._open = False
            raise MailboxUnavailable("the server broke off the connection")
        if self._server.refused & set(uids):
            raise MailUnreadable("the server does not deliver it")
        mails = self._server.mails
        return [ReadMail(uid, mails[uid], RECEIVED_AT) for uid in uids if uid in mails]

    def read_to_spool(self, mail: ListedMail) -> ReadMail | None:
        mails = self.read([mail.uid])
        if not mails:
            return None
        spool = Spool()
        self._server.spools.append(spool)
        spool.write(mails[0].content)
        return ReadMail(mail.uid, b"", RECEIVED_AT, spool=spool)

    def read_header(self, mail: ListedMail) -> ReadMail | None:
        self._check()
        self._server.log.append(("header", (mail.uid,)))
        if mail.uid not in self._server.mails:
            return None
        header = self._server.mails[mail.uid].partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        return ReadMail(mail.uid, header, RECEIVED_AT, full_size=mail.size)

    def unfinished_between(self, first: int, last: int) -> list[ListedMail]:
        self._check()
        mails, seen = self._server.mails, self._server.seen
        found = [uid for uid in sorted(mails) if first <= uid <= last and uid not in seen]
        return [ListedMail(uid, None) for uid in found]

    def finish(self, uids: Sequence[int]) -> bool:
        self._check()
        if not self._server.may_mark:
            raise MailUnreadable("the server lets us read only")
        self._server.log.append(("seen", tuple(uids)))
        if self._server.finishes_at_rest:
            self._unsettled |= set(uids)
            return False
        self._server.seen |= set(uids)
        return True

    def rest(self) -> None:
        self._check()
        self._server.seen |= self._unsettled
        self._unsettled = set()

    @property
    def can_idle(self) -> bool:
        return self._server.can_idle

    def start_idle(self) -> bool:
        self._check()
        if not self._sockets:
            self._sockets = socket.socketpair()
        self._server.idling = self
        return True

    def stop_idle(self) -> None:
        self._server.idling = None
        self._check()

    def announce(self) -> None:
        """Makes the socket readable, as an answer of the server does."""
        self._sockets[1].send(b"!")

    def fileno(self) -> int:
        return self._sockets[0].fileno()

    def interrupt(self) -> None:
        self._open = False

    def close(self) -> None:
        self._open = False
        for end in self._sockets:
            end.close()

    def _check(self) -> None:
        if not self._open:
            raise MailboxUnavailable("the connection is closed")
